package identity

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"reputed/probes"
)

// records answers for TXT from a map; everything else does not exist.
type records map[string]string

func (r records) Ask(_ context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	for q := range questions {
		a := probes.Answer{RCode: "NXDOMAIN"}
		if text, ok := r[strings.TrimSuffix(q.Name, ".")]; ok && q.Type == probes.TypeTXT {
			a = probes.Answer{RCode: "NOERROR", Records: []probes.Record{{Name: q.Name, Text: text}}}
		}
		got(q, a, nil)
	}
	return nil
}

// evaluate is check_host of RFC 7208 section 4 for one address, as a receiver does
// it: the terms from left to right, and the first that matches decides.
func (r records) evaluate(domain string, addr netip.Addr) Qualifier {
	redirect := ""
	for _, word := range strings.Fields(r[domain])[1:] {
		if target, ok := strings.CutPrefix(word, "redirect="); ok {
			redirect = target
			continue
		}
		q := Pass
		if strings.ContainsRune("+-~?", rune(word[0])) {
			q, word = Qualifier(word[0]), word[1:]
		}
		matches := word == "all"
		if network, ok := strings.CutPrefix(word, "ip4:"); ok {
			matches = netip.MustParsePrefix(network).Contains(addr)
		}
		if target, ok := strings.CutPrefix(word, "include:"); ok {
			matches = r.evaluate(target, addr) == Pass
		}
		if matches {
			return q
		}
	}
	if redirect != "" {
		return r.evaluate(redirect, addr)
	}
	return Neutral
}

// Whatever the records are: an address is in the flattened record if and only if a
// receiver that evaluates it says "pass".
func TestFlattenedIsWhatPasses(t *testing.T) {
	domains := []string{"a.example.org", "b.example.org", "c.example.org"}
	rapid.Check(t, func(t *rapid.T) {
		zone := records{}
		for i, domain := range domains {
			words := []string{"v=spf1"}
			for range rapid.IntRange(0, 5).Draw(t, "terms") {
				q := rapid.SampledFrom([]string{"", "", "+", "-", "~", "?"}).Draw(t, "qualifier")
				kind := rapid.IntRange(0, 9).Draw(t, "kind")
				switch {
				case kind < 2 && i+1 < len(domains):
					words = append(words, q+"include:"+rapid.SampledFrom(domains[i+1:]).Draw(t, "include"))
				case kind == 2 && q != "" && q != "+":
					words = append(words, q+"all")
				case kind == 3 && i+1 < len(domains) && !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "redirect=") }):
					words = append(words, "redirect="+rapid.SampledFrom(domains[i+1:]).Draw(t, "redirect"))
				default:
					words = append(words, fmt.Sprintf("%sip4:192.0.2.%d/%d", q, rapid.IntRange(0, 255).Draw(t, "octet"), rapid.IntRange(24, 32).Draw(t, "bits")))
				}
			}
			zone[domain] = strings.Join(words, " ")
		}
		flat, err := Flatten(t.Context(), zone, domains[0])
		if err != nil {
			t.Skip(err) // more than ten look-ups
		}
		for i := range 256 {
			addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			got := slices.ContainsFunc(flat.Ranges, func(r Range) bool { return r.Prefix.Contains(addr) })
			if want := zone.evaluate(domains[0], addr) == Pass; got != want {
				t.Fatalf("%s: in the flattened record %v, passes %v\nrecords %v\nranges %v", addr, got, want, zone, texts(flat.Ranges))
			}
		}
	})
}
