package maillog

import (
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"time"

	"reputed/checks/bounce"
)

// fields are the names under which a JSON line may say a thing, ours first. The
// others are what log shippers and other mail servers call it.
var fields = struct{ time, host, queue, to, from, action, text, remote, addr, source, id, tag, stage, login, client []string }{
	time:   []string{"time", "timestamp", "@timestamp", "ts", "date"},
	host:   []string{"host", "hostname", "reporting_host"},
	queue:  []string{"queue_id", "queueid", "id"},
	to:     []string{"to", "recipient", "rcpt"},
	from:   []string{"from", "sender", "mail_from"},
	action: []string{"action", "status", "event", "type", "result"},
	text:   []string{"text", "reply", "response", "diagnostic", "reason", "error"},
	remote: []string{"remote_host", "mx", "relay", "peer_address"},
	addr:   []string{"remote_addr", "remote_ip", "peer_address"},
	source: []string{"source", "source_ip", "local_ip", "source_address"},
	id:     []string{"message_id", "messageid", "msgid"},
	tag:    []string{"tag", "transport", "egress_source"},
	stage:  []string{"stage"},
	login:  []string{"login", "sasl_username", "auth_user", "authenticated_as"},
	client: []string{"client", "client_host", "client_ip", "received_from"},
}

// actions are the words for what became of a mail, lower case without signs.
var actions = map[string]bounce.Action{
	"delivered": bounce.Delivered, "delivery": bounce.Delivered, "sent": bounce.Delivered, "success": bounce.Delivered, "ok": bounce.Delivered,
	"failed": bounce.Failed, "bounced": bounce.Failed, "bounce": bounce.Failed, "failure": bounce.Failed, "expired": bounce.Failed, "expiration": bounce.Failed, "permfail": bounce.Failed,
	"delayed": bounce.Delayed, "deferred": bounce.Delayed, "deferral": bounce.Delayed, "tempfail": bounce.Delayed, "transientfailure": bounce.Delayed, "softbounce": bounce.Delayed,
}

// json reads a line that is one JSON object. One that a log shipper or a container's
// runtime put around another line is taken off, once.
func (r *Reader) json(e *entry, text string, wrapped bool, out []Event) []Event {
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.stats.Unread++
		return out
	}
	action, ok := actions[letters(word(m, fields.action))]
	if !ok {
		for _, name := range []string{"log", "message", "MESSAGE", "msg"} {
			if inner, ok := m[name].(string); ok && !wrapped {
				return r.line(strings.TrimRight(inner, "\r\n"), e, out)
			}
		}
		return out
	}
	r.stats.Mail++
	o := outcome{
		action: action, final: action != bounce.Delayed,
		qid: word(m, fields.queue), tag: word(m, fields.tag), host: word(m, fields.remote), text: word(m, fields.text), stage: stageName(word(m, fields.stage)),
		sender: kept(bounce.DomainOf(strings.Trim(word(m, fields.from), "<> ")), 253),
		id:     kept(strings.Trim(word(m, fields.id), "<> "), 300), at: r.jsonTime(m),
		addr: parseAddr(addrOf(m, fields.addr)), source: parseAddr(addrOf(m, fields.source)),
	}
	o.from = Origin{Sender: keptSender(word(m, fields.from)), Login: kept(word(m, fields.login), 320), Client: kept(word(m, fields.client), 253)}
	if final, ok := m["final"].(bool); ok {
		o.final = final
	}
	if o.tag == "" {
		o.tag = e.tag
	}
	if host := word(m, fields.host); host != "" {
		e.host = host
	}
	var to []string
	for _, name := range fields.to {
		switch v := m[name].(type) {
		case string:
			to = append(to, v)
		case []any:
			for _, a := range v {
				if s, ok := a.(string); ok {
					to = append(to, s)
				}
			}
		}
		if len(to) > 0 {
			break
		}
	}
	if len(to) == 0 {
		r.stats.Unread++
	}
	for _, o.to = range to {
		o.to = strings.Trim(o.to, "<> ")
		out = append(out, r.event(e, nil, o))
	}
	return out
}

// word returns the first of the names that has a text. Of an object it is what tells:
// a reply's code and words, a peer's name.
func word(m map[string]any, names []string) string {
	for _, name := range names {
		switch v := m[name].(type) {
		case string:
			if v != "" {
				return v
			}
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		case map[string]any:
			if content, ok := v["content"].(string); ok { // {"code": 550, "enhanced_code": {...}, "content": "..."}
				return replyOf(v, content)
			}
			if name, ok := v["name"].(string); ok {
				return name
			}
		}
	}
	return ""
}

// replyOf writes a reply that came in parts as it was said.
func replyOf(v map[string]any, content string) string {
	var b strings.Builder
	if code, ok := v["code"].(float64); ok {
		b.WriteString(strconv.FormatFloat(code, 'f', -1, 64))
		b.WriteByte(' ')
	}
	if e, ok := v["enhanced_code"].(map[string]any); ok {
		for i, part := range []string{"class", "subject", "detail"} {
			n, _ := e[part].(float64)
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(strconv.FormatFloat(n, 'f', -1, 64))
		}
		b.WriteByte(' ')
	}
	b.WriteString(content)
	return b.String()
}

// addrOf returns an address, without a port.
func addrOf(m map[string]any, names []string) string {
	for _, name := range names {
		s, _ := m[name].(string)
		if v, ok := m[name].(map[string]any); ok {
			for _, part := range []string{"addr", "address", "ip"} {
				if s, _ = v[part].(string); s != "" {
					break
				}
			}
		}
		if host, _, err := net.SplitHostPort(s); err == nil {
			return host
		}
		if s != "" {
			return s
		}
	}
	return ""
}

// jsonTime reads a time: RFC 3339, or Unix seconds or milliseconds.
func (r *Reader) jsonTime(m map[string]any) time.Time {
	for _, name := range fields.time {
		switch v := m[name].(type) {
		case string:
			if t := r.clock.read(v); !t.IsZero() {
				return t
			}
		case float64:
			if v > 1e11 {
				v /= 1000
			}
			if v > 0 && v < 1e11 {
				return time.Unix(int64(v), 0).UTC()
			}
		}
	}
	return time.Time{}
}

// stageName keeps a stage that is one of ours.
func stageName(s string) string {
	switch s = strings.ToLower(s); s {
	case "greeting", "ehlo", "mail", "rcpt", "data", "end of data":
		return s
	}
	return ""
}

// letters keeps the letters, lower case: "TransientFailure", "soft-bounce".
func letters(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return -1
	}, s)
}
