package identity

import (
	"time"

	"reputed/checks"
)

// CheckName is the check part of the keys of this package's findings.
const CheckName = "identity"

// Rule is one thing that receivers ask of a sender, by the name that configuration turns it off
// with. It is stable.
type Rule string

// Of an address.
const (
	RulePTR        Rule = "ptr"         // it has a name (RFC 1912 section 2.1)
	RuleConfirmed  Rule = "fcrdns"      // the name leads back to it: iprev of RFC 8601 section 2.7.3
	RuleGeneric    Rule = "generic"     // the name is not one that a provider made for every address
	RuleHELO       Rule = "helo"        // the name that it greets with leads to it (RFC 5321 section 4.1.4)
	RuleCert       Rule = "certificate" // its certificate is for the name that it greets with
	RuleAuthorised Rule = "spf-address" // SPF of a domain passes for it (RFC 7208)
)

// Of a domain.
const (
	RuleSPF       Rule = "spf"           // one record, that receivers can evaluate
	RuleSPFLimits Rule = "spf-limits"    // 10 look-ups, and 2 that find nothing (RFC 7208 section 4.6.4)
	RuleDKIM      Rule = "dkim"          // its selectors publish sane keys (RFC 6376, 8301, 8463)
	RuleDMARC     Rule = "dmarc"         // one record, that says something (RFC 7489)
	RuleReports   Rule = "dmarc-reports" // those who are to get reports agree (RFC 7489 section 7.1)
	RuleAlignment Rule = "alignment"     // SPF or DKIM can pass for the domain in From (RFC 7489 section 3.1)
	RuleMX        Rule = "mx"            // somebody takes its mail (RFC 5321 section 5.1)
	RuleMailboxes Rule = "mailboxes"     // postmaster@ and abuse@ are taken (RFC 2142, RFC 5321 section 4.5.1)
	RuleMTASTS    Rule = "mta-sts"       // RFC 8461
	RuleTLSRPT    Rule = "tls-rpt"       // RFC 8460
)

// Rules are all rules in the order in which they are told.
func Rules() []Rule {
	return []Rule{RulePTR, RuleConfirmed, RuleGeneric, RuleHELO, RuleCert, RuleAuthorised,
		RuleSPF, RuleSPFLimits, RuleDKIM, RuleDMARC, RuleReports, RuleAlignment, RuleMX, RuleMailboxes, RuleMTASTS, RuleTLSRPT}
}

// Title is the rule in two or three words.
func (r Rule) Title() string {
	switch r {
	case RulePTR:
		return "PTR"
	case RuleConfirmed:
		return "leads back"
	case RuleGeneric:
		return "own name"
	case RuleHELO:
		return "HELO"
	case RuleCert:
		return "certificate"
	case RuleAuthorised:
		return "passes SPF"
	case RuleSPF:
		return "SPF"
	case RuleSPFLimits:
		return "SPF limits"
	case RuleDKIM:
		return "DKIM"
	case RuleDMARC:
		return "DMARC"
	case RuleReports:
		return "DMARC reports"
	case RuleAlignment:
		return "alignment"
	case RuleMX:
		return "MX"
	case RuleMailboxes:
		return "postmaster@"
	case RuleMTASTS:
		return "MTA-STS"
	case RuleTLSRPT:
		return "TLS-RPT"
	}
	return string(r)
}

// State is what looking at a rule came to.
type State string

const (
	Good      State = "good"        // as it should be
	Advice    State = "advice"      // works; something better could be published. Opens nothing
	Bad       State = "bad"         // wrong, and Severity says what it is likely to cost
	Unknown   State = "unknown"     // asked, and there was no answer
	Unchecked State = "not-checked" // not asked: something is not configured, or somebody else's to look at
)

// Fix is what mends it.
type Fix struct {
	Do     string // an imperative sentence: who is to be asked, what is to be changed
	Record string // the record to publish, as in a zone file; empty: none can be written out
}

// Item is what looking at one rule of one target came to.
type Item struct {
	Target   checks.Target
	Rule     Rule
	Part     string // of RuleAuthorised the domain, of RuleDKIM the selector; else empty
	State    State
	Severity checks.Severity // of Bad; else empty
	Code     checks.Code     // of Bad; else empty
	Text     string          // one sentence or less
	Value    string          // what is published, in a few words; may be empty
	Fix      Fix
	More     []string // what else there is to say: what each include costs, how a provider is limited
	Evidence []checks.Evidence
}

// Source is the source part of the key of the item's finding.
func (i Item) Source() string {
	if i.Part != "" {
		return string(i.Rule) + ":" + i.Part
	}
	return string(i.Rule)
}

// Bounds of a line, in runes.
const (
	maxSummary = 300
	maxFact    = 500
)

// Finding turns the item into a finding, and says whether it is one: what was not asked is none. What is
// good or could be better ends what was bad, and at once (Settle is zero): a cached answer that holds
// the right record proves that it has been published.
func (i Item) Finding(now time.Time) (checks.Finding, bool) {
	f := checks.Finding{
		Key: checks.Key{Check: CheckName, Target: i.Target.ID(), Source: i.Source()}, Target: i.Target, At: now.UTC(),
		Summary: checks.Line(i.Summary(), maxSummary), Evidence: i.Evidence, Facts: map[string]string{},
	}
	f.SetTargetFact()
	switch {
	case i.Target.Kind == checks.KindAddress && i.Rule == RuleAuthorised:
		f.SetFact(checks.FactDomain, i.Part, maxFact)
	case i.Target.Kind == checks.KindDomain && i.Rule == RuleDKIM:
		f.SetFact(checks.FactSelector, i.Part, maxFact)
	}
	f.SetFact(checks.FactValue, i.Value, maxFact)
	f.SetFact(checks.FactInstruction, i.Fix.Do, maxFact)
	if len(i.Fix.Record) <= MaxRecord { // half a record is worse than none
		f.SetFact(checks.FactRecord, i.Fix.Record, 0)
	}
	switch i.State {
	case Bad:
		f.Status, f.Code, f.Severity = checks.Problem, i.Code, i.Severity
	case Good, Advice:
		f.Status, f.Code = checks.OK, checks.CodeIdentityWell
	case Unknown:
		f.Status, f.Code = checks.Unknown, checks.CodeIdentityUnknown
	default:
		return checks.Finding{}, false
	}
	return f, true
}

// Summary is one sentence that names the target.
func (i Item) Summary() string { return i.Target.String() + ": " + i.Text }

// MaxRecord is the longest record that is written out to be published, in octets: RFC 7208
// section 3.4 wants an answer to fit into 512.
const MaxRecord = 450
