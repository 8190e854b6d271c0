package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/monitor"
)

// validator checks a decoded configuration, and converts every value to the form that Config
// promises. It collects everything that is wrong, and stops at nothing.
type validator struct {
	*problems
	cfg  *Config
	opt  LoadOptions
	base string // folder that relative paths start from; empty: none has been needed
	lost bool   // and it cannot be known

	noKey map[string]error // path of the key of a list to why it could not be had
}

func (v *validator) validate() {
	v.secrets()
	v.dns()
	v.lists()
	v.outbound()
	v.schedule()
	v.mailboxes()
	v.spools()
	v.mailLogs()
	v.bounces()
	v.reputation()
	v.identity()
	v.acceptance()
	v.channels()
	v.alerts() // names channels
	v.report() // likewise
	v.web()
	v.http()
	v.database()
	v.backup()
	v.retention()
	v.log()
	v.readByDaemon() // whose database it is
}

// servers converts the DNS servers at a path to the form host:port.
func (v *validator) servers(path string, servers []string) {
	seen := map[string]bool{}
	for i, s := range servers {
		at := fmt.Sprintf("%s[%d]", path, i)
		server, err := hostPort(s, "53")
		if err != nil {
			v.at(at, "%v", err)
			continue
		}
		if seen[server] {
			v.at(at, "%s stands there twice", shown(s))
		}
		seen[server] = true
		servers[i] = server
		if PublicResolver(server) {
			v.warn(at, "%s is a public resolver, and most lists refuse to answer it: ask a resolver of your own", shown(s))
		}
	}
}

func (v *validator) dns() {
	c := &v.cfg.DNS
	v.servers("dns.servers", c.Servers)
	v.between("dns.timeout", c.Timeout, 100*time.Millisecond, time.Minute)
	v.number("dns.tries", c.Tries, 1, 10)
	v.number("dns.concurrency", c.Concurrency, 1, 10000)
	v.oneOf("dns.mode", c.Mode, ModeAuto, ModeResolver, ModeAuthoritative)
	v.between("dns.confirm", c.Confirm, 0, time.Hour)
	if c.Probe != "" {
		c.Probe = v.domain("dns.probe", c.Probe)
	}
}

func (v *validator) schedule() {
	c := &v.cfg.Schedule
	if _, err := monitor.LoadLocation(c.TimeZone); err != nil && secretive(c.TimeZone) {
		v.at("schedule.timezone", "not a time zone: write one such as Europe/Berlin")
	} else if err != nil {
		v.at("schedule.timezone", "%v", err)
	}
	c.DNSBLTimes, _ = v.times("schedule.dnsbl", c.DNSBL, `"@every 30m"`)
	v.between("schedule.jitter", c.Jitter, 0, time.Hour)
}

// times reads a schedule in the time zone of [schedule], or adds a mistake with an example.
func (v *validator) times(path, expr, example string) (s monitor.Schedule, ok bool) {
	loc, _ := monitor.LoadLocation(v.cfg.Schedule.TimeZone) // a mistake of its own
	s, err := monitor.ParseSchedule(expr, loc)
	if err != nil && secretive(expr) {
		err = fmt.Errorf("not a schedule: write a cron expression or %s", example)
	}
	if err != nil {
		v.at(path, "%v", err)
	}
	return s, err == nil
}

func (v *validator) bounces() {
	c := &v.cfg.Bounces
	for i, d := range c.MessageIDDomains {
		c.MessageIDDomains[i] = v.domain(fmt.Sprintf("bounces.message_id_domains[%d]", i), d)
	}
	if !v.set("bounces.message_id_domains") {
		for _, o := range v.cfg.Outbound {
			c.MessageIDDomains = append(c.MessageIDDomains, o.Domains...)
			// What a server writes itself, and all that Exchange sends, has its own name there.
			c.MessageIDDomains = slices.AppendSeq(c.MessageIDDomains, maps.Keys(o.Hosts))
		}
	}
	slices.Sort(c.MessageIDDomains)
	c.MessageIDDomains = slices.Compact(c.MessageIDDomains)
	if len(c.VERP) > 1000 {
		v.at("bounces.verp", "longer than 1000 characters")
	} else if verp, err := regexp.Compile(c.VERP); err != nil {
		v.at("bounces.verp", "not a regular expression (RE2): %s", checks.Line(regexpFault(err), 80))
	} else if c.VERPHMAC.Given() {
		v.hmac(verp)
	} else if c.VERP != "" {
		v.guessable(verp)
	}
	v.between("bounces.window", c.Window, time.Minute, month)
	v.between("bounces.quiet", c.Quiet, time.Minute, month)
}

// minHMACKey is the least length of the key of tokens, in bytes: a shorter one can be guessed.
const minHMACKey = 16

