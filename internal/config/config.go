// Package config is the configuration file as one Go type. It is read strictly (an unknown key
// is an error with file, line and the nearest key), and gets its defaults and is validated in
// one place. All other packages receive plain values and know nothing of TOML.
//
// [Load] reads a file, [Parse] its bytes, and [Default] is the configuration without a file.
// Everything that is wrong is reported at once, as an [*Error]; what works but is probably not
// meant is in Config.Warnings. No error or warning holds a secret or repeats a line of the file.
package config

import (
	"reputed/blocklists"
	"reputed/internal/monitor"
)

// Config is a complete, validated configuration: every field has a value, names are in lower
// case, servers have a port, and paths are absolute (a relative one starts from the folder of the
// file).
type Config struct {
	DNS           DNS            `toml:"dns"`
	Blocklists    Blocklists     `toml:"blocklists"`
	Outbound      []Outbound     `toml:"outbound"`
	Schedule      Schedule       `toml:"schedule"`
	Mailboxes     []Mailbox      `toml:"mailbox"`
	Spools        []Spool        `toml:"spool"`
	MailLogs      []MailLog      `toml:"maillog"`
	Bounces       Bounces        `toml:"bounces"`
	Reputation    Reputation     `toml:"reputation"`
	Identity      Identity       `toml:"identity"`
	Acceptance    Acceptance     `toml:"acceptance"`
	Alerts        Alerts         `toml:"alerts"`
	Report        Report         `toml:"report"`
	Slack         []Slack        `toml:"slack"`
	Emails        []Email        `toml:"email"`
	Webhooks      []Webhook      `toml:"webhook"`
	PagerDuty     []PagerDuty    `toml:"pagerduty"`
	Alertmanagers []Alertmanager `toml:"alertmanager"`
	Mattermost    []Mattermost   `toml:"mattermost"`
	Teams         []Teams        `toml:"teams"`
	Heartbeat     Heartbeat      `toml:"heartbeat"`
	Web           Web            `toml:"web"`
	HTTP          HTTP           `toml:"http"`
	Organisation  Organisation   `toml:"organisation"`
	Database      Database       `toml:"database"`
	Backup        Backup         `toml:"backup"`
	Retention     Retention      `toml:"retention"`
	Log           Log            `toml:"log"`

	// Path is the file it was read from; empty for the defaults.
	Path string `toml:"-"`
	// Warnings say what works but is probably not meant: a dead zone, a public resolver. Each is
	// one line, "FILE:LINE: text", in the order of the file.
	Warnings []string `toml:"-"`
}

// Organisation is who signs the letters of `reputed letter`. All of it may be empty: then the
// letter has a blank.
type Organisation struct {
	Name    string `toml:"name"`    // of the organisation
	Person  string `toml:"person"`  // who signs
	Contact string `toml:"contact"` // address that is not on the servers watched, as those may be blocked
	Phone   string `toml:"phone"`
}

// DNS is how lists are asked.
type DNS struct {
	// Servers are resolvers as host:port (port 53 if left out); none means those of /etc/resolv.conf.
	Servers     []string `toml:"servers"`
	Timeout     Duration `toml:"timeout"`     // of one question, all tries together; default 3s, 100ms to 1m
	Tries       int      `toml:"tries"`       // packets for one question at most, over the servers in turn; default 5, 1 to 10
	Concurrency int      `toml:"concurrency"` // questions in flight at most, begins with 128 and finds out; default 1024, 1 to 10000
	// Mode says where lists are asked: ModeAuto (the default), ModeResolver or ModeAuthoritative.
	Mode string `toml:"mode"`
	// Probe is a public domain under which a random name must not exist: it reveals a resolver
	// that invents addresses under real suffixes. May be empty.
	Probe string `toml:"probe"`
	// Confirm is how long to wait before asking again about a new listing; default 15s, at most 1h.
	Confirm Duration `toml:"confirm"`
}

