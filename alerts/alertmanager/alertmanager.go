// Package alertmanager keeps a Prometheus Alertmanager informed by its API v2
// (POST /api/v2/alerts; github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, read
// 2026-11-22).
//
// Alertmanager forgets: an alert that nobody repeats ends at its endsAt, and a restart loses
// all. So what is open is sent again every minute ([Notifier.Follow]) with an endsAt some
// minutes ahead; if this monitor dies, its alerts end there, and the dead man's watch tells.
package alertmanager

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/alerts/wording"
	"reputed/checks"
	"reputed/internal/guard"
)

const (
	// lasts is how long an alert stands without being repeated: five times as long as that
	// takes, so that a slow minute ends nothing.
	lasts = 5 * alerts.FollowEvery
	// maxAtOnce is how many alerts go into one request; each is a few KiB.
	maxAtOnce = 100

	maxLabelRunes = 200
	maxTextRunes  = 8000
)

// Options is one Alertmanager.
type Options struct {
	Name     string            // of the channel in the configuration; stands in errors. Default "alertmanager"
	URL      string            // base address
	User     string            // for HTTP basic authentication; may be empty
	Password string            // secret
	Token    string            // sent as "Authorization: Bearer"; secret, may be empty
	Labels   map[string]string // set on every alert
	Private  bool              // the name in URL may lead to an address of a private network

	Rules     guard.Rules       // of all HTTP clients
	Timeout   time.Duration     // of one request with its whole reply; default 10 s
	Transport http.RoundTripper // nil: our own
}

// Notifier tells one Alertmanager. It may be used from several goroutines.
type Notifier struct {
	options Options
	client  *post.Client

	mu    sync.Mutex           // held while a request is under way, so that the end is not overtaken by a repetition
	ended map[string]time.Time // threads that were told to have ended, and when: what is read before and sent after must not open them again
}

var _ alerts.Follower = (*Notifier)(nil)

// New checks the options. Errors say what to set and never hold a secret; they
// do not pass by trying again. No request is made.
func New(o Options) (*Notifier, error) {
	if o.Name = checks.Line(o.Name, 80); o.Name == "" {
		o.Name = "alertmanager"
	}
	secret := o.Password != "" || o.Token != ""
	client, err := post.New("the url", post.Options{
		URL: strings.TrimSuffix(o.URL, "/") + "/api/v2/alerts", Public: true, Secrets: []string{o.Password, o.Token, basic(o)},
		Private: o.Private, Plain: !secret, Rules: o.Rules, Timeout: o.Timeout, Transport: o.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("alertmanager %q: %w", o.Name, err)
	}
	return &Notifier{options: o, client: client, ended: map[string]time.Time{}}, nil
}

// basic is the credential of HTTP basic authentication (RFC 7617 section 2); "" without one.
func basic(o Options) string {
	if o.User == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(o.User + ":" + o.Password))
}

// IncidentsOnly says that it can tell of nothing but single incidents: no digest.
func (n *Notifier) IncidentsOnly() {}

// errDigest is for a digest or a report that is sent here all the same.
var errDigest = fmt.Errorf("it is about no single incident: take the channel out of digest_to in [alerts] and channels in [report]: %w", alerts.ErrRefused)

// Notify posts the alert as it is now: firing, or ended.
func (n *Notifier) Notify(ctx context.Context, note alerts.Notification) error {
	if note.General() {
		return fmt.Errorf("alertmanager %q: %w", n.options.Name, errDigest)
	}
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	all := []alert{n.alert(note, note.Incident.Severity, now)}
	switch note.Kind {
	case alerts.Ended:
		n.ended[note.Thread()] = now
	case alerts.Worsened, alerts.Updated:
		// The severity is a label, and with another label it is another alert there.
		for _, s := range []checks.Severity{checks.Critical, checks.Major, checks.Minor, checks.Informational} {
			if s != note.Incident.Severity {
				old := n.alert(note, s, now)
				old.EndsAt = stamp(now)
				all = append(all, old)
			}
		}
	}
	return n.send(ctx, all)
}

// Follow posts everything that is open, so that it stays so.
func (n *Notifier) Follow(ctx context.Context, open []alerts.Notification) error {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for thread, at := range n.ended {
		if now.Sub(at) > lasts {
			delete(n.ended, thread)
		}
	}
	var all []alert
	var failed error
	for _, note := range open {
		if _, over := n.ended[note.Thread()]; !over {
			all = append(all, n.alert(note, note.Incident.Severity, now))
		}
		if len(all) == maxAtOnce {
			failed = errors.Join(failed, n.send(ctx, all))
			all = nil
		}
	}
	if len(all) > 0 {
		failed = errors.Join(failed, n.send(ctx, all))
	}
	return failed
}

func (n *Notifier) send(ctx context.Context, all []alert) error {
	body, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("alertmanager %q: write the alerts as JSON: %w", n.options.Name, err)
	}
	header := http.Header{}
	switch {
	case n.options.Token != "":
		header.Set("Authorization", "Bearer "+n.options.Token)
	case n.options.User != "":
		header.Set("Authorization", "Basic "+basic(n.options))
	}
	if err := n.client.JSON(ctx, header, body); err != nil {
		return fmt.Errorf("alertmanager %q: %w", n.options.Name, err)
	}
	return nil
}

// alert is postableAlert of the API.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    string            `json:"startsAt,omitempty"`
	EndsAt      string            `json:"endsAt"`
}

// alert makes one. Its labels are what it is known by, so they hold what stays as it is
// as long as the incident does, and the severity, by which people route.
func (n *Notifier) alert(note alerts.Notification, severity checks.Severity, now time.Time) alert {
	says := wording.Of(note)
	inc := note.Incident
	labels := maps.Clone(n.options.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["alertname"] = "reputed"
	labels["incident"] = note.Thread()
	labels["severity"] = checks.Line(string(severity), maxLabelRunes)
	if cause := checks.Line(inc.Cause, maxLabelRunes); cause != "" {
		labels["cause"] = cause
	}
	a := alert{
		Labels: labels,
		Annotations: map[string]string{
			"summary": checks.Line(says.Title, maxLabelRunes), "description": says.Within(maxTextRunes),
			"command": checks.Line(note.Command, maxLabelRunes), "id": strconv.FormatInt(inc.ID, 10),
		},
		EndsAt: stamp(now.Add(lasts)),
	}
	if by := checks.Line(inc.AckedBy, maxLabelRunes); by != "" {
		a.Annotations["taken_by"] = by
	}
	if inc.Opened.Unix() > 0 && inc.Opened.Before(now) {
		a.StartsAt = stamp(inc.Opened)
	}
	if note.Kind == alerts.Ended {
		a.EndsAt = stamp(now)
	}
	return a
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Reach implements [alerts.Reacher]: it asks the server for nothing but its headers.
func (n *Notifier) Reach(ctx context.Context) (alerts.Reached, error) {
	r, err := n.client.Reach(ctx)
	if err != nil {
		return r, fmt.Errorf("alertmanager %q: %w", n.options.Name, err)
	}
	return r, nil
}
