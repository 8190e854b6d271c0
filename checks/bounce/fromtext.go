package bounce

import "strings"

// fromText fills the report from a mail without a delivery-status part; false
// if it is no report.
func (m *reading) fromText() bool {
	if m.text != nil && m.text.kind != "text/html" {
		if ses, ok := readSES(m.words); ok {
			return m.fromSES(ses)
		}
	}
	if m.text != nil && m.text.kind != "text/html" && m.inlineStatus() {
		return true
	}
	n, lead := m.notice()
	if f, ok := plainComplaint(m.top, m.subject, m.words, m.returned); ok {
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
		list:      m.top.has("List-Unsubscribe") || m.top.has("List-Id"),
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
	if indexFold(m.words, "final-recipient:") < 0 {
		return false
	}
	text := m.words
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
		f := Feedback{Type: n.Complaint.Kind, At: n.Complaint.At.UTC(), Reporter: "Amazon SES", MessageID: n.Mail.MessageID, Domain: DomainOf(n.Mail.Source)}
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
