package checks

// Remediation is what to do about a finding, in order. It is made by
// checks/remedy from a finding's code and facts, with the links filled in.
type Remediation struct {
	ID     string // runbook id, stable: "spamcop", "cisco-talos"
	Title  string // "Get 192.0.2.10 off SpamCop"
	Steps  []Step
	WhoAsk string   // who may ask for removal: "you", "the network owner", "nobody: it expires"
	Takes  string   // typical time: "about 24 hours after the last report"
	Never  []string // what makes it worse
}

// Step is one imperative sentence, and where to do it.
type Step struct {
	Text    string
	URL     string // filled in; may be empty
	Command string // can be pasted into a shell; may be empty
}
