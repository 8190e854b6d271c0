package wiring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"reputed/checks/acceptance"
	"reputed/checks/identity"
	"reputed/internal/config"
)

// ownLooks answers for the identity check what only a mail server of our own can show: its certificate, and
// whether it takes mail to postmaster@ and abuse@. Each server is looked at once, when it is first asked for; none is asked to relay. What
// is wrong there is told by the check of our own servers, so that here it opens nothing.
type ownLooks struct {
	asker   acceptance.Asker
	servers acceptance.Servers

	mu   sync.Mutex
	seen map[string]acceptance.OwnVisit // by Own.Name
}

// seesOwn lets the check see what our own servers show, as far as the configuration has some.
func seesOwn(c *identity.Check, cfg *config.Config, asker acceptance.Asker) {
	servers, err := OwnServers(cfg, nil)
	if err != nil || len(servers) == 0 {
		return // a file of authorities that cannot be read is told where these servers are looked at
	}
	o := &ownLooks{asker: asker, servers: servers, seen: map[string]acceptance.OwnVisit{}}
	c.Mailboxes, c.Certificate = o.mailboxes, o.certificate
}

func (o *ownLooks) look(ctx context.Context, s acceptance.Own) acceptance.OwnVisit {
	o.mu.Lock()
	defer o.mu.Unlock()
	v, ok := o.seen[s.Name()]
	if !ok {
		s.Relay = false
		v = acceptance.Look(ctx, o.asker, s, "")
		o.seen[s.Name()] = v
	}
	return v
}

// mailboxes is what a server of ours says to postmaster@ and abuse@ of a domain; false: none takes mail for it.
func (o *ownLooks) mailboxes(ctx context.Context, domain string) (identity.Item, bool) {
	roles := []string{"postmaster@" + domain, "abuse@" + domain}
	for _, s := range o.servers {
		if s.Closed || !s.Postmaster || !slices.Contains(s.Domains, domain) {
			continue
		}
		i := identity.Item{State: identity.Good, Text: s.Name() + " takes mail to both; whether somebody reads it you know"}
		answered := 0
		for _, r := range o.look(ctx, s).Roles {
			if !slices.Contains(roles, r.Address) {
				continue
			}
			switch {
			case r.Reply.Code/100 == 5:
				return identity.Item{State: identity.Advice, Text: fmt.Sprintf("%s refuses mail to %s: %s", s.Name(), r.Address, r.Reply),
					Fix: identity.Fix{Do: "Let it through, and have somebody read it: complaints that come there are the early ones."}}, true
			case r.Reply.Positive():
				answered++
			}
		}
		if answered < len(roles) {
			i.State, i.Text = identity.Unchecked, s.Name()+" gave no clear answer about "+strings.Join(roles, " and ")
		}
		return i, true
	}
	return identity.Item{}, false
}

// certificate is what the certificate of a server of ours with this name is worth; false: there is no such server,
// or it showed none.
func (o *ownLooks) certificate(ctx context.Context, host string) (identity.Item, bool) {
	for _, s := range o.servers {
		if !strings.EqualFold(s.Host, host) || s.Closed || !s.StartTLS {
			continue
		}
		v := o.look(ctx, s)
		if len(v.Visits) == 0 {
			return identity.Item{}, false
		}
		tls := v.Visits[0].TLS
		if tls == nil || len(tls.Chain) == 0 {
			return identity.Item{}, false
		}
		i := identity.Item{State: identity.Good, Text: fmt.Sprintf("the certificate of %s is for this name, and good until %s", s.Name(), tls.Chain[0].NotAfter.UTC().Format("2 January 2006"))}
		if tls.Trust != nil {
			i.State, i.Text = identity.Advice, fmt.Sprintf("the certificate of %s is not to be trusted: %v", s.Name(), tls.Trust)
			i.Fix = identity.Fix{Do: "Have one made for the name that the server greets with, by an authority that others trust."}
		}
		return i, true
	}
	return identity.Item{}, false
}
