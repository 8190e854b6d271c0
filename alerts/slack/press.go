package slack

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/checks"
)

// The buttons, by the ids that Slack gives back.
const (
	pressAck       = "reputed_ack"
	pressSilence   = "reputed_silence"
	pressRequested = "reputed_requested"
)

// buttons are what can be done about an incident; none once it is over, or in a rehearsal.
func buttons(n alerts.Notification) []slack.Block {
	inc := n.Incident
	if n.Rehearsal || n.General() || n.Kind == alerts.Ended || inc.ID == 0 || inc.State == alerts.Resolved {
		return nil
	}
	var all []slack.BlockElement
	add := func(id, text string) {
		all = append(all, slack.NewButtonBlockElement(id, n.Thread(), slack.NewTextBlockObject(slack.PlainTextType, text, false, false)))
	}
	if inc.AckedBy == "" {
		add(pressAck, "Acknowledge")
	}
	if inc.Silence.Until.IsZero() {
		add(pressSilence, "Silence 24 h")
	}
	if inc.CostsMail() { // of what is our own nobody is asked
		add(pressRequested, "Removal requested")
	}
	return []slack.Block{slack.NewActionBlock("", all...)}
}

// press is what somebody pressed, and where.
type press struct {
	alerts.Press
	user  string // id, for an answer that nobody else sees
	at    place  // the message that the button stands under, or that began its thread
	twice string // the same if Slack repeats it
}

// blockActions is what of a block_actions payload is read
// (docs.slack.dev/reference/interaction-payloads/block_actions-payload, read 2026-11-25).
type blockActions struct {
	Type string `json:"type"`
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Message struct {
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
}

// maxActions of one payload; Slack sends one.
const maxActions = 5

// presses reads a payload. What is none of our buttons is nothing.
func presses(raw []byte, now time.Time) []press {
	var p blockActions
	if err := json.Unmarshal(raw, &p); err != nil || p.Type != "block_actions" || p.User.ID == "" {
		return nil
	}
	// The name is what its owner likes to be called, the id is who it is.
	by := "Slack user " + checks.Line(p.User.ID, 40)
	if name := checks.Line(cmp.Or(p.User.Username, p.User.Name), 40); name != "" {
		by = name + " (" + checks.Line(p.User.ID, 40) + ")"
	}
	var all []press
	for _, a := range p.Actions[:min(maxActions, len(p.Actions))] {
		kind, ours := map[string]alerts.ActionKind{pressAck: alerts.Ack, pressSilence: alerts.Mute, pressRequested: alerts.Requested}[a.ActionID]
		if !ours {
			continue
		}
		all = append(all, press{
			Press: alerts.Press{Thread: checks.Line(a.Value, 60), Kind: kind, By: by, At: now},
			user:  p.User.ID,
			at:    place{channel: cmp.Or(p.Channel.ID, p.Container.ChannelID), thread: cmp.Or(p.Message.ThreadTS, p.Container.MessageTS)},
			twice: strings.Join([]string{a.ActionTS, p.User.ID, a.ActionID, a.Value}, " "),
		})
	}
	return all
}
