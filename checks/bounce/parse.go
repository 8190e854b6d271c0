package bounce

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// ParseOptions is what [Parse] needs besides the mail. The zero value reads
// at most [DefaultMaxBytes] and classifies nothing.
type ParseOptions struct {
	Rules    *Rules    // judges the diagnostics; nil: every Judgement stays empty
	Received time.Time // when the mail arrived: stands in where it gives no time, and no time later than this is believed
	Cut      bool      // raw is only the beginning of the mail
	MaxBytes int       // how much of raw is read; 0: DefaultMaxBytes
}

// Parse takes one mail apart. It never fails: what cannot be understood is a
// [Report] of another kind, with the reason in Trouble. Time and memory are
// proportional to the size of what is read; it is safe for concurrent use.
//
// It reads, in this order: a feedback report (RFC 5965), delivery status (RFC
// 3464) wherever in the mail it stands, the sentences of notices that have
// neither. Texts about one recipient are put together. The returned
// message is looked at for its own header alone, never for a reason: it may
// quote refusals of its own.
func Parse(raw []byte, opt ParseOptions) Report {
	limit := opt.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	cut := opt.Cut
	if len(raw) > limit {
		raw, cut = raw[:limit], true
	}
	sum := sha256.New()
	text := unify(raw, sum)
	r := read(text, opt, 0)
	r.Cut = cut
	var digest [2 * sha256.Size]byte
	hex.Encode(digest[:], sum.Sum(make([]byte, 0, sha256.Size)))
	r.Hash = string(digest[:])
	return r
}

// reading is one mail in the course of being read.
type reading struct {
	top      header
	subject  string
	parts    []part
	dsn      *part // the delivery status
	feedback *part
	receipt  bool   // there is a disposition notification
	text     *part  // the readable part
	words    string // what text says, decoded
	returned header
	about    *Bounce // what the returned message says of itself; nil until it is asked for
	opt      ParseOptions
	report   Report
	kept     keeper
}

// read reads one message; level is 1 for a report that was forwarded inside another mail.
func read(text string, opt ParseOptions, level int) Report {
	var w walk
	m := reading{opt: opt}
	m.top, m.parts = w.leaves(text)
	m.report = Report{Kind: KindOther, Trouble: w.trouble}
	if len(m.top) == 0 {
		m.report.Kind = KindUnparsed
		m.report.Trouble = "no header"
		if strings.TrimSpace(text) == "" {
			m.report.Trouble = "empty"
			return m.report
		}
	}
	m.subject = decodeWords(m.top.get("Subject"))
	m.report.Subject = m.kept.keep(clean(m.subject, 200))
	m.report.MessageID = m.kept.keep(messageID(m.top.get("Message-ID")))
	m.trace()
	m.sort()
	if m.text != nil {
		m.words = m.text.text()
	}
	if m.feedback != nil {
		m.complaint()
		return m.report
	}
	if m.dsn != nil && m.fromDSN(readDSN(m.dsn.text())) {
		return m.report
	}
	if m.receipt || m.fromText() {
		return m.report
	}
	if level == 0 {
		for i := range m.parts { // a report that somebody forwarded whole
			p := &m.parts[i]
			if p.kind != "message/rfc822" {
				continue
			}
			if inner := read(p.text(), opt, 1); inner.Kind == KindBounce || inner.Kind == KindComplaint || inner.Kind == KindAuthReport {
				inner.Subject, inner.MessageID, inner.Trace = m.report.Subject, m.report.MessageID, m.report.Trace
				return inner
			}
		}
	}
	return m.report
}

// trace keeps the header fields that a proof rests on.
func (m *reading) trace() {
	for i := range m.top {
		f := &m.top[i]
		switch {
		case strings.EqualFold(f.name, "Received"):
			if len(m.report.Trace.Received) < 50 {
				m.report.Trace.Received = append(m.report.Trace.Received, m.kept.unfolded(f.value))
			}
		case strings.EqualFold(f.name, "Delivered-To"), strings.EqualFold(f.name, "X-Original-To"), strings.EqualFold(f.name, "Envelope-To"), strings.EqualFold(f.name, "To"):
			rest := unfold(f.value)
			for len(m.report.Trace.To) < 50 {
				a, _, to := addressIn(rest)
				if a == "" {
					break
				}
				m.report.Trace.To = append(m.report.Trace.To, m.kept.keep(a))
				rest = rest[to:]
			}
		}
	}
}

