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
	diag, from := diagnose(b.diagnostic)
	remote := peer{}
	if b.remote != "" {
		if remote = peerIn(b.remote); remote == (peer{}) {
			remote.host = hostName(firstWord(b.remote))
			if a, ok := parseAddr(strings.Trim(firstWord(b.remote), "[]")); ok {
				remote.addr = a
			}
		}
	}
	recipient := b.recipient()
	extra := n.about(recipient, b.original, only)
	var words Diagnostic
	if extra != "" {
		var seen peer
		words, seen = diagnose(extra)
		from = better(from, seen)
	}
	from = better(remote, from)
	if from == (peer{}) {
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
	at, _ := m.when(b.attempt)
	if strings.IndexByte(recipient, '@') < 0 { // a file, a program, or nothing
		if len(n.said) > 0 {
			recipient = n.said[0].addr
		} else if a := firstAddress(own); a != "" && !m.skip().has(a) {
			recipient = a
		}
	}
	return Bounce{Action: action, Recipient: recipient, Diagnostic: diag, RemoteHost: from.host, RemoteAddr: from.addr, ReportingHost: d.reporting, At: at}
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
	b.Recipient = clean(b.Recipient, 320)
	b.Domain = domainOf(b.Recipient)
	b.RemoteHost = clean(strings.TrimRight(b.RemoteHost, "."), 253)
	b.ReportingHost = clean(strings.TrimRight(b.ReportingHost, "."), 253)
	if b.ReportingHost == "" {
		b.ReportingHost = clean(domainOf(firstAddress(m.top.get("From"))), 253)
	}
	b.Diagnostic.Status, b.Diagnostic.Reply = strings.Clone(b.Diagnostic.Status), strings.Clone(b.Diagnostic.Reply)
	b.MessageID = messageID(m.returned.get("Message-ID"))
	sender := firstAddress(m.returned.get("Return-Path"))
	if sender == "" {
		sender = firstAddress(m.returned.get("From"))
	}
	b.Sender = clean(domainOf(sender), 253)
	if m.opt.Rules != nil {
		b.Judgement = m.opt.Rules.Classify(b.Diagnostic, b.RemoteHost)
		b.Source = b.Judgement.Address
	}
	m.report.Bounces = append(m.report.Bounces, b)
}

