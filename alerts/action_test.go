package alerts

import (
	"errors"
	"testing"
	"time"
)

func TestWhatPeopleDo(t *testing.T) {
	day := 24 * time.Hour
	open := Incident{ID: 7, State: Open, Reminded: 3, Note: "earlier"}
	silenced := Incident{ID: 7, State: Silenced, Silence: Silence{By: "kim", Since: start, Until: start.Add(day)}, AckedBy: "kim", AckedAt: start}
	over := Incident{ID: 7, State: Resolved, Resolved: start}
	clearing := Incident{ID: 7, State: Clearing, Members: []Member{{ClearSince: start}}}
	for name, c := range map[string]struct {
		inc    Incident
		action Action
		state  State
		note   string
		err    error
	}{
		"taken on":                               {open, Action{Kind: Ack, By: "kim", Note: "on it"}, Acknowledged, "on it", nil},
		"taken on without a word":                {open, Action{Kind: Ack, By: "kim"}, Acknowledged, "earlier", nil},
		"what is clearing stays so":              {clearing, Action{Kind: Ack, By: "kim"}, Clearing, "", nil},
		"silenced":                               {open, Action{Kind: Mute, By: "kim", Note: "moving", Until: start.Add(day)}, Silenced, "earlier", nil},
		"silenced without a reason":              {open, Action{Kind: Mute, By: "kim", Until: start.Add(day)}, Open, "earlier", ErrAction},
		"silenced for ever":                      {open, Action{Kind: Mute, Note: "x", Until: start.Add(91 * day)}, Open, "earlier", ErrAction},
		"silenced until yesterday":               {open, Action{Kind: Mute, Note: "x", Until: start.Add(-day)}, Open, "earlier", ErrAction},
		"a silence ended early":                  {silenced, Action{Kind: Unmute, By: "lee"}, Acknowledged, "", nil},
		"no silence to end":                      {open, Action{Kind: Unmute}, Open, "earlier", ErrAction},
		"ended by hand":                          {open, Action{Kind: ResolveHand, By: "kim"}, Resolved, "earlier", nil},
		"what is over cannot be taken on":        {over, Action{Kind: Ack}, Resolved, "", ErrOver},
		"nor silenced":                           {over, Action{Kind: Mute, Note: "x", Until: start.Add(day)}, Resolved, "", ErrOver},
		"a note on what is over":                 {over, Action{Kind: AddNote, By: "kim", Note: "it was the form"}, Resolved, "it was the form", nil},
		"a step that was done":                   {open, Action{Kind: StepDone, By: "kim", Note: "Hold the queue."}, Open, "earlier", nil},
		"a step that was not, after all":         {open, Action{Kind: StepOpen, By: "kim", Note: "Hold the queue."}, Open, "earlier", nil},
		"a step without a name":                  {open, Action{Kind: StepDone, By: "kim"}, Open, "earlier", ErrAction},
		"a step of what is over":                 {over, Action{Kind: StepDone, By: "kim", Note: "x"}, Resolved, "", ErrOver},
		"an empty note":                          {open, Action{Kind: AddNote, By: "kim"}, Open, "earlier", ErrAction},
		"the monitor's note leaves a person's":   {open, Action{Kind: AddNote, Note: "gone from the configuration"}, Open, "earlier", nil},
		"a request of nobody":                    {open, Action{Kind: Requested, By: "kim"}, Open, "earlier", ErrAction},
		"a request":                              {open, Action{Kind: Requested, By: "kim", Request: Request{List: "spamcop"}}, Open, "earlier", nil},
		"a word that is not ours":                {open, Action{Kind: "explode"}, Open, "earlier", ErrAction},
		"text from outside becomes one line":     {open, Action{Kind: AddNote, By: "kim", Note: "a\r\nb\x1b[2J"}, Open, "a b [2J", nil},
		"taken on again, and the reminders anew": {silenced, Action{Kind: Ack, By: "lee"}, Silenced, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.action.At, c.action.Incident = start, c.inc.ID
			got, err := c.inc.Apply(c.action)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || got.State != c.state || got.Note != c.note {
				t.Errorf("got %s %q, %v; want %s %q, %v", got.State, got.Note, err, c.state, c.note, c.err)
			}
			if c.action.Kind == Ack && err == nil && (got.AckedBy != c.action.By || got.Reminded != 0) {
				t.Errorf("%+v", got)
			}
		})
	}
}
