package maillog

import (
	"encoding/csv"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"reputed/checks/bounce"
)

// PowerMTA's accounting files are CSV (RFC 4180), one record a line, with a line in front that names the
// columns: which there are, and in which order, is what record-fields of acct-file says.

// accounts are the columns of an accounting file that say something here, by place; -1: it is not there.
type accounts struct {
	width                                                          int // columns in all
	logged, queued, orig, rcpt, status, diag, mta, bound, from, to int
	vmta, client, id, user                                         int
}

// columnsKey is the note that keeps the names of the columns for the lines after them, over a restart too.
const columnsKey = "powermta columns"

const (
	maxColumns    = 200
	maxColumnName = 60
)

// accountColumns says whether a line names columns, and which. The first is always the type of a record, and
// without a recipient there is nothing to tell.
func accountColumns(text string) (names []string, ok bool) {
	const first = "type,"
	if len(text) < len(first) || !strings.EqualFold(text[:len(first)], first) {
		return nil, false
	}
	names = strings.Split(strings.ToLower(text), ",")
	if len(names) > maxColumns {
		return nil, false
	}
	for i, n := range names {
		names[i] = kept(strings.Trim(n, `" `), maxColumnName)
	}
	a := accountsOf(names)
	return names, a.rcpt >= 0 && a.logged >= 0
}

func accountsOf(names []string) *accounts {
	find := func(name string) int {
		for i, n := range names {
			if n == name {
				return i
			}
		}
		return -1
	}
	return &accounts{width: len(names), logged: find("timelogged"), queued: find("timequeued"), orig: find("orig"), rcpt: find("rcpt"),
		status: find("dsnstatus"), diag: find("dsndiag"), mta: find("dsnmta"), bound: find("dlvsourceip"), to: find("dlvdestinationip"), from: find("srcmta"),
		vmta: find("vmta"), client: find("rcvsourceip"), id: find("header_message-id"), user: find("smtpuser")}
}

// accountRecord says whether a line may be a record: one or two letters, which are its type, and a comma.
func accountRecord(text string) bool {
	i := strings.IndexByte(text, ',')
	return i == 1 || i == 2 || i > 2 && accountWords[text[:i]] != ""
}

// accountWords are the types of records that tell what became of a mail. Others are about what came in (r), about
// complaints (f) and reports that came by mail (rb, rs), which a mailbox is read for, or about a whole queue (tq).
var accountWords = map[string]bounce.Action{"d": bounce.Delivered, "b": bounce.Failed, "t": bounce.Delayed,
	"delivery": bounce.Delivered, "bounce": bounce.Failed, "transient": bounce.Delayed}

// powerMTA reads one line of an accounting file.
func (r *Reader) powerMTA(e *entry, text string, out []Event) []Event {
	if names, ok := accountColumns(text); ok {
		r.stats.Mail++
		n := r.memory.note(columnsKey)
		n.Pieces = names
		r.memory.changed(n)
		r.columns = accountsOf(names)
		return out
	}
	a := r.accounts()
	if !accountRecord(text) || a == nil && r.opt.Format == Auto { // without columns it may be anybody's
		return out
	}
	r.stats.Mail++
	action, tells := accountWords[text[:strings.IndexByte(text, ',')]]
	if !tells {
		return out
	}
	fields := csvFields(text)
	if a == nil || len(fields) != a.width {
		r.stats.Unread++ // read from the middle of a file, whose columns are not known before the next one begins
		return out
	}
	at := func(i int) string {
		if i < 0 {
			return ""
		}
		return strings.TrimSpace(fields[i])
	}
	rcpt := strings.Trim(at(a.rcpt), "<> ")
	if rcpt == "" {
		r.stats.Unread++
		return out
	}
	host, in, _ := strings.Cut(at(a.mta), " ") // "mx1.example.net (198.51.100.7)"
	status, _, _ := strings.Cut(at(a.status), " ")
	o := outcome{
		action: action, final: action != bounce.Delayed, to: rcpt,
		qid: at(a.queued), tag: at(a.vmta), at: r.accountTime(at(a.logged)),
		host: host, addr: parseAddr(at(a.to)), source: outward(at(a.bound)), status: status,
		sender: kept(bounce.DomainOf(strings.Trim(at(a.orig), "<> ")), 253), id: kept(strings.Trim(at(a.id), "<> "), 300),
	}
	if !o.addr.IsValid() {
		o.addr = parseAddr(strings.Trim(in, "() "))
	}
	if action != bounce.Delivered {
		o.text = at(a.diag)
		if kind, words, ok := strings.Cut(o.text, ";"); ok && strings.EqualFold(strings.TrimSpace(kind), "smtp") { // RFC 3464 section 2.3.6
			o.text = strings.TrimSpace(words)
		}
	}
	client, in, _ := strings.Cut(at(a.from), " ")
	from := parseAddr(strings.Trim(in, "() "))
	if c := parseAddr(at(a.client)); c.IsValid() {
		from = c
	}
	o.from = Origin{Sender: keptSender(at(a.orig)), Login: kept(at(a.user), 320), Client: clientOf(client, from)}
	return append(out, r.event(e, nil, o))
}

// accounts are the columns that the last line which named them did; nil: none has yet.
func (r *Reader) accounts() *accounts {
	n := r.memory.find(columnsKey) // each time, so that it is not forgotten
	switch {
	case n == nil:
		r.columns = nil
	case r.columns == nil:
		r.columns = accountsOf(n.Pieces)
	}
	return r.columns
}

// csvFields takes a record apart; none if it is broken. Nearly none has quotes.
func csvFields(text string) []string {
	if strings.IndexByte(text, '"') < 0 {
		return strings.Split(text, ",")
	}
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord, c.LazyQuotes = -1, true
	fields, err := c.Read()
	if err != nil {
		return nil
	}
	return fields
}

// outward is an address that the world may see. Of one inside, which NAT turns into another, only the
// configuration can tell which: by the virtual MTA.
func outward(s string) netip.Addr {
	a := parseAddr(s)
	if a.IsPrivate() || a.IsLoopback() || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// accountTime reads "2026-11-24 09:00:00+0100", or seconds since 1970.
func (r *Reader) accountTime(s string) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1e11 {
		return time.Unix(n, 0).UTC()
	}
	return r.clock.read(s)
}
