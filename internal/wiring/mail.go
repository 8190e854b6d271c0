package wiring

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/bounce"
	"reputed/checks/bounce/rules"
	"reputed/internal/config"
	"reputed/internal/guard"
	"reputed/internal/store"
	"reputed/probes"
)

// Mailbox is one folder of a bounce mailbox, which is read by itself.
type Mailbox struct {
	Name    string // config.Mailbox.Key
	Probe   *probes.Mailbox
	Settles bool          // something is to be done with its mails once they are stored
	Poll    time.Duration // it is looked at so often at least
}

// Mailboxes are the folders of a bounce mailbox as the configuration describes
// it, each of which is read by itself. They share the account's access tokens. An error is a [config.Invalid].
func Mailboxes(m config.Mailbox, rules guard.Rules, db *store.DB, log *slog.Logger) (all []Mailbox, err error) {
	fail := func(err error) ([]Mailbox, error) { return nil, &config.Invalid{Err: err} }
	roots, err := Authorities(m.CAFile)
	if err != nil {
		return fail(fmt.Errorf("mailbox %s: %w", m.Name, err))
	}
	opts := probes.MailboxOptions{
		Server: m.Server, TLS: probes.TLSMode(m.TLS), RootCAs: roots, User: m.User,
		Poll: m.Poll.Duration, Since: m.Since.Duration, NewestFirst: m.NewestFirst, After: newAfter(m.After), Log: log,
	}
	if !m.OAuth.Given() {
		opts.Password = m.Password.Reveal
	} else if opts.OAuth, err = OAuth(m, rules, roots, db, log); err != nil {
		return fail(err)
	}
	for _, folder := range m.Reads() {
		name := m.Key(folder)
		opts.Name, opts.Folder, opts.Ledger = name, folder, ledger{db, name}
		probe, err := probes.NewMailbox(opts)
		if err != nil {
			return fail(err)
		}
		all = append(all, Mailbox{Name: name, Probe: probe, Settles: opts.After.Do != probes.AfterKeep, Poll: m.Poll.Duration})
	}
	return all, nil
}

// newAfter reads what config has checked.
func newAfter(text string) probes.After {
	if text == config.AfterKeep {
		return probes.After{}
	}
	do, name, _ := strings.Cut(text, ":")
	return probes.After{Do: probes.AfterKind(do), Name: name}
}

// OAuth is where the account's access tokens come from. A house with an authority of its own
// has one for both servers.
func OAuth(m config.Mailbox, rules guard.Rules, roots *x509.CertPool, db *store.DB, log *slog.Logger) (*probes.OAuth, error) {
	o := m.OAuth
	return probes.NewOAuth(probes.OAuthOptions{
		Name: m.Name, Provider: o.Provider, Tenant: o.Tenant, TokenURL: o.TokenURL, ClientID: o.ClientID,
		ClientSecret: o.ClientSecret.Reveal, RefreshToken: o.RefreshToken.Reveal, ServiceAccount: o.ServiceAccount.Reveal,
		Subject: m.User, Scopes: o.Scopes, RootCAs: roots, Rules: rules, Keep: KeptToken{DB: db, Who: m.Name}, Log: log,
	})
}

// KeptToken keeps the refresh token of a mailbox, or of a source, in the database, sealed.
type KeptToken struct {
	DB  *store.DB // nil: nothing is kept, and the configured token is good, or not
	Who string    // the name of the mailbox
}

// Load implements [probes.TokenKeeper].
func (k KeptToken) Load(ctx context.Context) ([]byte, error) {
	if k.DB == nil { // a look without a database: the configured token is good, or not
		return nil, nil
	}
	return k.DB.Sealed(ctx, "refresh token of mailbox "+k.Who)
}

// Save implements [probes.TokenKeeper].
func (k KeptToken) Save(ctx context.Context, sealed []byte) error {
	if k.DB == nil {
		return nil
	}
	return k.DB.Seal(ctx, "refresh token of mailbox "+k.Who, sealed)
}

// ledger is what is still to be done in one folder.
type ledger struct {
	db      *store.DB
	mailbox string
}

func (l ledger) Unsettled(ctx context.Context, validity uint32, limit int) ([]uint32, error) {
	return l.db.Unsettled(ctx, l.mailbox, validity, limit)
}

func (l ledger) Settled(ctx context.Context, validity uint32, uids []uint32) error {
	return l.db.Settled(ctx, l.mailbox, validity, uids)
}

// Settles says whether something is to be done with a mail of this kind after it
// was read. Ordinary mail, and what nobody could read, is left to a person.
func Settles(kind bounce.Kind) bool {
	return kind != bounce.KindOther && kind != bounce.KindUnparsed
}

// Rules are the rules that refusals are judged by: the built-in ones, and above
// them those of [bounces] rules_dir. An error is a [config.Invalid], or says that the built-in rules are broken.
func Rules(cfg *config.Config) (*bounce.Rules, error) {
	lists := cfg.Blocklists.Catalog.Names()
	dir := cfg.Bounces.RulesDir
	if dir == "" {
		set, err := bounce.BuiltinRules()
		if err != nil {
			return nil, err
		}
		return set.WithLists(lists), nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &config.Invalid{Err: fmt.Errorf("[bounces] rules_dir %s: it is no folder that can be read", checks.Line(dir, 0))}
	}
	set, err := bounce.LoadRules(lists, rules.Files, os.DirFS(dir))
	if err != nil {
		return nil, &config.Invalid{Err: fmt.Errorf("[bounces] rules_dir %s: %w", checks.Line(dir, 0), err)}
	}
	return set, nil
}

// Authorities are the certificates of a file; nil without one, for those that the system trusts.
func Authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no PEM certificate", file)
	}
	return roots, nil
}

// Ours is what is known of our own servers and mail: by it a report is proved
// to be ours, and laid at one of our addresses, which are those of targets.
func Ours(cfg *config.Config, targets checks.Targets) (bounce.Ours, error) {
	ours := bounce.Ours{Targets: targets, Hosts: map[string]netip.Addr{}, MessageIDDomains: cfg.Bounces.MessageIDDomains}
	for _, pool := range cfg.Outbound {
		for host, address := range pool.Hosts {
			// Validated when the file was read; "" is a host that sends from several addresses.
			addr, _ := netip.ParseAddr(address)
			ours.Hosts[host] = addr
		}
	}
	if cfg.Bounces.VERP != "" {
		var err error
		if ours.VERP, err = regexp.Compile(cfg.Bounces.VERP); err != nil {
			return ours, &config.Invalid{Err: fmt.Errorf("[bounces] verp: %w", err)}
		}
	}
	switch key := cfg.Bounces.VERPHMAC; {
	case key.Set():
		ours.VERPKey = []byte(key.Reveal())
	case key.Given():
		ours.VERP = nil // a command that has no secrets cannot tell a token from a guess
	}
	return ours, nil
}
