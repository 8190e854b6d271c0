package bounce

import (
	"strings"
)

// said is what the readable part of a report says about one recipient.
type said struct {
	addr string // may be empty: a reason without a recipient
	text string // reason, lines kept apart by \n
	host string // words that name the receiver
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

// readNotice reads the text line by line. Families differ in their words, and
// hardly in their shape: a line with the address, then the reason, up to the
// next address; or a list of addresses and a transcript below.
func readNotice(text string, skip notOf) notice {
	var n notice
	var body strings.Builder // reason of the current recipients
	var lead strings.Builder
	var transcript strings.Builder
	current := 0 // index of the first recipient of the current group
	flush := func() {
		reason := strings.TrimSpace(body.String())
		for i := current; i < len(n.said); i++ {
			if n.said[i].text == "" {
				n.said[i].text = reason
			}
		}
		body.Reset()
	}
	inTranscript, inHeader, forwarded := false, false, false
	var commandFor string // recipient of the last RCPT TO in the transcript
	var mayBe string      // address of a "To:" line: the recipient if nothing names another
	for text != "" {
		rest := text
		var line string
		line, text = cutLine(text)
		line = unquote(line)
		trim := strings.TrimSpace(line)
		if trim == "" {
			inHeader = false
			if body.Len() > 0 {
				body.WriteByte('\n')
			}
			continue
		}
		if forwarded { // the header of a notice that somebody forwarded in the text of a mail
			_, inHeader = fieldName(trim)
			forwarded = false
		}
		if inHeader {
			continue
		}
		if forwarded = forwardMark(trim); forwarded {
			continue
		}
		if marker, inclusive := returnedMarker(trim); marker {
			if inclusive {
				n.returned = rest
			} else {
				n.returned = text
			}
			break
		}
		if c := trim[0]; (c == '-' || c == '=' || c == '*' || c == '_' || c == '#') && strings.Trim(trim, "-=*_# ") == "" {
			continue
		}
		if indexFold(trim, "transcript of session") >= 0 {
			flush()
			current = len(n.said)
			inTranscript = true
			continue
		}
		if strings.HasPrefix(trim, "---") && len(n.said) > 0 && !inTranscript { // the title of a section
			body.WriteByte('\n')
			continue
		}
		if at := indexFold(trim, "while talking to "); at >= 0 {
			n.talking = peerIn(trim[at:])
			continue
		}
		if trim[0] == 'S' || trim[0] == 'R' { // InterScan: "Sent >>> RCPT TO:<...>", "Received <<< 550 ..."
			trim = strings.TrimPrefix(strings.TrimPrefix(trim, "Sent >>>"), "Received <<<")
			if len(trim) < len(line) && trim != "" && trim[0] == ' ' {
				if commandStage(trim) != "" {
					trim = ">>>" + trim
				} else {
					trim = "<<<" + trim
				}
			}
		}
		if cmd, ok := strings.CutPrefix(trim, ">>>"); ok && (commandStage(cmd) != "" || firstAddress(cmd) == "") {
			inTranscript = true
			if s := commandStage(cmd); s != "" {
				n.stage = s
			}
			if a := firstAddress(cmd); a != "" && indexFold(cmd, "rcpt") >= 0 {
				commandFor = a
			}
			continue
		}
		if reply, ok := strings.CutPrefix(trim, "<<<"); ok {
			if transcript.Len() > 0 {
				transcript.WriteByte('\n')
			}
			transcript.WriteString(strings.TrimSpace(reply))
			n.attach(commandFor, strings.TrimSpace(reply))
			continue
		}
		if inTranscript {
			// "550 5.1.1 <kim@example.net>... User unknown": Sendmail's own summary of one recipient.
			if a := firstAddress(trim); a != "" && !skip.has(a) {
				n.attach(a, trim)
			} else if transcript.Len() < 4*maxDiagnosis {
				transcript.WriteString("\n" + trim)
			}
			continue
		}
		addr, reason, ok := recipientLine(trim, skip, len(n.said) == 0)
		if ok && strings.HasPrefix(trim, "To:") {
			mayBe = addr
			continue
		}
		if ok && len(n.said) < maxBounces {
			known := n.index(addr)
			switch {
			case known >= current: // again, in its own reason
				reason = trim
			case known >= 0:
				n.said[known].text = strings.TrimSpace(n.said[known].text + "\n" + reason)
				continue
			default:
				if body.Len() > 0 {
					flush()
					current = len(n.said)
				}
				n.said = append(n.said, said{addr: addr})
			}
			if reason != "" {
				body.WriteString(reason)
				body.WriteByte('\n')
			}
			continue
		}
		into := &lead
		if len(n.said) > 0 {
			into = &body
		}
		if into.Len() < 16*maxDiagnosis {
			into.WriteString(trim)
			into.WriteByte('\n')
		}
	}
	flush()
	n.lead, n.transcript = lead.String(), transcript.String()
	if len(n.said) == 0 && mayBe != "" {
		n.said = append(n.said, said{addr: mayBe, text: strings.TrimSpace(n.lead)})
	}
	return n
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

// forwardMark says whether the line begins a message that was forwarded in the
// text of a mail; its header follows, up to an empty line.
func forwardMark(line string) bool {
	line = strings.Trim(line, "-= ")
	return len(line) < 40 && (foldPrefix(line, "begin forwarded message") || foldPrefix(line, "forwarded message"))
}

func foldPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && foldEqual(s[:len(prefix)], prefix)
}

// returnedWords announce the returned message in reports without MIME.
var returnedWords = newWordSet(
	"below this line is a copy of", "this is a copy of the message", "this is a copy of your message", "copy of the message, including all the headers",
	"original message follows", "message headers follow", "message header follows", "header of the original message", "the header of the original",
	"original message header", "unsent message below", "unsent message follows", "returned message follows", "returned message -", "text of your message follows",
	"your message follows", "original message -", "original message:", "message text follows", "the message header", "original mail is following",
	"undelivered message follows", "undelivered mail follows", "first few lines of the message", "start of returned", "begin returned", "headers of the message follow",
	"included is a copy of the message header", "the body of the original message", "original e-mail follows", "email follows", "message is following",
	"original message headers", "message body follows", "following is the original message", "enclosed is the original",
	"a copy of your message is below", "message contents follow", "original message text", "the first 50 lines", "the returned message",
)

// returnedMarker says whether the line begins the returned message, and
// whether the line itself is already part of it.
func returnedMarker(line string) (marker, inclusive bool) {
	if len(line) < 120 {
		if c := line[0]; c == '-' || c == '=' || c == '*' || c == '_' || line[len(line)-1] == ':' {
			switch strings.ToLower(strings.Trim(line, "-=*_:. ")) {
			case "original message", "returned message", "original mail", "message headers", "message header", "original headers", "headers", "unsent message":
				return true, false
			}
		}
		if returnedWords.in(line) {
			return true, false
		}
	}
	if line[0] == 'R' || line[0] == 'D' || line[0] == 'M' || line[0] == 'r' || line[0] == 'X' {
		for _, name := range []string{"Received: ", "Return-Path: ", "Return-path: ", "DKIM-Signature: ", "MIME-Version: ", "Mime-Version: ", "X-Originating-IP: "} {
			if strings.HasPrefix(line, name) {
				return true, true
			}
		}
	}
	return false, false
}

// firstAddress returns the first mail address in s, or "".
func firstAddress(s string) string {
	a, _, _ := addressIn(s)
	return a
}

// addressIn finds the first mail address in s and where it begins and ends,
// brackets included (RFC 5321 section 4.1.2, without quoted local parts that
// hold blanks).
func addressIn(s string) (addr string, from, to int) {
	for at := strings.IndexByte(s, '@'); at >= 0; {
		from, to = at, at+1
		for from > 0 && localByte(s[from-1]) {
			from--
		}
		for to < len(s) && domainByte(s[to]) {
			to++
		}
		for to > at+1 && (s[to-1] == '.' || s[to-1] == '-') {
			to--
		}
		for from < at && (s[from] == '.' || s[from] == '\'' || s[from] == '*' || s[from] == '=' || s[from] == '`') {
			from++
		}
		if i := indexFold(s[from:at], "mailto:"); i >= 0 {
			from += i + 7
		}
		if i := strings.LastIndexByte(s[from:at], ':'); i >= 0 {
			from += i + 1
		}
		if at > from && to > at+1 && at-from <= 128 && to-at <= 254 {
			addr = s[from:to]
			if from > 0 && s[from-1] == '<' && to < len(s) && s[to] == '>' {
				return addr, from - 1, to + 1
			}
			return addr, from, to
		}
		next := strings.IndexByte(s[at+1:], '@')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return "", 0, 0
}

func localByte(c byte) bool {
	return wordByte(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.:", c) >= 0
}

func domainByte(c byte) bool { return wordByte(c) || c == '-' || c == '.' || c == '_' }

// failing are words that make a sentence with an address in it one about a failure.
var failing = newWordSet("deliver", "fail", "mailbox", "recipient", "unknown", "reject", "exceed", "no such", "invalid", "valid user", "not exist", "could not", "not found", "unable", "undeliver", "account", "quota", "not listed", "error", "to: <", "blocked", "does not", "doesn't", "following address")

// asking are words that make it one about whom to write to.
var asking = newWordSet("contact", "from ", "sent by", "report", "questions", "send ")

// recipientLine says whether the line names a failed recipient, and what it
// says about it beyond the address.
func recipientLine(line string, skip notOf, first bool) (addr, reason string, ok bool) {
	addr, from, to := addressIn(line)
	if addr == "" || strings.IndexByte(addr[strings.IndexByte(addr, '@'):], '.') < 0 && from > 0 && line[from] != '<' {
		return "", "", false
	}
	before := strings.TrimLeft(line[:from], " \t*->•·\"'([")
	after := strings.TrimLeft(line[to:], " \t\"')]>")
	if skip.has(addr) || before != "" && role(addr) {
		return "", "", false
	}
	if before == "" {
		switch {
		case after == "" || strings.EqualFold(strings.Trim(after, "<> "), addr):
			return addr, "", true
		case after[0] == ':' || after[0] == ',' || after[0] == ';' || strings.HasPrefix(after, "..."):
			return addr, strings.TrimLeft(after, " :,;."), true
		case after[0] == '(' || after[0] == '<' || strings.HasPrefix(after, "on ") || strings.HasPrefix(after, "- ") || strings.HasPrefix(after, "-- "):
			return addr, after, true
		}
		return addr, after, true
	}
	label := strings.ToLower(strings.TrimRight(before, " \t:<\"'"))
	switch label {
	case "from", "sender", "reply-to", "message-id", "mail from", "return-path", "message id", "x-sender", "envelope-from", "in-reply-to", "references", "contact", "cc", "hello", "hi", "dear":
		return "", "", false
	case "to", "recipient", "recipients", "rcpt to", "final-recipient", "final-recipient: rfc822;", "original-recipient: rfc822;", "recipient address", "failed recipient", "intended recipient", "user", "email address", "address", "for", "delivery to", "e-mail address":
		if label == "to" && !first {
			return "", "", false
		}
		return addr, strings.TrimLeft(after, " :,;."), true
	}
	if replyCode(before) != "" || strings.HasPrefix(label, "final-recipient") || strings.HasPrefix(label, "original-recipient") {
		if first {
			return addr, line, true
		}
		return "", "", false
	}
	if !first || len(before) > 200 {
		return "", "", false
	}
	if asking.in(before) {
		return "", "", false
	}
	if failing.in(line) || strings.HasSuffix(label, " to") {
		return addr, line, true
	}
	return "", "", false
}
