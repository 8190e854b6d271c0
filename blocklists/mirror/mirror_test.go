package mirror

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func parsed(t testing.TB, kind Kind, zone, text string) *Set {
	t.Helper()
	s, err := Parse(strings.NewReader(text), kind, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said is what a set has for an address or a name, in one line.
func said(s *Set, subject string) string {
	answers := s.Name(subject)
	if a, err := netip.ParseAddr(subject); err == nil {
		answers = s.Addr(a)
	}
	var all []string
	for _, a := range answers {
		all = append(all, strings.TrimSpace(a.Code.String()+" "+a.Text))
	}
	return strings.Join(all, " | ")
}

// The forms of rbldnsd(8).
func TestRangesAreReadAsRbldnsdDoes(t *testing.T) {
	for line, want := range map[string]string{
		"127.0.0.0/24": "127.0.0.0-127.0.0.255", "127.0.0": "127.0.0.0-127.0.0.255", "127/24": "127.0.0.0-127.0.0.255", "127-127.0.0": "127.0.0.0-127.0.0.255",
		"127.0.0.1-255": "127.0.0.1-127.0.0.255", "127.0.0.0-127.0.0.255": "127.0.0.0-127.0.0.255",
		"127.16.0.0-127.31.255.255": "127.16.0.0-127.31.255.255", "127.16.0-127.31.255": "127.16.0.0-127.31.255.255", "127.16-127.31": "127.16.0.0-127.31.255.255",
		"127.16-31": "127.16.0.0-127.31.255.255", "127.16/12": "127.16.0.0-127.31.255.255", "127.16.0-31": "127.16.0.0-127.16.31.255",
		"192.0.2.10": "192.0.2.10-192.0.2.10", "0.0.0.0/0": "0.0.0.0-255.255.255.255", "255.255.255.255": "255.255.255.255-255.255.255.255",
		"192.0.2.10-9": "error", "192.0.2.1/24": "error", "192.0.2.256": "error", "192.0.2.0/33": "error", "192.0.2.1.1": "error", "/8": "error", "": "error", "1..2": "error",
	} {
		from, to, err := range4(line)
		got := fmt.Sprintf("%s-%s", address4(from), address4(to))
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", line, got, want)
		}
	}
}

func address4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		kind    Kind
		zone    string
		text    string
		subject string
		want    string
	}{
		"an address":                           {Auto, "", "192.0.2.10\n", "192.0.2.10", "127.0.0.2"},
		"its neighbour":                        {Auto, "", "192.0.2.10\n", "192.0.2.11", ""},
		"a range":                              {Auto, "", "192.0.2.0/24\n", "192.0.2.255", "127.0.0.2"},
		"a default value":                      {IP4Set, "", ":127.0.0.4:listed, see https://bl.example/$\n192.0.2.10\n", "192.0.2.10", "127.0.0.4 listed, see https://bl.example/192.0.2.10"},
		"a short code":                         {IP4Set, "", ":5:x\n192.0.2.10\n", "192.0.2.10", "127.0.0.5 x"},
		"a value of its own":                   {IP4Set, "", ":5:x\n192.0.2.10 :6:y\n", "192.0.2.10", "127.0.0.6 y"},
		"a text of its own":                    {IP4Set, "", ":5:x\n192.0.2.10 y z\n", "192.0.2.10", "127.0.0.5 y z"},
		"a code without a text":                {IP4Set, "", ":5:x\n192.0.2.10 :6\n", "192.0.2.10", "127.0.0.6"},
		"variables":                            {IP4Set, "", "$1 See https://bl.example\n192.0.2.10 $1/$ costs $$5\n", "192.0.2.10", "127.0.0.2 See https://bl.example/192.0.2.10 costs $5"},
		"a comment behind":                     {IP4Set, "", "192.0.2.10 ; why\n", "192.0.2.10", "127.0.0.2"},
		"a reason in a plain file":             {Auto, "", "192.0.2.0/24 ; SBL123\n", "192.0.2.7", "127.0.0.2 SBL123"},
		"comments and empty lines":             {Auto, "", "# 192.0.2.10\n; 192.0.2.10\n\n192.0.2.11\r\n", "192.0.2.10", ""},
		"an exclusion":                         {IP4Set, "", "192.0.2.0/24\n!192.0.2.10\n", "192.0.2.10", ""},
		"beside the exclusion":                 {IP4Set, "", "192.0.2.0/24\n!192.0.2.10\n", "192.0.2.11", "127.0.0.2"},
		"listed within what is excluded":       {IP4Set, "", "192.0.0.0/16\n!192.0.2.0/24\n192.0.2.10\n", "192.0.2.10", "127.0.0.2"},
		"the narrowest counts":                 {IP4Trie, "", "192.0.2.0/24 :2:wide\n192.0.2.10 :3:narrow\n", "192.0.2.10", "127.0.0.3 narrow"},
		"two lines for one address":            {IP4Set, "", "192.0.2.10 :2:a\n192.0.2.10 :3:b\n", "192.0.2.10", "127.0.0.2 a | 127.0.0.3 b"},
		"the last address of all":              {Auto, "", "255.255.255.255\n", "255.255.255.255", "127.0.0.2"},
		"the whole world":                      {Auto, "", "0.0.0.0/0\n", "203.0.113.1", "127.0.0.2"},
		"IPv6":                                 {Auto, "", "2001:db8::/32\n!2001:db8:1::/48\n", "2001:db8:2::1", "127.0.0.2"},
		"IPv6 excluded":                        {Auto, "", "2001:db8::/32\n!2001:db8:1::/48\n", "2001:db8:1::1", ""},
		"an IPv6 /64 of ip6tset":               {IP6TSet, "", "2001:db8:1:2\n", "2001:db8:1:2::9", "127.0.0.2"},
		"the last IPv6 address":                {IP6Trie, "", "ffff::/16\n", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "127.0.0.2"},
		"a name":                               {DNSet, "", "example.org\n", "example.org", "127.0.0.2"},
		"below a name":                         {DNSet, "", "example.org\n", "mail.example.org", ""},
		"below a wildcard":                     {DNSet, "", "*.example.org :2:$\n", "a.mail.example.org", "127.0.0.2 a.mail.example.org"},
		"the name of a wildcard":               {DNSet, "", "*.example.org\n", "example.org", ""},
		"a name and all below":                 {DNSet, "", ".Example.ORG.\n", "example.org", "127.0.0.2"},
		"a name within a wildcard, excluded":   {DNSet, "", ".example.org\n!good.example.org\n", "good.example.org", ""},
		"below what is excluded":               {DNSet, "", ".example.org\n!*.good.example.org\n", "a.good.example.org", ""},
		"a test entry":                         {DNSet, "", "TEST\n", "test", "127.0.0.2"},
		"combined: the base zone":              {Combined, "bl.example", "$SOA 1 a b 0 1 1 1 1\n$1 hello\n$DATASET ip4set:x proxies @\n:2:$1 $\n192.0.2.10\n$DATASET ip4set multihop\n192.0.2.11\n", "192.0.2.10", "127.0.0.2 hello 192.0.2.10"},
		"combined: another subzone":            {Combined, "bl.example", "$DATASET ip4set proxies @\n192.0.2.10\n$DATASET ip4set multihop\n192.0.2.11\n", "192.0.2.11", ""},
		"combined: the subzone of the list":    {Combined, "multihop.bl.example", "$DATASET ip4set proxies\n192.0.2.10\n$DATASET ip4set multihop\n192.0.2.11\n", "192.0.2.11", "127.0.0.2"},
		"combined: a value ends with its part": {Auto, "", "$DATASET ip4set @\n:9:x\n192.0.2.10\n$DATASET dnset @\nexample.org\n", "example.org", "127.0.0.2"},
		"combined: records are no entries":     {Auto, "", "$DATASET ip4set @\n192.0.2.10\n$DATASET generic @\nwww A 192.0.2.99\n", "www", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(parsed(t, c.kind, c.zone, c.text), c.subject); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A file comes from somebody else: what one line of it costs is bounded.
func TestVariablesDoNotMultiply(t *testing.T) {
	text := "$1 " + strings.Repeat("x", 60_000) + "\n192.0.2.10 " + strings.Repeat("$1", 30_000) + "\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := parsed(t, IP4Set, "", text)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("it took %d MB", took>>20)
	}
	if got, want := said(s, "192.0.2.10"), "127.0.0.2 "+strings.Repeat("x", maxText); got != want {
		t.Errorf("got %q", got)
	}
}

func TestWhatCannotBeReadIsNotClean(t *testing.T) {
	good := strings.Repeat("192.0.2.10\n", 200)
	for name, c := range map[string]struct {
		kind Kind
		text string
		want error
		line int
	}{
		"nothing":                  {Auto, "", ErrEmpty, 0},
		"only comments":            {Auto, "# moved\n", ErrEmpty, 0},
		"a page":                   {Auto, "<!DOCTYPE html>\n<html>not found</html>\n", ErrBroken, 1},
		"names in a set of IPv4":   {IP4Set, "192.0.2.10\nexample.org\n", ErrBroken, 2},
		"a part that is not known": {Combined, "$DATASET magic @\n192.0.2.10\n", ErrBroken, 1},
		"a part for others":        {Combined, "$DATASET ip4set proxies\n192.0.2.10\n", ErrEmpty, 0},
		"a line without end":       {Auto, good + strings.Repeat("x", maxLine+10), nil, 201},
		"a number alone":           {Auto, "10\n", ErrBroken, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(strings.NewReader(c.text), c.kind, "bl.example")
			var line LineError
			if err == nil || c.want != nil && !errors.Is(err, c.want) || c.line > 0 && (!errors.As(err, &line) || line.Line != c.line) {
				t.Errorf("got %v, %v, want %v at line %d", s, err, c.want, c.line)
			}
		})
	}
	s := parsed(t, Auto, "", good+"<oops>\n")
	if s.Skipped != 1 || s.Bad[0].Line != 201 || strings.Contains(s.Bad[0].Error(), "oops") {
		t.Errorf("one line of many: %+v", s.Bad)
	}
}