// Blocklists says which lists are asked.
type Blocklists struct {
	Builtin bool     `toml:"builtin"` // default true
	Enable  []string `toml:"enable"`  // ids or tags of lists to ask besides the default ones
	Disable []string `toml:"disable"` // ids or tags of lists not to ask; an id takes precedence over a tag
	// CatalogDir is a folder with more catalogue files. They add lists and dead zones, or replace
	// built-in lists by their ids. May be empty.
	CatalogDir string `toml:"catalog_dir"`
	// Keys are the keys with which some lists are asked, by [blocklists.Zone].KeyName.
	Keys map[string]Secret `toml:"keys"`
	// Forwarders are the servers at which a list is asked, by its id, in place of DNS.Servers
	// and whatever DNS.Mode says.
	Forwarders map[string]Forwarder `toml:"forwarders"`
	// Mirrors are the ids of lists whose forwarders hold a copy of the list: the limits of its
	// operator are about other servers, and do not hold there.
	Mirrors []string `toml:"mirrors"`
	// Files are files on this machine in which a list is looked up, by its id, in place of any
	// server: "PATH", or "TYPE:PATH" with a type of rbldnsd ([mirror.Split]).
	Files map[string]string `toml:"files"`
	// FilesMaxAge is how long a file that does not change is believed; default 7d, 0s is for ever.
	FilesMaxAge Duration `toml:"files_max_age"`
	// Lists are the user's own as written; Zones has them ready for use.
	Lists []blocklists.Spec `toml:"list"`
	// Zones are the lists to ask: the chosen ones of the catalogue and the user's own, validated
	// and with their keys, without those that are known to be dead.
	Zones []blocklists.Zone `toml:"-"`
	// WithoutKey are the ids of lists that were chosen but are not asked, because the key that
	// they need is missing. A warning says why.
	WithoutKey []string `toml:"-"`
	// Catalog is everything that is known, asked or not: the built-in catalogue, whatever Builtin
	// says, what CatalogDir changes in it, and Lists.
	Catalog blocklists.Catalog `toml:"-"`
}

// Outbound is one pool of servers from which mail is sent.
type Outbound struct {
	Pool      string   `toml:"pool"`      // unique; default "default"
	Addresses []string `toml:"addresses"` // addresses and CIDR ranges
	Domains   []string `toml:"domains"`   // sending domains, names of HELO and PTR, domains of DKIM signatures
	// Names, SPF and AddressFiles stand for addresses that change without this file
	// ([Outbound.Sources]): those of host names, those that the SPF records of domains authorise,
	// and those in files with an address, range or domain on each line.
	Names        []string `toml:"names"`
	SPF          []string `toml:"spf"`
	AddressFiles []string `toml:"address_files"`
	// Hosts are the names of our MTAs as Received and Reporting-MTA lines show them, each with
	// the address from which it sends ("" if there are several).
	Hosts map[string]string `toml:"hosts"`
	// HostNames says whether lists of domains are asked about the names in Hosts and Names too,
	// and about those PTR names of the addresses that are below a domain of ours
	// ([Config.OurDomains]); default true.
	HostNames bool     `toml:"host_names"`
	Tags      []string `toml:"tags"`
}

// Schedule is when to ask: cron expressions (seconds optional), "@every 30m", "@hourly".
type Schedule struct {
	TimeZone string   `toml:"timezone"` // default UTC
	DNSBL    string   `toml:"dnsbl"`    // default "@every 30m"
	Jitter   Duration `toml:"jitter"`   // at most; stable for each job; default 1m, at most 1h

	DNSBLTimes monitor.Schedule `toml:"-"` // DNSBL, read in TimeZone
}

