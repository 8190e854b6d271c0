package bounce

import (
	"strings"
)

// said is what the readable part of a report says about one recipient.
type said struct {
	addr string // may be empty: a reason without a recipient
	text string // reason, lines kept apart by \n
}

// notice is the readable part of a report, as far as it was understood.
type notice struct {
	said       []said
	lead       string // text before the first recipient
	transcript string // the receivers' replies in a Sendmail-like transcript
	talking    peer   // "... while talking to mx.example.net.:"
	stage      string // of the transcript's last command
	returned   string // the returned message, where it is in the same text
}

// notOf says which addresses are no failed recipient: whoever the report was sent to and from.
type notOf struct{ to, from []string }

func (n notOf) has(addr string) bool {
	for _, a := range n.to {
		if strings.EqualFold(a, addr) {
			return true
		}
	}
	for _, a := range n.from {
		if strings.EqualFold(a, addr) {
			return true
		}
	}
	return false
}

// role says whether mail to the address reaches whoever runs a system: in a
// sentence such an address is whom to ask, not who could not be reached.
func role(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	return local == "mailer-daemon" || local == "postmaster" || local == "no-reply" || local == "noreply" || local == "abuse" || local == "mail-daemon" || local == "support" || local == "helpdesk"
}

// noticeReader is a notice in the course of being read.
type noticeReader struct {
	notice
	skip             notOf
	lead, body, told strings.Builder // before the first recipient; reason of the current ones; replies of a transcript
	own              strings.Builder // what the sending MTA says itself in a transcript
	current          int             // index of the first recipient of the current group
	transcribing     bool
	commandFor       string // recipient of the last RCPT TO in the transcript
	mayBe            string // address of a "To:" line: the recipient if nothing names another
}

// readNotice reads the text line by line. Families differ in their words, and
// hardly in their shape: a line with the address, then the reason, up to the
// next address; or a list of addresses and a transcript below.
func readNotice(text string, skip notOf) notice {
	r := noticeReader{skip: skip}
	inHeader, forwarded := false, false
	for text != "" {
		rest := text
		var line string
		line, text = cutLine(text)
		line = strings.TrimSpace(unquote(line))
		if line == "" {
			inHeader = false
			if r.body.Len() > 0 {
				r.body.WriteByte('\n')
			}
			continue
		}
		if forwarded { // the header of a notice that somebody forwarded in the text of a mail
			_, inHeader = fieldName(line)
		}
		if forwarded = !inHeader && forwardMark(line); forwarded || inHeader {
			continue
		}
		if marker, inclusive := returnedMarker(line); marker {
			r.returned = text
			if inclusive {
				r.returned = rest
			}
			break
		}
		r.read(line)
	}
	r.flush()
	r.notice.lead, r.transcript = r.lead.String(), r.told.String()
	if r.transcript == "" {
		r.transcript = r.own.String()
	}
	if len(r.said) == 0 && r.mayBe != "" {
		r.said = append(r.said, said{addr: r.mayBe, text: strings.TrimSpace(r.notice.lead)})
	}
	return r.notice
}

// read takes one line that is not empty.
func (r *noticeReader) read(line string) {
	if c := line[0]; (c == '-' || c == '=' || c == '*' || c == '_' || c == '#') && strings.Trim(line, "-=*_# ") == "" {
		return // a rule
	}
	if indexFold(line, "transcript of session") >= 0 {
		r.flush()
		r.current = len(r.said)
		r.transcribing = true
		return
	}
	if strings.HasPrefix(line, "---") && len(r.said) > 0 && !r.transcribing { // the title of a section
		r.body.WriteByte('\n')
		return
	}
	if at := indexFold(line, "while talking to "); at >= 0 {
		r.talking = peerIn(line[at:])
		r.stage = "greeting" // until a command is seen
		return
	}
	if r.dialogue(line) {
		return
	}
	addr, reason, ok := recipientLine(line, r.skip, len(r.said) == 0)
	switch {
	case ok && strings.HasPrefix(line, "To:"):
		r.mayBe = addr
	case ok && len(r.said) < maxBounces:
		r.recipient(addr, reason, line)
	case len(r.said) > 0:
		prose(&r.body, line)
	default:
		prose(&r.lead, line)
	}
}

// dialogue takes a line of a transcript: ">>> " ours, "<<< " theirs; false if
// the line is none.
func (r *noticeReader) dialogue(line string) bool {
	// InterScan: "Sent >>> RCPT TO:<...>", "Received <<< 550 ...".
	line = strings.TrimPrefix(strings.TrimPrefix(line, "Sent "), "Received ")
	if cmd, ok := strings.CutPrefix(line, ">>>"); ok && (commandStage(cmd) != "" || firstAddress(cmd) == "") {
		r.transcribing = true
		if s := commandStage(cmd); s == "data" {
			r.stage = "" // the reply may be to the RCPT sent along with it, or to the end of data
		} else if s != "" {
			r.stage = s
		}
		if a := firstAddress(cmd); a != "" && indexFold(cmd, "rcpt") >= 0 {
			r.commandFor = a
		}
		return true
	}
	if reply, ok := strings.CutPrefix(line, "<<<"); ok {
		if reply = strings.TrimSpace(reply); accepting(reply) {
			return true // "221 bye" is no reason
		}
		if outOfOrder(reply) && r.told.Len() > 0 {
			return true
		}
		prose(&r.told, reply)
		r.attach(r.commandFor, reply)
		return true
	}
	if !r.transcribing {
		return false
	}
	// "550 5.1.1 <kim@example.net>... User unknown": Sendmail's own summary of one recipient.
	if a := firstAddress(line); a != "" && !r.skip.has(a) {
		r.attach(a, line)
	} else {
		prose(&r.own, line)
	}
	return true
}

