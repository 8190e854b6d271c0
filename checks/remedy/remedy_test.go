package remedy

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"reputed/blocklists"
	"reputed/checks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func load(t *testing.T) *Book {
	t.Helper()
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zones is a small catalogue with one list for each way of leaving it.
func zones(id string) (blocklists.Zone, bool) {
	z := blocklists.Zone{ID: id, Zone: id + ".example", Limits: "100,000 queries a day"}
	z.Removal.LookupURL = "https://list.example/look?ip={ip}"
	z.Removal.URL = "https://list.example/remove/{ip}"
	switch id {
	case "self":
		z.Title = "Self Service List"
		z.Removal.Method, z.Removal.FixFirst, z.Removal.Typical = "self-service", "a forward-confirmed PTR", "minutes"
		z.Registration = "required"
	case "owner":
		z.Title = "Owner List"
		z.Removal.Method = "network-owner"
	case "paid":
		z.Title = "Paid List"
		z.Removal.Method, z.Removal.AutoExpiry, z.Removal.PayNever = "automatic", "7 days after the last hit", true
	default:
		return blocklists.Zone{}, false
	}
	return z, true
}

// plausible are the facts that a finding of any kind may carry.
func plausible() map[string]string {
	return map[string]string{
		checks.FactAddress: "192.0.2.10", checks.FactDomain: "example.org", checks.FactListName: "Example List", checks.FactList: "example",
		checks.FactReceiver: "example.net", checks.FactRemote: "mx1.example.net", checks.FactVendor: "Example Filter",
		checks.FactDiagnostic: "554 5.7.1 refused because of its reputation", checks.FactServers: "192.0.2.53:53, 198.51.100.53:53",
		checks.FactInstruction: "Ask through a resolver of your own.",
	}
}

func listed(list, codes string) checks.Finding {
	f := finding(checks.CodeListed, checks.FactList, list, checks.FactCodes, codes)
	f.Key = checks.Key{Check: "dnsbl", Target: "192.0.2.10", Source: list}
	return f
}

func finding(code checks.Code, facts ...string) checks.Finding {
	f := checks.Finding{Code: code, Status: checks.Problem, Target: checks.Address(netip.MustParseAddr("192.0.2.10")), Facts: map[string]string{}}
	for i := 0; i < len(facts); i += 2 {
		f.Facts[facts[i]] = facts[i+1]
	}
	return f
}

func TestEveryRunbookRenders(t *testing.T) {
	b := load(t)
	for _, r := range b.runbooks {
		t.Run(r.id, func(t *testing.T) {
			for name, facts := range map[string]map[string]string{"all facts": plausible(), "no facts": {}} {
				f := finding(checks.CodeRefused)
				f.Facts = facts
				if len(facts) == 0 {
					f.Target = checks.Monitor("resolver")
				} else if len(r.findings) > 0 && strings.HasPrefix(string(r.findings[0]), "monitor.") {
					f.Target = checks.Monitor("mailbox:bounces")
				}
				checkRendered(t, name, r.fill(f, values(f, blocklists.Zone{})), len(facts) > 0)
			}
		})
	}
}

// checkRendered wants what a tired person can follow: few short steps, and
// nothing left over from the template.
func checkRendered(t *testing.T, name string, rem checks.Remediation, full bool) {
	t.Helper()
	if n := len(rem.Steps); n > 8 || n < 3 {
		t.Errorf("%s: %d steps, want 3 to 8", name, n)
	}
	if rem.Title == "" || full && (rem.WhoAsk == "" && rem.Takes == "" && rem.ID != "general-listed" && rem.ID != "informational") {
		t.Errorf("%s: title %q, who may ask %q, takes %q", name, rem.Title, rem.WhoAsk, rem.Takes)
	}
	texts := append([]string{rem.Title, rem.WhoAsk, rem.Takes}, rem.Never...)
	for _, s := range rem.Steps {
		texts = append(texts, s.Text)
		// With its number a step takes at most two lines of 80.
		if n := utf8.RuneCountInString(s.Text); n > 152 {
			t.Errorf("%s: step of %d runes, want at most 152: %q", name, n, s.Text)
		}
		if strings.ContainsAny(s.URL, "{} ") || s.URL != "" && checks.Link(s.URL) == "" {
			t.Errorf("%s: link %q", name, s.URL)
		}
		if m, _ := parse(s.Command, inCommand); len(m) > 1 || len(s.Command) > 132 || strings.Contains(s.Command, "\n") {
			t.Errorf("%s: command %q", name, s.Command)
		}
		if strings.HasSuffix(s.Text, ":") && s.Command == "" {
			t.Errorf("%s: step announces a command and has none: %q", name, s.Text)
		}
	}
	for _, text := range texts {
		if strings.ContainsAny(text, "{}\n") || strings.Contains(text, "  ") || text != strings.TrimSpace(text) {
			t.Errorf("%s: left over from the template: %q", name, text)
		}
	}
}

