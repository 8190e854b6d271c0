package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/store"
)

func TestAButtonDoesWhatTheCommandDoes(t *testing.T) {
	r := newRig(t)
	r.world.ListAtSpamCop()
	r.mustRound()
	inc := r.only("listed")
	thread := alerts.Notification{Incident: inc}.Thread()
	now := time.Now()
	press := func(kind alerts.ActionKind) string {
		t.Helper()
		said, err := r.pressed(t.Context(), alerts.Press{Thread: thread, Kind: kind, By: "kim (U1)", At: now})
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	for kind, want := range map[alerts.ActionKind]string{alerts.Ack: "Taken by kim (U1)", alerts.Mute: "Silenced by kim (U1) until ", alerts.Requested: "Removal was requested of spamcop, says kim (U1)."} {
		if said := press(kind); !strings.HasPrefix(said, want) {
			t.Errorf("%s said %q, want %q", kind, said, want)
		}
	}
	h, err := r.db.Incident(t.Context(), inc.ID)
	if err != nil {
		t.Fatal(err)
	}
	if i := h.Incident; i.AckedBy != "kim (U1)" || i.Silence.By != "kim (U1)" || i.Silence.Reason != "by a button in Slack" || i.Silence.Until.Sub(now).Round(time.Second) != pressedSilence {
		t.Errorf("the incident says %q, %+v", i.AckedBy, i.Silence)
	}
	if requests, err := r.db.Requests(t.Context(), inc.ID); err != nil || len(requests) != 1 || requests[0].List != "spamcop" || requests[0].By != "kim (U1)" {
		t.Errorf("requests %+v, %v", requests, err)
	}
	for _, want := range []string{"acknowledged", "silenced", "removal requested"} {
		if !slices.ContainsFunc(h.Events, func(e store.Event) bool { return e.Kind == want && e.Who == "kim (U1)" }) {
			t.Errorf("no event %q by who pressed: %+v", want, h.Events)
		}
	}

	if said, err := r.pressed(t.Context(), alerts.Press{Thread: thread, Kind: alerts.Ack, By: "lee (U2)", At: now}); err != nil || !strings.HasPrefix(said, "Taken by lee (U2), in place of kim (U1): ") {
		t.Errorf("who presses second: %q, %v", said, err)
	}

	for name, c := range map[string]struct {
		thread, says string
		kind         alerts.ActionKind
	}{
		"another incident of that number": {"1-5", "another incident", alerts.Ack},
		"an incident that does not exist": {"99-5", "no incident 99", alerts.Ack},
		"a rehearsal":                     {"rehearsal-" + thread, "no incident", alerts.Ack},
		"an end":                          {thread, "no button", alerts.ResolveHand},
	} {
		if _, err := r.pressed(t.Context(), alerts.Press{Thread: c.thread, Kind: c.kind, By: "kim", At: now}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.db.Act(t.Context(), alerts.Action{Kind: alerts.ResolveHand, Incident: inc.ID, By: "lee", At: now}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.pressed(t.Context(), alerts.Press{Thread: thread, Kind: alerts.Ack, By: "kim", At: now}); err == nil || !strings.Contains(err.Error(), "resolved already") {
		t.Errorf("what is over: %v", err)
	}
}
