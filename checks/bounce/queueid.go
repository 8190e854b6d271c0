package bounce

import "strings"

// queueID returns the id under which the reporting MTA had the refused mail,
// as its own Received field on top of the returned message says it (RFC 5321
// section 4.4, "id"); "" where that field is of another host. A warning of Exim names it in
// its subject.
func (m *reading) queueID(reporting string) string {
	// "Warning: message 1xV5u6-0000Bb-1I delayed 24 hours"
	if _, rest, ok := strings.Cut(m.subject, "message "); ok {
		if id, _, ok := strings.Cut(rest, " delayed"); ok && eximID(id) {
			return id
		}
	}
	by, id := hopID(m.returned.get("Received"))
	if id == "" || reporting == "" || !strings.EqualFold(by, reporting) {
		return ""
	}
	return id
}

// hopID reads the host that wrote a Received field and the id it gave.
// Comments in brackets are no clauses, and the date comes last; Courier's id stands behind it.
func hopID(field string) (host, id string) {
	depth := 0
	last := ""
	for w := range strings.FieldsSeq(field) {
		opened, closed := strings.Count(w, "("), strings.Count(w, ")")
		if depth == 0 && opened == 0 {
			switch last {
			case "by":
				host = strings.Trim(w, ";,")
			case "id":
				id = strings.Trim(w, ";,<>")
			}
			last = strings.ToLower(w)
		}
		depth = max(0, depth+opened-closed)
	}
	return host, id
}

// eximID says whether s is a message id of Exim: 6-6-2 letters and digits, since 4.97 6-11-4.
func eximID(s string) bool {
	if len(s) != 16 && len(s) != 23 || s[6] != '-' || s[len(s)-3] != '-' && s[len(s)-5] != '-' {
		return false
	}
	for i := range len(s) {
		if s[i] != '-' && (s[i] >= 0x80 || !wordByte(s[i])) {
			return false
		}
	}
	return true
}
