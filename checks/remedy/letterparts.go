package remedy

import (
	"cmp"
	"strings"
	"time"

	"reputed/checks"
)

const (
	maxRefusals     = 5   // quoted in a letter
	maxReceivers    = 12  // named in a letter
	maxRefusalRunes = 600 // of one refusal
	letterTime      = "2 Jan 2006 15:04:05 -0700"
	letterMinute    = "2 January 2006, 15:04 -0700"
	noRefusal       = "<one refusal, whole, with its time and zone>"
	noName          = "<your name>"
	noSince         = "<day and time>"
)

// local is a time as whoever writes reads it, with its zone.
func (o Occasion) local(t time.Time, layout string) string {
	if o.Location != nil {
		return t.In(o.Location).Format(layout)
	}
	return t.UTC().Format(layout)
}

// refusalLines quote the latest refusals, each different text once, literally and not folded.
func refusalLines(o Occasion, _ map[string]string) (lines []string) {
	said := map[string]bool{}
	for _, r := range o.Refusals {
		text := checks.Line(r.Text, maxRefusalRunes)
		if text == "" || said[text] || len(said) == maxRefusals {
			continue
		}
		said[text] = true
		head := "  " + o.local(r.At, letterTime)
		for _, x := range []struct{ label, value string }{{", queue id ", r.QueueID}, {", from ", r.From}, {" to ", r.Host}} {
			if value := checks.Line(x.value, 255); value != "" {
				head += x.label + value
			}
		}
		lines = append(lines, head, "    "+text)
	}
	if lines == nil {
		return []string{"  " + noRefusal}
	}
	return lines
}

func requestLines(o Occasion, _ map[string]string) []string {
	if len(o.Requests) == 0 {
		return nil
	}
	return folded("Removal was asked of "+checks.Line(strings.Join(o.Requests, ", and of "), 500)+".", letterWidth)
}

func sinceLines(o Occasion, _ map[string]string) []string {
	if o.Since.IsZero() {
		return nil
	}
	return []string{"We see it since " + o.local(o.Since, letterMinute) + "."}
}

func sinceCustomers(o Occasion, _ map[string]string) []string {
	since := noSince
	if !o.Since.IsZero() {
		since = o.local(o.Since, letterMinute)
	}
	return folded("since "+since+" some receivers do not take all mail that leaves our servers: part of it is delayed or comes back.", letterWidth)
}

// entryLines are what the list says, literally, and where it can be read.
func entryLines(o Occasion, v map[string]string) (lines []string) {
	for _, e := range o.Finding.Evidence {
		line := "  " + checks.Line(e.Question, 300)
		if answer := checks.Line(e.Answer, maxRefusalRunes); answer != "" {
			line += ": " + answer
		}
		if reason := checks.Line(e.Reason, 300); reason != "" {
			line += " (" + reason + ")"
		}
		if !e.At.IsZero() {
			line += ", " + o.local(e.At, letterTime)
		}
		if line != "  " && o.Finding.Code != checks.CodeRefused { // a refusal is quoted with the others
			lines = append(lines, line)
		}
		if len(lines) == maxRefusals {
			break
		}
	}
	if url := v[checks.FactLookupURL]; url != "" {
		lines = append(lines, "  "+url)
	}
	return lines
}

func receiverLines(o Occasion, _ map[string]string) []string {
	if len(o.Receivers) == 0 {
		return nil
	}
	names := make([]string, 0, maxReceivers)
	for _, r := range o.Receivers[:min(maxReceivers, len(o.Receivers))] {
		names = append(names, checks.Line(r, 80))
	}
	s := "Mail to these is concerned: " + strings.Join(names, ", ")
	if rest := len(o.Receivers) - maxReceivers; rest > 0 {
		s += " and " + checks.Plural(rest, "other")
	}
	return folded(s+".", letterWidth)
}

func signatureLines(o Occasion, _ map[string]string) []string {
	lines := []string{cmp.Or(checks.Line(o.Signature.Name, 100), noName)}
	for _, s := range []string{o.Signature.Organisation, o.Signature.Contact, o.Signature.Phone} {
		if s = checks.Line(s, 200); s != "" {
			lines = append(lines, s)
		}
	}
	return lines
}
