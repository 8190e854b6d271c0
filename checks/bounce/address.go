package bounce

import "strings"

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
		for _, label := range [...]string{"recipient=", "rcpt=", "to=", "address=", "addr=", "email="} {
			if foldPrefix(s[from:at], label) { // of a log; a return path that holds an address begins otherwise
				from += len(label)
			}
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

// DomainOf is the part of a mail address behind the last "@", in lower case and without a final dot; "" if there is none.
func DomainOf(addr string) string {
	i := strings.LastIndexByte(addr, '@')
	if i < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimRight(addr[i+1:], "."))
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
	case "to", "recipient", "recipients", "rcpt to", "final-recipient", "final-recipient: rfc822;", "original-recipient: rfc822;", "recipient address", "failed recipient", "intended recipient", "user", "email address", "address", "for", "delivery to", "e-mail address", "smtp":
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
