package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/internal/monitor"
)

// Acceptance is knocking at receivers' doors, and looking after servers of our own. Without Helo
// nobody is knocked at; without Own no server is looked at.
type Acceptance struct {
	// Helo is the name by which we introduce ourselves to receivers: a host name that leads back
	// to us. Empty: nobody is knocked at.
	Helo string `toml:"helo"`
	// Schedule is when, in the time zone of [schedule]; default "@every 2h", at least an hour apart.
	Schedule string   `toml:"schedule"`
	Jitter   Duration `toml:"jitter"` // at most; default 10m, at most 1h
	// Sample says from which addresses: SamplePool (the default) or SampleAll.
	Sample string `toml:"sample"`
	// Choose is how many receivers of each vendor are chosen by our own traffic; default 2, 0 to
	// 10; 0: only those that are named.
	Choose    int             `toml:"choose"`
	Except    []string        `toml:"except"` // receivers that are never knocked at
	Receivers []KnockReceiver `toml:"receiver"`
	From      []KnockFrom     `toml:"from"`
	Own       []OwnServer     `toml:"own"`
	// Outside is a domain that is not ours, for which no server of ours takes mail; default example.com.
	Outside string `toml:"outside"`
	// Egress are servers, host:port (25 if left out), that "reputed egress" tries to reach from the
	// host on which it runs.
	Egress []string `toml:"egress"`

	Times monitor.Schedule `toml:"-"` // Schedule, read in the time zone
}

// The values of Acceptance.Sample.
const (
	SamplePool = "pool" // one of each pool in turn, and those that are refused or listed
	SampleAll  = "all"  // all
)

// KnockReceiver is a receiver to knock at.
type KnockReceiver struct {
	Domain string `toml:"domain"`
	Vendor string `toml:"vendor"` // whose filter it uses, as refusals name it; default: according to its MX records
	// Agreed says that its operator knows about this: then MAIL FROM and RCPT TO postmaster are said too.
	Agreed bool     `toml:"agreed"`
	Hosts  []string `toml:"hosts"` // host:port (25 if left out) in place of its MX records
}

// KnockFrom says how to knock from some addresses of ours.
type KnockFrom struct {
	Addresses []string `toml:"addresses"` // addresses and ranges that are watched
	Bind      string   `toml:"bind"`      // address of this machine that NAT turns into them; default: the address itself
	SOCKS5    string   `toml:"socks5"`    // host:port of a proxy on the machine that has them
	User      string   `toml:"user"`      // for the proxy; empty: no login
	Password  Secret   `toml:"password"`

	Ranges []netip.Prefix `toml:"-"` // Addresses
}

// OwnServer is a mail server of ours that is looked at.
type OwnServer struct {
	Host string `toml:"host"` // name or address, with a port if it is not 25
	// Expect is ExpectOpen (the default) where the world is to reach it, ExpectClosed where it is not.
	Expect string `toml:"expect"`
	// StartTLS, Relay and Postmaster say what is looked at; default true. Relay needs a monitor for
	// which the server does not relay.
	StartTLS   bool     `toml:"starttls"`
	Relay      bool     `toml:"relay"`
	Postmaster bool     `toml:"postmaster"`
	Domains    []string `toml:"domains"` // that it takes mail for; empty: postmaster and abuse are not asked for
	From       string   `toml:"from"`    // address of this machine to connect from; default: the system chooses
	CAFile     string   `toml:"ca_file"` // who may sign its certificate; default: whom the system trusts
}

// The values of OwnServer.Expect.
const (
	ExpectOpen   = "open"
	ExpectClosed = "closed"
)

func (s *OwnServer) setDefaults() {
	s.Expect, s.StartTLS, s.Relay, s.Postmaster = ExpectOpen, true, true, true
}

// leastKnock is how far apart rounds are at least: a server that is visited more often may take it
// for an attack.
const leastKnock = time.Hour

func (v *validator) acceptance() {
	c := &v.cfg.Acceptance
	var ok bool
	if c.Times, ok = v.times("acceptance.schedule", c.Schedule, `"@every 2h"`); ok && closest(c.Times) < leastKnock {
		v.at("acceptance.schedule", "more than once an hour: receivers take that for an attack. Write \"@every 1h\" or rarer")
	}
	v.between("acceptance.jitter", c.Jitter, 0, time.Hour)
	v.oneOf("acceptance.sample", c.Sample, SamplePool, SampleAll)
	v.number("acceptance.choose", c.Choose, 0, 10)
	if c.Helo != "" {
		c.Helo = v.domain("acceptance.helo", c.Helo)
		if strings.Contains(c.Helo, "_") {
			v.at("acceptance.helo", "%s: a host name has no underscore", shown(c.Helo))
		}
	}
	c.Outside = v.domain("acceptance.outside", c.Outside)
	for i, d := range c.Except {
		c.Except[i] = v.domain(fmt.Sprintf("acceptance.except[%d]", i), d)
	}
	v.knockReceivers()
	for i := range c.From {
		v.knockFrom(&c.From[i], fmt.Sprintf("acceptance.from[%d]", i))
	}
	v.ownServers()
	v.smtpHosts("acceptance.egress", c.Egress)
	if c.Helo == "" && len(c.Receivers)+len(c.From) > 0 {
		v.missing("acceptance.helo", `missing: without it nobody is knocked at. Write the name of this host, as in "monitor.example.org"`)
	}
}

