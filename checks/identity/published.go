package identity

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"reputed/checks"
	"reputed/probes"
)

// maxValue is how much of what is published is kept, in runes.
const maxValue = 600

// put gives one thing that is published, if it is known.
func (b *book) put(t checks.Target, what, name string, q probes.Type, value func(said) []string, published func(Published)) {
	s := b.get(name, q)
	if s.err != nil && !errors.Is(s.err, probes.ErrName) {
		published(Published{Target: t, What: what, Unknown: true, At: b.now})
		return
	}
	values := value(s)
	slices.Sort(values) // the DNS turns records round
	published(Published{Target: t, What: what, Value: checks.Line(strings.Join(values, ", "), maxValue), At: b.now})
}

// publishedOf gives what an address publishes.
func (b *book) publishedOf(a Address, published func(Published)) {
	b.put(a.Target, "PTR", reverseName(a.Target.Addr), probes.TypePTR, func(said) []string { return b.ptrNames(a.Target.Addr) }, published)
	for _, name := range a.HELO {
		b.put(a.Target, "HELO "+name, name, family(a.Target.Addr), func(s said) (all []string) {
			for _, addr := range s.Addrs() {
				all = append(all, addr.String())
			}
			return all
		}, published)
	}
}

// publishedBy gives what a domain publishes.
func (b *book) publishedBy(d Domain, published func(Published)) {
	name := d.Target.Name
	text := func(is func(string) bool) func(said) []string {
		return func(s said) []string { return s.txt(is) }
	}
	b.put(d.Target, "SPF", name, probes.TypeTXT, text(IsSPF), published)
	b.put(d.Target, "DMARC", "_dmarc."+name, probes.TypeTXT, text(begins("DMARC1")), published)
	b.put(d.Target, "MX", name, probes.TypeMX, func(s said) (all []string) {
		for _, r := range s.Records {
			text := strings.ToLower(r.Text)
			if !strings.HasSuffix(text, " .") { // a null MX
				text = strings.TrimSuffix(text, ".")
			}
			all = append(all, text)
		}
		return all
	}, published)
	if d.Silent {
		return
	}
	for _, selector := range d.Selectors {
		b.put(d.Target, "DKIM "+selector, selectorName(selector, name), probes.TypeTXT, func(s said) (all []string) {
			for _, r := range s.Records {
				all = append(all, keyValue(r.Text))
			}
			return all
		}, published)
	}
	b.put(d.Target, "MTA-STS", "_mta-sts."+name, probes.TypeTXT, text(begins("STSv1")), published)
	b.put(d.Target, "TLS-RPT", "_smtp._tls."+name, probes.TypeTXT, text(begins("TLSRPTv1")), published)
}

// keyValue is how a DKIM key is told: what it is, and the beginning of a hash by which it differs from another.
func keyValue(text string) string {
	what := "no usable key"
	if k, err := ParseKey(text); err == nil {
		what = k.String()
	}
	return fmt.Sprintf("%s (%x)", what, sha256.Sum256([]byte(text)))[:len(what)+2+8] + ")"
}
