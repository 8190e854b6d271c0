package config

import (
	"fmt"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/internal/monitor"
)

// Reputation is who is asked what they think of the senders, besides blocklists.
type Reputation struct {
	// Schedule is when scores and programmes are asked, in the time zone of [schedule]; default "@every 6h".
	Schedule string `toml:"schedule"`
	// Enable and Disable are ids of scores to ask besides, or without, those of the catalogue that
	// are asked by default. "reputed lists" does not show them, since they are no lists.
	Enable  []string `toml:"enable"`
	Disable []string `toml:"disable"`
	// Own are scores of the user's as written; Scores has them ready for use.
	Own        []blocklists.ScoreSpec `toml:"score"`
	SNDS       []SNDS                 `toml:"snds"`
	Postmaster []Postmaster           `toml:"postmaster"`

	Times monitor.Schedule `toml:"-"` // Schedule, read in the time zone
	// Scores are those to ask, with their keys.
	Scores []blocklists.Score `toml:"-"`
}

// SNDS is Microsoft SNDS by automated data access.
type SNDS struct {
	Name string `toml:"name"` // unique; default "snds"
	Key  Secret `toml:"key"`  // what stands behind key= in the links of the settings page
	URL  string `toml:"url"`  // for a gateway or a test; default Microsoft's own
}

// Postmaster is Google Postmaster Tools by an account.
type Postmaster struct {
	Name    string   `toml:"name"`    // unique; default "google"
	Domains []string `toml:"domains"` // default: the domains of all pools
	// A service account, or a consent with the application that it was given to.
	ServiceAccount Secret `toml:"service_account"` // its JSON key
	ClientID       string `toml:"client_id"`
	ClientSecret   Secret `toml:"client_secret"`
	RefreshToken   Secret `toml:"refresh_token"`
	TokenURL       string `toml:"token_url"` // default: Google's own

	Subject string `toml:"subject"` // on whose behalf a service account with domain-wide delegation acts; default: its own
	URL     string `toml:"url"`     // for a gateway or a test; default Google's own
	CAFile  string `toml:"ca_file"` // who may sign certificates; default: whom the system trusts
}

func (s *SNDS) setDefaults() { s.Name = "snds" }

func (p *Postmaster) setDefaults() { p.Name = "google" }

func (v *validator) reputation() {
	c := &v.cfg.Reputation
	loc, err := monitor.LoadLocation(v.cfg.Schedule.TimeZone)
	if err == nil { // which was told
		c.Times, err = monitor.ParseSchedule(c.Schedule, loc)
		if err != nil && secretive(c.Schedule) {
			err = fmt.Errorf("not a schedule: write \"@every 6h\" or a cron expression")
		}
		if err != nil {
			v.at("reputation.schedule", "%v", err)
		}
	}
	v.scores()
	names := map[string]string{}
	for i := range c.SNDS {
		s, at := &c.SNDS[i], fmt.Sprintf("reputation.snds[%d]", i)
		v.name(at+".name", s.Name, names)
		if !s.Key.Given() {
			v.missing(at+".key", `missing; such as "env:SNDS_KEY": what stands behind key= in the links of automated data access`)
		}
		v.page(at+".url", s.URL)
	}
	for i := range c.Postmaster {
		v.postmaster(&c.Postmaster[i], fmt.Sprintf("reputation.postmaster[%d]", i), names)
	}
}

