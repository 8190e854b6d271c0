package bounce

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"reputed/checks"
)

// CheckComplaint is the [checks.Key].Check of complaints.
const CheckComplaint = "complaint"

// How complaints weigh. Below 0.1 percent of what was delivered is good, and at 0.3
// percent Google and Yahoo act. Where deliveries are not counted, numbers must do.
const (
	fewComplaints    = 3 // below this it is some people's opinion
	complaintsBad    = 1 // per mille of the deliveries: minor...
	complaintsSevere = 3 // ...and major
)

// complaints gives a finding for each target and reporter of complaints, and for each that
// is known and has not reported for Quiet. The count of one reporter is weighed
// with all deliveries of the target: most reporters do not say which domains are theirs.
func complaints(c Counts, readable bool, now time.Time, opt JudgeOptions) (out []checks.Finding) {
	delivered := map[string]int{}
	for _, h := range c.Hours {
		if h.Receiver == "" {
			delivered[h.Target] += h.Delivered
		}
	}
	told := map[checks.Key]bool{}
	for _, t := range c.Complaints {
		if t.Count <= 0 || now.Sub(t.Last) >= opt.Quiet {
			continue
		}
		f := complained(t, delivered[t.Target])
		told[f.Key] = true
		out = append(out, f)
	}
	for _, key := range opt.Known {
		if key.Check != CheckComplaint || told[key] {
			continue
		}
		f := checks.Finding{Key: key, Target: targetOf(key.Target), Code: checks.CodeNoComplaint, Status: checks.OK, At: now}
		f.Summary = fmt.Sprintf("no complaint about %s in %s", f.Target, opt.Quiet)
		if !readable {
			f.Status = checks.Unknown
			f.Summary = fmt.Sprintf("cannot tell whether there are complaints about %s: mailboxes were not read all the time", f.Target)
		}
		out = append(out, f)
	}
	return out
}

// complained is the finding about the complaints of one reporter.
func complained(t ComplaintTally, delivered int) checks.Finding {
	reporter := cmp.Or(checks.Line(t.Reporter, 80), "a reporter without a name")
	target := targetOf(t.Target)
	f := checks.Finding{
		Key:    checks.Key{Check: CheckComplaint, Target: t.Target, Source: SourceOf(t.Reporter)},
		Target: target, Code: checks.CodeComplaint, Status: checks.Problem, Severity: complaintSeverity(t.Count, delivered), At: t.Last,
		Facts: map[string]string{checks.FactVendor: reporter, checks.FactCategory: string(Complaint), checks.FactCount: strconv.Itoa(t.Count)},
	}
	f.SetTargetFact()
	if f.Facts[checks.FactDomain] == "" {
		f.SetFact(checks.FactDomain, t.Sample.Domain, 255)
	}
	f.SetFact(checks.FactLookupURL, checks.Link(t.Sample.URL), 0)
	f.Summary = fmt.Sprintf("%s reports %s about mail from %s", reporter, checks.Plural(t.Count, "complaint"), target)
	if delivered >= checks.MinMails {
		f.Summary += fmt.Sprintf(", of %s delivered", checks.Plural(delivered, "mail"))
	}
	kind := cmp.Or(t.Sample.Type, "abuse")
	e := checks.Evidence{Question: checks.Line("complaint of "+reporter+" about a mail from "+target.String(), 300), Answer: checks.Line(kind, 40), Via: t.Via, Proof: t.Proof.Detail, At: t.Last}
	if t.Sample.URL != "" {
		e.Reason = checks.Line(t.Sample.URL, 500)
	}
	f.Evidence = []checks.Evidence{e}
	return f
}

// complaintSeverity: one complaint is for the digest. No share is given of few mails.
func complaintSeverity(n, delivered int) checks.Severity {
	if n < fewComplaints {
		return checks.Informational
	}
	if delivered < checks.MinMails { // not counted, or too little
		if n >= checks.MinMails {
			return checks.Major
		}
		return checks.Minor
	}
	switch perMille := 1000 * n / delivered; {
	case perMille >= complaintsSevere:
		return checks.Major
	case perMille >= complaintsBad:
		return checks.Minor
	}
	return checks.Informational
}