// hmac checks the pattern and the key of return paths whose tokens are computed.
func (v *validator) hmac(verp *regexp.Regexp) {
	if verp.SubexpIndex("data") < 0 || verp.SubexpIndex("token") < 0 {
		v.at("bounces.verp", "with verp_hmac it needs the groups data and token: '^bounce-(?P<data>[0-9a-z.=-]+)-(?P<token>[0-9a-f]{16,64})@example\\.org$'")
	}
	if key := v.cfg.Bounces.VERPHMAC; key.Set() && len(key.Reveal()) < minHMACKey {
		v.at("bounces.verp_hmac", "shorter than %d bytes: make one with \"openssl rand -hex 32\"", minHMACKey)
	}
}

// guessable warns of a pattern of return paths that proves nothing, as anybody can
// write to an address that it matches.
func (v *validator) guessable(verp *regexp.Regexp) {
	for _, o := range v.cfg.Outbound {
		for _, domain := range o.Domains {
			for _, local := range []string{"postmaster", "bounce", "bounces", "info", ""} {
				if address := local + "@" + domain; verp.MatchString(address) {
					v.warn("bounces.verp", "it matches %s, which anybody can guess, and so proves nothing: demand the token of your return paths, and begin with ^", checks.Line(address, 100))
					return
				}
			}
		}
	}
}

const month = 30 * 24 * time.Hour

// regexpFault says what is wrong with an expression, without the expression.
func regexpFault(err error) string {
	fault, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "error parsing regexp: "), ":")
	return fault
}

func (v *validator) database() {
	c := &v.cfg.Database
	if c.Path == "" {
		// systemd gives several folders with colons between; the first is ours.
		dir, _ := v.opt.Env("STATE_DIRECTORY")
		dir, _, _ = strings.Cut(dir, ":")
		c.Path = filepath.Join(cmp.Or(dir, "/var/lib/reputed"), "reputed.db")
		return
	}
	if strings.ContainsAny(c.Path, "?#\x00") || strings.HasPrefix(c.Path, "file:") || strings.HasPrefix(c.Path, ":") {
		v.at("database.path", "want the path of a file, without options of the driver")
		return
	}
	c.Path = v.path(c.Path)
}

func (v *validator) log() {
	v.oneOf("log.level", v.cfg.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", v.cfg.Log.Format, "text", "json")
}

// path returns a path of the file as an absolute one: it starts from the folder of the file.
func (v *validator) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	if v.base == "" && !v.lost {
		base, err := filepath.Abs(filepath.Dir(v.cfg.Path))
		if err != nil { // the working directory is gone, or closed to this user
			v.lost = true
			v.onLine(0, "%s and other relative paths lead nowhere: %s; go into a folder that you may enter, or write them whole", shown(p), checks.Line(err.Error(), 0))
		}
		v.base = base
	}
	return filepath.Join(v.base, p)
}

func (v *validator) between(path string, d Duration, least, most time.Duration) {
	if d.Duration < least || d.Duration > most {
		v.at(path, "%s is out of range: %s to %s", d, monitor.FormatDuration(least), monitor.FormatDuration(most))
	}
}

func (v *validator) number(path string, n, least, most int) {
	if n < least || n > most {
		v.at(path, "%d is out of range: %d to %d", n, least, most)
	}
}

// oneOf adds a mistake unless got is one of a few words, and says which is the nearest.
func (v *validator) oneOf(path, got string, words ...string) {
	if slices.Contains(words, got) {
		return
	}
	if near, ok := nearest(got, words); ok {
		v.at(path, "%s is none of %s; did you mean %q?", shown(got), strings.Join(words, ", "), near)
		return
	}
	v.at(path, "%s is none of %s", shown(got), strings.Join(words, ", "))
}

// domain returns the name in the form in which it is compared, or adds a mistake.
func (v *validator) domain(path, name string) string {
	d, err := checks.Domain(name)
	if err != nil {
		v.at(path, "%s is not a domain name such as \"example.org\"%s", shown(name), domainHint(name))
		return name
	}
	return d.Name
}

// domainHint is what to write in place of what is more than a domain name; empty: it is something else.
func domainHint(name string) string {
	switch {
	case strings.Contains(name, "://"):
		return ": write the name alone, without https:// and what follows it"
	case strings.Contains(name, "@"):
		return ": write what is behind the @"
	case strings.HasPrefix(name, "*."):
		return ": write it without *., and each name under it that sends"
	}
	return ""
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// name checks a name that is a key elsewhere (the database, metrics, commands).
func (v *validator) name(path, name string, seen map[string]string) {
	switch first, twice := seen[name]; {
	case !nameForm.MatchString(name):
		v.at(path, "%s: want lower-case letters, digits, dots, hyphens and underscores, at most 63", shown(name))
	case twice:
		v.at(path, "%s is taken by the one on line %d: give each its own name", shown(name), v.line(first))
	default:
		seen[name] = path
	}
}
