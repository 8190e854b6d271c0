package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"reputed/blocklists"
	"reputed/internal/config"
	"reputed/internal/daemon"
	"reputed/internal/daemon/daemontest"
	"reputed/internal/lab"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/wiring"
	"reputed/probes"
)

// planOf is the plan for the configuration of a rig.
func planOf(t *testing.T, r *rig) report.Plan {
	t.Helper()
	resolver, err := wiring.Resolver(r.cfg, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlanned(t.Context(), r.cfg, resolver, wanted{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.plan(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// countingAsker is the resolver of a rig, and counts the questions about each list. Servers would
// count packets that were sent again, too.
type countingAsker struct {
	*probes.Resolver
	zones []blocklists.Zone
	asked map[string]int
}

func (a *countingAsker) Ask(ctx context.Context, questions iter.Seq[probes.Question], got func(probes.Question, probes.Answer, error)) error {
	return a.Resolver.Ask(ctx, func(yield func(probes.Question) bool) {
		for q := range questions {
			for _, z := range a.zones {
				if q.Name == z.Zone+"." || strings.HasSuffix(q.Name, "."+z.Zone+".") {
					a.asked[z.ID]++
				}
			}
			if !yield(q) {
				return
			}
		}
	}, got)
}

// TestAPlanIsWhatARoundAsks: the questions that are planned are those that are put to each list in
// a round, targets, controls and all.
func TestAPlanIsWhatARoundAsks(t *testing.T) {
	for name, limited := range map[string]bool{"without limits": false, "with a list that is asked in turns": true} {
		t.Run(name, func(t *testing.T) {
			counted := &countingAsker{asked: map[string]int{}}
			r := newRigOf(t, daemon.Options{Log: daemontest.Log(t), Asker: counted}, func(cfg *config.Config, _ *lab.World) {
				var err error
				if counted.Resolver, err = wiring.Resolver(cfg, 0, nil); err != nil {
					t.Fatal(err)
				}
				cfg.Outbound = []config.Outbound{{Pool: "bulk", Addresses: []string{"198.51.100.0/26", "192.0.2.10", "2001:db8::25"},
					Domains: []string{"example.org", "mail.example.org", "example.net"}, SPF: []string{"spf.example.net"}}}
			})
			r.world.Lists.SetName("spf.example.net", `TXT "v=spf1 ip4:203.0.113.0/28 -all"`)
			part := ""
			if limited {
				i := slices.IndexFunc(r.cfg.Blocklists.Zones, func(z blocklists.Zone) bool { return z.ID == "spamcop" })
				r.cfg.Blocklists.Zones[i].PerDay = 3000
				part = "spamcop"
			}
			plan := planOf(t, r)
			counted.zones = r.zones
			r.must(r.Round)
			planned, wide := plan.Resolver, 0
			for _, o := range plan.Operators {
				for _, l := range o.Lists {
					if asked := counted.asked[l.ID]; asked != l.Questions {
						t.Errorf("%s: %d questions planned, %d asked", l.ID, l.Questions, asked)
					}
					planned += l.Questions
					if l.Targets < l.Served {
						wide++
						if l.ID != part || !o.Beyond() || o.Whole <= 0 || len(o.Do) == 0 {
							t.Errorf("%s is asked about %d of %d: %+v", l.ID, l.Targets, l.Served, o)
						}
					}
				}
			}
			if limited != (wide == 1) {
				t.Errorf("%d lists are asked in turns", wide)
			}
			run, _, err := r.db.LastRun(t.Context(), monitor.JobDNSBL)
			if err != nil || run.Summary.Questions != planned {
				t.Errorf("%d questions planned, %d asked: %v", planned, run.Summary.Questions, err)
			}
			if len(plan.Pools) != 1 || plan.Pools[0] != (report.PlanPool{Pool: "bulk", IPv4: 64 + 1 + 16, IPv6: 1, Domains: 3}) {
				t.Errorf("pools %+v", plan.Pools)
			}
			if len(plan.Sources) != 1 || plan.Sources[0] != (report.PlanSource{Source: "spf:spf.example.net", Is: "1 range"}) {
				t.Errorf("sources %+v", plan.Sources)
			}
		})
	}
}

func TestAPlanSaysWhatIsBeyondTheLimits(t *testing.T) {
	cfg, err := config.Parse([]byte("[blocklists]\nbuiltin = false\n[dns]\nservers = [\"127.0.0.1:1\"]\ntimeout = \"100ms\"\ntries = 1\n"+
		"[[blocklists.list]]\nid = \"slow\"\nzone = \"bl.example.net\"\noperator = \"Slow\"\nrate = 5\n"+
		"[[blocklists.list]]\nid = \"daily\"\nzone = \"bl.example.com\"\noperator = \"Daily\"\nper_day = 100000\n"+
		"[[blocklists.list]]\nid = \"copy\"\nzone = \"copy.example.com\"\noperator = \"Copied\"\nper_day = 10\n"+
		"[[blocklists.list]]\nid = \"free\"\nzone = \"bl.example.org\"\noperator = \"Free\"\n"+
		"[blocklists.files]\ncopy = \"/nonexistent\"\n"+
		"[[outbound]]\naddresses = [\"198.18.0.0/20\"]\nspf = [\"example.org\"]\n"), "reputed.toml", config.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := wiring.Resolver(cfg, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlanned(t.Context(), cfg, resolver, wanted{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.plan(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := plan.Write(&b, report.Term{Width: 80}, report.Text); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, o := range plan.Operators {
		if o.Lists != nil {
			order = append(order, o.Operator)
		}
		switch o.Operator {
		case "Daily":
			if !o.Beyond() || o.Lists[0].Targets >= 4096 || o.AsksDay > 100000 || o.WantsDay < 4096*48 {
				t.Errorf("%+v", o)
			}
		case "Slow": // 4,096 questions at five a second are within half an hour
			if o.Beyond() || o.Takes < 4096*time.Second/5 {
				t.Errorf("%+v", o)
			}
		case "Copied":
			if o.Beyond() || o.Asks != 0 || o.Lists[0].Path != "file" {
				t.Errorf("a file is nobody's load: %+v", o)
			}
		}
	}
	if fmt.Sprint(order[:2]) != "[Daily Free]" && order[0] != "Daily" {
		t.Errorf("%q: what is beyond its limits comes first", order)
	}
	for _, want := range []string{"4,096 addresses", "Slow sets the pace", "Daily: asking about everything in each round would be 196,", "all had their turn after",
		`disable = ["daily"]`, "not counted: spf:example.org is not counted"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	for line := range strings.Lines(b.String()) {
		if len([]rune(line)) > 81 {
			t.Errorf("wider than 80: %q", line)
		}
	}
	b.Reset()
	if err := plan.Write(&b, report.Term{}, report.JSON); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Operators []struct {
			Operator string
			Beyond   bool
			Used     *float64
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil || doc.Operators[0].Operator != "Daily" || !doc.Operators[0].Beyond || doc.Operators[0].Used == nil {
		t.Errorf("%v: %+v", err, doc)
	}
}

// What is advised is what the engine then does.
func TestAPlansAdviceHelps(t *testing.T) {
	const file = "[blocklists]\nbuiltin = false\n[dns]\nservers = [\"127.0.0.1:1\"]\n" +
		"[[blocklists.list]]\nid = \"daily\"\nzone = \"bl.example.com\"\noperator = \"Daily\"\nper_day = 100000\n[[outbound]]\naddresses = [\"198.18.0.0/21\"]\n[schedule]\ndnsbl = %q\n"
	for schedule, beyond := range map[string]bool{"@every 15m": true, "@every 1h": false} {
		cfg, err := config.Parse(fmt.Appendf(nil, file, schedule), "reputed.toml", config.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		resolver, err := wiring.Resolver(cfg, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := newPlanned(t.Context(), cfg, resolver, wanted{})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := p.plan(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(plan.Operators, func(o report.PlanOperator) bool { return o.Operator == "Daily" })
		o := plan.Operators[i]
		if o.Beyond() != beyond {
			t.Errorf("%s: beyond %v, want %v: %+v", schedule, o.Beyond(), beyond, o)
		}
		if advised := slices.Contains(o.Do, `ask less often: [schedule] dnsbl = "@every 1h" fits`); advised != beyond {
			t.Errorf("%s: advice %q", schedule, o.Do)
		}
	}
}
