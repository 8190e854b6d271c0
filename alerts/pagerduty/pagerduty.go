// Package pagerduty tells a service of PagerDuty by the Events API v2: an incident is
// triggered when it opens, acknowledged when somebody has taken it here, and resolved with it, by
// one dedup key for each severity (developer.pagerduty.com/docs/events-api-v2-overview, read 2026-11-22).
package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/alerts/wording"
	"reputed/checks"
	"reputed/internal/guard"
)

// APIURL is PagerDuty's own, for all but the EU region.
const APIURL = "https://events.pagerduty.com/"

const (
	maxSummaryRunes = 1000 // of 1,024 that are taken
	maxTextRunes    = 20000
	maxLinks        = 5
)

// Options is one integration.
type Options struct {
	Name       string // of the channel in the configuration; stands in errors. Default "pagerduty"
	RoutingKey string // integration key; secret
	APIURL     string // default [APIURL]

	Rules     guard.Rules       // of all HTTP clients
	Timeout   time.Duration     // of one request with its whole reply; default 10 s
	Transport http.RoundTripper // nil: our own
}

// Notifier tells one integration. It may be used from several goroutines.
type Notifier struct {
	options Options
	client  *post.Client

	mu    sync.Mutex           // held by Follow, which nothing else waits for
	taken map[string]time.Time // threads that were acknowledged there, and the acknowledgement here
}

var _ alerts.Follower = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No request is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "pagerduty"
	}
	if o.RoutingKey == "" {
		return nil, fmt.Errorf("pagerduty %q: the routing key is missing: take that of an \"Events API v2\" integration", o.Name)
	}
	base := strings.TrimSuffix(cmp.Or(o.APIURL, APIURL), "/")
	client, err := post.New("the API address", post.Options{URL: base + "/v2/enqueue", Public: true, Secrets: []string{o.RoutingKey}, Rules: o.Rules, Timeout: o.Timeout, Transport: o.Transport})
	if err != nil {
		return nil, fmt.Errorf("pagerduty %q: %w", o.Name, err)
	}
	return &Notifier{options: o, client: client, taken: map[string]time.Time{}}, nil
}

// IncidentsOnly says that it can tell of nothing but single incidents: no digest.
func (n *Notifier) IncidentsOnly() {}

// errDigest is for a digest or a report that is sent here all the same.
var errDigest = fmt.Errorf("it is about no single incident: take the channel out of digest_to in [alerts] and channels in [report]: %w", alerts.ErrRefused)

// severities that an incident may have had, each of which has a key of its own: PagerDuty
// pages nobody for what is acknowledged there already, and what got worse has to page again.
var severities = [...]checks.Severity{checks.Critical, checks.Major, checks.Minor, checks.Informational}

// Notify triggers or resolves. What got worse is triggered under its new key before the others are
// resolved, so that something is open all the time. Where it got worse by something graver of the same
// severity, its own key is resolved first: it may be acknowledged, and has to page again.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	if note.General() {
		return fmt.Errorf("pagerduty %q: %w", n.options.Name, errDigest)
	}
	now := note.Incident.Severity
	if note.Kind == alerts.Worsened {
		if err := n.send(ctx, event{Action: "resolve", Key: key(note, now)}); err != nil {
			return err
		}
	}
	if note.Kind != alerts.Ended {
		if err := n.send(ctx, trigger(note)); err != nil || note.Kind != alerts.Worsened {
			return err
		}
	}
	for _, s := range severities {
		if s == now && note.Kind != alerts.Ended {
			continue
		}
		if err := n.send(ctx, event{Action: "resolve", Key: key(note, s)}); err != nil { // of what was never triggered PagerDuty takes no notice
			return err
		}
	}
	return nil
}

// Follow acknowledges there what somebody has taken here, by whatever way.
func (n *Notifier) Follow(ctx context.Context, open []alerts.Notification) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	still := map[string]bool{}
	var failed error
	for _, note := range open {
		thread, at := note.Thread(), note.Incident.AckedAt
		still[thread] = true
		if at.IsZero() || n.taken[thread].Equal(at) {
			continue
		}
		var err error
		for _, s := range severities { // it may have been triggered under another than it has now
			if err = n.send(ctx, event{Action: "acknowledge", Key: key(note, s)}); err != nil {
				break
			}
		}
		if err == nil {
			n.taken[thread] = at
		}
		failed = errors.Join(failed, err)
	}
	for thread := range n.taken {
		if !still[thread] {
			delete(n.taken, thread)
		}
	}
	return failed
}

func (n *Notifier) send(ctx context.Context, e event) error {
	e.RoutingKey = n.options.RoutingKey
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("pagerduty %q: write the event as JSON: %w", n.options.Name, err)
	}
	if err := n.client.JSON(ctx, nil, body); err != nil {
		return fmt.Errorf("pagerduty %q: %w", n.options.Name, err)
	}
	return nil
}

// event is what the API takes.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	Key        string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp string         `json:"timestamp,omitempty"`
	Group     string         `json:"group,omitempty"` // pool
	Class     string         `json:"class,omitempty"` // code of the worst finding
	Details   map[string]any `json:"custom_details"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// key is what joins the events of one incident at one severity, at most 255 characters.
func key(n alerts.Notification, s checks.Severity) string {
	return "reputed-" + n.Thread() + "-" + severity(s)
}

func trigger(n alerts.Notification) event {
	says := wording.Of(n)
	inc := n.Incident
	p := &payload{
		Summary: checks.Line(says.Title, maxSummaryRunes), Source: "reputed", Severity: severity(inc.Severity),
		Details: map[string]any{"text": says.Within(maxTextRunes), "command": checks.Line(n.Command, 200), "kind": checks.Line(string(n.Kind), 40), "rehearsal": n.Rehearsal},
	}
	if inc.Opened.Unix() > 0 {
		p.Timestamp = inc.Opened.UTC().Format(time.RFC3339)
	}
	if len(inc.Members) > 0 {
		worst := inc.Members[0].Finding
		p.Source = cmp.Or(checks.Line(worst.Target.String(), 200), "reputed")
		p.Class, p.Group = checks.Line(string(worst.Code), 100), checks.Line(worst.Target.Pool, 100)
	}
	e := event{Action: "trigger", Key: key(n, inc.Severity), Client: "reputed", Payload: p}
	for _, r := range n.Remediation {
		for _, s := range r.Steps {
			if href := checks.Link(s.URL); href != "" && len(e.Links) < maxLinks {
				e.Links = append(e.Links, link{href, cmp.Or(checks.Line(s.Text, 200), href)})
			}
		}
	}
	return e
}

// severity is ours in PagerDuty's words.
func severity(s checks.Severity) string {
	switch s {
	case checks.Critical:
		return "critical"
	case checks.Major:
		return "error"
	case checks.Minor:
		return "warning"
	}
	return "info"
}

// Reach implements [alerts.Reacher]: it asks the server for nothing but its headers.
func (n *Notifier) Reach(ctx context.Context) (alerts.Reached, error) {
	r, err := n.client.Reach(ctx)
	if err != nil {
		return r, fmt.Errorf("pagerduty %q: %w", n.options.Name, err)
	}
	return r, nil
}
