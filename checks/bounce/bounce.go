package bounce

import (
	"net/netip"
	"time"
)

// Category is what kind of refusal a diagnostic is (design section 6). The
// first seven are refusals for reputation: for who sent the mail or how it looked.
type Category string

const (
	Blocklist        Category = "blocklist"
	IPReputation     Category = "ip-reputation"
	DomainReputation Category = "domain-reputation"
	RateLimited      Category = "rate-limited"
	SpamContent      Category = "spam-content"
	AuthFailure      Category = "auth-failure"
	RDNS             Category = "rdns"
	Policy           Category = "policy" // reputation only where the text is about the sender
	RelayDenied      Category = "relay-denied"
	RecipientFault   Category = "recipient"
	Network          Category = "network"
	System           Category = "system"
	Complaint        Category = "complaint"
	NotABounce       Category = "not-a-bounce"
	Other            Category = "other" // greylisting and TLS too, with a rule that says so
)

// Kind is what a whole mail is.
type Kind string

const (
	KindBounce     Kind = "bounce"     // reports failed or delayed delivery
	KindSuccess    Kind = "success"    // reports delivery (DSN actions delivered, relayed, expanded)
	KindComplaint  Kind = "complaint"  // somebody pressed "this is spam" (RFC 5965 and kin)
	KindAuthReport Kind = "auth"       // authentication failure report (RFC 6591)
	KindAutoReply  Kind = "auto-reply" // RFC 3834
	KindOther      Kind = "other"      // ordinary mail
	KindUnparsed   Kind = "unparsed"   // could not be read; kept and shown
)

// Action is the Action field of a report (RFC 3464 section 2.3.3).
type Action string

const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Diagnostic is what a receiver answered, with all wrapping removed.
type Diagnostic struct {
	Reply  string // SMTP reply code, three digits; empty if the text has none
	Status string // enhanced status code (RFC 3463), "5.7.1"; from the reply text before the Status field
	Text   string // the reply as one line, untrusted
	Stage  string // "greeting", "ehlo", "mail", "rcpt", "data", "end of data"; empty: not known
}

// Judgement is what [Classify] made of a diagnostic.
type Judgement struct {
	Category   Category
	Reputation bool       // refused for who sent it or how it looked
	Temporary  bool       // the receiver asks to try again
	Vendor     string     // filter or provider that refused: "Cisco Talos", "Microsoft"; may be empty
	Blocklist  string     // list named, by catalogue id where known, else its zone; may be empty
	Address    netip.Addr // address of ours that the text names; invalid if none
	Domain     string     // sending domain of ours that the text names; may be empty
	URL        string     // page named in the text; shown, never fetched
	Code       string     // the provider's own code: S3140, TSS04; may be empty
	Rule       string     // id of the rule that decided; "none" if no rule matched
	Certainty  Certainty  // how sure the category is
	Remedy     string     // runbook id for checks/remedy; may be empty
}

// Certainty is how sure a [Judgement] is of its category.
type Certainty string

const (
	Certain Certainty = "certain" // a provider's own code or words, or a list by its zone or page
	Likely  Certainty = "likely"  // words that many servers use
	Guess   Certainty = "guess"   // words that say little, or only codes
)

// KeepRecipient says whether the refusal is about the sender, so that the
// recipient's address is good and must not be removed from any mailing list.
func (j Judgement) KeepRecipient() bool { return j.Reputation }

// Bounce is one failed or delayed recipient of one report or log line.
type Bounce struct {
	Action        Action
	Recipient     string // full address; leaves memory only as domain and keyed hash
	Domain        string // of the recipient, lower case
	Diagnostic    Diagnostic
	Judgement     Judgement
	RemoteHost    string     // receiver that answered
	RemoteAddr    netip.Addr // its address, if the report gives it
	ReportingHost string     // MTA that wrote the report
	Source        netip.Addr // our address that sent the mail, if known: named by the text or mapped from the host
	MessageID     string     // of the returned message, without angle brackets
	QueueID       string     // under which the reporting MTA logged the refused mail, if the report says it; OpenSMTPD: the first 8 digits of its evpid
	Sender        string     // domain of the returned message's sender
	At            time.Time  // when it happened: Last-Attempt-Date, Arrival-Date or received; UTC
}

// Report is what one mail says.
type Report struct {
	Kind      Kind
	Bounces   []Bounce
	Complaint Feedback // for KindComplaint and KindAuthReport
	Proof     Proof
	Cut       bool   // only the beginning of the mail was there
	Trouble   string // why it is unparsed, or what was passed over; may be empty
	Subject   string // untrusted, at most 200 runes
	MessageID string // of the report itself
	Hash      string // SHA-256 of what was read, line ends unified, hex: the same mail met twice counts once
	Trace     Trace  // what [Prove] looks at
}

// Trace is what the header of a report says of its own way. Any line of it may
// be forged but those that our own hosts put on top.
type Trace struct {
	Received []string // Received fields, topmost first, unfolded (RFC 5321 section 4.4); at most 50
	To       []string // addresses it was sent to, at most 50: Delivered-To, X-Original-To, Envelope-To, To
}

// Feedback is a complaint (RFC 5965 section 3).
type Feedback struct {
	Type      string // abuse, fraud, auth-failure, not-spam, virus, other
	Source    netip.Addr
	Reporter  string // host or provider that reports
	MessageID string // of the reported message
	At        time.Time
	Recipient string // who complained, as far as the report says (Original-Rcpt-To); leaves memory like [Bounce].Recipient
	Domain    string // sending domain reported (Reported-Domain, else of the sender), lower case
	URL       string // the report's own page; shown, never fetched
}

// Proof says why a report is ours. The zero Proof means that nothing proves it.
type Proof struct {
	Kind   ProofKind
	Detail string // "written by mx1.example.org", "Message-ID domain example.org"
}

// ProofKind is the kind of a [Proof].
type ProofKind string

const (
	NoProof     ProofKind = ""
	ByOwnMTA    ProofKind = "own-mta"    // our own MTA wrote it: configured hosts and no outside hop in Received
	ByMessageID ProofKind = "message-id" // it returns a mail with a Message-ID of ours
	ByVERP      ProofKind = "verp"       // it was sent to a return path of ours that nobody can guess
	ByLog       ProofKind = "log"        // a log line of ours agrees
)

// Proved says whether the report may open, worsen or confirm anything.
func (p Proof) Proved() bool { return p.Kind != NoProof }