// Whatever ranges there are, and however they overlap, a set says of every address what
// walking over all of them says.
func TestASetIsWhatItsLinesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type rule struct {
			from, to uint32
			code     int // 0: excluded
		}
		const base = 0xc0000200 // 192.0.2.0
		var rules []rule
		var text strings.Builder
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			from := uint32(rapid.IntRange(0, 40).Draw(t, "from"))
			r := rule{from, from + uint32(rapid.IntRange(0, 20).Draw(t, "size")), rapid.IntRange(0, 4).Draw(t, "code")}
			rules = append(rules, r)
			if r.code == 0 {
				fmt.Fprintf(&text, "!%s-%s\n", address4(base+r.from), address4(base+r.to))
			} else {
				fmt.Fprintf(&text, "%s-%s :%d:\n", address4(base+r.from), address4(base+r.to), r.code+1)
			}
		}
		s, err := Parse(strings.NewReader(text.String()), IP4Set, "")
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(64) {
			least, want := ^uint32(0), map[int]bool{}
			for _, r := range rules {
				if width := r.to - r.from; i >= r.from && i <= r.to && width <= least {
					if width < least {
						least, want = width, map[int]bool{}
					}
					want[r.code] = true
				}
			}
			if want[0] {
				want = map[int]bool{}
			}
			got := map[int]bool{}
			for _, a := range s.Addr(address4(base + i)) {
				b := a.Code.As4()
				got[int(b[3])-1] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: %s\n%s", address4(base+i), diff, text.String())
			}
		}
	})
}

