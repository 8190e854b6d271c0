package remedy

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"reputed/blocklists"
	"reputed/checks"
)

// rule is what these tests need of a classification rule. They are read from their files, since
// this package knows nothing of the one that classifies.
type rule struct {
	ID       string `toml:"id"`
	Category string `toml:"category"`
	Vendor   string `toml:"vendor"`
	Remedy   string `toml:"remedy"`
	List     string `toml:"list"`
	Personal bool   `toml:"personal"`
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join("..", "bounce", "rules", "*.toml"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Vendor string `toml:"vendor"`
			Remedy string `toml:"remedy"`
			Rules  []rule `toml:"rule"`
		}
		if err := toml.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range f.Rules {
			r.Vendor, r.Remedy = cmp.Or(r.Vendor, f.Vendor), cmp.Or(r.Remedy, f.Remedy)
			all = append(all, r)
		}
	}
	if len(all) < 200 {
		t.Fatalf("read %d rules, want all of them", len(all))
	}
	return all
}

// finding is a refusal that the rule has classified.
func (r rule) finding() checks.Finding {
	return finding(checks.CodeRefused, checks.FactRule, r.ID, checks.FactCategory, r.Category, checks.FactVendor, r.Vendor, checks.FactRemedy, r.Remedy, checks.FactList, r.List)
}

// noWayOut are vendors that publish no way to be taken again: their refusals go to the
// receiver's postmaster, like those of an unknown receiver.
var noWayOut = []string{"BlueTie", "ImprovMX", "Sohu", "Zoho"}

func TestEveryRefusalForReputationHasItsWayOut(t *testing.T) {
	b := load(t)
	for _, r := range rules(t) {
		switch r.Category {
		case "blocklist", "ip-reputation", "domain-reputation", "rate-limited", "policy", "spam-content", "auth-failure", "rdns":
		default:
			continue
		}
		got := b.For(r.finding(), nil)
		switch {
		case r.Personal, r.ID == "exchange-submit": // a submission server: nothing that Microsoft judges
		case got.ID == "":
			t.Errorf("rule %s: no runbook", r.ID)
		case got.ID == "generic-receiver" && r.Vendor != "" && !slices.Contains(noWayOut, r.Vendor):
			t.Errorf("rule %s: %s has no runbook, and is not among those without a way out", r.ID, r.Vendor)
		}
	}
}

func TestRunbooksNameOnlyWhatThereIs(t *testing.T) {
	zones, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	b := load(t)
	ids, vendors := map[string]bool{}, map[string]bool{}
	for _, r := range rules(t) {
		ids[r.ID], vendors[r.Vendor] = true, true
		if r.Remedy != "" && !b.has(r.Remedy) {
			t.Errorf("rule %s names the runbook %q, which does not exist", r.ID, r.Remedy)
		}
	}
	lists := map[string]bool{}
	for _, z := range zones {
		lists[z.ID] = true
	}
	for _, r := range b.runbooks {
		for _, id := range r.rules {
			if !ids[id] {
				t.Errorf("runbook %s: there is no rule %q", r.id, id)
			}
		}
		for _, v := range r.vendors {
			if !vendors[v] {
				t.Errorf("runbook %s: no rule names the vendor %q", r.id, v)
			}
		}
		for _, l := range append(slices.Clone(r.lists), r.codesOf...) {
			if !lists[l] && !strings.HasPrefix(l, "spamhaus-") && !strings.HasPrefix(l, "invaluement-") && l != "barracuda-bb" { // parts of others, and paid ones
				t.Errorf("runbook %s: there is no list %q", r.id, l)
			}
		}
	}
}

