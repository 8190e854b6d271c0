package view

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"reputed/checks"
	"reputed/checks/acceptance"
	"reputed/checks/reputation"
	"reputed/internal/config"
	"reputed/internal/report"
	"reputed/internal/store"
)

// VendorsBack is the mail that receivers are weighed by.
const VendorsBack = 30 * 24 * time.Hour

// Vendors reads who stands before the receivers of the last days' mail.
func Vendors(ctx context.Context, db *store.DB, cfg *config.Config, now time.Time) (report.Vendors, error) {
	since, window := now.Add(-VendorsBack), cfg.Bounces.Window.Duration
	flows, err := db.Receivers(ctx, since)
	if err != nil {
		return report.Vendors{}, err
	}
	current, err := db.Receivers(ctx, now.Add(-window))
	if err != nil {
		return report.Vendors{}, err
	}
	delivered, err := db.DeliveredBy(ctx, since)
	if err != nil {
		return report.Vendors{}, err
	}
	fronts, err := db.Fronts(ctx)
	if err != nil {
		return report.Vendors{}, err
	}
	v := VendorsOf(flows, current, delivered, fronts)
	v.Since, v.Window, v.Now = since, window, now
	address := firstAddress(cfg)
	for i := range v.All {
		v.All[i] = described(v.All[i], address)
	}
	return v, nil
}

// What else says who stands before a receiver, besides [acceptance.How].
const (
	byDelivery = "delivery" // the host that took mail, as logs tell
	byRefusal  = "refusal"  // whoever refused mail of the receiver
)

// VendorsOf lays each receiver at the one vendor that stands before it: by its MX records, else by
// the host that took most of its mail, else by who refused. It is pure. flows are of all
// the time that is looked at, current of what counts as now.
func VendorsOf(flows, current []store.ReceiverFlow, delivered []store.Delivered, fronts map[string]acceptance.Receiver) report.Vendors {
	type receiver struct {
		vendor, how       string
		mails, now, later int // mails that were taken or refused; refusals and deferrals now
		most              int
	}
	all := map[string]*receiver{}
	of := func(domain string) *receiver {
		domain = strings.ToLower(domain)
		r := all[domain]
		if r == nil {
			r = &receiver{}
			if f := fronts[domain]; f.Vendor != "" {
				r.vendor, r.how = f.Vendor, string(f.How)
			}
			all[domain] = r
		}
		return r
	}
	for _, d := range delivered {
		r := of(d.Domain)
		r.mails += d.N
		if d.Vendor != "" && (r.vendor == "" || r.how == byDelivery && d.N > r.most) {
			r.vendor, r.how, r.most = d.Vendor, byDelivery, d.N
		}
	}
	for _, f := range flows {
		r := of(f.Domain)
		r.mails += f.Refused
		// Who refuses may also be a list's operator, who stands before nobody.
		if about := acceptance.About(f.Vendor); r.vendor == "" && about.Kind != acceptance.Unknown {
			r.vendor, r.how = f.Vendor, byRefusal
		}
	}
	for _, f := range current {
		r := of(f.Domain)
		r.now += f.Refused
		r.later += f.Deferred
	}
	by := map[string]*report.Vendor{}
	domains := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b].mails, all[a].mails), strings.Compare(a, b))
	})
	refusing := map[string][]string{}
	for _, domain := range domains {
		r := all[domain]
		v := by[r.vendor]
		if v == nil {
			v = &report.Vendor{Name: r.vendor, How: map[string]int{}}
			by[r.vendor] = v
		}
		v.Domains = append(v.Domains, domain)
		v.Mails += r.mails
		v.Refused += r.now
		v.Deferred += r.later
		if r.how != "" {
			v.How[r.how]++
		}
		if r.now+r.later > 0 {
			refusing[r.vendor] = append(refusing[r.vendor], domain)
		}
	}
	out := report.Vendors{Counted: len(delivered) > 0}
	for name, v := range by {
		v.Refusing = refusing[name]
		slices.SortStableFunc(v.Refusing, func(a, b string) int {
			return cmp.Compare(all[b].now+all[b].later, all[a].now+all[a].later)
		})
		out.All = append(out.All, *v)
	}
	return out
}

// described is a vendor with what is known of how it judges, and the page about address.
func described(v report.Vendor, address checks.Target) report.Vendor {
	if v.Name == "" {
		return v
	}
	f := acceptance.About(v.Name)
	v.Title, v.Kind, v.JudgedBy, v.Source, v.Read = f.Title, string(f.Kind), f.JudgedBy, f.Source, f.Read
	source := reputation.Source{Page: f.Page}
	for _, p := range reputation.Pages() {
		if p.Vendor == v.Name {
			source = p.Source
		}
	}
	v.Page = source.PageFor(address)
	return v
}

// firstAddress is the first address that is watched, for links that need one.
func firstAddress(cfg *config.Config) checks.Target {
	known, err := cfg.LocalTargets()
	if err != nil {
		return checks.Target{}
	}
	for t := range known.All() {
		if t.Kind == checks.KindAddress {
			return t
		}
	}
	return checks.Target{}
}