// notice reads the sentences, and returns with them the text that stands before the first recipient.
func (m *reading) notice() (notice, string) {
	if m.text == nil {
		return notice{}, ""
	}
	text := m.text.text()
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

// fromText fills the report from a mail without a delivery-status part; false
// if it is no report.
func (m *reading) fromText() bool {
	if m.text != nil && m.text.kind != "text/html" {
		if ses, ok := readSES(m.text.body); ok {
			return m.fromSES(ses)
		}
	}
	if m.text != nil && m.text.kind != "text/html" && m.inlineStatus() {
		return true
	}
	n, lead := m.notice()
	text := ""
	if m.text != nil {
		text = m.text.body
	}
	if f, ok := plainComplaint(m.top, m.subject, text, m.returned); ok {
		m.report.Kind = KindComplaint
		f.MessageID = messageID(m.returned.get("Message-ID"))
		m.setFeedback(f)
		return true
	}
	auto := strings.ToLower(m.top.get("Auto-Submitted"))
	s := signs{
		daemon:    daemonFrom(m.top.get("From")) || daemonFrom(m.top.get("Sender")),
		subject:   failureSubjects.in(m.subject),
		null:      strings.HasPrefix(m.top.get("Return-Path"), "<>") || strings.TrimSpace(m.top.get("From")) == "<>",
		automatic: strings.HasPrefix(auto, "auto-") || m.top.has("X-Autoreply") || m.top.has("X-Autorespond") || m.top.has("X-Auto-Response-Suppress"),
		away:      awaySubjects.in(m.subject),
		failed:    m.top.has("X-Failed-Recipients"),
		recipient: len(n.said) > 0,
		returned:  m.returned != nil,
	}
	front := lead
	for i := range n.said {
		if len(front) > 4000 {
			break
		}
		front += "\n" + n.said[i].text
	}
	front += "\n" + n.transcript
	s.words = failureWords.in(front[:min(len(front), 4000)])
	s.reply = replyIn(front) >= 0 || enhancedIn(front) != ""
	if !s.bounce() {
		if s.automatic && auto != "auto-generated" || s.away {
			m.report.Kind = KindAutoReply
		}
		return false
	}
	m.fromNotice(n, lead)
	return true
}

// inlineStatus reads status fields that stand in the readable text, as some
// systems put them there instead of into a part of their own; false if there are none.
func (m *reading) inlineStatus() bool {
	if indexFold(m.text.body, "final-recipient:") < 0 {
		return false
	}
	text := m.text.text()
	from := -1
	for rest := text; rest != ""; {
		line, after := cutLine(rest)
		if marker, _ := returnedMarker(strings.TrimSpace(line) + " "); marker {
			break
		}
		if foldPrefix(line, "final-recipient:") || foldPrefix(line, "reporting-mta:") || foldPrefix(line, "action:") {
			from = len(text) - len(rest)
			break
		}
		rest = after
	}
	if from < 0 {
		return false
	}
	status := text[from:]
	if i := strings.Index(status, "\n\n\n"); i > 0 {
		status = status[:i]
	}
	d := readDSN(status)
	if len(d.blocks) == 0 || d.blocks[0].recipient() == "" || d.blocks[0].status == "" && d.blocks[0].action == "" {
		return false
	}
	m.text = nil
	return m.fromDSN(d)
}

// fromSES fills the report from a notification of Amazon SES.
func (m *reading) fromSES(n sesNotice) bool {
	switch strings.ToLower(n.Type) {
	case "bounce":
		m.text = nil
		return m.fromDSN(n.dsn())
	case "complaint":
		f := Feedback{Type: n.Complaint.Kind, At: n.Complaint.At.UTC(), Reporter: "Amazon SES", MessageID: n.Mail.MessageID, Domain: domainOf(n.Mail.Source)}
		if f.Type == "" {
			f.Type = "abuse"
		}
		if len(n.Complaint.Recipients) > 0 {
			f.Recipient = n.Complaint.Recipients[0].Address
		}
		if a, ok := parseAddr(n.Mail.SourceIP); ok {
			f.Source = a
		}
		m.report.Kind = KindComplaint
		m.setFeedback(f)
		return true
	case "delivery":
		m.report.Kind = KindSuccess
		return true
	}
	return false
}

// delayWords say that a notice is a warning and the mail is still on its way.
var delayWords = newWordSet("warning message only", "has been delayed", "will be retried", "still being retried", "will keep trying", "will continue to try", "delayed mail", "delivery delayed", "not yet been delivered", "delivery status notification (delay)", "transient non-fatal")

// fromNotice fills the report from sentences alone.
func (m *reading) fromNotice(n notice, lead string) {
	m.report.Kind = KindBounce
	action := Failed
	if delayWords.in(m.subject) || delayWords.in(lead) {
		action = Delayed
	}
	// Whom X-Failed-Recipients names failed, whatever else the text looks like.
	var names []string
	m.top.all("X-Failed-Recipients", func(v string) {
		for a := range strings.SplitSeq(v, ",") {
			if a = firstAddress(a); a != "" && len(names) < maxBounces {
				names = append(names, a)
			}
		}
	})
	if len(names) == 0 {
		for i := range n.said {
			names = append(names, n.said[i].addr)
		}
	}
	if len(names) == 0 {
		if a := firstAddress(m.returned.get("To")); a != "" {
			names = append(names, a)
		} else {
			names = append(names, "")
		}
	}
	at, _ := m.when("")
	for _, name := range names {
		text := n.about(name, "", len(names) == 1)
		diag, from := diagnose(text)
		if diag.weak() && n.transcript != "" {
			t, seen := diagnose(n.transcript)
			diag, from = join(diag, t), better(from, seen)
			if diag.Stage == "" {
				diag.Stage = n.stage
			}
		}
		if d, seen := diagnose(lead); diag.weak() || diag.Reply == "" && d.Reply != "" {
			diag, from = join(diag, d), better(from, seen)
		}
		if diag.Stage == "" && diag.Reply != "" {
			diag.Stage = n.stage
		}
		// Some say why first and whom it concerns afterwards.
		if m.opt.Rules != nil && diag.Reply == "" && lead != "" && m.opt.Rules.Classify(diag, "").Rule == RuleNone {
			diag.Text = clean(lead+" "+diag.Text, maxDiagnosis)
		}
		if n.talking != (peer{}) {
			from = better(from, n.talking)
		}
		m.add(Bounce{Action: action, Recipient: name, Diagnostic: diag, RemoteHost: from.host, RemoteAddr: from.addr, At: at})
	}
}
