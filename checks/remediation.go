package checks

import "time"

// Remediation is what to do about a finding, in order. It is made by
// checks/remedy from a finding's code and facts, with the links filled in.
type Remediation struct {
	ID     string // runbook id, stable: "spamcop", "cisco-talos"
	Title  string // "Get 192.0.2.10 off SpamCop"
	Steps  []Step
	WhoAsk string   // who may ask for removal: "you", "the network owner", "nobody: it expires"
	Takes  string   // typical time: "about 24 hours after the last report"
	Never  []string // what makes it worse
	Again  string   // what asking again does, and when it is right; may be empty

	// The same for a clock, where whoever is asked gives a time; 0: nobody does.
	Promised time.Duration // by then a request has been answered, as they say or as it usually is
	CoolDown time.Duration // asking again sooner is held against us, or does nothing
}

// Step is one imperative sentence, and where to do it.
type Step struct {
	Text    string
	URL     string // filled in; may be empty
	Command string // can be pasted into a shell; may be empty
}
