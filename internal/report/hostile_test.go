package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"reputed/alerts"
	"reputed/checks"
)

// FuzzNothingFromOutsideGetsThrough puts one text in every place where text from
// outside may stand, and renders every form: no control, no line of its own, valid JSON.
func FuzzNothingFromOutsideGetsThrough(f *testing.F) {
	f.Add(hostile, 80)
	f.Add("世界\u0301 \u2028x\xff", 41)
	f.Fuzz(func(t *testing.T, s string, width int) {
		in := badDay()
		v := listedIncident()
		v.Incident.Title, v.Incident.AckedBy, v.Incident.Note, v.Incident.State = s, s, s, alerts.Acknowledged
		v.Incident.Impact.Receivers[0].Vendor, v.Incident.Impact.Receivers[0].Receiver = s, s
		for i := range v.Incident.Members {
			f := &v.Incident.Members[i].Finding
			f.Summary, f.Facts = s, map[string]string{checks.FactMeaning: s}
			f.Evidence = []checks.Evidence{{Question: s, Answer: s, Reason: s, Via: s, Controls: s, Proof: s}}
		}
		v.Remediation[0] = checks.Remediation{Title: s, Steps: []checks.Step{{Text: s, URL: s, Command: s}}, WhoAsk: s, Takes: s, Never: []string{s}}
		in.Incidents = []IncidentView{v}
		in.Mailboxes[0].Name, in.Mailboxes[0].Error, in.Channels[1].Name, in.Channels[1].Error = s, s, s, s
		in.Silent[0].Name, in.Silent[0].Operator, in.Silent[0].Why, in.Silent[0].Advice = s, s, s, s
		in.Quiet[0].Title, in.Quiet[0].Why = s, s
		whole := Incident{IncidentView: v, Now: now, Events: []Event{{At: now, What: s, By: s, Note: s}}, Untold: []Untold{{What: s, Why: s}},
			Deliveries: []Delivery{{Channel: s, What: s, Error: s}}}
		term := Term{Width: width%200 + 40, Color: true}
		for _, form := range []Format{Text, JSON, Plugin} {
			var b bytes.Buffer
			if err := Build(in, now).Write(&b, term, form); err != nil {
				t.Fatal(err)
			}
			one(t, form, b.String())
			b.Reset()
			if form == Plugin {
				continue
			}
			if err := whole.Write(&b, term, form); err != nil {
				t.Fatal(err)
			}
			one(t, form, b.String())
		}
	})
}

// one holds the output of one form to what must be true of it.
func one(t *testing.T, form Format, out string) {
	t.Helper()
	if form == Text {
		for _, s := range []style{strong, faint, bad, warn, good, unknown, info, "0"} {
			out = strings.ReplaceAll(out, "\x1b["+string(s)+"m", "")
		}
	}
	if i := strings.IndexAny(out, "\x00\x1b\x07\r\t\u202e\u2028\u200b\u009b"); i >= 0 {
		t.Errorf("%s: a control got through: %q", form, out[max(0, i-30):min(len(out), i+30)])
	}
	switch form {
	case JSON:
		if !json.Valid([]byte(out)) {
			t.Errorf("not JSON: %q", out)
		}
	case Plugin:
		if strings.Count(out, "\n") != 1 || strings.Count(out, "|") != 1 {
			t.Errorf("not one line with one bar: %q", out)
		}
	}
}
