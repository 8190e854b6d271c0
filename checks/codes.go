package checks

// Code names one kind of finding. It is permanent: configuration, runbooks and other
// people's scripts refer to it, so a code is never renamed or given another meaning.
type Code string

const (
	// About a target, from DNS blocklists.
	CodeListed        Code = "dnsbl.listed"        // a list answers with a code of class listed
	CodePolicy        Code = "dnsbl.policy"        // a list says that this range should not send to MX hosts
	CodeInformational Code = "dnsbl.informational" // listed for its neighbours, its age, or as a score
	CodeNeighbours    Code = "dnsbl.neighbours"    // how many addresses around it are listed; says nothing about it
	CodeNotListed     Code = "dnsbl.clean"         // was listed, and is no longer
	CodeNoAnswer      Code = "dnsbl.unknown"       // asked, no usable answer

	// About a list.
	CodeListRefused  Code = "list.refused"  // the operator refuses to answer our resolver
	CodeListUnusable Code = "list.unusable" // lists the world, is parked, or is gone
	CodeListUnknown  Code = "list.unknown"  // its controls had no answer

	// About a target, from mail that came back.
	CodeRefused  Code = "bounce.refused"  // receivers refuse our mail for its reputation
	CodeAccepted Code = "bounce.accepted" // they did, and no refusal has been seen for the quiet time

	// They did before this monitor began to watch, and have taken mail again since.
	CodeOverBefore Code = "bounce.over-before"

	CodeRamp        Code = "bounce.ramp"         // more and more mail is deferred for its reputation
	CodeRampOver    Code = "bounce.ramp-over"    // it was, and is no longer more than usual
	CodeComplaint   Code = "bounce.complaint"    // recipients, or those who look for them, say that our mail is spam
	CodeNoComplaint Code = "bounce.no-complaint" // they did, and have not for the quiet time

	// About a target, from those who rate senders: scores in the DNS, providers' own programmes,
	// and what a person read on a page.
	CodePoor         Code = "reputation.poor"         // a source rates it below what receivers ask for
	CodeFell         Code = "reputation.fell"         // a source rates it much lower than of late
	CodeBlocked      Code = "reputation.blocked"      // a provider says that it blocks the address
	CodeSpamRate     Code = "reputation.spam-rate"    // a provider says that too many call its mail spam, or that it hit traps
	CodeTurnedAway   Code = "reputation.turned-away"  // a provider says that it refuses or defers much of its mail
	CodeRequirements Code = "reputation.requirements" // a provider says that a requirement of senders is not met
	CodeRatedWell    Code = "reputation.ok"           // one of the above is over
	CodeUnrated      Code = "reputation.unknown"      // asked, no usable answer

	// About a target, from what it publishes of itself in the DNS.
	CodeNoPTR           Code = "identity.ptr"         // the address has no PTR name
	CodeUnconfirmed     Code = "identity.fcrdns"      // its PTR name does not lead back to it
	CodeGeneric         Code = "identity.generic"     // its PTR name looks like that of a home connection
	CodeHELO            Code = "identity.helo"        // the name that it greets with does not lead to it
	CodeUnauthorised    Code = "identity.spf-address" // SPF of a domain does not pass for an address that sends as it
	CodeSPF             Code = "identity.spf"         // a domain has no SPF record that receivers can evaluate
	CodeSPFOpen         Code = "identity.spf-open"    // its SPF record authorises everybody
	CodeDKIM            Code = "identity.dkim"        // a selector publishes no key that receivers accept
	CodeDMARC           Code = "identity.dmarc"       // no DMARC record, a broken one, or one that is weaker than wanted
	CodeDMARCReports    Code = "identity.reports"     // DMARC reports go where nobody takes them
	CodeAlignment       Code = "identity.alignment"   // neither SPF nor DKIM can pass for the domain in From
	CodeMX              Code = "identity.mx"          // nobody takes the mail of a domain that sends
	CodeMTASTS          Code = "identity.mta-sts"     // MTA-STS is published and broken
	CodeTLSRPT          Code = "identity.tls-rpt"     // TLS-RPT is published and broken
	CodeIdentityWell    Code = "identity.ok"          // one of the above is over
	CodeIdentityUnknown Code = "identity.unknown"     // asked, no usable answer

	// About a target, from knocking at receivers' doors.
	CodeShut        Code = "acceptance.refused" // a receiver turns it away before any mail
	CodeLetIn       Code = "acceptance.ok"      // one did, and lets it in again
	CodeDoorUnknown Code = "acceptance.unknown" // one did, and gives no usable answer now

	// About a server of ours that takes mail, or should not be reached.
	CodeOpenRelay   Code = "own.relay"       // it takes mail of strangers for strangers
	CodeCertificate Code = "own.certificate" // what it shows after STARTTLS is expired, about to be, or for another name
	CodeNoStartTLS  Code = "own.starttls"    // it offers no STARTTLS, or it fails
	CodePortClosed  Code = "own.port-closed" // port 25 is not reached, and should be
	CodePortOpen    Code = "own.port-open"   // port 25 is reached, and should not be
	CodeNoRole      Code = "own.mailbox"     // it refuses mail to postmaster@ or abuse@ of a domain of ours
	CodeOwnWell     Code = "own.ok"          // one of the above is over
	CodeOwnUnknown  Code = "own.unknown"     // asked, no usable answer

	// About what was asked of a list or a receiver.
	CodeOverdue  Code = "request.overdue"  // removal was asked for, the time that it takes is over, and nothing has changed
	CodeAnswered Code = "request.answered" // it was overdue, and has come, or was asked for again

	// About this monitor.
	CodeBlind       Code = "monitor.resolver" // more than half of what was asked had no answer
	CodeRewriting   Code = "monitor.rewrite"  // the resolver invents addresses for names that do not exist
	CodeMailbox     Code = "monitor.mailbox"  // a bounce mailbox cannot be read
	CodeLog         Code = "monitor.log"      // a mail log cannot be read
	CodeLogUnread   Code = "monitor.format"   // a mail log is read and not understood
	CodeUnproved    Code = "monitor.unproved" // nothing in a mailbox can be proved to be ours
	CodeTargets     Code = "monitor.targets"  // it is not known which addresses a name, an SPF record or a file stands for
	CodeSource      Code = "monitor.source"   // a source of reputation cannot be read
	CodeNoWayOut    Code = "monitor.port25"   // no receiver can be reached: port 25 to the outside is closed
	CodeChannelDown Code = "monitor.channel"  // an alert could not be delivered
	CodeBackup      Code = "monitor.backup"   // the database could not be backed up
	CodeDatabase    Code = "monitor.database" // the database cannot be written
	CodeMonitorWell Code = "monitor.ok"       // one of the above is over
)

