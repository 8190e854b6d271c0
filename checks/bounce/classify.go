package bounce

import "strings"

// RuleNone is the Rule of a [Judgement] that no rule decided: the enhanced
// status, the reply code or the stage did.
const RuleNone = "none"

// RuleGreeting is the Rule of a refusal in the greeting whose reason was not
// recorded: some MTAs keep nothing but the code and the receiver's name. Before
// anything was said only the address can have been judged.
const RuleGreeting = "refused-at-greeting"

// Classify says what a refusal means. remoteHost is the receiver that gave it, if
// known: it names the vendor where the text does not, and some rules hold only
// for certain receivers. The text decides before the codes, as x.7.1 stands for everything.
func (r *Rules) Classify(d Diagnostic, remoteHost string) Judgement {
	text := d.Text
	if strings.IndexByte(text, '\n') >= 0 {
		text = tidy(text)
	}
	low := lowerText(text)
	remoteHost = strings.TrimSuffix(strings.ToLower(remoteHost), ".")

	var f found
	var room [32]int
	f.list = room[:0]
	words := withoutNames(low)
	r.matcher.find(text, words, &f)
	m := r.matching(d, words, remoteHost, &f)
	if m.win != nil && m.win.Class == ClassBroad {
		if c := byStatus(d.ownStatus()); c != "" && c != m.win.Category {
			m.win = nil // words that say little do not outweigh a code that says more
		}
	}

	j := Judgement{Temporary: strings.HasPrefix(d.Reply, "4") || d.Reply == "" && strings.HasPrefix(d.Status, "4")}
	var templates []string // where our address stands
	if m.win == nil {
		if host := j.unruled(d, low); host != "" {
			remoteHost = host
		}
	} else {
		j.ruled(m)
		if len(m.win.Tags) > 0 {
			j.Code = m.win.firstTag(&f, &r.matcher)
		}
		j.Domain = domainNamed(low, m.win.Domain)
		templates = m.win.Address
	}
	if j.Blocklist == "" && (j.Category == Blocklist || j.Category == DomainReputation || j.Category == IPReputation) {
		j.Blocklist = r.zoneNamed(low)
	}
	if j.Vendor == "" {
		j.Vendor = r.vendorOf(remoteHost)
	}
	j.Address = addressNamed(text, low, templates, j.Reputation || j.Category == RelayDenied)
	j.URL = urlIn(text)
	switch {
	case !j.Reputation:
		j.Remedy = ""
	case j.Remedy == "":
		j.Remedy = defaultRemedy(j)
	}
	return j
}

// matches are the rules that hold for one reply: the one that wins, the list that is named, and the
// sentence that names it. They may be one and the same; nil: there is none.
type matches struct{ win, list, template *compiled }

// matching tries the rules of which a phrase was found, and those without phrases.
func (r *Rules) matching(d Diagnostic, words, host string, f *found) matches {
	var m matches
	winLen, listLen, templateLen := 0, 0, 0
	try := func(i int) {
		c := &r.rules[i]
		n := c.match(f, &r.matcher, d, host)
		if n == 0 {
			return
		}
		wins := m.win == nil || c.layer > m.win.layer || c.layer == m.win.layer && (c.rank > m.win.rank || c.rank == m.win.rank && n > winLen)
		names := c.Class == ClassList && (m.list == nil || n > listLen)
		says := c.Class == ClassTemplate && (m.template == nil || n > templateLen)
		if !wins && !names && !says || c.re != nil && !c.re.MatchString(words) {
			return // an expression costs more than all the rest: it is tried last
		}
		if wins {
			m.win, winLen = c, n
		}
		if names {
			m.list, listLen = c, n
		}
		if says {
			m.template, templateLen = c, n
		}
	}
	for _, p := range f.list {
		for _, i := range r.matcher.uses[p] {
			try(i)
		}
	}
	for _, i := range r.bare {
		try(i)
	}
	return m
}

// ruled judges by the rule that won.
func (j *Judgement) ruled(m matches) {
	win, list := m.win, m.list
	j.Rule, j.Category, j.Vendor, j.Remedy, j.Certainty = win.ID, win.Category, win.Vendor, win.Remedy, win.Class.certainty()
	j.Blocklist = win.List
	// The list says who, the sentence says of what: "Client host [...]
	// blocked using" a list of domains is still about the domain, and "Sender address
	// [...] blocked using" any list is about the sender's.
	if win == list && m.template != nil && m.template.Category != Blocklist {
		j.Category = m.template.Category
	}
	if j.Blocklist == "" && list != nil && j.Category.Reputation() {
		j.Blocklist = list.List
		if win == m.template || j.Category == Blocklist {
			j.Remedy = list.Remedy
		}
	}
	j.Reputation = j.Category.Reputation() || j.Category == Policy && !win.Personal
	if win.Temporary != "" {
		j.Temporary = win.Temporary == "yes"
	}
}

