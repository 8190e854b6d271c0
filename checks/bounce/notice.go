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
