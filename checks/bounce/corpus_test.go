package bounce

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// label is what a corpus says of one mail; fields hold several accepted values, divided by "|".
type label struct {
	file, category, reputation, isBounce, recipient, reply, status, remote, ip, list string
	sure                                                                             bool
}

func readManifest(t *testing.T, dir string) []label {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "manifest.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	col := map[string]int{}
	for i, name := range strings.Split(lines[0], "\t") {
		col[name] = i
	}
	var labels []label
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		get := func(name string) string {
			if i, ok := col[name]; ok && i < len(f) {
				return f[i]
			}
			return ""
		}
		labels = append(labels, label{get("file"), get("category"), get("reputation"), get("is_bounce"), get("recipient"), get("reply"), get("status"), get("remote"), get("ip"), get("blocklist"), get("sure") != "no"})
	}
	return labels
}

// accepts says whether got is one of the accepted values; an empty truth accepts anything.
func accepts(truth, got string) bool {
	for want := range strings.SplitSeq(truth, "|") {
		if strings.EqualFold(want, got) {
			return true
		}
	}
	return false
}

// score counts how often an answer was right where there was one to give.
type score struct{ right, of int }

func (s *score) add(ok bool) {
	s.of++
	if ok {
		s.right++
	}
}

func (s score) share() float64 {
	if s.of == 0 {
		return 1
	}
	return float64(s.right) / float64(s.of)
}

func (s score) String() string { return fmt.Sprintf("%.3f (%d of %d)", s.share(), s.right, s.of) }

// TestCorpus measures the reader on labelled mails of other people's systems,
// which are not part of this repository. REPUTED_CORPUS names the directory
// that holds manifest.tsv; without it the test is skipped.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("REPUTED_CORPUS")
	if dir == "" {
		t.Skip("REPUTED_CORPUS is not set: no labelled mails to measure on")
	}
	rules, err := BuiltinRules()
	if err != nil {
		t.Fatal(err)
	}
	verbose := os.Getenv("REPUTED_CORPUS_MISSES") != ""
	for _, sure := range []bool{true, false} {
		var bounces, category, recipient, reply, status, remote, list, ip, complaints score
		falseBounces, notBounces := 0, 0
		tp, fp, fn := 0, 0, 0
		for _, l := range readManifest(t, dir) {
			if sure && !l.sure {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(dir, l.file))
			if err != nil {
				t.Fatal(err)
			}
			r := Parse(raw, ParseOptions{Rules: rules})
			var cats, recipients, replies, statuses, remotes, lists, ips, ruleIDs, texts []string
			reputation := false
			for _, b := range r.Bounces {
				cats = append(cats, string(b.Judgement.Category))
				recipients = append(recipients, b.Recipient)
				replies = append(replies, b.Diagnostic.Reply)
				statuses = append(statuses, b.Diagnostic.Status)
				remotes = append(remotes, b.RemoteHost, addrString(b.RemoteAddr))
				lists = append(lists, b.Judgement.Blocklist)
				ips = append(ips, addrString(b.Judgement.Address))
				ruleIDs = append(ruleIDs, b.Judgement.Rule)
				texts = append(texts, b.Diagnostic.Text)
				reputation = reputation || b.Judgement.Reputation
			}
			isBounce := r.Kind == KindBounce
			if r.Kind == KindComplaint || r.Kind == KindAuthReport {
				cats, ips = []string{string(Complaint)}, []string{addrString(r.Complaint.Source)}
				recipients = []string{r.Complaint.Recipient}
			} else if !isBounce {
				cats = []string{string(NotABounce)}
			}
			any := func(truth string, got []string) bool {
				return slices.ContainsFunc(got, func(g string) bool { return accepts(truth, g) })
			}
			miss := func(what, want string, got []string) {
				if verbose && sure {
					t.Logf("MISS %s %s: want %q got %q rules %q text %.200q", what, strings.TrimPrefix(l.file, "bounces/"), want, got, ruleIDs, texts)
				}
			}
			check := func(s *score, what, truth string, got []string) {
				if truth == "" {
					return
				}
				ok := any(truth, got)
				if s.add(ok); !ok {
					miss(what, truth, got)
				}
			}
			if l.isBounce == "yes" {
				if bounces.add(isBounce); !isBounce {
					miss("bounce", "bounce", []string{string(r.Kind)})
				}
			} else {
				notBounces++
				if isBounce {
					falseBounces++
					miss("false bounce", l.category, cats)
				}
			}
			if category.add(any(l.category, cats)); !any(l.category, cats) {
				miss("category", l.category, cats)
			}
			if l.category == string(Complaint) {
				complaints.add(r.Kind == KindComplaint || r.Kind == KindAuthReport)
				check(&ip, "ip", canonical(l.ip), ips)
				continue
			}
			switch {
			case l.reputation == "yes" && reputation:
				tp++
			case l.reputation == "yes":
				fn++
				miss("reputation", "yes", cats)
			case reputation:
				fp++
				miss("reputation", "no", cats)
			}
			if l.isBounce != "yes" {
				continue
			}
			check(&recipient, "recipient", l.recipient, recipients)
			check(&reply, "reply", l.reply, replies)
			check(&status, "status", l.status, statuses)
			check(&remote, "remote", l.remote, remotes)
			check(&ip, "ip", l.ip, ips)
			if l.list != "" {
				ok := slices.ContainsFunc(lists, func(g string) bool { return g != "" && namesList(l.list, g) })
				if list.add(ok); !ok {
					miss("list", l.list, lists)
				}
			}
		}
		f1 := 2 * float64(tp) / float64(max(1, 2*tp+fp+fn))
		falseShare := float64(falseBounces) / float64(max(1, notBounces))
		t.Logf("sure=%v: reputation F1 %.3f (right %d, false %d, missed %d); bounces %v; false bounces %.3f (%d of %d); category %v; complaints %v", sure, f1, tp, fp, fn, bounces, falseShare, falseBounces, notBounces, category, complaints)
		t.Logf("sure=%v: recipient %v; reply %v; status %v; remote %v; list %v; address %v", sure, recipient, reply, status, remote, list, ip)
		if sure {
			for _, c := range []struct {
				what  string
				got   float64
				least float64
			}{{"reputation F1", f1, 0.98}, {"bounce recall", bounces.share(), 0.99}, {"true non-bounces", 1 - falseShare, 0.99}, {"category", category.share(), 0.975}, {"recipient", recipient.share(), 0.98}, {"reply", reply.share(), 0.98}, {"status", status.share(), 0.98}, {"remote", remote.share(), 0.97}, {"list", list.share(), 0.95}, {"address", ip.share(), 0.95}, {"complaints", complaints.share(), 0.99}} {
				if c.got < c.least {
					t.Errorf("%s: %.3f, was at least %.3f", c.what, c.got, c.least)
				}
			}
		}
	}
}