func (v *validator) knockReceivers() {
	c := &v.cfg.Acceptance
	seen := map[string]bool{}
	for i := range c.Receivers {
		r, at := &c.Receivers[i], fmt.Sprintf("acceptance.receiver[%d]", i)
		if r.Domain == "" {
			v.missing(at+".domain", `missing; the domain behind the @, as in "example.net"`)
			continue
		}
		r.Domain = v.domain(at+".domain", r.Domain)
		switch {
		case seen[r.Domain]:
			v.at(at+".domain", "%s stands there twice", shown(r.Domain))
		case slices.Contains(c.Except, r.Domain):
			v.at(at+".domain", "%s is in except too", shown(r.Domain))
		}
		seen[r.Domain] = true
		v.smtpHosts(at+".hosts", r.Hosts)
	}
}

// closest returns the least time between two slots of a schedule, within a few weeks.
func closest(s monitor.Schedule) time.Duration {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := at.AddDate(0, 0, 35)
	least := 24 * time.Hour
	for at = s.Next(at); !at.IsZero() && at.Before(end); {
		next := s.Next(at)
		if next.IsZero() {
			break
		}
		if least = min(least, next.Sub(at)); least < leastKnock {
			break
		}
		at = next
	}
	return least
}

func (v *validator) smtpHosts(path string, hosts []string) {
	for i, h := range hosts {
		host, err := hostPort(h, "25")
		if err != nil {
			v.at(fmt.Sprintf("%s[%d]", path, i), "%v", err)
			continue
		}
		hosts[i] = host
	}
}

func (v *validator) knockFrom(f *KnockFrom, at string) {
	for i, word := range f.Addresses {
		p := prefixOf(word)
		if !p.IsValid() {
			v.at(fmt.Sprintf("%s.addresses[%d]", at, i), "%s is no address and no range", shown(word))
			continue
		}
		f.Ranges = append(f.Ranges, p)
	}
	if len(f.Addresses) == 0 {
		v.missing(at+".addresses", `missing; addresses that are watched, as in ["192.0.2.10"]`)
	}
	if f.Bind != "" {
		f.Bind = v.bind(at+".bind", f.Bind)
	}
	if f.SOCKS5 != "" {
		server, err := hostPort(f.SOCKS5, "1080")
		if err != nil {
			v.at(at+".socks5", "%v", err)
		}
		f.SOCKS5 = server
	}
	switch {
	case f.Bind == "" && f.SOCKS5 == "":
		v.missing(at+".bind", "missing; or socks5: without either nothing is different from other addresses")
	case f.SOCKS5 == "" && (f.User != "" || f.Password.Given()):
		v.at(at+".user", "user and password are of a proxy, and there is none")
	case f.User == "" && f.Password.Given():
		v.missing(at+".user", "missing: a password needs a user")
	case f.User != "" && !f.Password.Given():
		v.missing(at+".password", `missing; such as "env:PROXY_PASSWORD"`)
	}
}

// bind returns an address of this machine in the form in which addresses are compared.
func (v *validator) bind(path, word string) string {
	a, err := netip.ParseAddr(word)
	if err != nil || a.Zone() != "" {
		v.at(path, "%s is not an address of this machine, as in \"10.0.0.5\"", shown(word))
		return word
	}
	return a.Unmap().String()
}

func (v *validator) ownServers() {
	c := &v.cfg.Acceptance
	seen := map[string]bool{}
	for i := range c.Own {
		s, at := &c.Own[i], fmt.Sprintf("acceptance.own[%d]", i)
		if s.Host == "" {
			v.missing(at+".host", `missing; a mail server of yours, as in "mx1.example.org"`)
			continue
		}
		host, err := hostPort(s.Host, "25")
		if err != nil {
			v.at(at+".host", "%v", err)
			continue
		}
		if s.Host = host; seen[host] {
			v.at(at+".host", "%s stands there twice", shown(host))
		}
		seen[host] = true
		v.oneOf(at+".expect", s.Expect, ExpectOpen, ExpectClosed)
		for j, d := range s.Domains {
			s.Domains[j] = v.domain(fmt.Sprintf("%s.domains[%d]", at, j), d)
			if s.Domains[j] == c.Outside {
				v.at(fmt.Sprintf("%s.domains[%d]", at, j), "%s is the domain outside too: name another one in outside", shown(d))
			}
		}
		if s.From != "" {
			s.From = v.bind(at+".from", s.From)
		}
		if s.CAFile != "" {
			s.CAFile = v.path(s.CAFile)
			v.certificates(at+".ca_file", s.CAFile)
		}
	}
}
