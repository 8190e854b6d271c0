package report

import (
	"reputed/checks"
	"reputed/checks/bounce"
)

// mailJSON is one mail of `bounce --format json`. Field names are a promise: docs/json.md.
type mailJSON struct {
	File       string        `json:"file"`
	Kind       bounce.Kind   `json:"kind"`
	IsBounce   bool          `json:"is_bounce"`
	Recipients []bounceJSON  `json:"recipients"`
	Complaint  *feedbackJSON `json:"complaint"`
	Proved     bool          `json:"proved"`
	Proof      string        `json:"proof"`
	Cut        bool          `json:"cut"`
	Trouble    string        `json:"trouble"`
	Subject    string        `json:"subject"`
	MessageID  string        `json:"message_id"`
	Hash       string        `json:"hash"`
}

type bounceJSON struct {
	Recipient       string           `json:"recipient"`
	Action          bounce.Action    `json:"action"`
	Category        bounce.Category  `json:"category"`
	Reputation      bool             `json:"reputation"`
	Temporary       bool             `json:"temporary"`
	Reply           string           `json:"reply"`
	Status          string           `json:"status"`
	Diagnostic      string           `json:"diagnostic"`
	Stage           string           `json:"stage"`
	Remote          string           `json:"remote"`
	RemoteAddress   string           `json:"remote_address"`
	Reporting       string           `json:"reporting_host"`
	IP              string           `json:"ip"`
	Domain          string           `json:"domain"`
	Blocklist       string           `json:"blocklist"`
	Vendor          string           `json:"vendor"`
	URL             string           `json:"url"`
	Code            string           `json:"code"`
	Rule            string           `json:"rule"`
	Certainty       bounce.Certainty `json:"certainty"`
	KeepRecipient   bool             `json:"keep_recipient"`
	Remedy          string           `json:"remedy"`
	Source          string           `json:"source"`
	ReturnedMessage string           `json:"returned_message_id"`
	QueueID         string           `json:"queue_id"`
	At              *string          `json:"at"`
}

type feedbackJSON struct {
	Type      string  `json:"type"`
	Source    string  `json:"source"`
	Reporter  string  `json:"reporter"`
	MessageID string  `json:"message_id"`
	Recipient string  `json:"recipient"`
	Domain    string  `json:"domain"`
	URL       string  `json:"url"`
	At        *string `json:"at"`
}

func mailOf(m Mail) mailJSON {
	r, l := m.Report, func(s string) string { return checks.Line(s, 0) }
	out := mailJSON{
		File: l(m.File), Kind: r.Kind, IsBounce: r.Kind == bounce.KindBounce, Recipients: []bounceJSON{}, Proved: r.Proof.Proved(), Proof: l(r.Proof.Detail),
		Cut: r.Cut, Trouble: l(r.Trouble), Subject: l(r.Subject), MessageID: l(r.MessageID), Hash: r.Hash,
	}
	if m.Log {
		out.Kind, out.IsBounce = "log", true
	}
	if r.Kind == bounce.KindComplaint || r.Kind == bounce.KindAuthReport {
		c := r.Complaint
		out.Complaint = &feedbackJSON{l(c.Type), address(c.Source), l(c.Reporter), l(c.MessageID), l(c.Recipient), l(c.Domain), l(c.URL), utc(c.At)}
	}
	for _, x := range r.Bounces {
		j := x.Judgement
		out.Recipients = append(out.Recipients, bounceJSON{
			Recipient: l(x.Recipient), Action: x.Action, Category: j.Category, Reputation: j.Reputation, Temporary: j.Temporary,
			Reply: l(x.Diagnostic.Reply), Status: l(x.Diagnostic.Status), Diagnostic: l(x.Diagnostic.Text), Stage: l(x.Diagnostic.Stage),
			Remote: l(x.RemoteHost), RemoteAddress: address(x.RemoteAddr), Reporting: l(x.ReportingHost), IP: address(j.Address), Domain: l(j.Domain),
			Blocklist: l(j.Blocklist), Vendor: l(j.Vendor), URL: l(j.URL), Code: l(j.Code), Rule: l(j.Rule), Certainty: j.Certainty, KeepRecipient: j.KeepRecipient(), Remedy: l(j.Remedy),
			Source: address(x.Source), ReturnedMessage: l(x.MessageID), QueueID: l(x.QueueID), At: utc(x.At),
		})
	}
	return out
}

type bouncesSummaryJSON struct {
	Text       string `json:"text"`
	Mails      int    `json:"mails"`
	Failed     int    `json:"failed_recipients"`
	Reputation int    `json:"reputation"`
	Complaints int    `json:"complaints"`
	NotBounces int    `json:"not_bounces"`
	Unparsed   int    `json:"unparsed"`
	Unreadable int    `json:"unreadable_files"`
	Events     int    `json:"log_events"`
	Delivered  int    `json:"log_delivered"`

	Categories []countJSON `json:"categories"`
	Lists      []countJSON `json:"blocklists"`
	Vendors    []countJSON `json:"vendors"`
}

// countJSON is how many recipients were refused or delayed by or for something.
type countJSON struct {
	Name       string `json:"name"`
	Recipients int    `json:"recipients"`
}

func (b *Bounces) summary() bouncesSummaryJSON {
	return bouncesSummaryJSON{b.Summary(), b.Mails, b.Failed, b.Reputation, b.Complaints, b.NotBounces, b.Unparsed, b.Unreadable, b.Events, b.Delivered,
		mostFirst(b.categories), mostFirst(b.lists), mostFirst(b.vendors)}
}
