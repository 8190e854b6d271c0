package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/checks/bounce"
)

// Bounces is the report of `reputed bounce`: how each mail was read. Mails go
// in one by one; TSV and JSON write each at once and keep nothing, text tells refusals of a
// log that are alike as one when the log is read.
type Bounces struct {
	w     io.Writer
	t     Term
	f     Format
	rows  *tsv
	first bool
	err   error
	folds folds // refusals of the log that is being read; of text only

	// Proving says that it is known whose hosts are ours, so that a report can be
	// proved; without it text says nothing about proof. Set it before the first mail.
	Proving bool

	Mails      int // in all
	Events     int // of logs, besides mails: a try that was refused or deferred
	Delivered  int // of logs: recipients whose mail was taken; counted and not shown
	Failed     int // failed or delayed recipients, of mails and logs
	Reputation int // of these, refused for reputation
	Complaints int
	Unparsed   int
	NotBounces int // read, and no notice of failed or delayed delivery
	Unreadable int // files that could not be opened or read

	// How many of Failed there are of each.
	categories, lists, vendors map[string]int
}

// Mail is one mail and how it was read, or one event of a log.
type Mail struct {
	File   string // path; with "#n" for the nth mail of an mbox; "-" for standard input
	Log    bool   // an event of a log: Report holds its bounce and nothing else
	Unread bool   // it could not be opened or read: Report holds why, as the trouble of an unparsed mail
	Report bounce.Report
}

// NewBounces starts a report on w.
func NewBounces(w io.Writer, t Term, f Format) *Bounces {
	b := &Bounces{w: w, t: t, f: f, first: true, categories: map[string]int{}, lists: map[string]int{}, vendors: map[string]int{}}
	switch f {
	case TSV:
		b.rows = newTSV(w, t.TTY, "file is_bounce reputation category recipient reply status remote ip blocklist vendor rule")
	case JSON:
		b.print("{\n  \"schema\": 1,\n  \"mails\": [")
	}
	return b
}

func (b *Bounces) print(s string) {
	if _, err := io.WriteString(b.w, s); err != nil && b.err == nil {
		b.err = err
	}
}

// Add takes one mail or event.
func (b *Bounces) Add(m Mail) {
	for _, x := range failures(m.Report) {
		b.Failed++
		if x.Judgement.Reputation {
			b.Reputation++
		}
		b.categories[string(x.Judgement.Category)]++
		for _, by := range []struct {
			n    map[string]int
			name string
		}{{b.lists, x.Judgement.Blocklist}, {b.vendors, x.Judgement.Vendor}} {
			if by.name != "" {
				by.n[by.name]++
			}
		}
	}
	switch {
	case m.Unread:
		b.Unreadable++
	case m.Log:
		if len(failures(m.Report)) == 0 {
			b.Delivered += len(m.Report.Bounces)
			return
		}
		b.Events++
	default:
		b.Mails++
		switch m.Report.Kind {
		case bounce.KindComplaint:
			b.Complaints++
		case bounce.KindUnparsed:
			b.Unparsed++
		case bounce.KindBounce:
		default:
			b.NotBounces++
		}
	}
	if b.foldLog(m) {
		return
	}
	switch b.f {
	case TSV:
		for _, row := range bounceRows(m) {
			b.rows.row(row...)
		}
	case JSON:
		sep := ",\n    "
		if b.first {
			sep = "\n    "
		}
		v, err := marshal(mailOf(m))
		if err != nil && b.err == nil {
			b.err = err
		}
		b.print(sep + string(v))
	default:
		if m.Unread {
			return // the caller said why on standard error, at once
		}
		b.text(m, nil)
	}
	b.first = false
}

// text writes one mail, or refusals of a log that are told as one.
func (b *Bounces) text(m Mail, g *fold) {
	p := &page{Term: b.t}
	if !b.first {
		p.blank()
	}
	bounceText(p, m, g, b.Proving)
	b.print(p.b.String())
	b.first = false
}

// Finish writes what is left.
func (b *Bounces) Finish() error {
	b.unfold()
	switch b.f {
	case TSV:
		if err := b.rows.close(); b.err == nil {
			b.err = err
		}
	case JSON:
		v, err := marshal(b.summary())
		if err != nil && b.err == nil {
			b.err = err
		}
		end := "]"
		if !b.first {
			end = "\n  ]"
		}
		b.print(end + ",\n  \"summary\": " + string(v) + "\n}\n")
	default:
		p := &page{Term: b.t}
		if !b.first {
			p.blank()
		}
		p.para(0, "", plain, b.Summary()+".", strong)
		for _, by := range []struct {
			label string
			n     map[string]int
		}{{"categories", b.categories}, {"lists", b.lists}, {"refused by", b.vendors}} {
			if len(by.n) > 0 {
				p.para(2, fmt.Sprintf("%-11s", by.label), faint, listCounts(by.n), plain)
			}
		}
		b.print(p.b.String())
	}
	return b.err
}

// mostNamed is how many of a kind the last lines name.
const mostNamed = 12

// listCounts is "spamcop 12, psbl 3 and 4 others".
func listCounts(n map[string]int) string {
	var parts []string
	rest := 0
	for i, c := range mostFirst(n) {
		if i < mostNamed {
			parts = append(parts, clean(c.Name)+" "+number(c.Recipients))
		} else {
			rest++
		}
	}
	if s := strings.Join(parts, ", "); rest > 0 {
		return s + " and " + plural(rest, "other", "others")
	} else {
		return s
	}
}

// mostFirst are counts, the largest first.
func mostFirst(n map[string]int) []countJSON {
	out := []countJSON{}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		out = append(out, countJSON{checks.Line(name, 0), n[name]})
	}
	slices.SortStableFunc(out, func(a, b countJSON) int { return b.Recipients - a.Recipients })
	return out
}

