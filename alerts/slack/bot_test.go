package slack

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reputed/alerts"
	"reputed/alerts/alertstest"
	"reputed/checks"
)

func kinds(t *testing.T, b *Bot, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := b.Notify(t.Context(), alertstest.Variants()[name]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func want(t *testing.T, w *workspace, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, w.said()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAnIncidentIsOneMessageWithAThread(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "opened", "worsened", "escalated", "digest", "resolved", "opened")
	want(t, w,
		"chat.postMessage",
		"chat.postMessage 1.0 and the channel", "chat.update 1.0",
		"chat.postMessage 1.0 and the channel", "chat.update 1.0",
		"chat.postMessage", // the digest
		"chat.postMessage 1.0 and the channel", "chat.update 1.0",
		"chat.postMessage") // what is over is never answered again
	if update := w.last("chat.update"); update["channel"] != "C1" || !strings.Contains(update["blocks"], "Resolved: ") || strings.Contains(update["blocks"], `"actions"`) {
		t.Errorf("the message shows %v", update)
	}
}

func TestWhatIsEditedShowsHowItIsNow(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "opened", "reminder")
	if update, reply := w.last("chat.update"), w.last("chat.postMessage"); !strings.Contains(update["blocks"], "Open, major") || !strings.Contains(update["blocks"], pressAck) || !strings.Contains(reply["blocks"], "Still open, major") || strings.Contains(reply["blocks"], pressAck) {
		t.Errorf("message %s\nreply %s", update["blocks"], reply["blocks"])
	}
}

func TestARestartGoesOnWithTheSameMessage(t *testing.T) {
	w := newWorkspace(t)
	roots := &memory{}
	with := func(o *Options, b *BotOptions) { b.Roots = roots }
	kinds(t, w.bot(with), "opened")
	kinds(t, w.bot(with), "reminder")
	kinds(t, w.bot(with, func(o *Options, _ *BotOptions) { o.Channel = "#another" }), "reminder")
	want(t, w, "chat.postMessage", "chat.postMessage 1.0 and the channel", "chat.update 1.0", "chat.postMessage")
}

func TestAMessageThatIsGoneIsWrittenAnew(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "opened")
	w.answer("chat.postMessage", `{"ok":false,"error":"thread_not_found"}`)
	if err := b.Notify(t.Context(), alertstest.Variants()["reminder"]); err == nil {
		t.Error("told nobody, and says it did")
	}
	w.answer("chat.postMessage", "")
	kinds(t, b, "reminder")
	want(t, w, "chat.postMessage", "chat.postMessage 1.0 and the channel", "chat.postMessage", "chat.postMessage")
}

func TestAnEditThatFailsIsNoReasonToTellTwice(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "opened")
	w.answer("chat.update", `{"ok":false,"error":"internal_error"}`)
	kinds(t, b, "worsened")
	open := []alerts.Notification{alertstest.Variants()["worsened"]}
	if err := b.Follow(t.Context(), open); err == nil || !strings.Contains(err.Error(), "internal_error") {
		t.Errorf("got %v", err)
	}
	w.answer("chat.update", "")
	for range 2 { // made up for once
		if err := b.Follow(t.Context(), open); err != nil {
			t.Error(err)
		}
	}
	want(t, w, "chat.postMessage", "chat.postMessage 1.0 and the channel", "chat.update 1.0", "chat.update 1.0", "chat.update 1.0")
}

func TestFollowEditsWhatHasChanged(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "opened")
	follow := func(change func(*alerts.Notification)) {
		t.Helper()
		n := alertstest.With(change)
		n.Kind = alerts.Updated
		if err := b.Follow(t.Context(), []alerts.Notification{n}); err != nil {
			t.Error(err)
		}
	}
	follow(func(*alerts.Notification) {}) // as it was told
	want(t, w, "chat.postMessage")
	taken := func(n *alerts.Notification) { n.Incident.AckedBy, n.Incident.AckedAt = "kim", alertstest.At }
	follow(taken)
	follow(taken)
	want(t, w, "chat.postMessage", "chat.update 1.0")
	if blocks := w.last("chat.update")["blocks"]; !strings.Contains(blocks, "kim") || strings.Contains(blocks, pressAck) || !strings.Contains(blocks, pressSilence) {
		t.Errorf("the message shows %s", blocks)
	}
	follow(func(n *alerts.Notification) { n.Incident.Opened = n.Incident.Opened.Add(time.Hour) }) // of which nothing was told
	want(t, w, "chat.postMessage", "chat.update 1.0")
}

