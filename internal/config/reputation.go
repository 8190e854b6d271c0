package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"reputed/blocklists"
	"reputed/internal/monitor"
)

// Reputation says who is asked what they think of the senders, besides blocklists.
type Reputation struct {
	// Schedule is when scores and programmes are asked, in the time zone of [schedule]; default "@every 6h".
	Schedule string `toml:"schedule"`
	// Enable and Disable are ids of scores to ask in addition to those that the catalogue asks by
	// default, and not to ask. "reputed lists" does not show them, since they are not lists.
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
	Key  Secret `toml:"key"`  // what follows key= in the links of the settings page
	URL  string `toml:"url"`  // for a gateway or a test; default Microsoft's own
}

// Postmaster is Google Postmaster Tools by an account.
type Postmaster struct {
	Name    string   `toml:"name"`    // unique; default "google"
	Domains []string `toml:"domains"` // default: the domains of all pools
	// Either a service account, or a consent with the application to which it was given.
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
	c.Times, _ = v.times("reputation.schedule", c.Schedule, `"@every 6h"`)
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
	known, paths := v.knownScores()
	var ids []string
	for _, s := range known {
		ids = append(ids, s.ID)
	}
	enable, disable := v.scoreIDs("reputation.enable", c.Enable, ids), v.scoreIDs("reputation.disable", c.Disable, ids)
	for word, path := range disable {
		if enable[word] != "" {
			v.at(path, "%s is in enable too", shown(word))
		}
	}
	for _, s := range known {
		if disable[s.ID] != "" || !s.Default && enable[s.ID] == "" {
			continue
		}
		if z, ok := v.key(s.List(), cmp.Or(enable[s.ID], paths[s.ID])); ok {
			s.Key = z.Key
			c.Scores = append(c.Scores, s)
		}
	}
}

// knownScores returns the scores that can be asked, the catalogue's and the user's own. Paths
// are where the file has the latter, by their ids.
func (v *validator) knownScores() (known []blocklists.Score, paths map[string]string) {
	catalog := v.cfg.Blocklists.Catalog
	for _, s := range catalog.Scores {
		if s.Decode == blocklists.TXT || s.Kind == blocklists.ScoreInfo || !v.cfg.Blocklists.Builtin && s.BuiltIn {
			continue
		}
		known = append(known, s)
	}
	paths = map[string]string{}
	for i, spec := range v.cfg.Reputation.Own {
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
		if slices.ContainsFunc(catalog.Zones, func(z blocklists.Zone) bool { return z.ID == s.ID }) ||
			slices.ContainsFunc(catalog.Scores, func(o blocklists.Score) bool { return o.ID == s.ID }) || paths[s.ID] != "" {
			v.at(at+".id", "%s is taken: give the score an id of its own", shown(s.ID))
			continue
		}
		paths[s.ID] = at
		known = append(known, s)
	}
	return known, paths
}

// scoreIDs checks that each word is the id of a score, and maps it to its path.
func (v *validator) scoreIDs(path string, words, ids []string) map[string]string {
	found := map[string]string{}
	for i, w := range words {
		at := fmt.Sprintf("%s[%d]", path, i)
		found[w] = at
		if slices.Contains(ids, w) {
			continue
		}
		if near, ok := nearest(w, ids); ok {
			v.at(at, "no score has the id %s; did you mean %q?", shown(w), near)
		} else if len(ids) == 0 {
			v.at(at, "no score has the id %s: there are none without the built-in ones", shown(w))
		} else {
			v.at(at, "no score has the id %s; there are %s", shown(w), strings.Join(ids, ", "))
		}
	}
	return found
}
