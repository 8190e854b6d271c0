package bounce

import (
	"strings"
)

// fromDSN fills the report from a delivery-status part and the sentences
// beside it; false if the part named no recipient and no action.
func (m *reading) fromDSN(d dsn) bool {
	blocks := d.blocks[:0]
	for _, b := range d.blocks {
		if b.recipient() != "" || b.action != "" || b.status != "" {
			blocks = append(blocks, b)
		}
	}
	if len(blocks) == 0 {
		return false
	}
	if len(blocks) >= maxBounces {
		m.report.Trouble = "more than 1000 recipients: the rest was not read"
	}
	n, own := m.notice()
	for i := range blocks {
		b := &blocks[i]
		action := actionOf(*b)
		if action == Delivered || action == Relayed || action == Expanded {
			continue
		}
		m.add(m.bounceOf(*b, d, action, n, own, len(blocks) == 1))
	}
	m.report.Kind = KindBounce
	if len(m.report.Bounces) == 0 {
		m.report.Kind = KindSuccess
	}
	return true
}

// actionOf reads the Action field, and where it is missing or unknown infers
// it from the class of Status (RFC 3464 section 2.3.3 and 2.3.4).
func actionOf(b dsnBlock) Action {
	switch {
	case strings.HasPrefix(b.action, "fail"):
		return Failed
	case strings.HasPrefix(b.action, "delay"):
		return Delayed
	case strings.HasPrefix(b.action, "deliver"):
		return Delivered
	case strings.HasPrefix(b.action, "relay"):
		return Relayed
	case strings.HasPrefix(b.action, "expand"):
		return Expanded
	}
	switch {
	case strings.HasPrefix(b.status, "2"):
		return Delivered
	case strings.HasPrefix(b.status, "4"):
		return Delayed
	}
	return Failed
}

// bounceOf puts together what the status block and the sentences say.
func (m *reading) bounceOf(b dsnBlock, d dsn, action Action, n notice, own string, only bool) Bounce {
	if accepting(b.diagnostic) || outOfOrder(b.diagnostic) && n.transcript != "" && !outOfOrder(n.transcript) {
		b.diagnostic = "" // quirk: Sendmail keeps the last reply, which may be "221 bye" behind a 421
	}
	diag, from := diagnose(n.continued(b.diagnostic))
	if diag.weak() && b.extra != "" {
		_, reply, _ := strings.Cut(b.extra, "smtp;")
		d, _ := diagnose(strings.TrimSuffix(reply, ">"))
		diag = join(diag, d)
	}
	recipient := b.recipient()
	extra := n.about(recipient, b.original, only)
	var words Diagnostic
	if extra != "" {
		var seen peer
		words, seen = diagnose(extra)
		from = better(from, seen)
	}
	if from = better(remoteMTA(b.remote), from); from == (peer{}) {
		from = n.talking
	}
	if n.transcript != "" && (diag.weak() || only) {
		if t, _ := diagnose(n.transcript); !t.weak() {
			words = join(t, words)
			if words.Stage == "" {
				words.Stage = n.stage
			}
		}
	}
	diag = join(diag, words)
	if diag.weak() && b.comment != "" {
		diag = join(diag, Diagnostic{Text: clean(b.comment, maxDiagnosis)})
	}
	// Without any reply the sentences of the notice are all there is.
	if diag.weak() && own != "" {
		lead, seen := diagnose(own)
		diag = join(diag, lead)
		from = better(from, seen)
	}
	if diag.Status == "" || strings.HasSuffix(diag.Status, ".0.0") && b.status != "" {
		diag.Status = b.status
	}
	if action == Delayed && strings.HasPrefix(diag.Text, "Envelope expired") {
		// Quirk: OpenSMTPD calls a mail delayed that it has given up, and says that it still tries.
		action, diag.Text = Failed, "Envelope expired"
	}
	at, _ := m.when(b.attempt)
	if strings.IndexByte(recipient, '@') < 0 { // a file, a program, or nothing
		if len(n.said) > 0 {
			recipient = n.said[0].addr
		} else if a := firstAddress(own); a != "" && !m.skip().has(a) {
			recipient = a
		}
	}
	return Bounce{Action: action, Recipient: recipient, Diagnostic: diag, RemoteHost: from.host, RemoteAddr: from.addr, ReportingHost: d.reporting, QueueID: d.queueID, At: at}
}

