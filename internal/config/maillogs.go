package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/internal/monitor"
)

// MailLog is one log of a mail server that is followed.
type MailLog struct {
	Name string `toml:"name"` // unique, and the key of what was read; default "mail"
	// Path is the file that is being written; or Journal is true, for the systemd journal.
	Path        string   `toml:"path"`
	Journal     bool     `toml:"journal"`
	Units       []string `toml:"units"`       // of the journal, as journalctl --unit takes them: ["postfix@-.service"]
	Identifiers []string `toml:"identifiers"` // in place of units, as journalctl --identifier; neither: facility mail
	Format      string   `toml:"format"`      // auto (default), postfix, exim, opensmtpd, sendmail, courier, powermta, json
	TimeZone    string   `toml:"timezone"`    // of times that name none; default: this machine's
	History     Duration `toml:"history"`     // how far back on the first start; default 24h, at most 30d; 0s: only what comes
	// Host is our name for the server whose log it is, where its lines name none.
	Host string `toml:"host"`
	// Sources are the addresses that mail left from, by syslog tag or a beginning of it that ends at
	// a "/", Exim's transport, or host; "" is everything else. Without it: the address of the host
	// in [Outbound].Hosts, or the only address there is.
	Sources map[string]string `toml:"sources"`
}

func (m *MailLog) setDefaults() {
	*m = MailLog{Name: "mail", Format: LogAuto, History: Duration{24 * time.Hour}}
}

// How mail servers write their logs: the values of MailLog.Format.
const (
	LogAuto      = "auto" // told by each line
	LogPostfix   = "postfix"
	LogExim      = "exim"
	LogOpenSMTPD = "opensmtpd"
	LogSendmail  = "sendmail"
	LogCourier   = "courier"
	LogPowerMTA  = "powermta"
	LogJSON      = "json"
)

// Zone is the time zone of times that name none.
func (m MailLog) Zone() *time.Location {
	if zone, err := monitor.LoadLocation(m.TimeZone); err == nil && m.TimeZone != "" {
		return zone
	}
	return time.Local
}

const (
	// maxLogNames is how many units or identifiers one log may have.
	maxLogNames = 1000
	// maxLogSources is how many sources. The decoder compares each key of a table with all before: ten times as many take seconds.
	maxLogSources = 10_000
)

func (v *validator) mailLogs() {
	names, places := map[string]string{}, map[string]string{}
	for i := range v.cfg.MailLogs {
		m := &v.cfg.MailLogs[i]
		at := fmt.Sprintf("maillog[%d]", i)
		v.name(at+".name", m.Name, names)
		v.oneOf(at+".format", m.Format, LogAuto, LogPostfix, LogExim, LogOpenSMTPD, LogSendmail, LogCourier, LogPowerMTA, LogJSON)
		v.between(at+".history", m.History, 0, month)
		if m.TimeZone != "" {
			if _, err := monitor.LoadLocation(m.TimeZone); err != nil {
				v.at(at+".timezone", "%s is not a time zone: write one such as Europe/Berlin", shown(m.TimeZone))
			}
		}
		if m.Host != "" {
			m.Host = strings.ToLower(m.Host)
			if !hostForm(m.Host) {
				v.at(at+".host", "%s is not the name of a host", shown(m.Host))
			}
		}
		place := v.logPlace(m, at)
		// Two readers of one log would count every mail twice.
		if first, twice := places[place]; twice && place != "" {
			v.at(at, "the same log as the one on line %d: every mail would count twice", v.line(first))
		}
		places[place] = at
		v.logSources(m, at)
	}
}

// logPlace checks where a log is, and names it.
func (v *validator) logPlace(m *MailLog, at string) string {
	for _, list := range []struct {
		key   string
		words []string
	}{{"units", m.Units}, {"identifiers", m.Identifiers}} {
		if !m.Journal && len(list.words) > 0 {
			v.at(at+"."+list.key, "is about the journal: set journal = true, or leave it out")
		}
		for i, w := range list.words {
			if w == "" || checks.Line(w, 255) != w || strings.HasPrefix(w, "-") || i >= maxLogNames {
				v.at(fmt.Sprintf("%s.%s[%d]", at, list.key, i), "%s is not a name as journalctl takes it", shown(w))
			}
		}
	}
	switch {
	case m.Path != "" && m.Journal:
		v.at(at+".path", "give either path or journal = true, not both")
	case m.Journal && len(m.Units) > 0 && len(m.Identifiers) > 0:
		v.at(at+".identifiers", "give either units or identifiers, not both")
	case m.Journal:
		return "journal " + strings.Join(slices.Sorted(slices.Values(m.Units)), " ") + "\x00" + strings.Join(slices.Sorted(slices.Values(m.Identifiers)), " ")
	case m.Path == "":
		v.missing(at+".path", `missing; such as "/var/log/mail.log", or journal = true`)
	case strings.ContainsAny(m.Path, "\x00\r\n") || strings.ContainsAny(m.Path, "*?"):
		v.at(at+".path", "want the path of the one file that is being written; what it is rotated to is found")
	default:
		m.Path = v.path(m.Path)
		return m.Path
	}
	return ""
}

// logSources puts the addresses into the form in which targets are compared.
func (v *validator) logSources(m *MailLog, at string) {
	if len(m.Sources) > maxLogSources {
		v.at(at+".sources", "more than %d", maxLogSources)
	}
	ts, errTargets := v.cfg.Targets()
	clean := make(map[string]string, len(m.Sources))
	for _, name := range slices.Sorted(maps.Keys(m.Sources)) {
		path := fmt.Sprintf("%s.sources[%q]", at, name)
		key := strings.ToLower(strings.TrimSuffix(name, "/"))
		if checks.Line(key, 255) != key {
			v.at(path, "%s: want a syslog tag, a transport or a host", shown(name))
		}
		a, err := netip.ParseAddr(m.Sources[name])
		if err != nil || a.Zone() != "" {
			v.at(path, "%s: %s is not the address that this mail leaves from", shown(name), shown(m.Sources[name]))
			continue
		}
		addr := checks.Address(a)
		if _, twice := clean[key]; twice {
			v.at(path, "%s stands there twice", shown(key))
		}
		clean[key] = addr.Addr.String()
		if errTargets != nil {
			continue // told where it is
		}
		if _, watched := ts.Find(addr); !watched && !v.cfg.expands() {
			v.warn(path, "%s is in no pool and so is not watched", addr)
		}
	}
	if m.Sources != nil {
		m.Sources = clean
	}
}

// hostForm says whether a name may be that of a host, alone or with its domain.
func hostForm(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