func TestTheFinestRunbookWins(t *testing.T) {
	b := load(t)
	rising := rule{ID: "outlook-rate", Category: "rate-limited", Vendor: "Microsoft"}.finding()
	rising.Code = checks.CodeRamp
	for name, c := range map[string]struct {
		f    checks.Finding
		want string
	}{
		"a provider's code before the provider":       {rule{ID: "outlook-network-block", Category: "ip-reputation", Vendor: "Microsoft", Remedy: "microsoft-outlook"}.finding(), "microsoft-outlook-network"},
		"a provider before the general":               {rule{ID: "comcast-block", Category: "ip-reputation", Vendor: "Comcast", Remedy: "generic-receiver"}.finding(), "comcast"},
		"a provider's limits before limits":           {rule{ID: "charter-rate", Category: "rate-limited", Vendor: "Charter", Remedy: "rate-limited"}.finding(), "charter"},
		"the list that a provider asks before it":     {rule{ID: "comcast-lists", Category: "blocklist", Vendor: "Comcast", Remedy: "spamhaus", List: "spamhaus-zen"}.finding(), "spamhaus"},
		"how a mail looks has the same cure anywhere": {rule{ID: "cox-content", Category: "spam-content", Vendor: "Cox", Remedy: "content"}.finding(), "content"},
		"a Cisco throttle is the middle band":         {rule{ID: "cisco-throttle", Category: "rate-limited", Vendor: "Cisco Talos", Remedy: "rate-limited"}.finding(), "cisco-throttle"},
		"a list that has closed is not asked":         {rule{ID: "closed-lists", Category: "blocklist", Remedy: "generic-list", List: "dsbl.org"}.finding(), "list-closed"},
		"deferrals of a provider that rise":           {rising, "microsoft-outlook-rate"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := b.For(c.f, nil); got.ID != c.want {
				t.Errorf("got %q, want %q", got.ID, c.want)
			}
		})
	}
}

// Whoever can be asked has a time by which to expect something, and one before which not to ask again.
func TestWhoeverIsAskedHasATime(t *testing.T) {
	for _, r := range load(t).runbooks {
		rem := r.fill(finding(checks.CodeRefused), plausible())
		if strings.HasPrefix(rem.WhoAsk, "nobody") || rem.CoolDown > 0 || len(r.findings) > 0 && !r.ofLists() || r.id == "content" || r.id == "rdns" {
			continue
		}
		t.Errorf("runbook %s: %q may ask, and there is no cool_down", r.id, rem.WhoAsk)
	}
	for id, want := range map[string]struct{ promised, coolDown time.Duration }{
		"spamhaus-sbl": {48 * time.Hour, 48 * time.Hour}, "yahoo": {72 * time.Hour, 72 * time.Hour}, "proofpoint": {72 * time.Hour, 72 * time.Hour},
		"t-online": {24 * time.Hour, 24 * time.Hour}, "cisco-talos": {7 * 24 * time.Hour, 7 * 24 * time.Hour}, "spamcop": {},
	} {
		got := load(t).For(finding(checks.CodeRefused, checks.FactRemedy, id), nil)
		if got.ID != id || got.Promised != want.promised || got.CoolDown != want.coolDown {
			t.Errorf("%s: promised %v, cool-down %v, want %+v", got.ID, got.Promised, got.CoolDown, want)
		}
	}
}

// The codes are read from the source, so that a new one without a runbook fails
// here and not at three in the morning.
func TestEveryCodeThatIsAProblemHasARunbook(t *testing.T) {
	b := load(t)
	over := map[checks.Code]bool{checks.CodeNotListed: true, checks.CodeNeighbours: true, checks.CodeAccepted: true, checks.CodeOverBefore: true, checks.CodeRampOver: true,
		checks.CodeNoComplaint: true, checks.CodeAnswered: true, checks.CodeIdentityWell: true, checks.CodeRatedWell: true, checks.CodeMonitorWell: true, checks.CodeLetIn: true, checks.CodeOwnWell: true}
	src, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "codes.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(src, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		n++
		code := checks.Code(text)
		if got := b.For(finding(code), nil); (got.ID == "") != over[code] {
			t.Errorf("code %s gives runbook %q", code, got.ID)
		}
		return true
	})
	if n < 15 {
		t.Errorf("found %d codes in codes.go, want all of them", n)
	}
}

func TestEveryBuiltInListHasItsSteps(t *testing.T) {
	b := load(t)
	all, err := blocklists.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	lookup, err := builtinZones()
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range all {
		for _, code := range []checks.Code{checks.CodeListed, checks.CodePolicy, checks.CodeInformational, checks.CodeListRefused, checks.CodeListUnusable} {
			f := listed(z.ID, "")
			f.Code = code
			if slices.Contains(z.Families, blocklists.Name) {
				f.Target, _ = checks.Domain("example.org")
			}
			rem := b.For(f, lookup)
			if rem.ID == "" {
				t.Errorf("%s, %s: no runbook", z.ID, code)
			}
			checkRendered(t, z.ID+", "+string(code), rem, false)
		}
	}
}