// remoteMTA reads a Remote-MTA field without its type.
func remoteMTA(value string) peer {
	p := peerIn(value)
	if p != (peer{}) {
		return p
	}
	word := firstWord(value)
	p.host = hostName(word)
	p.addr, _ = parseAddr(strings.Trim(word, "[]"))
	return p
}

// better fills what a lacks from b.
func better(a, b peer) peer {
	if a.host == "" {
		a.host = b.host
	}
	if !a.addr.IsValid() && (a.host == b.host || b.host == "") {
		a.addr = b.addr
	}
	return a
}

// about returns what the sentences say of one recipient.
func (n *notice) about(recipient, original string, only bool) string {
	for i := range n.said {
		if strings.EqualFold(n.said[i].addr, recipient) || original != "" && strings.EqualFold(n.said[i].addr, original) {
			return n.said[i].text
		}
	}
	if only && len(n.said) == 1 {
		return n.said[0].text
	}
	return ""
}

// add completes a bounce, has it judged and appends it.
func (m *reading) add(b Bounce) {
	b.Recipient = m.kept.keep(clean(b.Recipient, 320))
	b.Domain = DomainOf(b.Recipient)
	b.RemoteHost = m.kept.keep(clean(strings.TrimRight(b.RemoteHost, "."), 253))
	if b.ReportingHost = strings.TrimRight(b.ReportingHost, "."); b.ReportingHost == "" {
		b.ReportingHost = DomainOf(firstAddress(m.top.get("From")))
	}
	if m.about == nil {
		m.about = m.original(b.ReportingHost)
	}
	b.MessageID, b.Sender = m.about.MessageID, m.about.Sender
	b.ReportingHost = m.kept.keep(clean(b.ReportingHost, 253))
	if b.QueueID == "" {
		b.QueueID = m.about.QueueID
	} else {
		b.QueueID = m.kept.keep(clean(b.QueueID, 64))
	}
	d := &b.Diagnostic
	d.Status, d.Reply, d.Text = m.kept.keep(d.Status), m.kept.keep(d.Reply), m.kept.keep(d.Text)
	if m.opt.Rules != nil {
		b.Judgement = m.opt.Rules.Classify(b.Diagnostic, b.RemoteHost)
		b.Source = b.Judgement.Address
	}
	m.report.Bounces = append(m.report.Bounces, b)
}

// original is what the returned message says of itself, once for all its recipients.
func (m *reading) original(reporting string) *Bounce {
	sender := firstAddress(m.returned.get("Return-Path"))
	if sender == "" {
		sender = firstAddress(m.returned.get("From"))
	}
	return &Bounce{
		MessageID: m.kept.keep(messageID(m.returned.get("Message-ID"))),
		QueueID:   m.kept.keep(clean(m.queueID(reporting), 64)),
		Sender:    m.kept.keep(clean(DomainOf(sender), 253)),
	}
}

// notice reads the sentences, and returns with them the text that stands before the first recipient.
func (m *reading) notice() (notice, string) {
	if m.text == nil {
		return notice{}, ""
	}
	text := m.words
	if m.text.kind == "text/html" {
		text = plainText(text)
	}
	skip := m.skip()
	n := readNotice(text, skip)
	if len(n.said) == 0 && len(skip.to) > 0 {
		// The report may have been sent to the very address that failed.
		skip.to = nil
		if again := readNotice(text, skip); len(again.said) > 0 && again.said[0].text != "" {
			n = again
		}
	}
	if m.returned == nil && n.returned != "" {
		m.returned, _ = readHeader(strings.TrimLeft(n.returned, " \t\n"), make(header, 0, 24))
	}
	return n, strings.TrimSpace(n.lead)
}

// skip are the addresses that are no failed recipients.
func (m *reading) skip() notOf {
	var s notOf
	s.to = m.report.Trace.To
	if a := firstAddress(m.top.get("From")); a != "" {
		s.from = append(s.from, a)
	}
	return s
}
