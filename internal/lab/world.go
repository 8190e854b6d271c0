package lab

import (
	"fmt"
	"net/netip"
	"time"

	"reputed/blocklists"
	"reputed/probes/probestest"
)

// soaMinimum is how long a "no" of the lab's lists may be cached. Real lists say
// minutes to an hour; two clean answers so far apart close a listing, and a
// rehearsal cannot wait that long.
const soaMinimum = time.Second

// SpamCop is the catalogue id of the list that the story is about.
const SpamCop = "spamcop"

// World is everything outside of us, on the loopback.
type World struct {
	Lists   *probestest.DNS  // every list of the catalogue, under its own zone
	Mailbox *probestest.IMAP // where our bounces come to
	Chat    *Chat            // where alerts go
	Log     *MailLog         // what our mail server writes; nil before [World.KeepLog]

	spamcop blocklists.Zone
}

// Start starts the world over the lists given. The caller closes it. The error
// is that no port of the loopback could be had, or that SpamCop is not among the lists.
func Start(lists []blocklists.Zone) (*World, error) {
	w := &World{}
	var zones []probestest.Zone
	for _, z := range lists {
		zones = append(zones, probestest.Zone{Name: z.Zone, Minimum: soaMinimum, NoControls: true})
		if z.ID == SpamCop {
			w.spamcop = z
		}
	}
	if w.spamcop.ID == "" {
		return nil, fmt.Errorf("start the lab: there is no list %q", SpamCop)
	}
	var err error
	if w.Lists, err = probestest.NewDNS(zones...); err != nil {
		return nil, fmt.Errorf("start the lists of the lab: %w", err)
	}
	for _, z := range lists {
		holdControls(w.Lists, z)
	}
	publish(w.Lists)
	if w.Mailbox, err = probestest.StartIMAP(probestest.IMAPOptions{}); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the mailbox of the lab: %w", err)
	}
	if w.Chat, err = startChat(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// KeepLog lets our mail server write a log, in a folder that the caller removes.
func (w *World) KeepLog(dir string) (err error) {
	w.Log, err = startLog(dir)
	return err
}

// publish gives our server and our domain the names and records that receivers want: what goes
// wrong in this world is told by lists and receivers.
func publish(d *probestest.DNS) {
	b := OurAddress.As4()
	d.SetName(fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0]), "PTR "+OurHost+".")
	d.SetName(OurHost, "A "+OurAddress.String())
	d.SetName(OurDomain, `TXT "v=spf1 ip4:`+OurAddress.String()+` -all"`, "MX 10 "+OurHost+".")
	d.SetName("_dmarc."+OurDomain, `TXT "v=DMARC1; p=reject; rua=mailto:dmarc@`+OurDomain+`"`)
}

// holdControls puts the entries on a list by which it proves that it works.
func holdControls(d *probestest.DNS, z blocklists.Zone) {
	var codes []netip.Addr
	if z.Controls.ListedCode.IsValid() {
		codes = append(codes, z.Controls.ListedCode)
	}
	for _, a := range []netip.Addr{z.Controls.Listed4, z.Controls.Listed6} {
		if a.IsValid() {
			d.SetListed(z.Zone, a.String(), "test entry", codes...)
		}
	}
	if z.Controls.ListedName != "" {
		d.SetListed(z.Zone, z.Controls.ListedName, "test entry", codes...)
	}
}

// ListAtSpamCop puts our address on SpamCop's list.
func (w *World) ListAtSpamCop() {
	w.Lists.SetListed(w.spamcop.Zone, OurAddress.String(), "Blocked - see https://www.spamcop.net/bl.shtml?"+OurAddress.String())
}

// DelistAtSpamCop takes it off again.
func (w *World) DelistAtSpamCop() { w.Lists.Delist(w.spamcop.Zone, OurAddress.String()) }

// GiveUp lets the report of a mail that the Cisco gateway refused arrive in the bounce mailbox.
func (w *World) GiveUp(at time.Time, queueID, recipient string) {
	w.Mailbox.Append(CiscoRefusal(at, queueID, recipient), at)
}

// The mailbox's account, as probestest has it by default.
const (
	MailboxUser     = "bounces@example.org"
	MailboxPassword = "correct horse battery staple"
)

// Config is the configuration of a daemon that lives in this world, as its
// operator would write it. Secrets are named and come from the environment.
func (w *World) Config(database string) string {
	maillog := ""
	if w.Log != nil {
		maillog = fmt.Sprintf("\n[[maillog]]\npath = %q\n", w.Log.Path)
	}
	return fmt.Sprintf(`# The configuration of the rehearsal: a small company with one mail server.
[dns]
servers = [%q]
confirm = "1s"

[[outbound]]
pool = "office"
addresses = [%q]
domains = [%q]
hosts = { %q = %q }

[schedule]
dnsbl = "@every 30m"

[[mailbox]]
name = "bounces"
server = %q
tls = "none"
user = %q
password = "env:LAB_IMAP_PASSWORD"

[[slack]]
webhook = "env:LAB_SLACK_WEBHOOK"

[database]
path = %q
%s`, w.Lists.Addr(), OurAddress, OurDomain, OurHost, OurAddress, w.Mailbox.Addr(), MailboxUser, database, maillog)
}

// Env gives the secrets that Config names.
func (w *World) Env(name string) (string, bool) {
	switch name {
	case "LAB_IMAP_PASSWORD":
		return MailboxPassword, true
	case "LAB_SLACK_WEBHOOK":
		return w.Chat.URL(), true
	}
	return "", false
}

// Close stops everything.
func (w *World) Close() {
	if w.Lists != nil {
		_ = w.Lists.Close()
	}
	if w.Mailbox != nil {
		w.Mailbox.Close()
	}
	if w.Chat != nil {
		w.Chat.close()
	}
}
