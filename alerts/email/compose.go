package email

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"

	"reputed/alerts"
	"reputed/alerts/wording"
	"reputed/checks"
)

const (
	textColumns     = 76  // RFC 5322 section 2.1.1: at most 78
	maxSubjectRunes = 180 // phones show far less
)

// compose writes a whole mail, in 7 bits. It is a pure function.
func compose(n alerts.Notification, from string, to []string, at time.Time) ([]byte, error) {
	says := wording.Of(n)
	domain := domainOf(from)
	var h mail.Header
	h.SetDate(at)
	h.SetAddressList("From", []*mail.Address{{Name: "reputed", Address: from}})
	var all []*mail.Address
	for _, address := range to {
		all = append(all, &mail.Address{Address: address})
	}
	h.SetAddressList("To", all)
	h.SetSubject(checks.Line(says.Title, maxSubjectRunes))
	id, thread := messageID(n, domain), threadID(n, domain)
	h.SetMessageID(id)
	if id != thread {
		h.SetMsgIDList("In-Reply-To", []string{thread})
		h.SetMsgIDList("References", []string{thread})
	}
	h.Set("Auto-Submitted", "auto-generated") // RFC 3834 section 5: no vacation replies
	h.Set("X-Auto-Response-Suppress", "All")  // Exchange does not know the former
	h.Set("Precedence", "bulk")               // nor do the oldest responders (RFC 2076 section 3.9)
	h.Set("MIME-Version", "1.0")

	var b bytes.Buffer
	w, err := mail.CreateInlineWriter(&b, h)
	if err != nil {
		return nil, fmt.Errorf("compose the mail: %w", err)
	}
	html, err := asHTML(says)
	if err != nil {
		return nil, fmt.Errorf("compose the mail: %w", err)
	}
	for _, part := range []struct{ kind, text string }{
		{"text/plain", says.Title + "\n\n" + says.Text(textColumns)},
		{"text/html", html},
	} {
		if err := addPart(w, part.kind, part.text); err != nil {
			return nil, fmt.Errorf("compose the mail: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compose the mail: %w", err)
	}
	return b.Bytes(), nil
}

func addPart(w *mail.InlineWriter, kind, text string) error {
	var h mail.InlineHeader
	h.Header = message.Header{}
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable") // lines of any length, in 7 bits
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(part, text); err != nil {
		return err
	}
	return part.Close()
}

// page shows a message. Every text is escaped by html/template for where it stands; a link
// shows its own address.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body style="font-family:sans-serif;max-width:46em">
<h1 style="font-size:1.2em">{{.Title}}</h1>
{{range .Blocks}}<div style="margin:1em 0">
{{range .}}{{if .Lines}}<pre style="background:#eee;padding:.5em;white-space:pre-wrap">{{range .Lines}}{{.Show}}
{{end}}</pre>
{{else if .Items}}{{if .Ordered}}<ol>{{else}}<ul>{{end}}{{range .Items}}<li>{{template "spans" .}}</li>
{{end}}{{if .Ordered}}</ol>{{else}}</ul>{{end}}
{{else}}<p style="margin:.3em 0">{{template "spans" .Spans}}</p>
{{end}}{{end}}</div>
{{end}}</body></html>
{{define "spans"}}{{range .}}{{if eq .Kind "label"}}<b>{{.Show}}</b>{{else if eq .Kind "code"}}<code>{{.Show}}</code>{{else if eq .Kind "link"}}<a href="{{.Text}}">{{.Text}}</a>{{else if eq .Kind "break"}}<br>
{{else}}{{.Show}}{{end}}{{end}}{{end}}`))

func asHTML(m wording.Message) (string, error) {
	var b bytes.Buffer
	err := page.Execute(&b, m)
	return b.String(), err
}
