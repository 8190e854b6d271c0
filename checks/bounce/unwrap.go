package bounce

import (
	"net/netip"
	"strings"
)

// lead is a phrase with which a sending MTA introduces what the receiver
// answered. What stands before it names the receiver and the stage.
type lead struct {
	phrase string // lower case
	needs  bool   // true: counts only if a reply code follows at once
}

// leads are the phrases, those of the MTAs first that write most bounces.
var leads = []lead{
	{" refused to talk to me:", false}, // Postfix
	{" said:", false},                  // Postfix, qmail ("Remote host said:")
	{"delivery temporarily suspended:", false},
	{" after initial connection:", false},  // Exim
	{"smtp error from remote mail", false}, // Exim; ends at the colon after the host
	{" server returned was:", false},       // Google
	{" server responded:", false},
	{"remote host said[response message]:", false}, // gateways that copied qmail's words
	{"response from the remote server was:", false},
	{"diagnostic code:", false}, // Sun and Oracle
	{"remote response:", false},
	{"response was:", false},
	{"the error that the other server returned was:", false},
	{"remote server returned", false}, // Exchange
	{"gave this error:", false},       // Exchange
	{"error message below:", false},
	{"following error:", false},
	{"following reason:", false},
	{"did not like our ", false}, // DragonFly; ends at the colon
	{"does not like recipient.", false},
	{"(reason:", false}, // Sendmail
	{"reason:", true},
	{"reply:", true},
	{"error:", true},
	{"failure:", true},
	{"<<< ", false}, // Sendmail, Courier
	{"smtp;", true},
}

var leadSet = func() *wordSet {
	words := make([]string, len(leads))
	for i, l := range leads {
		words[i] = l.phrase
	}
	return newWordSet(words...)
}()

// diagnose takes what a report says about one recipient and returns the receiver's
// answer without its wrapping, and who gave it. Text without a reply is
// returned as it is.
func diagnose(text string) (Diagnostic, peer) {
	text = strings.TrimSpace(text)
	if len(text) > 8*maxDiagnosis {
		text = text[:8*maxDiagnosis]
	}
	var d Diagnostic
	var from peer
	for range 4 { // a wrapped text may be wrapped again: "delivery temporarily suspended: host ... said: ..."
		inner, ok := cutLead(text)
		if !ok {
			break
		}
		outer := text[:len(text)-len(inner)]
		if from == (peer{}) {
			from = peerIn(outer)
		}
		if d.Stage == "" {
			d.Stage = stageIn(outer)
		}
		text = strings.TrimSpace(inner)
	}
	if from == (peer{}) && replyCode(text) == "" {
		if i := replyIn(text); i > 0 {
			from = peerIn(text[:i])
		} else if i < 0 {
			from = peerIn(text)
		}
	}
	if d.Stage == "" {
		d.Stage = stageIn(text)
	}
	text = trimTail(text, &d)
	if i := replyIn(text); i >= 0 {
		// What stands before the reply is the sender's own sentence, unless it is
		// the only text there is.
		if i > 0 && len(strings.TrimSpace(text[i+3:])) > 0 {
			if d.Stage == "" {
				d.Stage = stageIn(text[:i])
			}
			text = text[i:]
		}
		d.Reply = replyCode(text)
		// A reply has no empty line in it; what follows is the sender's prose again.
		if end := strings.Index(text, "\n\n"); end > 0 {
			text = text[:end]
		}
		text = unbracket(text)
	}
	d.Text = tidy(text)
	if d.Reply != "" {
		if rest := strings.TrimLeft(d.Text[min(3, len(d.Text)):], " -:#"); replyCode(rest) == d.Reply { // "450 450 4.2.2"
			d.Text = rest
		}
	} else if d.Reply = replyCode(d.Text); d.Reply == "" {
		if i := replyIn(d.Text); i >= 0 {
			d.Reply = replyCode(d.Text[i:])
		}
	}
	d.Status = enhancedIn(d.Text)
	return d, from
}

// cutLead returns what follows the first lead that stands before any reply.
func cutLead(text string) (string, bool) {
	if replyCode(text) != "" {
		return "", false
	}
	limit := min(len(text), 1200)
	if i := replyIn(text[:limit]); i >= 0 {
		limit = i
	}
	for from := 0; ; {
		n, at := leadSet.find(text[:limit], from)
		if n < 0 {
			return "", false
		}
		from = at + 1
		l := leads[n]
		to := at + len(l.phrase)
		switch l.phrase {
		case "smtp error from remote mail":
			// "... server after RCPT TO:<kim@example.net>: host mx [198.51.100.7]: 550 ..."
			i := strings.LastIndexByte(text[to:limit], ':')
			if i < 0 {
				continue
			}
			to += i + 1
		case "did not like our ":
			i := strings.IndexByte(text[to:], '\n')
			if j := strings.IndexByte(text[to:], ':'); j >= 0 && j < 40 {
				i = j
			} else if j := strings.Index(text[to:], "TO:"); j >= 0 && j < 20 {
				i = j + 2
			}
			if i < 0 {
				continue
			}
			to += i + 1
		}
		rest := strings.TrimLeft(text[to:], " \n\t\"'")
		if rest == "" || l.needs && replyCode(strings.TrimLeft(rest, " #")) == "" {
			continue
		}
		return strings.TrimLeft(text[to:], " \n\t\"'#"), true
	}
}