// With so many pieces that there is an index, each address is found as without one.
func TestTheIndexFindsWhatASearchFinds(t *testing.T) {
	var text strings.Builder
	r := rand.New(rand.NewPCG(5, 6))
	for range 10_000 {
		fmt.Fprintf(&text, "%s/%d\n", netip.PrefixFrom(address4(r.Uint32()), 20).Masked().Addr(), 20)
	}
	text.WriteString("0.0.0.0\n255.255.255.255\n192.0.2.0/24\n")
	s := parsed(t, IP4Set, "", text.String())
	if s.index == nil {
		t.Fatal("no index")
	}
	for i := range 200_000 {
		a := r.Uint32()
		switch {
		case i < 3:
			a = []uint32{0, ^uint32(0), 1 << 16}[i]
		case i%2 == 0:
			a = s.v4.starts[i%len(s.v4.starts)] - uint32(i%3) + 1
		}
		if got, want := s.find4(a), s.v4.find(a, compare4); got != want {
			t.Fatalf("%s: got %d, want %d", address4(a), got, want)
		}
	}
}

func TestAFileIsReadAgainWhenItChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	f := &File{Path: path, MaxAge: 7 * 24 * time.Hour}
	now := time.Now()
	at := now.Add(-time.Hour)
	write := func(text string) {
		t.Helper()
		at = at.Add(time.Second)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if st := f.Look(now); st.Set != nil || st.Err == nil {
		t.Errorf("a file that is not there: %+v", st)
	}
	write("192.0.2.10\n")
	st := f.Look(now)
	if st.Err != nil || !st.Loaded || said(st.Set, "192.0.2.10") == "" {
		t.Fatalf("%+v", st)
	}
	if again := f.Look(now); again.Loaded || again.Set != st.Set {
		t.Error("it was read again though it has not changed")
	}
	write("192.0.2.11\n")
	if st = f.Look(now); said(st.Set, "192.0.2.10") != "" || said(st.Set, "192.0.2.11") == "" {
		t.Error("it has changed and was not read again")
	}
	write("")
	if st = f.Look(now); st.Set != nil || !errors.Is(st.Err, ErrEmpty) {
		t.Errorf("an empty file: %+v", st)
	}
	write("192.0.2.11\n")
	if st = f.Look(now.Add(8 * 24 * time.Hour)); st.Set != nil || st.Err == nil {
		t.Errorf("a file that is not fetched any more: %+v", st)
	}
	if st = f.Look(now); st.Set == nil {
		t.Errorf("%+v", st)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if st = f.Look(now); st.Set != nil || st.Err == nil {
		t.Errorf("a file that is gone: %+v", st)
	}
	write("$TIMESTAMP 2026:01:31:10:00:00 +2d\n192.0.2.11\n")
	if st = f.Look(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)); st.Set == nil {
		t.Errorf("not expired yet: %v", st.Err)
	}
	if st = f.Look(time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)); st.Set != nil {
		t.Error("expired as it says")
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string]string{"/a/b": "auto /a/b", "ip4set:/a/b": "ip4set /a/b", "dnset:list": "dnset list", "C:list": "auto C:list"} {
		kind, path := Split(in)
		if got := string(kind) + " " + path; got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// A million entries: memory, and a look-up.
func million(kind Kind) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(":2:listed, see https://bl.example/$\n")
	for range 1_000_000 {
		if kind == DNSet {
			fmt.Fprintf(&b, ".host%x.example%d.org\n", r.Uint32(), r.IntN(1000))
		} else {
			fmt.Fprintln(&b, address4(r.Uint32()))
		}
	}
	return b.String()
}

func TestAMillionEntriesAreSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second")
	}
	for _, kind := range []Kind{IP4Set, DNSet} {
		text := million(kind)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := parsed(t, kind, "", text)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
			t.Errorf("%s: a million entries take %d MB, want at most 64", kind, grown>>20)
		} else {
			t.Logf("%s: a million entries take %d MB", kind, grown>>20)
		}
		runtime.KeepAlive(s)
		runtime.KeepAlive(text)
	}
}

func BenchmarkAddr(b *testing.B) {
	s := parsed(b, IP4Set, "", million(IP4Set))
	r := rand.New(rand.NewPCG(3, 4))
	addrs := make([]netip.Addr, 1<<16)
	for i := range addrs {
		addrs[i] = address4(r.Uint32())
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Addr(addrs[i&(1<<16-1)])
		i++
	}
}

func BenchmarkName(b *testing.B) {
	s := parsed(b, DNSet, "", million(DNSet))
	r := rand.New(rand.NewPCG(3, 4))
	names := make([]string, 1<<16)
	for i := range names {
		names[i] = fmt.Sprintf("mail.host%x.example%d.org", r.Uint32(), r.IntN(1000))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Name(names[i&(1<<16-1)])
		i++
	}
}

func BenchmarkParse(b *testing.B) {
	text := million(IP4Set)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		parsed(b, IP4Set, "", text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("192.0.2.10\n192.0.2.0/24 :2:x $ $1\n!192.0.2.9\n", "ip4set")
	f.Add("$1 a\n$DATASET dnset:x @ sub\n.example.org :3:$1\n$TIMESTAMP 2026:01:31:10:00:00 +2d\n", "combined")
	f.Add("2001:db8::/32 ; y\nexample.org\n*.example.net\n1-2.3\n", "auto")
	f.Fuzz(func(t *testing.T, text, kind string) {
		s, err := Parse(strings.NewReader(text), Kind(kind), "sub.bl.example")
		if err != nil {
			return
		}
		for _, subject := range []string{"192.0.2.10", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "example.org", "a.example.net", "x"} {
			for _, line := range strings.Split(said(s, subject), " | ") {
				if strings.ContainsAny(line, "\n\r") {
					t.Errorf("%q", line)
				}
			}
		}
		// What a line lists by itself is listed, unless something else excludes or narrows it.
		if !strings.Contains(text, "!") && s.Entries > 0 && len(s.v4.starts)+len(s.v6.starts)+len(s.names.all) == 0 {
			t.Error("entries, and nothing is listed")
		}
	})
}
