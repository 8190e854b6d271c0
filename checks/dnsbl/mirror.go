package dnsbl

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"reputed/blocklists"
	"reputed/blocklists/mirror"
	"reputed/probes"
)

// fileSettle is how far apart two clean answers of a file must be: it may be fetched just now.
const fileSettle = time.Minute

// Mirror answers the questions about one list out of a file on this machine: the same questions, and
// answers that are read the same way. It serves one run at a time begun by [Mirror.look].
type Mirror struct {
	Zone *blocklists.Zone // without a key: nobody is asked for one
	File *mirror.File

	state mirror.State // of this run
	now   time.Time
}

// look reads the file if it has changed.
func (m *Mirror) look(now time.Time) *Mirror {
	return &Mirror{Zone: m.Zone, File: m.File, state: m.File.Look(now), now: now}
}

// name is how evidence names the file.
func (m *Mirror) name() string { return "file " + m.File.Path }

// via is the file with its time and size, so that a dispute can be settled.
func (m *Mirror) via() string {
	return fmt.Sprintf("%s of %s, %d entries", m.name(), m.state.Changed.UTC().Format("2006-01-02 15:04:05"), m.state.Set.Entries)
}

// noData is that a file cannot be used.
type noData struct{ error }

func (e noData) Unwrap() error { return e.error }

// Answer answers as a name server of the list would. A file without data answers nothing: the error
// says why. The list's test entry is always there while the file is: plain files have none, and what it proves of
// a server (that it answers, and truthfully) is certain of a file that was read.
func (m *Mirror) Answer(q probes.Question) (probes.Answer, error) {
	if m.state.Err != nil {
		return probes.Answer{}, &probes.AskError{Question: q, Server: m.name(), Err: noData{m.state.Err}}
	}
	a := probes.Answer{RCode: "NXDOMAIN", Server: m.via(), SOA: probes.SOA{Zone: m.Zone.Zone + ".", Minimum: fileSettle, Ceiling: fileSettle}}
	name := strings.ToLower(q.Name)
	subject, ok := strings.CutSuffix(name, "."+m.Zone.Zone+".")
	if !ok {
		if name == m.Zone.Zone+"." {
			a.RCode = "NOERROR"
		}
		return a, nil
	}
	answers := m.entries(subject)
	if len(answers) == 0 {
		answers = m.testEntry(name)
	}
	for _, x := range answers {
		switch r := (probes.Record{Name: q.Name}); {
		case q.Type == probes.TypeA:
			r.Addr = x.Code
			a.Records = append(a.Records, r)
		case q.Type == probes.TypeTXT && x.Text != "":
			r.Text = x.Text
			a.Records = append(a.Records, r)
		}
	}
	if len(answers) > 0 {
		a.RCode = "NOERROR"
	}
	return a, nil
}

// entries are those of what stands in front of the zone: a reversed address, or a name.
func (m *Mirror) entries(subject string) []mirror.Answer {
	if addr, ok := reversed(subject); ok {
		return m.state.Set.Addr(addr)
	}
	return m.state.Set.Name(subject)
}

// testEntry is the answer to a control that must be there.
func (m *Mirror) testEntry(name string) []mirror.Answer {
	for _, c := range m.Zone.ControlQuestions() {
		if c.Want && strings.EqualFold(c.Name, name) {
			code := m.Zone.Controls.ListedCode
			if !code.IsValid() {
				code = netip.AddrFrom4([4]byte{127, 0, 0, 2})
			}
			return []mirror.Answer{{Code: code}}
		}
	}
	return nil
}

// reversed reads an address as it stands in questions (RFC 5782 sections 2.1 and 2.4).
func reversed(s string) (netip.Addr, bool) {
	labels := strings.Split(s, ".")
	switch len(labels) {
	case 4:
		var b [4]byte
		for i, l := range labels {
			n, err := strconv.ParseUint(l, 10, 8)
			if err != nil {
				return netip.Addr{}, false
			}
			b[3-i] = byte(n)
		}
		return netip.AddrFrom4(b), true
	case 32:
		var b [16]byte
		for i, l := range labels {
			n, err := strconv.ParseUint(l, 16, 8)
			if err != nil || len(l) != 1 {
				return netip.Addr{}, false
			}
			b[15-i/2] |= byte(n) << (4 * (i % 2))
		}
		return netip.AddrFrom16(b), true
	}
	return netip.Addr{}, false
}
