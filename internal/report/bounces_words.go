package report

import (
	"strings"

	"reputed/checks"
	"reputed/checks/bounce"
)

// certainty is how sure a verdict is, where it is not certain.
func certainty(c bounce.Certainty) string {
	switch c {
	case bounce.Likely:
		return ", likely"
	case bounce.Guess:
		return ", a guess"
	}
	return ""
}

// missingProof is how a report that is ours could be proved to be.
func missingProof(r bounce.Report) string {
	ids := []string{r.Complaint.MessageID}
	for _, x := range r.Bounces {
		ids = append(ids, x.MessageID)
	}
	for _, id := range ids {
		if _, domain, ok := strings.Cut(strings.Trim(id, "<> "), "@"); ok && domain != "" {
			return "It returns a mail whose Message-ID ends in " + checks.Line(domain, 100) + ": if only your systems write that, add it to [bounces] message_id_domains"
		}
	}
	return "It returns no Message-ID; what your own servers write is proved by [[outbound]] hosts"
}

// judgement is what a refusal means, in words.
func judgement(x bounce.Bounce) (string, style) {
	j := x.Judgement
	s, st := string(j.Category), plain
	if j.Reputation {
		s, st = s+", refused for reputation", bad
	}
	if j.Vendor != "" {
		s += " by " + clean(j.Vendor)
	}
	if j.Temporary || x.Action == bounce.Delayed {
		s += " (temporary)"
	}
	if code := strings.TrimSpace(x.Diagnostic.Reply + " " + x.Diagnostic.Status); code != "" {
		s += ", " + clean(code)
	}
	return s, st
}

// kindWords is what a mail is, for people.
func kindWords(k bounce.Kind) string {
	switch k {
	case bounce.KindSuccess:
		return "report of success"
	case bounce.KindAuthReport:
		return "authentication failure report"
	case bounce.KindOther:
		return "not a bounce"
	}
	return clean(string(k))
}