func TestManyChangesAreEditedBitByBit(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	var open []alerts.Notification
	for i := range maxEdits + 5 {
		n := alertstest.With(func(n *alerts.Notification) { n.Incident.ID = int64(100 + i) })
		if err := b.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		n.Incident.Severity = checks.Critical
		open = append(open, n)
	}
	for _, want := range []int{maxEdits, maxEdits + 5, maxEdits + 5} {
		if err := b.Follow(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(strings.Join(w.said(), "\n"), "chat.update"); got != want {
			t.Errorf("%d edits, want %d", got, want)
		}
	}
}

func TestARehearsalHasNoButtons(t *testing.T) {
	for name, n := range alertstest.Variants() {
		all := buttons(n)
		if want := !n.General() && !n.Rehearsal && n.Kind != alerts.Ended; (len(all) > 0) != want {
			t.Errorf("%s: %d blocks of buttons", name, len(all))
		}
	}
}

func TestOfWhatIsOurOwnNobodyIsAsked(t *testing.T) {
	for name, want := range map[string]bool{"opened": true, "worsened": true, "monitor-blind": false, "list-refused": false} {
		raw, err := json.Marshal(buttons(alertstest.Variants()[name]))
		if err != nil || strings.Contains(string(raw), pressRequested) != want {
			t.Errorf("%s: %s, %v, want a button for requests %v", name, raw, err, want)
		}
	}
}

func TestNewBotRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		b    BotOptions
		says string
	}{
		"a webhook":        {Options{Webhook: "https://hooks.example.com/x"}, BotOptions{}, "set token and channel"},
		"a bot as app":     {Options{Token: token, Channel: "#c"}, BotOptions{AppToken: token}, "xapp-"},
		"a broken token":   {Options{Token: token, Channel: "#c"}, BotOptions{AppToken: "xapp-1 2"}, "copy it again"},
		"nothing whatever": {Options{}, BotOptions{}, "neither"},
	} {
		if _, err := NewBot(c.o, c.b); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLost(t *testing.T) {
	if lost(errors.New("x")) || lost(nil) || !lost(refused("channel_not_found")) || !lost(&answeredNo{"message_not_found"}) || lost(refused("invalid_auth")) {
		t.Error("what is lost is not told from what is refused")
	}
}

func TestWhatChangedAndIsNoWorseStaysInTheThread(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "opened", "news")
	want(t, w, "chat.postMessage", "chat.postMessage 1.0")
	reply := w.last("chat.postMessage")
	if !strings.Contains(reply["blocks"], "Also, major: example.net refuses mail") || strings.Contains(reply["blocks"], pressAck) {
		t.Errorf("the answer says %s", reply["blocks"])
	}
	shown := alertstest.Variants()["news"] // as the next minute finds it
	shown.News = nil
	if err := b.Follow(t.Context(), []alerts.Notification{shown}); err != nil {
		t.Error(err)
	}
	if update := w.last("chat.update"); strings.Contains(update["blocks"], "Also, major") || !strings.Contains(update["blocks"], pressSilence) {
		t.Errorf("the message shows %s", update["blocks"])
	}
	kinds(t, b, "worsened")
	want(t, w, "chat.postMessage", "chat.postMessage 1.0", "chat.update 1.0", "chat.postMessage 1.0 and the channel", "chat.update 1.0")
}

func TestNewsWithoutAMessageToAnswerIsTheMessage(t *testing.T) {
	w := newWorkspace(t)
	b := w.bot()
	kinds(t, b, "news", "news")
	want(t, w, "chat.postMessage", "chat.postMessage 1.0")
	if first := w.calls[0].form["blocks"]; strings.Contains(first, "Also, major") || !strings.Contains(first, pressSilence) {
		t.Errorf("the message shows %s", first)
	}
}
