package view

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
	"reputed/internal/web"
)

var _ web.Sharing = (*View)(nil)

const (
	// shareTokenBytes is how long the secret of a link is: 256 bits, which nobody guesses.
	shareTokenBytes = 32
	// shareDefault is how long a link lasts if nothing is said, shareLongest how long at most.
	shareDefault = 30 * 24 * time.Hour
	ShareLongest = 365 * 24 * time.Hour
	// shareKept is how old what a link shows may be: whoever has one could load it again and again.
	shareKept = 10 * time.Second
	// shareNoted is how long noting that a link was opened may hold the page up.
	shareNoted = 2 * time.Second
)

// sharesKept keeps for a moment what links show, by pool.
type sharesKept struct {
	mu    sync.Mutex
	pools map[string]report.Share
}

// Shared implements [web.Sharing].
func (v *View) Shared(ctx context.Context, token string, now time.Time) (report.Share, error) {
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != shareTokenBytes {
		return report.Share{}, web.ErrNotFound
	}
	link, err := v.db.Shared(ctx, token, now)
	if errors.Is(err, store.ErrNoShare) {
		return report.Share{}, web.ErrNotFound
	}
	if err != nil {
		return report.Share{}, err
	}
	// That it cannot be noted, on a database that is only read or that is busy, is no reason to show nothing.
	noted, done := context.WithTimeout(ctx, shareNoted)
	err = v.db.UseShare(noted, link.ID, now)
	done()
	if err != nil && !errors.Is(err, store.ErrReadOnly) {
		v.Log.LogAttrs(ctx, slog.LevelWarn, "use of a share link not noted", slog.Int64("link", link.ID), slog.Any("err", err))
	}
	s, err := v.shareOf(ctx, link.Pool, now)
	s.Until = link.Expires
	return s, err
}

// shareOf is what links of a pool show. Whoever asks while it is worked out waits for the same one.
func (v *View) shareOf(ctx context.Context, pool string, now time.Time) (report.Share, error) {
	if !slices.Contains(v.Pools(), pool) {
		return report.Share{Gone: true, Now: now}, nil
	}
	v.shares.mu.Lock()
	defer v.shares.mu.Unlock()
	if s, ok := v.shares.pools[pool]; ok && now.Sub(s.Now) >= 0 && now.Sub(s.Now) < shareKept {
		return s, nil
	}
	in, err := v.shareInput(ctx, pool, now)
	if err != nil {
		return report.Share{}, err
	}
	s := report.BuildShare(in, report.Term{Location: time.Local}, now)
	if v.shares.pools == nil {
		v.shares.pools = map[string]report.Share{}
	}
	v.shares.pools[pool] = s
	return s, nil
}

// member says which targets are a pool's: those that are known to be there, and what is not known, such as
// an address that an SPF record had, if it was in the pool when it was found.
func member(known checks.Targets, pool string) func(target string, stored func() string) bool {
	return func(target string, stored func() string) bool {
		t, err := checks.ParseID(target)
		if err != nil || t.Kind != checks.KindAddress && t.Kind != checks.KindDomain {
			return false
		}
		if w, ok := known.Find(t); ok {
			return w.Pool == pool
		}
		return stored() == pool
	}
}

func (v *View) shareInput(ctx context.Context, pool string, now time.Time) (in report.ShareInput, err error) {
	known, err := v.targets(ctx)
	if err != nil {
		return in, err
	}
	in.Pool, in.Status = pool, v.Status(ctx, now)
	in.Watched = v.watchedIn(pool)
	in.Watched.Lists = in.Status.Watched.Lists
	in.Looked = v.readsMail()
	wanted := member(known.all, pool)
	var all []alerts.Incident
	for _, f := range []store.IncidentFilter{{Limit: -1}, {Over: true, Since: now.Add(-report.ShareSpan), Limit: -1}} {
		part, err := v.db.PartOf(ctx, f, wanted)
		if err != nil {
			return in, err
		}
		all = append(all, part...)
	}
	found := map[string]bool{} // targets, also those that are not known any more
	var marks []report.Mark
	const step = 8 * time.Hour
	from := now.Add(-report.ShareSpan).Truncate(step)
	for _, i := range all {
		part, err := v.SharePart(ctx, i, now)
		if err != nil {
			return in, err
		}
		in.Incidents = append(in.Incidents, part)
		for _, m := range i.Members {
			found[m.Finding.Key.Target] = true
		}
		marks = append(marks, v.marks(sightings(i, step))...)
	}
	flows, err := v.db.FlowsOf(ctx, from, step, func(target string) bool {
		return wanted(target, func() string {
			if found[target] {
				return pool
			}
			return ""
		})
	})
	if err != nil {
		return in, err
	}
	var shown []report.Flow
	for _, f := range flows {
		shown = append(shown, report.Flow{At: f.At, Name: f.Name, Refused: f.Refused, Deferred: f.Deferred})
	}
	in.Refusals = report.BuildTimeline(from, now, step, shown, marks)
	return in, nil
}

