package bounce

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// dsn is what a delivery-status part says (RFC 3464 section 2), read forgivingly.
type dsn struct {
	reporting string // Reporting-MTA, a host name
	arrival   string // Arrival-Date
	queueID   string // X-Postfix-Queue-ID, or as Postfix's mail_name says
	blocks    []dsnBlock
}

// dsnBlock is what it says of one recipient (RFC 3464 section 2.3).
type dsnBlock struct {
	final, original string // addresses, decoded
	action          string // first word, lower case
	status          string
	diagnostic      string // lines kept apart by \n; type prefix removed
	remote          string // Remote-MTA, type prefix removed
	comment         string // words behind the code in Status
	attempt         string // Last-Attempt-Date
	extra           string // X-Supplementary-Info: where Exchange keeps the reply if Diagnostic-Code lacks it
}

func (b *dsnBlock) empty() bool { return *b == dsnBlock{} }

// recipient is the address that failed: the final one, or what was given instead.
func (b *dsnBlock) recipient() string {
	if strings.Contains(b.final, "@") || b.original == "" {
		return b.final
	}
	return b.original
}

// readDSN reads a delivery-status part. Quirks met and tolerated: Action before
// Final-Recipient (Exim), no empty line between the message's block and the
// first recipient's, empty lines inside a block, continuation lines without
// indentation, fields of the message's block after a recipient's.
func readDSN(text string) dsn {
	var r dsnReader
	for text != "" {
		var line string
		line, text = cutLine(text)
		r.line(line)
	}
	r.flush()
	return r.dsn
}

// dsnReader is a delivery status in the course of being read.
type dsnReader struct {
	dsn
	cur  dsnBlock
	last *string // field that an unindented line continues
	gap  bool    // an empty line came right before
}

// flush ends the block of one recipient.
func (r *dsnReader) flush() {
	if !r.cur.empty() && len(r.blocks) < maxBounces {
		r.blocks = append(r.blocks, r.cur)
	}
	r.cur = dsnBlock{}
}

// set keeps the first value of a field.
func (r *dsnReader) set(slot *string, value string) {
	if *slot == "" {
		*slot = value
	}
	r.last = slot
}

// line takes one line, without its end.
func (r *dsnReader) line(line string) {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		r.gap, r.last = true, nil
		return
	}
	name, ok := fieldName(line)
	if !ok || line[0] == ' ' || line[0] == '\t' || r.last == &r.cur.diagnostic && replyCode(trimmed) != "" {
		r.continued(trimmed)
		return
	}
	value := strings.TrimSpace(line[strings.IndexByte(line, ':')+1:])
	if r.ofMessage(name, value) {
		return
	}
	slot, value := r.ofRecipient(name, value)
	if slot == nil {
		r.last = nil
		return
	}
	// A new block begins where a field comes for the second time, after an
	// empty line or with a new final recipient; else the block goes on.
	named := r.cur.final != "" || r.cur.original != ""
	names := slot == &r.cur.final || slot == &r.cur.original
	if slot == &r.cur.final && r.cur.final != "" || r.gap && *slot != "" || r.gap && named && names && r.cur.action != "" {
		r.flush()
	}
	r.gap = false
	if slot == &r.cur.status {
		value = r.status(value)
	}
	r.set(slot, value)
}

// continued takes a line that goes on with the field before it.
func (r *dsnReader) continued(text string) {
	switch {
	case r.last == nil:
	case r.last == &r.cur.diagnostic || r.last == &r.cur.extra:
		if len(*r.last) < 8*maxDiagnosis {
			*r.last += "\n" + text
		}
	case *r.last != "": // no address and no word goes on
	case r.last == &r.cur.final || r.last == &r.cur.original: // quirk: Exchange folds behind the type
		*r.last = typedAddress(text)
	case r.last == &r.cur.status:
		*r.last = enhancedIn(text)
	default:
		*r.last = firstWord(text)
	}
}

// ofMessage takes a field of the whole message (RFC 3464 section 2.2); false: it is none.
func (r *dsnReader) ofMessage(name, value string) bool {
	switch {
	case strings.EqualFold(name, "Reporting-MTA"):
		r.set(&r.reporting, strings.ToLower(firstWord(afterType(value))))
	case strings.EqualFold(name, "Arrival-Date"):
		r.set(&r.arrival, value)
	default:
		return false
	}
	r.gap = false
	return true
}

