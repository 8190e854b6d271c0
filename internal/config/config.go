// Package config is the configuration file as one Go type: read strictly (an
// unknown key is an error with file, line and the nearest key), defaulted and
// validated in one place. Everything below receives plain values and has never
// heard of TOML.
package config

import (
	"time"

	"reputed/blocklists"
	"reputed/checks"
)

// Config is a whole, validated configuration.
type Config struct {
	DNS        DNS        `toml:"dns"`
	Blocklists Blocklists `toml:"blocklists"`
	Outbound   []Outbound `toml:"outbound"`
	Schedule   Schedule   `toml:"schedule"`
	Mailboxes  []Mailbox  `toml:"mailbox"`
	Bounces    Bounces    `toml:"bounces"`
	Alerts     Alerts     `toml:"alerts"`
	Slack      []Slack    `toml:"slack"`
	Database   Database   `toml:"database"`
	Log        Log        `toml:"log"`

	// Path is the file it was read from; empty for the defaults.
	Path string `toml:"-"`
	// Warnings do not stop anything, and say what is probably not meant: a dead
	// zone, a public resolver. One sentence each, with the line where known.
	Warnings []string `toml:"-"`
}

// DNS is how lists are asked.
type DNS struct {
	// Servers are resolvers as host:port (port 53 if left out); none means those of /etc/resolv.conf.
	Servers     []string      `toml:"servers"`
	Timeout     time.Duration `toml:"-"` // of one try at one server; default 3 s
	Tries       int           `toml:"tries"`
	Concurrency int           `toml:"concurrency"` // questions in flight; default 64
	// Probe is a public domain under which a random name must not exist; with it
	// a resolver that invents addresses for real suffixes is found out. May be empty.
	Probe string `toml:"probe"`
	// Confirm is how long to wait before a new listing is asked again; default 15 s.
	Confirm time.Duration `toml:"-"`
}

// Blocklists is which lists are asked.
type Blocklists struct {
	Builtin bool     `toml:"builtin"` // default true
	Enable  []string `toml:"enable"`  // ids or tags of built-in lists to ask besides the default ones
	Disable []string `toml:"disable"` // ids or tags of built-in lists not to ask
	// Zones are the lists to ask: the catalogue's choice and the user's own, validated.
	Zones []blocklists.Zone `toml:"-"`
}

// Outbound is one pool of servers that mail leaves from.
type Outbound struct {
	Pool      string   `toml:"pool"`
	Addresses []string `toml:"addresses"` // addresses and CIDR ranges
	Domains   []string `toml:"domains"`   // sending domains, HELO names
	// Hosts are names of our MTAs as Received and Reporting-MTA lines show them,
	// each with the address it sends from ("" if it has several).
	Hosts map[string]string `toml:"hosts"`
	Tags  []string          `toml:"tags"`
}

// Schedule is when to ask: cron expressions (seconds optional), "@every 30m", "@hourly".
type Schedule struct {
	TimeZone string        `toml:"timezone"` // default UTC
	DNSBL    string        `toml:"dnsbl"`    // default "@every 30m"
	Jitter   time.Duration `toml:"-"`        // at most; stable for each job; default 1m
}

// Mailbox is one IMAP mailbox that bounces come to.
type Mailbox struct {
	Name     string        `toml:"name"`
	Server   string        `toml:"server"` // host:port (993 if left out)
	TLS      string        `toml:"tls"`    // "implicit" (default), "starttls", "none" (loopback only)
	CAFile   string        `toml:"ca_file"`
	User     string        `toml:"user"`
	Password Secret        `toml:"password"`
	Folder   string        `toml:"folder"` // default INBOX
	Poll     time.Duration `toml:"-"`      // at least so often, IDLE or not; default 5m
}

// Bounces is how refusals are judged.
type Bounces struct {
	// MessageIDDomains are the domains of Message-IDs that our systems write;
	// default: the domains of all pools.
	MessageIDDomains []string      `toml:"message_id_domains"`
	VERP             string        `toml:"verp"` // regular expression of our return paths; may be empty
	Window           time.Duration `toml:"-"`    // refusals in it are counted together; default 24h
	Quiet            time.Duration `toml:"-"`    // without a refusal for so long one is over; default 24h
}

// Alerts is when people are told.
type Alerts struct {
	// Remind is how often an unacknowledged incident is told again, by severity; 0 is never.
	RemindCritical time.Duration `toml:"-"` // default 4h
	RemindMajor    time.Duration `toml:"-"` // default 24h
	// MinSeverity is the least that is told at once; default "minor". What is
	// below it is stored and shown by status.
	MinSeverity checks.Severity `toml:"min_severity"`
}

// Slack is one Slack channel: an incoming webhook, or a bot token with a channel.
type Slack struct {
	Name    string `toml:"name"` // default "slack"
	Webhook Secret `toml:"webhook"`
	Token   Secret `toml:"token"`
	Channel string `toml:"channel"` // for a token: "#mail-ops" or an id
	APIURL  string `toml:"api_url"` // for a gateway or a test; default Slack's own
}

// Database is where state lives.
type Database struct {
	Path string `toml:"path"` // default "reputed.db" in $STATE_DIRECTORY, else /var/lib/reputed
}

// Log is how the daemon logs.
type Log struct {
	Level  string `toml:"level"`  // debug, info (default), warn, error
	Format string `toml:"format"` // text (default), json
}