// Mailbox is one IMAP mailbox that receives bounces.
type Mailbox struct {
	Name     string   `toml:"name"`    // unique, and the key of what was read; default "bounces"
	Server   string   `toml:"server"`  // host:port (port 993 if left out, 143 unless tls is implicit)
	TLS      string   `toml:"tls"`     // "implicit" (default), "starttls", "none" (loopback only)
	CAFile   string   `toml:"ca_file"` // who may sign its certificate and that of the token endpoint; default: whom the system trusts
	User     string   `toml:"user"`
	Password Secret   `toml:"password"`
	OAuth    OAuth    `toml:"oauth"`   // in place of a password
	Folder   string   `toml:"folder"`  // default INBOX
	Folders  []string `toml:"folders"` // in place of Folder, each with a connection of its own; at most MaxFolders
	Poll     Duration `toml:"poll"`    // how often to look at least, IDLE or not; default 5m, 10s to 24h
	// Since is how far back to read a folder that was never read before, or that its server has
	// renumbered: older mail is skipped. 0 is all of it; default 30d, the longest window.
	Since Duration `toml:"since"`
	// NewestFirst is how many of the newest mails are read before all others when a folder is
	// read for the first time, 0 to 10,000; default 0, which reads all in their order. They count
	// only once.
	NewestFirst int `toml:"newest_first"`
	// After is what is done with a report on the server once it is stored: AfterKeep (the
	// default), AfterSeen, AfterDelete, AfterKeyword + a keyword, or AfterMove + a folder.
	After string `toml:"after"`
}

// OAuth says how to get access tokens for a mailbox (RFC 6749). The zero value is none.
type OAuth struct {
	Provider       string   `toml:"provider"`        // "microsoft", "google", or empty: token_url and scopes say all
	Tenant         string   `toml:"tenant"`          // for Microsoft: id or domain of the directory
	TokenURL       string   `toml:"token_url"`       // default: the provider's
	ClientID       string   `toml:"client_id"`       // of the application
	ClientSecret   Secret   `toml:"client_secret"`   // alone: the client credentials grant
	RefreshToken   Secret   `toml:"refresh_token"`   // of a user's consent
	ServiceAccount Secret   `toml:"service_account"` // for Google: the JSON key of one with domain-wide delegation
	Scopes         []string `toml:"scopes"`          // default: the provider's
}

// Given says whether any of it is set.
func (o OAuth) Given() bool {
	return o.Provider+o.Tenant+o.TokenURL+o.ClientID != "" || len(o.Scopes) > 0 ||
		o.ClientSecret.Given() || o.RefreshToken.Given() || o.ServiceAccount.Given()
}

// Bounces says how refusals are judged.
type Bounces struct {
	// MessageIDDomains are the domains of Message-IDs that our systems write;
	// default: the domains and hosts of all pools.
	MessageIDDomains []string `toml:"message_id_domains"`
	// Queue is the Maildir into which `reputed bounce --deliver` puts mails, and which the daemon
	// reads and empties; empty: there is none.
	Queue string `toml:"queue"`
	// RulesDir is a folder of rule files (*.toml) that come before the built-in rules; may be empty.
	RulesDir string `toml:"rules_dir"`
	VERP     string `toml:"verp"` // regular expression of our return paths; may be empty
	// VERPHMAC is the key of the tokens in our return paths. With it, VERP has the groups "data"
	// and "token", and token is what bounce.Token makes of data. May be empty.
	VERPHMAC Secret   `toml:"verp_hmac"`
	Window   Duration `toml:"window"` // refusals within it are counted together; default 24h, 1m to 30d
	Quiet    Duration `toml:"quiet"`  // a refusal is over after this time without another; default 24h, 1m to 30d
}

// Slack is one Slack channel: an incoming webhook, or a bot token with a channel.
type Slack struct {
	Name    string `toml:"name"` // unique over all channels; default "slack"
	Webhook Secret `toml:"webhook"`
	Token   Secret `toml:"token"`
	Channel string `toml:"channel"` // for a token: "#mail-ops" or an id
	APIURL  string `toml:"api_url"` // for a gateway or a test; default Slack's own
	// AppToken is for Socket Mode, which puts buttons under what the bot writes; may be empty.
	AppToken Secret `toml:"app_token"`
}

// Database is where state is kept.
type Database struct {
	Path string `toml:"path"` // default "reputed.db" in $STATE_DIRECTORY, else /var/lib/reputed
}

// Log is how the daemon logs.
type Log struct {
	Level  string `toml:"level"`  // debug, info (default), warn, error
	Format string `toml:"format"` // text (default), json
}