// BenchmarkCorpus reads the labelled mails one after the other.
func BenchmarkCorpus(b *testing.B) {
	dir := os.Getenv("REPUTED_CORPUS")
	if dir == "" {
		b.Skip("REPUTED_CORPUS is not set: no labelled mails to measure on")
	}
	names, err := filepath.Glob(filepath.Join(dir, "bounces", "*", "*.eml"))
	if err != nil {
		b.Fatal(err)
	}
	var mails [][]byte
	size := 0
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		mails = append(mails, raw)
		size += len(raw)
	}
	rules := builtinRules(b)
	var allocations []float64
	for _, raw := range mails {
		allocations = append(allocations, testing.AllocsPerRun(1, func() { Parse(raw, ParseOptions{Rules: rules}) }))
	}
	slices.Sort(allocations)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range mails {
			Parse(raw, ParseOptions{Rules: rules})
		}
	}
	b.ReportMetric(float64(len(mails)*b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric(allocations[len(allocations)/2], "allocs/mail-median")
	b.ReportMetric(allocations[len(allocations)*9/10], "allocs/mail-p90")
}

func addrString(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// canonical writes an address as netip does.
func canonical(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return s
}

// namesList compares a corpus's words for a list with an id or zone of ours.
func namesList(truth, got string) bool {
	for want := range strings.SplitSeq(truth, "|") {
		if strings.EqualFold(want, got) || strings.HasPrefix(got, strings.TrimSuffix(want, ".net")) || strings.Contains(got, strings.Split(want, ".")[0]) {
			return true
		}
	}
	return false
}