// stageWords say at which command the receiver refused, most telling first.
var stageWords = []struct{ phrase, stage string }{
	{"refused to talk to me", "greeting"},
	{"after initial connection", "greeting"},
	{"initial server greeting", "greeting"},
	{"greeting failed", "greeting"},
	{"in reply to end of data", "end of data"},
	{"after end of data", "end of data"},
	{"our final data", "end of data"},
	{"after i sent the message", "end of data"},
	{"end of data", "end of data"},
	{"in reply to rcpt to", "rcpt"},
	{"rcpt to", "rcpt"},
	{"rcpt_to", "rcpt"},
	{"does not like recipient", "rcpt"},
	{"in reply to mail from", "mail"},
	{"mail from", "mail"},
	{"sender was rejected", "mail"},
	{"in reply to data", "data"},
	{"after data", "data"},
	{"in reply to ehlo", "ehlo"},
	{"in reply to helo", "ehlo"},
	{"after ehlo", "ehlo"},
	{"after helo", "ehlo"},
}

var stageSet = func() *wordSet {
	words := make([]string, len(stageWords))
	for i, w := range stageWords {
		words[i] = w.phrase
	}
	return newWordSet(words...)
}()

// stageIn reads the stage from the sending MTA's words; a reply's own words
// about a command prove nothing, so only the part before it is given here.
func stageIn(outer string) string {
	if i := replyIn(outer); i >= 0 {
		// Behind a reply only the closing "(in reply to ... command)" is the MTA's.
		if j := lastIndexFold(outer, "(in reply to "); j > i {
			outer = outer[j:]
		} else {
			outer = outer[:i]
		}
	}
	best := -1 // the most telling wins, wherever it stands
	for from := 0; ; {
		n, at := stageSet.find(outer, from)
		if n < 0 {
			break
		}
		if best < 0 || n < best {
			best = n
		}
		from = at + 1
	}
	if best < 0 {
		return ""
	}
	return stageWords[best].stage
}

// tails are what sending MTAs append to a reply, in lower case.
var tails = []string{"(in reply to ", ": retry timeout exceeded", "[rcpt_to]", "(state ", "[mail_from]", "[data]", "[eom]", "giving up on ", "(delivery attempts: ", "step: ", "i'm not going to try again"}

// trimTail drops what the sending MTA wrote behind the reply, reading the stage from it.
func trimTail(text string, d *Diagnostic) string {
	for _, t := range tails {
		i := lastIndexFold(text[max(0, len(text)-80):], t)
		if i < 0 {
			continue
		}
		if i += max(0, len(text)-80); i == 0 {
			continue
		}
		if d.Stage == "" {
			d.Stage = stageIn(text[i:])
		}
		text = strings.TrimRight(text[:i], " \n\t/")
	}
	return unbracket(text) // of "(reason: ...)"
}

// unbracket drops a closing bracket or quote whose opening one stood before the reply.
func unbracket(text string) string {
	text = strings.TrimRight(text, " \n\t")
	for _, pair := range []string{"()", "[]", "<>"} {
		if text != "" && text[len(text)-1] == pair[1] && strings.Count(text, pair[:1]) < strings.Count(text, pair[1:]) {
			text = text[:len(text)-1]
		}
	}
	if n := len(text); n > 0 && (text[n-1] == '\'' || text[n-1] == '"') && strings.Count(text, text[n-1:]) == 1 {
		text = text[:n-1]
	}
	// "550-'5.1.1 user unknown'": IronPort quotes what stands behind the code.
	if len(text) > 5 && (text[4] == '\'' || text[4] == '"') && text[len(text)-1] == text[4] {
		text = text[:3] + " " + text[5:len(text)-1]
	}
	return text
}

// weak says whether a diagnostic holds no reason: nothing, a code alone, or a
// code and a host name, as Sendmail writes of a multi-line reply's first line.
func (d Diagnostic) weak() bool {
	rest := d.Text
	if d.Reply != "" {
		rest = strings.TrimPrefix(rest, d.Reply)
	}
	rest = strings.TrimLeft(rest, " -:#")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, enhancedAt(rest)), " -:#")
	rest = strings.TrimSpace(rest)
	if strings.ContainsAny(rest, " \t\n") {
		return false
	}
	return len(rest) < 4 || hostName(rest) != ""
}

// join puts the texts that a report gives for one recipient together, the
// better one first and none that the other already holds.
func join(a, b Diagnostic) Diagnostic {
	if a.weak() && !b.weak() {
		a, b = b, a
	}
	if a.Reply == "" {
		a.Reply = b.Reply
	}
	if a.Status == "" {
		a.Status = b.Status
	}
	if a.Stage == "" {
		a.Stage = b.Stage
	}
	if a.Text == "" {
		a.Text = b.Text
	} else if a.weak() && b.Text != "" && !strings.Contains(a.Text, b.Text) {
		a.Text = clean(a.Text+" "+b.Text, maxDiagnosis)
	}
	return a
}

// Diagnose takes a receiver's answer as some MTA, log or connection gives it
// (several lines joined by "\n" or blanks, with the sender's words around it) and
// returns it bare, with the host and address that it was given by as far as
// the words around it say. It is what [Parse] does with every text before [Rules.Classify].
func Diagnose(text string) (d Diagnostic, host string, addr netip.Addr) {
	d, from := diagnose(text)
	return d, from.host, from.addr
}
