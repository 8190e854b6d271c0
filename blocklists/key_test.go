package blocklists

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const canary = "c4n4ryk3yw1thletters"

func keyedZone(t testing.TB, text string) Zone {
	t.Helper()
	z, err := spec(t, "id = 'mine'\nzone = '{key}.bl.example.org'\nfamilies = ['ip4', 'ip6', 'domain']\n"+text).UserZone()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestKeyStandsBetweenTheQueryAndTheZone(t *testing.T) {
	z, err := keyedZone(t, "").WithKey("  K3Y-with.Two-Labels. ")
	if err != nil {
		t.Fatal(err)
	}
	if got := z.QueryName(netip.MustParseAddr("192.0.2.10")); got != "10.2.0.192.k3y-with.two-labels.bl.example.org." {
		t.Errorf("QueryName %q", got)
	}
	if got := z.QueryDomain("Example.NET."); got != "example.net.k3y-with.two-labels.bl.example.org." {
		t.Errorf("QueryDomain %q", got)
	}
	if got := z.ControlQuestions()[0].Name; got != "2.0.0.127.k3y-with.two-labels.bl.example.org." {
		t.Errorf("control %q", got)
	}
	if z.Zone != "bl.example.org" || z.PrintableName() != "<key>.bl.example.org" {
		t.Errorf("zone %q, printable %q", z.Zone, z.PrintableName())
	}
	if got, ok := Named([]Zone{z}, "10.2.0.192.another-key.bl.example.org."); !ok || got.ID != "mine" {
		t.Errorf("a refusal with a key in it names %q", got.ID)
	}
}

// A name without its key would be answered like any other: "not listed", of everything.
func TestWithoutItsKeyAListHasNoNames(t *testing.T) {
	z := keyedZone(t, "")
	if got := z.QueryName(netip.MustParseAddr("192.0.2.10")) + z.QueryDomain("example.org"); got != "" {
		t.Errorf("asks %q", got)
	}
	for _, q := range z.ControlQuestions() {
		if q.Name != "" {
			t.Errorf("control %q", q.Name)
		}
	}
	if z.Askable() == nil {
		t.Error("it can be asked")
	}
	z = keyedZone(t, "key_optional = true")
	if got := z.QueryName(netip.MustParseAddr("192.0.2.10")); got != "10.2.0.192.bl.example.org." || z.Askable() != nil || z.PrintableName() != "bl.example.org" {
		t.Errorf("with an optional key it asks %q: %v", got, z.Askable())
	}
}

func TestWhatIsNoKey(t *testing.T) {
	long := strings.Repeat("0123456789abcdef.", 12)
	for name, key := range map[string]string{
		"empty": "", "short": "abc", "spaces": "two words here", "a dot too many": "abcdef..ghi", "an address": "k3y" + canary + "@example.org",
		"a label too long": strings.Repeat(canary, 4), "longer than a name has room": long + long,
	} {
		_, err := keyedZone(t, "").WithKey(key)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if key != "" && strings.Contains(err.Error(), key) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error holds it: %v", name, err)
		}
	}
	plain, err := UserZone(Zone{ID: "mine", Zone: "bl.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.WithKey(canary); err == nil {
		t.Error("a list without {key} took a key")
	}
}

func TestPlaceOfTheKeyIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		"zone = 'bl.{key}.example.org'":                     "zone: the key goes in front of the whole zone",
		"zone = '{key}{key}.example.org'":                   "zone: the key goes in front of the whole zone",
		"zone = 'bl.example.org'\nkey = 'k'":                "key: the zone has no place for it",
		"zone = 'bl.example.org'\nkey_optional = true":      "key: the zone has no place for it",
		"zone = '{key}.bl.example.org'\nkey = 'Not A Name'": "key: want a name in lower-case letters",
		"zone = '{key}.bl.example.org'\nparent = 'mine'":    "parent: want the id of another list",
		"zone = '{key}.bl.example.org'\nrate = -1.5":        "rate: want questions a second",
		"zone = '{key}.bl.example.org'\nrate = nan":         "rate: want questions a second",
		"zone = '{key}.bl.example.org'\nper_day = -1":       "per_day: want questions a day",
	} {
		if _, err := spec(t, "id = 'mine'\n"+text).UserZone(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestKeyPrintsNowhere(t *testing.T) {
	z, err := keyedZone(t, "").WithKey(canary)
	if err != nil {
		t.Fatal(err)
	}
	inside := struct{ zone Zone }{z} // fmt asks no method of what is in an unexported field
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("list", "zone", z, "key", z.Key)
	data, err := json.Marshal(z)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"%v": fmt.Sprintf("%v", z), "%+v": fmt.Sprintf("%+v", z), "%#v": fmt.Sprintf("%#v", z), "%s": fmt.Sprintf("%s", z.Key), "%q": fmt.Sprintf("%q %x", z.Key, z.Key),
		"inside": fmt.Sprintf("%v %+v %#v", inside, inside, &inside), "log": logged.String(), "json": string(data),
	} {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s prints the key: %s", name, text)
		}
	}
	if v := z.Judge(addrs("127.255.255.251")); strings.Contains(v.Why, canary) || v.Class != Refused {
		t.Errorf("%+v", v)
	}
	if err := z.Validate(); err != nil {
		t.Errorf("a list with its key is not valid: %v", err)
	}
}

