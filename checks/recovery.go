package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Recovery is how many of the receivers behind one vendor accept our mail again. Where a score cannot be
// looked up, such as that of Cisco Talos, what receivers do with the next mail is all there is to see.
type Recovery struct {
	Vendor    string // who refuses for them; the receiver's own name where no vendor is known
	Receivers int    // that refused or deferred mail
	Again     int    // of these, that have taken a mail after their last refusal
	Counted   bool   // a log tells what is delivered; false: Again says nothing
	// Last is the last refusal of any of them, First when the first of them took a mail after
	// its own last refusal; zero: none has, or no log says so.
	Last, First time.Time
	Waiting     []string // receivers that have not, by their last refusal, the latest first
}

// Recoveries says for each vendor that refused how far its refusals are over, most receivers first.
func (i Impact) Recoveries() []Recovery {
	by := map[string]*Recovery{}
	type left struct {
		name string
		last time.Time
	}
	waiting := map[string][]left{}
	for _, r := range i.Receivers {
		if r.Refused.N+r.Deferred.N == 0 {
			continue
		}
		vendor := Line(cmp.Or(r.Vendor, r.Receiver, "a receiver without a name"), 80)
		v := by[vendor]
		if v == nil {
			v = &Recovery{Vendor: vendor}
			by[vendor] = v
		}
		v.Receivers++
		v.Counted = v.Counted || r.Delivered.Counted || !r.Accepted.IsZero()
		if r.Last.After(v.Last) {
			v.Last = r.Last
		}
		if r.Accepted.IsZero() {
			waiting[vendor] = append(waiting[vendor], left{Line(cmp.Or(r.Receiver, vendor), 80), r.Last})
			continue
		}
		v.Again++
		if v.First.IsZero() || r.Accepted.Before(v.First) {
			v.First = r.Accepted
		}
	}
	var all []Recovery
	for _, vendor := range slices.Sorted(maps.Keys(by)) {
		slices.SortStableFunc(waiting[vendor], func(a, b left) int { return cmp.Or(b.last.Compare(a.last), strings.Compare(a.name, b.name)) })
		for _, w := range waiting[vendor] {
			by[vendor].Waiting = append(by[vendor].Waiting, w.name)
		}
		all = append(all, *by[vendor])
	}
	slices.SortStableFunc(all, func(a, b Recovery) int { return cmp.Compare(b.Receivers, a.Receivers) })
	return all
}

// Over says that all of them take our mail again.
func (r Recovery) Over() bool { return r.Counted && r.Again == r.Receivers }

// String is "Cisco Talos: 3 of 5 receivers take us again". The times are left to the sink.
func (r Recovery) String() string {
	one := r.Receivers == 1 && len(r.Waiting) <= 1
	switch {
	case !r.Counted && one:
		return r.Vendor + ": no log says whether mail is taken again"
	case !r.Counted:
		return fmt.Sprintf("%s: no log says whether its %s take mail again", r.Vendor, Plural(r.Receivers, "receiver"))
	case one && r.Again == 1:
		return r.Vendor + ": takes us again"
	case one:
		return r.Vendor + ": has not taken a mail since"
	case r.Over():
		return fmt.Sprintf("%s: all %s take us again", r.Vendor, Plural(r.Receivers, "receiver"))
	}
	return fmt.Sprintf("%s: %d of %s take us again", r.Vendor, r.Again, Plural(r.Receivers, "receiver"))
}