// titles gives each code the few words that head an alert or a table.
var titles = map[Code]string{
	CodeListed:          "Listed on a blocklist",
	CodePolicy:          "In a policy list",
	CodeInformational:   "Mentioned by a list",
	CodeNeighbours:      "Neighbours on lists",
	CodeNotListed:       "No longer listed",
	CodeNoAnswer:        "No usable answer",
	CodeListRefused:     "List refuses our resolver",
	CodeListUnusable:    "List is unusable",
	CodeListUnknown:     "List does not answer",
	CodeRefused:         "Mail refused for reputation",
	CodeAccepted:        "No more refusals",
	CodeOverBefore:      "Refusals that were over before they were watched",
	CodeRamp:            "Deferrals are rising",
	CodeRampOver:        "Deferrals are as usual",
	CodeComplaint:       "Recipients complain",
	CodeNoComplaint:     "No more complaints",
	CodePoor:            "Poor reputation",
	CodeFell:            "Reputation has fallen",
	CodeBlocked:         "Blocked by a provider",
	CodeSpamRate:        "Too much of it is called spam",
	CodeTurnedAway:      "A provider turns mail away",
	CodeRequirements:    "Sender requirements not met",
	CodeRatedWell:       "Reputation is well again",
	CodeUnrated:         "No usable rating",
	CodeNoPTR:           "No PTR name",
	CodeUnconfirmed:     "PTR name does not lead back",
	CodeGeneric:         "PTR name looks dynamic",
	CodeHELO:            "HELO name does not lead to it",
	CodeUnauthorised:    "Not authorised by SPF",
	CodeSPF:             "No usable SPF record",
	CodeSPFOpen:         "SPF authorises everybody",
	CodeDKIM:            "No usable DKIM key",
	CodeDMARC:           "No sound DMARC policy",
	CodeDMARCReports:    "DMARC reports are not taken",
	CodeAlignment:       "DMARC cannot pass",
	CodeMX:              "Nobody takes its mail",
	CodeMTASTS:          "MTA-STS is broken",
	CodeTLSRPT:          "TLS-RPT is broken",
	CodeIdentityWell:    "Published as it should be",
	CodeIdentityUnknown: "Not known what is published",
	CodeOverdue:         "Removal is overdue",
	CodeAnswered:        "Removal is not overdue",
	CodeBlind:           "Most lists could not be asked",
	CodeRewriting:       "Resolver invents answers",
	CodeMailbox:         "Bounce mailbox not readable",
	CodeLog:             "Mail log not readable",
	CodeLogUnread:       "Mail log not understood",
	CodeUnproved:        "Bounces cannot be proved ours",
	CodeTargets:         "Addresses to watch not known",
	CodeSource:          "Reputation source not readable",
	CodeChannelDown:     "Alert channel down",
	CodeBackup:          "Database not backed up",
	CodeDatabase:        "Database cannot be written",
	CodeMonitorWell:     "Monitor is well again",
	CodeShut:            "Refused at the door",
	CodeLetIn:           "Let in again",
	CodeDoorUnknown:     "No answer at the door",
	CodeOpenRelay:       "Open relay",
	CodeCertificate:     "Certificate of a mail server",
	CodeNoStartTLS:      "No STARTTLS",
	CodePortClosed:      "Port 25 is closed",
	CodePortOpen:        "Port 25 is open",
	CodeNoRole:          "Postmaster not reachable",
	CodeOwnWell:         "Mail server is well",
	CodeOwnUnknown:      "Mail server gives no answer",
	CodeNoWayOut:        "No receiver can be reached",
}