// sort finds the parts by type, and by content where the type is a lie.
func (m *reading) sort() {
	var html *part
	for i := range m.parts {
		p := &m.parts[i]
		switch {
		case strings.HasSuffix(p.kind, "delivery-status"): // global-delivery-status too (RFC 6533)
			switch {
			case m.dsn == nil:
				m.dsn = p
			case looksLikeStatus(p.text()) && !looksLikeStatus(m.dsn.text()): // quirk: InterMail labels its sentences so too
				if m.text == nil {
					m.text = m.dsn
				}
				m.dsn = p
			}
		case p.kind == "message/feedback-report" || p.kind == "text/feedback-report":
			if m.feedback == nil {
				m.feedback = p
			}
		case p.kind == "message/disposition-notification" || p.kind == "message/global-disposition-notification":
			m.receipt = true // RFC 8098: somebody read it, or threw it away
		case p.returned():
			if m.returned == nil {
				body := p.body
				if e := p.encoding(); e == "base64" || e == "quoted-printable" {
					body = p.text()
				}
				m.returned, _ = readHeader(strings.TrimLeft(body, "\n"), make(header, 0, 24))
			}
		case m.dsn == nil && p.kind != "text/html" && looksLikeStatus(p.body):
			m.dsn = p
		case p.kind == "text/html":
			if html == nil {
				html = p
			}
		case p.kind == "text/plain" || p.kind == preamble && !strings.Contains(p.body, "MIME") || p.kind == "text/report":
			if m.text == nil || blank(m.text.body) || m.text.kind == preamble {
				m.text = p
			}
		}
	}
	if m.text == nil || blank(m.text.body) {
		m.text = html
	}
}

// blank says whether a text says nothing, judged by its beginning.
func blank(text string) bool { return strings.TrimSpace(text[:min(len(text), 4096)]) == "" }

// looksLikeStatus says whether a body is a delivery status under a wrong type:
// it begins with a field of one.
func looksLikeStatus(body string) bool {
	body = strings.TrimLeft(body, " \t\n")
	for _, name := range []string{"reporting-mta:", "final-recipient:", "original-envelope-id:", "arrival-date:"} {
		if len(body) > len(name) && foldEqual(body[:len(name)], name) {
			return indexFold(body[:min(len(body), 4096)], "final-recipient:") >= 0
		}
	}
	return false
}

// complaint fills the report from a feedback part.
func (m *reading) complaint() {
	f := readFeedback(m.feedback.text())
	f.MessageID = messageID(m.returned.get("Message-ID"))
	if f.Domain == "" {
		f.Domain = DomainOf(firstAddress(m.returned.get("From")))
	}
	if f.Recipient == "" {
		f.Recipient = firstAddress(firstOf(m.returned, "X-HmXmrOriginalRecipient", "To"))
	}
	if f.At.IsZero() {
		f.At, _ = m.when("")
	}
	m.report.Kind = KindComplaint
	switch f.Type {
	case "auth-failure": // RFC 6591 section 3.1
		m.report.Kind = KindAuthReport
	case "":
		f.Type = "other"
	case "not-spam":
		m.report.Kind = KindOther // somebody took the mail out of the spam folder: no complaint
	}
	m.setFeedback(f)
}

// setFeedback cuts the texts loose from the mail and cleans them.
func (m *reading) setFeedback(f Feedback) {
	for _, x := range []struct {
		s   *string
		max int
	}{{&f.Type, 40}, {&f.Reporter, 100}, {&f.MessageID, 300}, {&f.Recipient, 320}, {&f.Domain, 253}, {&f.URL, 500}} {
		*x.s = m.kept.keep(clean(*x.s, x.max))
	}
	m.report.Complaint = f
}

// when is the time a notice speaks of, UTC: the attempt's, else the notice's own, else when it arrived.
func (m *reading) when(attempt string) (time.Time, bool) {
	for _, s := range [2]string{attempt, m.top.get("Date")} {
		if at, ok := parseDate(s); ok && (m.opt.Received.IsZero() || !at.After(m.opt.Received)) {
			return at, true
		}
	}
	return m.opt.Received.UTC(), !m.opt.Received.IsZero()
}

// messageID returns a Message-ID without its angle brackets (RFC 5322 section 3.6.4).
func messageID(value string) string {
	if i := strings.IndexByte(value, '<'); i >= 0 {
		value = value[i+1:]
		if j := strings.IndexByte(value, '>'); j >= 0 {
			value = value[:j]
		}
	}
	return clean(value, 300)
}
