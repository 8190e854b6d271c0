package reputation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// Asks is what a programme needs of the web: pages with whatever status. [probes.Web] is one.
type Asks interface {
	Get(ctx context.Context, address string) (probes.Page, error)
	Post(ctx context.Context, address string, body []byte) (probes.Page, error)
}

// What keeps a programme from being read, besides what [probes.WebError] unwraps to.
var (
	// ErrAccess: the provider does not let us in: a key that was withdrawn, a consent that is missing,
	// an account that may not see this. Trying again does not help until someone changes something.
	ErrAccess = errors.New("no access")
	// ErrAnswer: an answer that nobody expects, or a server in trouble. Trying again often helps.
	ErrAnswer = errors.New("no usable answer")
)

// refusal is the error that a status is; nil for 200. Of the page itself nothing is told: it
// may repeat what was sent.
func refusal(what string, page probes.Page, hint string) error {
	switch s := page.Status; {
	case s == http.StatusOK:
		return nil
	case s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusNotFound:
		return fmt.Errorf("%s answers %d: %w: %s", what, s, ErrAccess, hint)
	case s >= 300 && s < 400: // to a page where a person logs in
		return fmt.Errorf("%s sends to another page: %w: %s", what, ErrAccess, hint)
	case s == http.StatusTooManyRequests:
		return fmt.Errorf("%s answers %d: %w: it is asked too often; make [reputation] schedule rarer", what, s, ErrAnswer)
	default:
		return fmt.Errorf("%s answers %d: %w: if it lasts, look at the provider's status page", what, s, ErrAnswer)
	}
}

// Lasting is how long a programme that cannot be read is left alone before anybody is told,
// where trying again may help.
const Lasting = 24 * time.Hour

// ProgrammeFinding says whether a programme can be read: name is that of the configuration, title
// is for people, since when it failed is zero if it did not. False: there is nothing to tell yet.
func ProgrammeFinding(name, title string, failed error, since, now time.Time) (checks.Finding, bool) {
	t := checks.Monitor("source:" + name)
	f := checks.Finding{
		Key: checks.Key{Check: "source", Target: t.ID()}, Target: t, At: now.UTC(), Status: checks.OK, Code: checks.CodeMonitorWell,
		Facts: map[string]string{checks.FactSource: name, checks.FactSourceName: title}, Summary: checks.Line(title+" can be read", maxSummary),
	}
	if failed == nil {
		return f, true
	}
	if !errors.Is(failed, ErrAccess) && !errors.Is(failed, probes.ErrLogin) && now.Sub(since) < Lasting {
		return f, false
	}
	f.Status, f.Code, f.Severity = checks.Problem, checks.CodeSource, checks.Minor
	f.Summary = checks.Line(fmt.Sprintf("%s (%s) cannot be read: %v", title, name, failed), maxSummary)
	f.Facts[checks.FactInstruction] = checks.Line(failed.Error(), maxFact)
	f.Evidence = []checks.Evidence{{Question: "read " + title, Answer: checks.Line(failed.Error(), maxFact), At: now.UTC()}}
	return f, true
}
