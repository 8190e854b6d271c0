package report

import (
	"bytes"
	"strings"
	"testing"
)

// A command is copied by a person in a hurry: in two lines it would be run as two.
func TestCommandsStayWhole(t *testing.T) {
	const long = "grep -hoEs 'sasl_username=[^, ]+|A=[a-z_]+:[^ ]+' /var/log/mail.log /var/log/exim4/mainlog | sort | uniq -c | sort -rn | head"
	v := listedIncident()
	v.Remediation[0].Steps[0].Command = long
	in := well()
	in.Incidents = []IncidentView{v}
	for name, render := range map[string]func(*bytes.Buffer, Term) error{
		"status": func(b *bytes.Buffer, term Term) error { return Build(in, now).Write(b, term, Text) },
		"incident show": func(b *bytes.Buffer, term Term) error {
			return Incident{IncidentView: v, Now: now}.Write(b, term, Text)
		},
	} {
		for _, width := range []int{0, 80, 200} {
			var b bytes.Buffer
			if err := render(&b, Term{Width: width, Location: zone}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), "$ "+long+"\n") {
				t.Errorf("%s at %d columns breaks a command:\n%s", name, width, &b)
			}
			harmless(t, b.String(), Term{Width: width})
		}
	}
	p := &page{Term: Term{Width: 80}}
	p.command(5, "echo \x1b[31m\nrm -rf /")
	if got := p.b.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
