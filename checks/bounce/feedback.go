package bounce

import (
	"net/netip"
	"strings"
)

// readFeedback reads a feedback-report part (RFC 5965 section 3, RFC 6591
// section 3). Fields may come in any order; the first of each counts.
func readFeedback(text string) Feedback {
	h, _ := readHeader(strings.TrimLeft(text, "\n"), nil)
	f := Feedback{Type: strings.ToLower(firstWord(h.get("Feedback-Type")))}
	if a, ok := parseAddr(strings.Trim(firstWord(h.get("Source-IP")), "[]")); ok {
		f.Source = a
	}
	f.Reporter = hostName(firstWord(afterType(h.get("Reporting-MTA"))))
	if f.Reporter == "" {
		f.Reporter = h.get("User-Agent")
	}
	f.Recipient = firstAddress(firstOf(h, "Original-Rcpt-To", "Removal-Recipient"))
	f.Domain = strings.ToLower(firstWord(h.get("Reported-Domain")))
	if f.Domain == "" {
		f.Domain = DomainOf(firstAddress(h.get("Original-Mail-From")))
	}
	if at, ok := parseDate(firstOf(h, "Arrival-Date", "Received-Date")); ok {
		f.At = at
	}
	return f
}

func firstOf(h header, names ...string) string {
	for _, n := range names {
		if v := h.get(n); v != "" {
			return v
		}
	}
	return ""
}

// plainComplaint reads complaint mail that has no report part, by what its
// senders document: Microsoft's JMRP, SpamCop's reports. The second result says whether it
// is one.
func plainComplaint(h header, subject, text string, returned header) (Feedback, bool) {
	from := strings.ToLower(firstAddress(h.get("From")))
	low := strings.ToLower(subject)
	var f Feedback
	switch {
	case strings.HasPrefix(strings.TrimSpace(low), "complaint about message from "):
		f.Reporter = "Microsoft JMRP"
		f.Recipient = firstAddress(returned.get("X-HmXmrOriginalRecipient"))
	case strings.HasPrefix(low, "[spamcop (") || strings.HasSuffix(from, "@reports.spamcop.net") || strings.HasSuffix(from, "@devnull.spamcop.net"):
		f.Reporter = "SpamCop"
		if i := strings.Index(text, "http"); i >= 0 {
			f.URL = urlAt(text[i:])
		}
	case strings.HasPrefix(low, "[spamcop]") && strings.Contains(low, "summary"):
		// One line an address, the address first; one of them is enough to look the others up.
		f.Reporter, f.Source = "SpamCop", addressWord(text)
	default:
		return Feedback{}, false
	}
	f.Type = "abuse"
	if a := addressWord(subject); a.IsValid() {
		f.Source = a
	}
	if !f.Source.IsValid() {
		f.Source = addressWord(h.get("X-SpamCop-sourceip"))
	}
	if at, ok := parseDate(h.get("Date")); ok {
		f.At = at
	}
	return f, true
}

// addressWord returns the first word of s that is an address.
func addressWord(s string) netip.Addr {
	for w := range strings.FieldsSeq(s) {
		if a, ok := parseAddr(strings.Trim(w, "()[]<>,;\"'")); ok {
			return a
		}
	}
	return netip.Addr{}
}