// Summary is all mails in one line.
func (b *Bounces) Summary() string {
	parts := []string{fmt.Sprintf("%s refused or delayed (%s for reputation)", plural(b.Failed, "recipient", "recipients"), number(b.Reputation))}
	for _, x := range []struct {
		n         int
		one, many string
	}{
		{b.Complaints, "complaint", "complaints"}, {b.NotBounces, "not a bounce", "not bounces"},
		{b.Unparsed, "not readable as mail", "not readable as mail"}, {b.Unreadable, "file not opened", "files not opened"},
	} {
		if x.n > 0 {
			parts = append(parts, plural(x.n, x.one, x.many))
		}
	}
	of := plural(b.Mails, "mail", "mails")
	if b.Events+b.Delivered > 0 {
		log := plural(b.Events, "refusal or deferral in logs", "refusals and deferrals in logs")
		if of += ", " + log; b.Mails == 0 {
			of = log
		}
		parts = append(parts, plural(b.Delivered, "delivery", "deliveries"))
	}
	return of + ": " + strings.Join(parts, ", ")
}

// failures are the recipients that were refused or delayed.
func failures(r bounce.Report) []bounce.Bounce {
	var out []bounce.Bounce
	for _, x := range r.Bounces {
		if x.Action == "" || x.Action == bounce.Failed || x.Action == bounce.Delayed {
			out = append(out, x)
		}
	}
	return out
}

// bounceRows are the TSV rows of a mail: one for each failed or delayed
// recipient, and one for a mail that reports none, so that no mail is missing.
func bounceRows(m Mail) [][]string {
	var rows [][]string
	for _, x := range failures(m.Report) {
		rows = append(rows, []string{m.File, yes(m.Log || m.Report.Kind == bounce.KindBounce), yes(x.Judgement.Reputation), string(x.Judgement.Category), x.Recipient,
			x.Diagnostic.Reply, x.Diagnostic.Status, remote(x), address(x.Judgement.Address), x.Judgement.Blocklist, x.Judgement.Vendor, x.Judgement.Rule})
	}
	if len(rows) > 0 {
		return rows
	}
	c := m.Report.Complaint
	category, recipient, ip := bounce.NotABounce, "", "" // an unparsed mail too: its rule says that nobody knows
	switch m.Report.Kind {
	case bounce.KindComplaint:
		category, recipient, ip = bounce.Complaint, c.Recipient, address(c.Source)
	case bounce.KindAuthReport:
		ip = address(c.Source)
	case bounce.KindBounce: // something failed, and the mail does not say what
		category = bounce.Other
	}
	return [][]string{{m.File, yes(m.Report.Kind == bounce.KindBounce), "no", string(category), recipient, "", "", "", ip, "", "", string(m.Report.Kind)}}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// remote is the receiver that answered: its name, or its address.
func remote(b bounce.Bounce) string { return cmp.Or(b.RemoteHost, address(b.RemoteAddr)) }

// address is an address, or nothing for none.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// bounceText is one mail for a person, or what g holds (nil: just the mail); with proving also whether it is proved to be ours.
func bounceText(p *page, m Mail, g *fold, proving bool) {
	r := m.Report
	kind := kindWords(r.Kind)
	if m.Log {
		kind = "log"
	}
	p.line(p.paint(strong, checks.Line(m.File, 200)), "  ", p.paint(faint, kind))
	row := func(label, text string, s style) {
		if text != "" {
			p.para(2, fmt.Sprintf("%-11s", label), faint, text, s)
		}
	}
	if r.Kind != bounce.KindBounce && !m.Log {
		row("subject", clean(r.Subject), plain)
	}
	row("trouble", clean(r.Trouble), unknown)
	if r.Cut {
		row("cut", "only the beginning of the mail was read", unknown)
	}
	if r.Kind == bounce.KindComplaint || r.Kind == bounce.KindAuthReport {
		row("type", clean(r.Complaint.Type), plain)
		row("about", address(r.Complaint.Source), plain)
		row("from", clean(r.Complaint.Reporter), plain)
		row("recipient", checks.Line(r.Complaint.Recipient, 200), plain)
	}
	for _, x := range failures(r) {
		verdict, s := judgement(x)
		row("verdict", verdict, s)
		row("times", g.times(p.Term), plain)
		recipient, by := checks.Line(x.Recipient, 200), clean(remote(x))
		if g != nil {
			recipient, by = someOf(g.recipients, mostPeople, len(g.people)), strings.Join(g.remotes, ", ")
		}
		row("recipient", recipient, plain)
		row("answer", clean(x.Diagnostic.Text), plain)
		row("by", by, plain)
		row("list", clean(x.Judgement.Blocklist), plain)
		row("about", clean(cmp.Or(address(x.Judgement.Address), x.Judgement.Domain)), plain)
		row("link", clean(x.Judgement.URL), plain)
		if x.Source.IsValid() && x.Source != x.Judgement.Address {
			row("sent from", address(x.Source), plain)
		}
		row("rule", clean(x.Judgement.Rule)+certainty(x.Judgement.Certainty), plain)
		if x.Judgement.KeepRecipient() {
			row("never", "take the recipient off a mailing list for this: the sender is refused", plain)
		}
	}
	if proving && !m.Log && (len(failures(r)) > 0 || r.Kind == bounce.KindComplaint) {
		if r.Proof.Proved() {
			row("ours", clean(r.Proof.Detail), good)
		} else {
			row("ours", "not proved: shown, but decides nothing. "+missingProof(r), unknown)
		}
	}
}