// accepting says whether a reply is one of success, or asks to go on (RFC 5321 section 4.2.1).
func accepting(reply string) bool {
	return len(reply) > 3 && (reply[0] == '2' || reply[0] == '3') && digit(reply[1]) && digit(reply[2]) && (reply[3] == ' ' || reply[3] == '-')
}

// outOfOrder says whether a reply only follows from the refusal before it: to
// a DATA that was sent along with the RCPT that was refused, as pipelining does.
func outOfOrder(reply string) bool { return replyCode(reply) == "503" }

// continued completes the first line of a reply, which is all that Sendmail
// keeps in Diagnostic-Code, by the lines that follow it in the transcript.
func (n *notice) continued(first string) string {
	code := replyCode(first)
	if code == "" || len(first) < 4 || first[3] != '-' || strings.IndexByte(first, '\n') >= 0 {
		return first
	}
	at := strings.Index("\n"+n.transcript, "\n"+first+"\n")
	if at < 0 {
		return first
	}
	end := at
	for rest := n.transcript[at:]; strings.HasPrefix(rest, code); {
		var line string
		line, rest = cutLine(rest)
		end += len(line) + 1
		if len(line) < 4 || line[3] != '-' {
			break
		}
	}
	return strings.TrimSpace(n.transcript[at:min(end, len(n.transcript))])
}

// recipient takes a line that names a failed recipient.
func (r *noticeReader) recipient(addr, reason, line string) {
	known := r.index(addr)
	switch {
	case known >= r.current: // again, in its own reason
		reason = line
	case known >= 0:
		if s := &r.said[known]; len(s.text) < 4*maxDiagnosis {
			s.text = strings.TrimSpace(s.text + "\n" + reason)
		}
		return
	default:
		if r.body.Len() > 0 {
			r.flush()
			r.current = len(r.said)
		}
		r.said = append(r.said, said{addr: addr})
	}
	if reason != "" {
		prose(&r.body, reason)
	}
}

// flush gives the current recipients the reason that was read for them.
func (r *noticeReader) flush() {
	reason := strings.TrimSpace(r.body.String())
	for i := r.current; i < len(r.said); i++ {
		if r.said[i].text == "" {
			r.said[i].text = reason
		}
	}
	r.body.Reset()
}

// prose adds a line, up to a limit that no honest notice reaches.
func prose(into *strings.Builder, line string) {
	if into.Len() < 16*maxDiagnosis {
		into.WriteString(line)
		into.WriteByte('\n')
	}
}

// index returns where the recipient stands, or -1.
func (n *notice) index(addr string) int {
	for i := range n.said {
		if strings.EqualFold(n.said[i].addr, addr) {
			return i
		}
	}
	return -1
}

// attach adds a transcript's line to the recipient it is about.
func (n *notice) attach(addr, line string) {
	if addr == "" {
		return
	}
	i := n.index(addr)
	if i < 0 {
		if len(n.said) > 0 { // an alias's target: the list above named whom we know
			return
		}
		n.said = append(n.said, said{addr: addr})
		i = len(n.said) - 1
	}
	tail := strings.TrimSpace(strings.TrimPrefix(line, replyCode(line)))
	if len(n.said[i].text) < 4*maxDiagnosis && !strings.Contains(n.said[i].text, tail) {
		n.said[i].text = strings.TrimSpace(n.said[i].text + "\n" + line)
	}
}

// unquote drops the mark of a quoted line ("> "), as in a bounce that somebody
// forwarded; ">>> " is a command in a transcript.
func unquote(line string) string {
	for strings.HasPrefix(line, ">") && !strings.HasPrefix(line, ">>>") {
		line = strings.TrimPrefix(line[1:], " ")
	}
	return line
}

// commandStage is the stage of an SMTP command in a transcript.
func commandStage(cmd string) string {
	cmd = strings.TrimSpace(cmd)
	for _, c := range []struct{ verb, stage string }{{"ehlo", "ehlo"}, {"helo", "ehlo"}, {"mail", "mail"}, {"rcpt", "rcpt"}, {"data", "data"}, {".", "end of data"}, {"bdat", "end of data"}} {
		if len(cmd) >= len(c.verb) && foldEqual(cmd[:len(c.verb)], c.verb) {
			return c.stage
		}
	}
	return ""
}
