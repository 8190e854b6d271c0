package config

import (
	"time"

	"reputed/checks"
)

// defaults returns the configuration without a file. The validator fills in the defaults that
// depend on other keys or on the environment.
func defaults() *Config {
	return &Config{
		DNS: DNS{
			Timeout:     Duration{3 * time.Second},
			Tries:       5,
			Concurrency: 1024,
			Mode:        ModeAuto,
			Confirm:     Duration{15 * time.Second},
		},
		Blocklists: Blocklists{Builtin: true, FilesMaxAge: Duration{7 * 24 * time.Hour}},
		Schedule: Schedule{
			TimeZone: "UTC",
			DNSBL:    "@every 30m",
			Jitter:   Duration{time.Minute},
		},
		Bounces: Bounces{
			Window: Duration{24 * time.Hour},
			Quiet:  Duration{24 * time.Hour},
		},
		Reputation: Reputation{Schedule: "@every 6h"},
		Identity:   Identity{Enabled: true, Schedule: "@daily"},
		Acceptance: Acceptance{Schedule: "@every 2h", Jitter: Duration{10 * time.Minute}, Sample: SamplePool, Choose: 2, Outside: "example.com"},
		Alerts: Alerts{
			RemindCritical: Duration{4 * time.Hour},
			RemindMajor:    Duration{24 * time.Hour},
			MinSeverity:    checks.Major,
			Digest:         Clock{Minute: 8 * 60, Given: true},
		},
		Heartbeat: Heartbeat{Method: "GET"},
		Retention: Retention{Refusals: Duration{year}, Traffic: Duration{year}, Receivers: Duration{year}, Runs: Duration{year}, Notices: Duration{year}},
		Backup:    Backup{Schedule: "17 3 * * *", Keep: 14, BeforeUpgrade: true},
		Log:       Log{Level: "info", Format: "text"},
	}
}

func (o *Outbound) setDefaults() { o.Pool, o.HostNames = "default", true }

func (m *Mailbox) setDefaults() {
	*m = Mailbox{Name: "bounces", TLS: TLSImplicit, Folder: "INBOX", Poll: Duration{5 * time.Minute}, Since: Duration{month}, After: AfterKeep}
}

func (s *Slack) setDefaults() { s.Name = "slack" }

// Where lists are asked: the values of DNS.Mode.
const (
	ModeAuto          = "auto"          // through the resolver, and at a list's own name servers if that fails
	ModeResolver      = "resolver"      // through the resolver only
	ModeAuthoritative = "authoritative" // at the lists' own name servers, and through the resolver if that fails
)

// How a mailbox is reached: the values of Mailbox.TLS.
const (
	TLSImplicit = "implicit" // TLS from the first byte, port 993 (RFC 8314 section 3.2)
	TLSStart    = "starttls" // plain until STARTTLS, port 143
	TLSNone     = "none"     // no TLS at all; on the loopback only
)