// SharePart adds to an incident, of which only the members of a pool are left, what these cost and
// what was asked for them.
func (v *View) SharePart(ctx context.Context, i alerts.Incident, now time.Time) (p report.SharePart, err error) {
	var targets []string
	sources := map[string]bool{}
	var since time.Time
	for _, m := range i.Members {
		targets = append(targets, m.Finding.Key.Target)
		sources[m.Finding.Key.Source] = true
		if since.IsZero() || m.First.Before(since) {
			since = m.First
		}
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	until := now
	if i.State == alerts.Resolved && !i.Resolved.IsZero() {
		until = i.Resolved
	}
	refused := since.Add(-v.Config.Bounces.Window.Duration)
	if i.Ended.After(refused) { // what came before belongs to the last time
		refused = i.Ended
	}
	p = report.SharePart{Incident: i, Name: v.whoSays}
	if p.Impact, err = v.db.ImpactOf(ctx, targets, refused, since, until, len(v.Config.MailLogs) > 0 && i.Impact.DeliveriesCounted()); err != nil {
		return p, err
	}
	p.Impact.Watched, p.Impact.Unread = i.Impact.Watched, i.Impact.Unread
	asked, err := v.db.Requests(ctx, i.ID)
	if err != nil {
		return p, err
	}
	for _, a := range asked {
		own := slices.Contains(targets, a.Key.Target)
		if !own && !sources[a.List] {
			continue // of somebody else
		}
		if !own {
			a.Cleared = time.Time{} // for which of the targets, is not theirs to know
		}
		a.List = v.listName(a.List)
		p.Asked = append(p.Asked, a)
	}
	return p, nil
}

func (v *View) listName(id string) string {
	if z, ok := v.zone(id); ok {
		return z.Title
	}
	return id
}

// whoSays is who says what a finding is about, for people outside.
func (v *View) whoSays(m alerts.Member) string {
	f := m.Finding
	if f.Key.Check == monitor.JobIdentity { // its sources are the names of rules, and its titles say what is wrong
		return ""
	}
	return cmp.Or(f.Facts[checks.FactVendor], f.Facts[checks.FactSourceName], v.listName(f.Key.Source))
}

// watchedIn is how much a pool has to watch; nothing if only the DNS knows.
func (v *View) watchedIn(pool string) (w report.Watched) {
	for _, o := range v.Config.Outbound {
		if o.Pool != pool {
			continue
		}
		if len(o.Names)+len(o.SPF) > 0 {
			return report.Watched{}
		}
		words := slices.Clone(o.Addresses)
		for _, name := range o.AddressFiles {
			more, _ := config.ReadAddresses(name)
			words = append(words, more...)
		}
		words = append(words, o.Domains...)
		ts, err := checks.ParseTargets(words...)
		if err != nil {
			return report.Watched{}
		}
		ip4, ip6, domains := ts.Sizes()
		return report.Watched{Addresses: int(ip4 + ip6), Domains: int(domains)}
	}
	return w
}

// readsMail says whether anything is read that could show a refusal.
func (v *View) readsMail() bool {
	return len(v.Config.MailLogs)+len(v.Config.Mailboxes)+len(v.Config.AllSpools()) > 0
}

// Pools implements [web.Sharing].
func (v *View) Pools() []string {
	var out []string
	for _, o := range v.Config.Outbound {
		out = append(out, o.Pool)
	}
	return out
}

// Links implements [web.Sharing].
func (v *View) Links(ctx context.Context, now time.Time) ([]report.ShareLink, error) {
	all, err := v.db.Shares(ctx, now, false)
	return LinksOf(all), err
}

// LinksOf puts links as they are stored into the words of a report.
func LinksOf(all []store.Share) []report.ShareLink {
	out := make([]report.ShareLink, 0, len(all))
	for _, s := range all {
		out = append(out, report.ShareLink(s))
	}
	return out
}

// MakeLink implements [web.Sharing].
func (v *View) MakeLink(ctx context.Context, pool, note, by string, days int, now time.Time) (string, error) {
	if days < 1 || days > int(ShareLongest/(24*time.Hour)) {
		return "", fmt.Errorf("%w: it lasts from 1 to %d days", web.ErrLink, int(ShareLongest/(24*time.Hour)))
	}
	_, url, err := NewLink(ctx, v.db, v.Config, pool, note, by, time.Duration(days)*24*time.Hour, now)
	return url, err
}

// NewLink makes a link and gives its address, the only place where its token stands.
func NewLink(ctx context.Context, db *store.DB, cfg *config.Config, pool, note, by string, length time.Duration, now time.Time) (store.Share, string, error) {
	base, err := linkBase(cfg.Web)
	if err != nil {
		return store.Share{}, "", err
	}
	var pools []string
	for _, o := range cfg.Outbound {
		pools = append(pools, o.Pool)
	}
	if !slices.Contains(pools, pool) {
		return store.Share{}, "", fmt.Errorf("%w: there is no pool %q in the configuration, which has %s", web.ErrLink, checks.Line(pool, 60), strings.Join(pools, ", "))
	}
	secret := make([]byte, shareTokenBytes)
	_, _ = rand.Read(secret) // never fails
	token := base64.RawURLEncoding.EncodeToString(secret)
	s, err := db.MakeShare(ctx, token, store.Share{Pool: pool, Note: note, By: by, Made: now, Expires: now.Add(length)})
	return s, base + "/share/" + token, err
}

// linkBase is how browsers reach the page.
func linkBase(c config.Web) (string, error) {
	host, ok := "", c.URL != ""
	if !ok && c.Listen != "" {
		hosts := c.Hosts()
		if len(hosts) > 0 {
			host = hosts[0]
		}
		ok = host != "" && host != "0.0.0.0" && host != "::"
	}
	if !ok {
		return "", fmt.Errorf("%w: it is not known where people reach the page: set url in [web], as in url = \"https://reputed.example.org\", and listen", web.ErrLink)
	}
	return c.Base(), nil
}

// RevokeLink implements [web.Sharing].
func (v *View) RevokeLink(ctx context.Context, id int64, by string, now time.Time) error {
	_, err := v.db.RevokeShare(ctx, id, by, now)
	if errors.Is(err, store.ErrNoShare) {
		return fmt.Errorf("share link %d: %w", id, web.ErrNotFound)
	}
	return err
}