func TestGolden(t *testing.T) {
	b := load(t)
	builtin, err := builtinZones()
	if err != nil {
		t.Fatal(err)
	}
	talos := finding(checks.CodeRefused, checks.FactRemedy, "cisco-talos", checks.FactReceiver, "example.net", checks.FactAddress, "192.0.2.10",
		checks.FactDiagnostic, "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.")
	v6 := finding(checks.CodeRefused, checks.FactRemedy, "cisco-talos")
	v6.Target = checks.Address(netip.MustParseAddr("2001:db8::25"))
	pbl := listed("spamhaus-zen", "127.0.0.10")
	pbl.Code = checks.CodePolicy
	refused := finding(checks.CodeListRefused, checks.FactList, "spamhaus-zen", checks.FactInstruction, "Ask through a resolver of your own, or with a key.")
	refused.Target = checks.List("spamhaus-zen")
	for name, f := range map[string]checks.Finding{
		"cisco-talos": talos, "cisco-talos-ipv6": v6, "spamcop": listed("spamcop", "127.0.0.2"),
		"spamhaus-xbl": listed("spamhaus-zen", "127.0.0.4"), "spamhaus-pbl": pbl, "list-refused": refused,
		"general-psbl": listed("psbl", "127.0.0.2"),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, b.For(f, builtin))
		})
	}
}

// What the catalogue says of its lists must read well where a runbook puts it.
// Who is woken pastes what stands there, on systems whose syslog writes files and on those that have the journal alone.
func TestTheSenderIsFoundInFilesAndInTheJournal(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	const line = `Nov 26 02:40:05 mail postfix/submission/smtpd[7]: 4Rab12C: client=pc.example.org[192.0.2.80], sasl_method=PLAIN, sasl_username=kim@example.org`
	const exim = `2026-11-26 02:40:05 1aBcDe-000001-2F <= lea@example.org H=pc [192.0.2.80] P=esmtpsa A=dovecot_login:lea@example.org S=711`
	f := listed("spamhaus-zen", "127.0.0.2")
	lookup, err := builtinZones()
	if err != nil {
		t.Fatal(err)
	}
	steps := load(t).For(f, lookup).Steps
	i := slices.IndexFunc(steps, func(s checks.Step) bool { return strings.Contains(s.Command, "sasl_username") })
	if i < 0 {
		t.Fatal("nothing finds the sender")
	}
	for name, c := range map[string]struct {
		files   map[string]string
		journal string
		want    string
	}{
		"the journal alone": {nil, line + "\n" + line, "2 sasl_username=kim@example.org"},
		"Postfix's file":    {map[string]string{"mail.log": line}, "", "1 sasl_username=kim@example.org"},
		"Exim's file":       {map[string]string{"exim4/mainlog": exim}, "", "1 A=dovecot_login:lea@example.org"},
	} {
		dir := t.TempDir()
		write := func(path, text string, mode os.FileMode) {
			t.Helper()
			path = filepath.Join(dir, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode)); err != nil {
				t.Fatal(err)
			}
		}
		for path, text := range c.files {
			write("log/"+path, text+"\n", 0o600)
		}
		write("journal", c.journal+"\n", 0o600)
		write("bin/journalctl", "#!/bin/sh\nexec cat "+dir+"/journal\n", 0o700)
		cmd := exec.Command(bash, "-c", strings.ReplaceAll(steps[i].Command, "/var/log/", dir+"/log/"))
		cmd.Env = append(os.Environ(), "PATH="+dir+"/bin:"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != c.want {
			t.Errorf("%s: %v\n%swant %s", name, err, out, c.want)
		}
	}
}

