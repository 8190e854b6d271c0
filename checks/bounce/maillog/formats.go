package maillog

import (
	"strings"

	"reputed/probes"
)

// formatOf tells by the syslog tag whose line it is; Auto for nobody's.
func formatOf(tag string) Format {
	switch {
	case strings.IndexByte(tag, '/') >= 0:
		switch postfixProgram(tag) {
		case "smtp", "error", "retry", "cleanup", "qmgr", "nqmgr", "smtpd", "pickup":
			return Postfix
		case "master", "postfix-script": // which say nothing of a mail, and that the log is the right one before there is any
			if strings.HasPrefix(tag, "postfix") { // Cyrus has a master too
				return Postfix
			}
		}
	case tag == "smtpd":
		return OpenSMTPD
	case strings.HasPrefix(tag, "exim"):
		return Exim
	case strings.HasPrefix(tag, "sendmail"), strings.HasPrefix(tag, "sm-"):
		return Sendmail
	case tag == "courieresmtp":
		return Courier
	}
	return Auto
}

// program reads a line that has a syslog header.
func (r *Reader) program(e *entry, out []Event) []Event {
	if strings.HasPrefix(e.text, "{") && (r.opt.Format == JSON || r.opt.Format == Auto) {
		return r.json(e, e.text, false, out)
	}
	f := formatOf(e.tag)
	if r.opt.Format != Auto && f != r.opt.Format {
		// Programs have other names where somebody gave them one, but Postfix's
		// always end in the program.
		if f != Auto || r.opt.Format == Postfix {
			return out
		}
		f = r.opt.Format
	}
	if f == Auto {
		return out
	}
	r.stats.Mail++
	switch f {
	case Postfix:
		return r.postfix(e, out)
	case OpenSMTPD:
		return r.openSMTPD(e, out)
	case Exim:
		return r.eximSyslog(e, out)
	case Sendmail:
		return r.sendmail(e, out)
	case Courier:
		return r.courier(e, out)
	}
	return out
}

// line reads a line without a syslog header: Exim's own, PowerMTA's, or JSON. around is the entry that it was
// wrapped in, or nil.
func (r *Reader) line(text string, around *entry, out []Event) []Event {
	var e entry
	if around != nil {
		e = *around
		if inner, ok := header(&probes.LogLine{Text: text}); ok {
			return r.program(&inner, out)
		}
	}
	f := r.opt.Format
	if strings.HasPrefix(text, "{") {
		if f == JSON || f == Auto {
			return r.json(&e, text, around != nil, out)
		}
		return out
	}
	if f == Exim || f == Auto || f == JSON && around != nil {
		if stamp, pid, rest, ok := eximOwn(text); ok {
			e.stamp, e.pid, e.text = stamp, pid, rest
			if eximID(rest) != "" {
				r.stats.Mail++
			}
			return r.exim(&e, out)
		}
	}
	if f == PowerMTA || f == Auto {
		return r.powerMTA(&e, text, out)
	}
	return out
}

// Looks says whether the first bytes of a file (some KiB) are a mail server's log.
// Nearly every line has to be a log's, and one a mail server's.
func Looks(first []byte) bool {
	text := string(first)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text = text[:i] // the last line may be cut
	}
	lines, logs, mail, columns := 0, 0, 0, false
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.Trim(line, "\r\x00"); line == "" {
			continue
		}
		if lines++; lines > 500 {
			break
		}
		switch e, ok := header(&probes.LogLine{Text: line}); {
		case ok:
			logs++
			if formatOf(e.tag) != Auto || strings.HasPrefix(e.tag, "postfix") {
				mail++
			}
		case strings.HasPrefix(line, "{"):
			r := New(Options{Format: JSON})
			logs++
			if r.json(&entry{}, line, false, nil); r.stats.Mail > 0 {
				mail++
			}
		default:
			if _, _, rest, ok := eximOwn(line); ok {
				logs++
				if eximID(rest) != "" {
					mail++
				}
			} else if _, ok := accountColumns(line); ok {
				columns = true
				logs++
				mail++
			} else if columns && accountRecord(line) {
				logs++
			}
		}
	}
	return mail > 0 && logs*10 >= lines*9
}
