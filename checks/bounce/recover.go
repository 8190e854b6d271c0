package bounce

import (
	"fmt"
	"time"

	"reputed/checks"
)

// recoveryWait is how long after the last refusal a problem may end at the earliest because mail is
// accepted again: some of a receiver's hosts learn of it later than others.
const recoveryWait = time.Hour

// again is what is known of a refuser that takes mail again.
type again struct {
	first    time.Time // the first mail taken after the last refusal
	accepted int
}

// recovered says whether a refuser is seen to accept our mail again, so that nobody has to
// wait for the quiet time to pass. That is so if
//
//   - it refused for who sent the mail (a list, the reputation of an address or domain, its
//     name in DNS): that is over for all mail at once or not at all. A limit, a policy or the
//     look of single mails says nothing of the next mail;
//   - each receiver that refused has taken a mail after its last refusal;
//   - they have taken [checks.MinMails] together;
//   - and the last refusal is [recoveryWait] ago.
//
// One more refusal and all this begins anew. Refusals that are older than quiet play no part.
func recovered(g []Tally, accepted map[receiverOf]Acceptance, now time.Time, quiet time.Duration) (a again, ok bool) {
	last := map[receiverOf]time.Time{}
	for _, t := range g {
		if now.Sub(t.Last) >= quiet {
			continue
		}
		switch t.Category {
		case Blocklist, IPReputation, DomainReputation, RDNS:
		default:
			return again{}, false
		}
		if now.Sub(t.Last) < recoveryWait {
			return again{}, false
		}
		k := receiverOf{t.Target, t.Receiver}
		last[k] = laterOf(last[k], t.Last)
	}
	for k, refused := range last {
		x := accepted[k]
		// A refusal that the logs have not, as a report told of it, is newer than what they know.
		if x.First.IsZero() || x.Accepted == 0 || x.Refused.Before(refused) {
			return again{}, false
		}
		a.accepted += x.Accepted
		if a.first.IsZero() || x.First.After(a.first) {
			a.first = x.First // the slowest of them
		}
	}
	return a, len(last) > 0 && a.accepted >= checks.MinMails
}

// takenAgain is the finding that a known problem is over.
func takenAgain(key checks.Key, g []Tally, a again, now time.Time, opt JudgeOptions) checks.Finding {
	f := quiet(key, latest(g).Last, true, now, opt)
	f.Code, f.Status = checks.CodeAccepted, checks.OK
	f.Summary = fmt.Sprintf("%s takes mail from %s again: last refusal %s, first accepted %s, %s since", checks.Line(opt.ListName(key.Source), 80), f.Target,
		clock(latest(g).Last), clock(a.first), checks.Plural(a.accepted, "mail"))
	f.Evidence = []checks.Evidence{{Question: "mail that receivers took after their last refusal", Answer: checks.Plural(a.accepted, "mail"), Via: "the logs of your mail servers", At: now}}
	return f
}

// clock is a time in a sentence.
func clock(t time.Time) string { return t.UTC().Format("2 Jan 15:04 MST") }