// ofRecipient is where a field of one recipient belongs (RFC 3464 section 2.3), and its value without
// types and comments; nil: it is none that is read.
func (r *dsnReader) ofRecipient(name, value string) (slot *string, bare string) {
	switch {
	case strings.EqualFold(name, "Final-Recipient"):
		return &r.cur.final, typedAddress(value)
	case strings.EqualFold(name, "Original-Recipient"):
		return &r.cur.original, typedAddress(value)
	case strings.EqualFold(name, "Action"):
		return &r.cur.action, firstWord(value)
	case strings.EqualFold(name, "Status"):
		return &r.cur.status, value
	case strings.EqualFold(name, "Diagnostic-Code"):
		return &r.cur.diagnostic, afterType(value)
	case strings.EqualFold(name, "X-Supplementary-Info"):
		// Exchange's: "<mx1.example.net #5.1.1 smtp;550-5.1.1 ...>"
		return &r.cur.extra, strings.TrimSuffix(value, ">")
	case strings.EqualFold(name, "Remote-MTA"):
		return &r.cur.remote, afterType(value)
	case strings.EqualFold(name, "Last-Attempt-Date"):
		return &r.cur.attempt, value
	case foldPrefix(name, "x-") && len(name) > 10 && strings.EqualFold(name[len(name)-9:], "-Queue-ID") && r.queueID == "":
		r.queueID = value
	}
	return nil, "" // X-Actual-Recipient too, Sendmail's: where an alias led to. The address we know is the other
}

// status reads "5.0.0 (permanent failure)" and keeps the comment.
func (r *dsnReader) status(value string) string {
	if i := strings.IndexByte(value, '('); i > 0 && r.cur.comment == "" {
		r.cur.comment = strings.Trim(value[i:], "() ")
	}
	return enhancedIn(value)
}

// typedAddress reads "rfc822; kim@example.net" (RFC 3464 section 2.3.1) in its sloppy
// forms, and undoes xtext where it was used (RFC 3461 section 4).
func typedAddress(value string) string {
	addr := undoUnicode(afterType(value))
	addr = strings.Trim(strings.TrimSpace(addr), "<>\"'")
	if i := strings.LastIndexByte(addr, '<'); i >= 0 {
		addr = strings.Trim(addr[i:], "<> ")
	}
	if i := strings.IndexAny(addr, " \t("); i > 0 {
		addr = addr[:i]
	}
	if strings.Contains(addr, "+40") && !strings.Contains(addr, "@") || strings.Contains(addr, "+3D") || strings.Contains(addr, "+2B") {
		addr = undoXtext(addr)
	}
	addr = strings.TrimPrefix(addr, "mailto:")
	if strings.HasPrefix(addr, "@") { // source route, RFC 5321 appendix C
		if i := strings.IndexByte(addr, ':'); i > 0 {
			addr = addr[i+1:]
		}
	}
	return addr
}

// embedded is a character outside ASCII in an address of type utf-8 that was made to fit into ASCII
// (RFC 6533 section 3): "\x{43A}" is the letter U+043A.
var embedded = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{1,6})\}`)

// undoUnicode undoes that; what is no character stays as it is.
func undoUnicode(s string) string {
	if !strings.Contains(s, `\x{`) {
		return s
	}
	return embedded.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[3:len(m)-1], 16, 32)
		if r := rune(n); err == nil && utf8.ValidRune(r) && unicode.IsPrint(r) {
			return string(r)
		}
		return m
	})
}

// undoXtext decodes xtext (RFC 3461 section 4): "+" and two upper-case hex digits.
func undoXtext(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				if c := byte(hi<<4 | lo); c > ' ' && c < 0x7f {
					b.WriteByte(c)
					i += 2
					continue
				}
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// afterType drops the type of a typed field: "smtp; 550 ..." (RFC 3464 section 2.1.2).
func afterType(value string) string {
	i := strings.IndexByte(value, ';')
	if i < 0 || i > 30 {
		return value
	}
	for j := range i {
		c := value[j]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == ' ' || c == '_') {
			return value
		}
	}
	if replyCode(value) != "" {
		return value
	}
	return strings.TrimSpace(value[i+1:])
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t\n(;,"); i >= 0 {
		s = s[:i]
	}
	return strings.ToLower(s)
}
