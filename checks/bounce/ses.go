package bounce

import (
	"encoding/json"
	"strings"
	"time"
)

// sesNotice is a notification of Amazon SES in JSON, as its topic mails it
// (Amazon SES developer guide, "Amazon SNS notification contents").
type sesNotice struct {
	Type   string `json:"notificationType"`
	Event  string `json:"eventType"`
	Bounce struct {
		Recipients []struct {
			Address    string `json:"emailAddress"`
			Action     string `json:"action"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
		At        time.Time `json:"timestamp"`
		Reporting string    `json:"reportingMTA"`
		Remote    string    `json:"remoteMtaIp"`
	} `json:"bounce"`
	Complaint struct {
		Recipients []struct {
			Address string `json:"emailAddress"`
		} `json:"complainedRecipients"`
		At   time.Time `json:"timestamp"`
		Kind string    `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Mail struct {
		MessageID string `json:"messageId"`
		Source    string `json:"source"`
		SourceIP  string `json:"sourceIp"`
	} `json:"mail"`
	Message string `json:"Message"` // of the topic's own envelope
}

// readSES reads a notification out of the text of a mail; false if there is none.
func readSES(text string) (sesNotice, bool) {
	start := strings.IndexByte(text, '{')
	if start < 0 || start > 200 || !strings.Contains(text, "notificationType") && !strings.Contains(text, "eventType") {
		return sesNotice{}, false
	}
	var n sesNotice
	// A topic's mail goes on behind the JSON with a way to unsubscribe.
	if err := json.NewDecoder(strings.NewReader(text[start:])).Decode(&n); err != nil {
		// Quirk: the mail system folded the one long line at blanks, and
		// inside strings a line break is no JSON.
		n = sesNotice{}
		flat := strings.ReplaceAll(text[start:], "\n", "")
		if json.NewDecoder(strings.NewReader(flat)).Decode(&n) != nil {
			return sesNotice{}, false
		}
	}
	if n.Type == "" && n.Event == "" && strings.HasPrefix(n.Message, "{") {
		var inner sesNotice
		if json.Unmarshal([]byte(n.Message), &inner) != nil {
			return sesNotice{}, false
		}
		n = inner
	}
	if n.Type == "" {
		n.Type = n.Event
	}
	return n, n.Type != ""
}

// dsn makes a delivery status of the notification.
func (n sesNotice) dsn() dsn {
	var d dsn
	d.reporting = strings.ToLower(firstWord(afterType(n.Bounce.Reporting)))
	at := ""
	if !n.Bounce.At.IsZero() {
		at = n.Bounce.At.Format(time.RFC1123Z)
	}
	for _, r := range n.Bounce.Recipients {
		if len(d.blocks) == maxBounces {
			break
		}
		action := strings.ToLower(r.Action)
		if action == "" {
			action = "failed"
		}
		d.blocks = append(d.blocks, dsnBlock{final: r.Address, action: action, status: enhancedIn(r.Status), diagnostic: afterType(r.Diagnostic), remote: n.Bounce.Remote, attempt: at})
	}
	return d
}