// builtinZones looks lists up in the built-in catalogue.
func builtinZones() (func(string) (blocklists.Zone, bool), error) {
	zones, err := blocklists.Builtin()
	return func(id string) (blocklists.Zone, bool) {
		i := slices.IndexFunc(zones, func(z blocklists.Zone) bool { return z.ID == id })
		if i < 0 {
			return blocklists.Zone{}, false
		}
		return zones[i], true
	}, err
}

func golden(t *testing.T, name string, rem checks.Remediation) {
	t.Helper()
	got := draw(rem)
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// draw writes a remediation as plain lines.
func draw(rem checks.Remediation) string {
	var b strings.Builder
	b.WriteString(rem.ID + ": " + rem.Title + "\n")
	for i, s := range rem.Steps {
		b.WriteString(strconv.Itoa(i+1) + ". " + s.Text + "\n")
		if s.Command != "" {
			b.WriteString("     $ " + s.Command + "\n")
		}
		if s.URL != "" {
			b.WriteString("     " + s.URL + "\n")
		}
	}
	b.WriteString("asks: " + rem.WhoAsk + "\ntakes: " + rem.Takes + "\n")
	for _, n := range rem.Never {
		b.WriteString("- " + n + "\n")
	}
	return b.String()
}

func TestChoice(t *testing.T) {
	b := load(t)
	policy := func(f checks.Finding) checks.Finding { f.Code = checks.CodePolicy; return f }
	with := func(f checks.Finding, name, value string) checks.Finding { f.Facts[name] = value; return f }
	for name, c := range map[string]struct {
		f    checks.Finding
		want string
	}{
		"a rule's remedy decides":                         {with(listed("spamcop", ""), checks.FactRemedy, "proofpoint"), "proofpoint"},
		"a list has its own":                              {listed("spamcop", "127.0.0.2"), "spamcop"},
		"a list without its own gets the general one":     {listed("psbl", "127.0.0.2"), "general-listed"},
		"a list named beats a general remedy":             {finding(checks.CodeRefused, checks.FactRemedy, "generic-list", checks.FactList, "spamcop"), "spamcop"},
		"a general remedy beats the category":             {finding(checks.CodeRefused, checks.FactRemedy, "generic-list", checks.FactCategory, "rdns"), "generic-list"},
		"the category beats the code":                     {finding(checks.CodeRefused, checks.FactCategory, "rdns"), "rdns"},
		"the code is the last resort":                     {finding(checks.CodeRefused), "generic-receiver"},
		"an unknown remedy does no harm":                  {finding(checks.CodeRefused, checks.FactRemedy, "no-such"), "generic-receiver"},
		"ZEN: SBL":                                        {listed("spamhaus-zen", "127.0.0.2"), "spamhaus-sbl"},
		"ZEN: CSS":                                        {listed("spamhaus-zen", "127.0.0.3"), "spamhaus-css"},
		"ZEN: XBL":                                        {listed("spamhaus-zen", "127.0.0.4"), "spamhaus-xbl"},
		"ZEN: PBL":                                        {policy(listed("spamhaus-zen", "127.0.0.11")), "spamhaus-pbl"},
		"ZEN: the longest way first":                      {listed("spamhaus-zen", "127.0.0.10,127.0.0.4, 127.0.0.2"), "spamhaus-sbl"},
		"ZEN with a key is the same":                      {listed("spamhaus-zen-dqs", "127.0.0.4"), "spamhaus-xbl"},
		"ZEN by meaning where the code is not known":      {with(listed("spamhaus-zen", ""), checks.FactMeaning, "CSS: automated listing"), "spamhaus-css"},
		"a refusal that says ZEN does not say which list": {finding(checks.CodeRefused, checks.FactList, "spamhaus-zen", checks.FactRemedy, "spamhaus"), "spamhaus"},
		"a refusal that says XBL":                         {finding(checks.CodeRefused, checks.FactList, "spamhaus-xbl", checks.FactRemedy, "spamhaus"), "spamhaus-xbl"},
		"a refusal that says Spamhaus and no list":        {finding(checks.CodeRefused, checks.FactRemedy, "spamhaus"), "spamhaus"},
		"DBL":                            {listed("spamhaus-dbl", "127.0.1.2"), "spamhaus-dbl"},
		"a policy entry of another list": {policy(listed("abusix-combined", "127.0.0.11")), "policy-list"},
		"the list itself refuses: not the way off it": {finding(checks.CodeListRefused, checks.FactList, "spamcop"), "list-refused"},
		"a dead channel is not a listing":             {finding(checks.CodeChannelDown), "channel-down"},
		"what is over needs nothing":                  {finding(checks.CodeNotListed, checks.FactList, "spamcop"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := b.For(c.f, nil); got.ID != c.want {
				t.Errorf("got %q, want %q", got.ID, c.want)
			}
		})
	}
}

func TestARunbookIsChosenByItsName(t *testing.T) {
	b := load(t)
	for _, r := range b.runbooks {
		if got := b.For(finding(checks.CodeRefused, checks.FactRemedy, r.id), nil).ID; got != r.id {
			t.Errorf("remedy %q gives runbook %q", r.id, got)
		}
	}
}

func TestGeneralListedFollowsTheList(t *testing.T) {
	b := load(t)
	has := func(rem checks.Remediation, text string) bool {
		return strings.Contains(draw(rem), text)
	}
	self, owner, paid := b.For(listed("self", ""), zones), b.For(listed("owner", ""), zones), b.For(listed("paid", ""), zones)
	for name, ok := range map[string]bool{
		"self-service has the form for this address": has(self, "https://list.example/remove/192.0.2.10"),
		"self-service says what comes first":         has(self, "a forward-confirmed PTR"),
		"self-service may be asked by you":           self.WhoAsk == "you" && self.Takes == "minutes",
		"network owner has no form":                  !has(owner, "/remove/") && has(owner, "Only the network owner can ask Owner List"),
		"automatic has no form":                      !has(paid, "/remove/") && has(paid, "Do not ask Paid List"),
		"automatic says when":                        paid.Takes == "7 days after the last hit",
		"never pay only where removal is sold":       has(paid, "Never pay Paid List") && !has(self, "Never pay"),
	} {
		if !ok {
			t.Errorf("%s: not so:\n%s\n%s\n%s", name, draw(self), draw(owner), draw(paid))
		}
	}
}

// What a list's refusal means ends with what to do about it.
func TestAnInstructionIsNotCutShort(t *testing.T) {
	instruction := "Spamhaus ZEN refuses to answer (127.255.255.254): asked through a public, open or unattributable resolver. " +
		"Ask through a recursive resolver of your own, or get a free DQS key from Spamhaus."
	rem := load(t).For(finding(checks.CodeListRefused, checks.FactList, "spamhaus-zen", checks.FactInstruction, instruction), zones)
	if !slices.ContainsFunc(rem.Steps, func(s checks.Step) bool { return strings.HasSuffix(s.Text, instruction) }) {
		t.Errorf("no step ends with the instruction: %+v", rem.Steps)
	}
}

func TestForAllGivesEachWayOutOnce(t *testing.T) {
	b := load(t)
	var ids []string
	for _, rem := range b.ForAll([]checks.Finding{
		listed("spamcop", "127.0.0.2"), listed("spamcop", "127.0.0.2"), listed("self", ""), listed("owner", ""), finding(checks.CodeNotListed),
	}, zones) {
		ids = append(ids, rem.ID)
	}
	if want := []string{"spamcop", "general-listed", "general-listed"}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
}