// Title is the code in a few words, or the code itself if it is unknown.
func (c Code) Title() string {
	if t, ok := titles[c]; ok {
		return t
	}
	return string(c)
}

// Refusal says whether the code is about receivers that turn mail away because of who sent it: mail that came
// back, or a refusal before any mail was sent.
func (c Code) Refusal() bool { return c == CodeRefused || c == CodeShut }

// Names of the values in [Finding].Facts. A fact is plain text; one that is not known
// is left out rather than guessed.
const (
	FactAddress     = "address"     // the address listed or refused, plain
	FactDomain      = "domain"      // the sending domain listed or refused
	FactList        = "list"        // catalogue id of the list
	FactListName    = "list_name"   // its name for people
	FactZone        = "zone"        // its zone
	FactOperator    = "operator"    // who runs it, as the catalogue has it
	FactCodes       = "codes"       // return codes, comma separated
	FactMeaning     = "meaning"     // what those codes mean
	FactReason      = "reason"      // the list's TXT
	FactLookupURL   = "lookup_url"  // where a person looks this target up, filled in
	FactRemovalURL  = "removal_url" // where removal is asked, filled in
	FactVendor      = "vendor"      // who refused: "Cisco Talos", "Microsoft"
	FactRule        = "rule"        // id of the classification rule
	FactReceiver    = "receiver"    // receiving domain
	FactRemote      = "remote"      // host that refused
	FactReply       = "reply"       // SMTP reply code
	FactStatus      = "status"      // enhanced status code, RFC 3463
	FactDiagnostic  = "diagnostic"  // the literal refusal
	FactCategory    = "category"    // bounce category, design section 6
	FactRemedy      = "remedy"      // id of the runbook that a rule names
	FactServers     = "servers"     // resolvers asked
	FactShare       = "share"       // how much of our mail is concerned: "31 %"
	FactExpires     = "expires"     // when a certificate ends, "2006-01-02 15:04 UTC"
	FactForm        = "form"        // form of address that a server relays for
	FactCount       = "count"       // how many mails were refused
	FactOfTargets   = "of_targets"  // how many targets share this
	FactSource      = "source"      // who rates: id of a score, a programme or a page
	FactSourceName  = "source_name" // its name for people
	FactValue       = "value"       // what it says now, in its own words: "62 of 100", "RED", "poor"
	FactBefore      = "before"      // what it said before it fell
	FactSelector    = "selector"    // of a DKIM key
	FactRecord      = "record"      // the DNS record to publish, as in a zone file
	FactInstruction = "instruction" // the one sentence that says what to do
)