func (v *validator) postmaster(p *Postmaster, at string, names map[string]string) {
	v.name(at+".name", p.Name, names)
	for i, d := range p.Domains {
		p.Domains[i] = v.domain(fmt.Sprintf("%s.domains[%d]", at, i), d)
	}
	if !v.set(at + ".domains") {
		for _, o := range v.cfg.Outbound {
			p.Domains = append(p.Domains, o.Domains...)
		}
	}
	slices.Sort(p.Domains)
	p.Domains = slices.Compact(p.Domains)
	if len(p.Domains) == 0 {
		v.missing(at+".domains", "missing; the sending domains that are verified in Postmaster Tools")
	}
	if !p.ServiceAccount.Given() && !p.RefreshToken.Given() {
		v.missing(at+".service_account", "missing; or client_id, client_secret and refresh_token")
	} else {
		v.oauth(&OAuth{Provider: "google", TokenURL: p.TokenURL, ClientID: p.ClientID, ClientSecret: p.ClientSecret, RefreshToken: p.RefreshToken, ServiceAccount: p.ServiceAccount}, at)
	}
	if p.Subject != "" && !p.ServiceAccount.Given() {
		v.at(at+".subject", "only a service account acts on somebody's behalf: leave it out")
	}
	if p.CAFile != "" {
		p.CAFile = v.path(p.CAFile)
		v.certificates(at+".ca_file", p.CAFile)
	}
	v.page(at+".url", p.URL)
}

// page checks an address that replaces a provider's own.
func (v *validator) page(at, url string) {
	if url != "" && (!webAddress(url) || strings.Contains(url, "?")) {
		v.at(at, "want an address that begins with https:// (http:// on the loopback only), without a key behind it")
	}
}

// scores chooses the scores to ask, as lists are chosen, and gives them their keys.
func (v *validator) scores() {
	c := &v.cfg.Reputation
	var known []blocklists.Score
	for _, s := range v.cfg.Blocklists.Catalog.Scores {
		if s.Decode == blocklists.TXT || s.Kind == blocklists.ScoreInfo || !v.cfg.Blocklists.Builtin && s.BuiltIn {
			continue
		}
		known = append(known, s)
	}
	paths := map[string]string{}
	for i, spec := range c.Own {
		at := fmt.Sprintf("reputation.score[%d]", i)
		if spec.ID == "" || spec.ZoneName == "" {
			v.missing(at+".zone", "a score of your own needs id and zone")
			continue
		}
		s, err := spec.UserScore()
		if err != nil {
			for _, e := range blocklists.Each(err) {
				field, text := listField(e)
				v.at(at+"."+field, "%s", text)
			}
			continue
		}
		if slices.ContainsFunc(v.cfg.Blocklists.Catalog.Zones, func(z blocklists.Zone) bool { return z.ID == s.ID }) ||
			slices.ContainsFunc(v.cfg.Blocklists.Catalog.Scores, func(o blocklists.Score) bool { return o.ID == s.ID }) || paths[s.ID] != "" {
			v.at(at+".id", "%s is taken: give the score an id of its own", shown(s.ID))
			continue
		}
		paths[s.ID] = at
		known = append(known, s)
	}
	var ids []string
	for _, s := range known {
		ids = append(ids, s.ID)
	}
	words := func(path string, words []string) map[string]string {
		found := map[string]string{}
		for i, w := range words {
			at := fmt.Sprintf("%s[%d]", path, i)
			if near, ok := nearest(w, ids); !slices.Contains(ids, w) && ok {
				v.at(at, "no score has the id %s; did you mean %q?", shown(w), near)
			} else if !slices.Contains(ids, w) {
				v.at(at, "no score has the id %s; there are %s", shown(w), strings.Join(ids, ", "))
			}
			found[w] = at
		}
		return found
	}
	enable, disable := words("reputation.enable", c.Enable), words("reputation.disable", c.Disable)
	for word, path := range disable {
		if enable[word] != "" {
			v.at(path, "%s is in enable too", shown(word))
		}
	}
	for _, s := range known {
		if disable[s.ID] != "" || !s.Default && enable[s.ID] == "" {
			continue
		}
		path := enable[s.ID]
		if path == "" {
			path = paths[s.ID]
		}
		if z, ok := v.key(s.List(), path); ok {
			s.Key = z.Key
			c.Scores = append(c.Scores, s)
		}
	}
}
