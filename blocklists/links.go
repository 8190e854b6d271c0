package blocklists

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// LookupURLFor returns the page on which a person sees what the list says about target, an
// address or a domain; empty if the list has none.
func (z Zone) LookupURLFor(target string) string { return z.fill(z.Removal.LookupURL, target) }

// RemovalURLFor returns the page on which to ask for the removal of target; empty if the list has
// none.
func (z Zone) RemovalURLFor(target string) string { return z.fill(z.Removal.URL, target) }

// fill puts target into a link, escaped for its place there. If the link is for the other kind of
// target, an address where this is a domain, it returns the website.
func (z Zone) fill(link, target string) string {
	addr, err := netip.ParseAddr(target)
	values := map[string]string{"ip": target}
	if err == nil {
		values["q"] = string(appendReversed(nil, addr))
	} else {
		values = map[string]string{"domain": strings.TrimSuffix(target, ".")}
	}
	var b strings.Builder
	query := false
	for {
		before, rest, found := strings.Cut(link, "{")
		b.WriteString(before)
		query = query || strings.Contains(before, "?")
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		value, ok := values[name]
		if !ok {
			return z.Website
		}
		if query {
			b.WriteString(url.QueryEscape(value))
		} else {
			b.WriteString(url.PathEscape(value))
		}
		link = after
	}
}

// checkURL adds a problem if a link is not of one of the schemes, or has placeholders that
// [Zone.fill] does not know or that are where they could change the host.
func checkURL(p *problems, field, link string, schemes ...string) {
	if link == "" {
		return
	}
	u, err := url.Parse(strings.NewReplacer("{ip}", "x", "{domain}", "x", "{q}", "x").Replace(link))
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" || u.User != nil {
		p.add(field, "%q: want a link that begins with %s:// and a host", link, schemes[0])
		return
	}
	if strings.ContainsAny(u.String(), "{}") || strings.Contains(u.String(), "%7B") || strings.Contains(u.String(), "%7D") {
		p.add(field, "%q: want only the placeholders {ip}, {domain} and {q}", link)
	}
	if !strings.HasPrefix(link, u.Scheme+"://"+u.Host) {
		p.add(field, "%q: a placeholder must stand behind the host", link)
	}
}