// unruled judges by the codes, where no rule knows the words. host is the receiver, where the reply is
// its name and nothing more, as in a greeting.
func (j *Judgement) unruled(d Diagnostic, low string) (host string) {
	j.Rule, j.Certainty, j.Category = RuleNone, Guess, fallback(d)
	j.Reputation = j.Category.Reputation() || j.Category == Policy && aboutSender(low)
	if (d.Reply == "554" || d.Reply == "550") && d.weak() && (d.Stage == "greeting" || d.Stage == "" && d.Status == "") {
		if host = hostName(lastWord(low)); host != "" {
			j.Rule, j.Category, j.Reputation = RuleGreeting, Policy, true
		}
	}
	return host
}

// ownStatus is the status unless it speaks of the queue of the sending MTA:
// x.4.7, delivery time expired, says nothing about a reply that stands beside it.
func (d Diagnostic) ownStatus() string {
	if d.Reply != "" && strings.HasSuffix(d.Status, ".4.7") && !strings.Contains(d.Text, d.Status) && !d.weak() {
		return ""
	}
	return d.Status
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

// Reputation says whether the category is by itself a refusal for who sent the
// mail or how it looked. [Policy] is one only where the text is about the sender.
func (c Category) Reputation() bool {
	switch c {
	case Blocklist, IPReputation, DomainReputation, RateLimited, SpamContent, AuthFailure, RDNS:
		return true
	}
	return false
}

// match returns how long the match is, in bytes; 0 for none. The expression is the caller's to try.
func (c *compiled) match(f *found, m *matcher, d Diagnostic, host string) int {
	n := 0
	for _, p := range c.any {
		if f.has(p) {
			n = max(n, len(m.phrases[p].text))
		}
	}
	for _, p := range c.tag {
		if f.has(p) {
			n = max(n, len(m.phrases[p].text))
		}
	}
	if n == 0 && len(c.any)+len(c.tag) > 0 {
		return 0
	}
	for _, p := range c.all {
		if !f.has(p) {
			return 0
		}
		n += len(m.phrases[p].text)
	}
	for _, p := range c.none {
		if f.has(p) {
			return 0
		}
	}
	if len(c.codes) > 0 {
		ok := false
		for _, cr := range c.codes {
			ok = ok || cr.holds(d)
		}
		if !ok {
			return 0
		}
	}
	if len(c.home) > 0 {
		ok := false
		for _, h := range c.home {
			ok = ok || underDomain(host, h)
		}
		if !ok {
			return 0
		}
	}
	return max(n, 1)
}

// firstTag returns the tag that was found, bare of brackets.
func (c *compiled) firstTag(f *found, m *matcher) string {
	for _, p := range c.tag {
		if f.has(p) {
			return strings.Trim(m.phrases[p].text, "[]()#: ")
		}
	}
	return ""
}

// underDomain says whether host is domain or below it.
func underDomain(host, domain string) bool {
	return host == domain || len(host) > len(domain) && host[len(host)-len(domain)-1] == '.' && strings.HasSuffix(host, domain)
}

// Vendor names the vendor whose receiver a host is, or "": what [Rules.Classify] gives where the text names none.
func (r *Rules) Vendor(host string) string {
	return r.vendorOf(strings.TrimSuffix(strings.ToLower(host), "."))
}

// vendorOf names the vendor whose receiver host is, or "".
func (r *Rules) vendorOf(host string) string {
	for rest, more := host, host != ""; more; _, rest, more = strings.Cut(rest, ".") {
		if vendor, ok := r.homes[rest]; ok { // the longest end of the name decides
			return vendor
		}
	}
	return ""
}

// defaultRemedy is the runbook for a refusal whose rule names none.
func defaultRemedy(j Judgement) string {
	switch j.Category {
	case Blocklist:
		return "generic-list"
	case RateLimited:
		return "rate-limited"
	case SpamContent:
		return "content"
	case AuthFailure:
		return "authentication"
	case RDNS:
		return "rdns"
	}
	return "generic-receiver"
}
