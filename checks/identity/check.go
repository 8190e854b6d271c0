package identity

import (
	"context"
	"slices"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// Check looks at what addresses and domains publish of themselves. It keeps nothing between runs.
type Check struct {
	Asker Asker
	// Disable are rules that nothing is told of; what other rules need of them is looked at all the same.
	Disable []Rule
	// Fetch gets the policy file of MTA-STS; nil: it is not fetched. [probes.Web.Get] is one. An error says nothing
	// about the file.
	Fetch func(ctx context.Context, address string) (probes.Page, error)
	// Mailboxes says whether a domain's postmaster@ and abuse@ are taken, false if it does not
	// know; nil: nobody asks. It gives State, Severity, Code, Text, Fix and Evidence of an item.
	Mailboxes func(ctx context.Context, domain string) (Item, bool)
	// Certificate says what the certificate is that a host of this name shows, false if that is
	// not known; nil: nobody asks. It gives the same of an item as Mailboxes.
	Certificate func(ctx context.Context, host string) (Item, bool)
}

// Published is what one thing looked like in one run, such as an address's PTR name or a domain's SPF
// record. The value "" says that there is nothing.
type Published struct {
	Target  checks.Target
	What    string // "PTR", "SPF", "DKIM s1", "DMARC", "MX", "MTA-STS", "TLS-RPT", "HELO mx1.example.org"
	Value   string // in a stable order; a key by what it is and a hash
	Unknown bool   // there was no answer, and Value says nothing
	At      time.Time
}

// Summary is what a run came to.
type Summary struct {
	Questions int // to the DNS
	Unknown   int // of them, without an answer
	Items     int
}

// chunk is how many addresses are looked at together.
const chunk = 512

// Run looks at all addresses and domains once, and gives each item and what is published as
// it goes, on the goroutine that called it. The error is the context's; what was given until then holds.
func (c *Check) Run(ctx context.Context, now time.Time, addresses []Address, domains []Domain, each func(Item), published func(Published)) (Summary, error) {
	var s Summary
	tell := func(b *book, items []Item) {
		for _, i := range items {
			if ctx.Err() == nil && !slices.Contains(c.Disable, i.Rule) {
				s.Items++
				each(i)
			}
		}
	}
	done := func(b *book) {
		s.Questions += b.asked
		s.Unknown += b.unspoken
	}
	for part := range slices.Chunk(addresses, chunk) {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		b := newBook(ctx, c.Asker, now) // of its own: a network has as many names as addresses
		b.lookAddresses(part)
		for _, a := range part {
			tell(b, append(b.address(a), c.certificates(ctx, a)...))
			if ctx.Err() == nil {
				b.publishedOf(a, published)
			}
		}
		done(b)
	}
	b := newBook(ctx, c.Asker, now)
	b.lookDomains(domains)
	for _, d := range domains {
		if err := ctx.Err(); err != nil {
			done(b)
			return s, err
		}
		tell(b, c.domain(b, d))
		if ctx.Err() == nil {
			b.publishedBy(d, published)
		}
	}
	done(b)
	return s, ctx.Err()
}

// certificates judges those of the names that an address greets with, where somebody has looked.
func (c *Check) certificates(ctx context.Context, a Address) []Item {
	if c.Certificate == nil {
		return nil
	}
	var items []Item
	for _, name := range a.HELO {
		if i, ok := c.Certificate(ctx, name); ok {
			i.Target, i.Rule = a.Target, RuleCert
			if len(a.HELO) > 1 {
				i.Part = name
			}
			items = append(items, i)
		}
	}
	return items
}