func TestRedact(t *testing.T) {
	z, err := keyedZone(t, "").WithKey("Abcdef123")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"":                                  "",
		"no key here":                       "no key here",
		"abcdef12":                          "abcdef12",
		"abcdef123":                         "<key>",
		"10.2.0.192.ABCDEF123.bl.example.":  "10.2.0.192.<key>.bl.example.",
		"query abcdef123.x: see abcdef123":  "query <key>.x: see <key>",
		"https://example.org/abcdef123?q=1": "https://example.org/<key>?q=1",
		"abcdef12abcdef123":                 "abcdef12<key>",
	} {
		if got := z.Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
	other, err := keyedZone(t, "").WithKey("zyxwvu987")
	if err != nil {
		t.Fatal(err)
	}
	redact := Redactor([]Zone{z, keyedZone(t, ""), other})
	if got := redact("abcdef123 and zyxwvu987"); got != "<key> and <key>" {
		t.Errorf("Redactor: %q", got)
	}
	if got := Redactor(nil)("abcdef123"); got != "abcdef123" {
		t.Errorf("without keys: %q", got)
	}
}

func TestRedactLeavesNoKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[a-z0-9]{6,20}`).Draw(t, "key")
		z, err := Zone{ID: "mine", Zone: "bl.example.org", KeyName: "mine"}.WithKey(key)
		if err != nil {
			t.Fatal(err)
		}
		parts := rapid.SliceOf(rapid.OneOf(rapid.Just(key), rapid.Just(strings.ToUpper(key)), rapid.String())).Draw(t, "parts")
		text := strings.Join(parts, "")
		got := z.Redact(text)
		if strings.Contains(strings.ToLower(got), key) && !strings.Contains("<key>", key) {
			t.Errorf("%q became %q", text, got)
		}
		if !strings.Contains(strings.ToLower(text), key) && got != text {
			t.Errorf("%q became %q without need", text, got)
		}
	})
}

func TestFindPrefersTheVeryList(t *testing.T) {
	zones, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"spamcop": "spamcop", "bl.spamcop.net.": "spamcop", "SBL.spamhaus.org": "spamhaus-sbl", "spamhaus-sbl": "spamhaus-sbl",
		"zen.dq.spamhaus.net": "spamhaus-zen-dqs", "x.zen.dq.spamhaus.net": "spamhaus-zen", "cbl.abuseat.org": "spamhaus-zen", "": "", "nobody.example": "",
	} {
		if z, ok := Find(zones, word); z.ID != want || ok != (want != "") {
			t.Errorf("Find(%q) = %q, %v; want %q", word, z.ID, ok, want)
		}
	}
}
