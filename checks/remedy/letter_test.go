package remedy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"reputed/checks"
)

// occasion is a bad morning: refused by Cisco gateways and listed where only the network's owner can ask.
func occasion(code checks.Code) Occasion {
	at := time.Date(2026, 11, 25, 8, 41, 3, 0, time.UTC)
	f := finding(code, checks.FactAddress, "192.0.2.10", checks.FactVendor, "Cisco Talos", checks.FactReceiver, "example.net", checks.FactRemedy, "cisco-talos", checks.FactCategory, "ip-reputation")
	if code == checks.CodeListed {
		f = listed("owner", "127.0.0.2")
		f.Facts[checks.FactMeaning], f.Facts[checks.FactReason] = "listed by an analyst", "https://list.example/record/4711"
		f.Evidence = []checks.Evidence{{Question: "10.2.0.192.owner.example. A", Answer: "127.0.0.2", Reason: "https://list.example/record/4711", At: at}}
	}
	return Occasion{
		Finding: f, Zone: zones, Since: at, Location: time.FixedZone("CET", 3600), Takes: "up to about 7 days",
		Receivers: []string{"example.net", "example.com"}, Requests: []string{"Owner List on 25 November 2026 (SBL123)"},
		Refusals: []Refusal{
			{At: at.Add(time.Hour), QueueID: "4bTnR33zvz1", From: "192.0.2.10", Host: "mx1.example.net", Text: "554-mx1.example.net 554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means."},
			{At: at, QueueID: "4bTnR22yvy0", From: "192.0.2.10", Host: "mx2.example.net", Text: "452 Too many recipients received this hour"},
			{At: at, QueueID: "4bTnR22yvy0", From: "192.0.2.10", Host: "mx2.example.net", Text: "452 Too many recipients received this hour"},
		},
		Signature: Signature{Organisation: "Example Hosting", Name: "Kim Lee, postmaster", Contact: "kim@example.com", Phone: "+44 20 7946 0000"},
	}
}

func TestLetters(t *testing.T) {
	bare := Occasion{Finding: checks.Finding{Code: checks.CodeRefused}}
	for name, c := range map[string]struct {
		to string
		o  Occasion
	}{
		"postmaster": {ToPostmaster, occasion(checks.CodeRefused)}, "list": {ToList, occasion(checks.CodeListed)},
		"isp": {ToISP, occasion(checks.CodeListed)}, "isp-refused": {ToISP, occasion(checks.CodeRefused)}, "customer": {ToCustomer, occasion(checks.CodeRefused)},
		"postmaster-bare": {ToPostmaster, bare}, "list-bare": {ToList, bare}, "isp-bare": {ToISP, bare}, "customer-bare": {ToCustomer, bare},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Write(c.to, c.o)
			if err != nil {
				t.Fatal(err)
			}
			got := "To: " + l.To + "\nSubject: " + l.Subject + "\n\n" + l.Body + "\nblanks: " + strings.Join(l.Blanks, ", ") + "\n"
			path := filepath.Join("testdata", "letters", name+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s (-want +got):\n%s", path, d)
			}
			for _, b := range l.Blanks {
				if !strings.Contains(l.To+l.Subject+strings.ReplaceAll(l.Body, "\n", " "), b) {
					t.Errorf("%s is to be filled in and is not in the letter", b)
				}
			}
			for line := range strings.SplitSeq(l.Body, "\n") {
				if utf8.RuneCountInString(line) > letterWidth && !strings.HasPrefix(line, "  ") {
					t.Errorf("line of more than %d: %q", letterWidth, line)
				}
			}
		})
	}
	if _, err := Write("mother", bare); err == nil || !strings.Contains(err.Error(), "postmaster, list, isp or customer") {
		t.Errorf("a letter to nobody: %v", err)
	}
}

// What a customer reads names no address of ours, no login, no refusal.
func TestACustomerIsToldNoSecrets(t *testing.T) {
	l, err := Write(ToCustomer, occasion(checks.CodeRefused))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"192.0.2.10", "Cisco", "reputation", "4bTnR", "SBL"} {
		if strings.Contains(l.Subject+l.Body, secret) {
			t.Errorf("the letter to customers says %q:\n%s", secret, l.Body)
		}
	}
}

func TestHostileTextStaysDataInALetter(t *testing.T) {
	o := occasion(checks.CodeRefused)
	o.Receiver = "evil.example\nBcc: all@example.org"
	o.Finding.Facts[checks.FactVendor] = "Evil\r\nBcc: x@example.org {address} <fill me in>"
	o.Refusals[0].Text, o.Refusals[0].QueueID = "554 no\r\n\r\n-- \nsigned\x1b[31m <kim@example.net> \u202eevil", "Q\nTo: x"
	o.Requests = []string{"list\nBcc: y"}
	for _, to := range []string{ToPostmaster, ToList, ToISP, ToCustomer} {
		l, err := Write(to, o)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(l.To+l.Subject, "\r\n\x1b\u202e") || strings.ContainsAny(l.Body, "\r\x1b\u202e") {
			t.Errorf("%s: %q %q %q", to, l.To, l.Subject, l.Body)
		}
		for line := range strings.SplitSeq(l.Body, "\n") {
			if strings.HasPrefix(line, "Bcc") || strings.HasPrefix(line, "To:") || line == "-- " {
				t.Errorf("%s: a line of somebody else: %q", to, line)
			}
		}
		for _, b := range l.Blanks {
			if b == "<fill me in>" || b == "<kim@example.net>" {
				t.Errorf("%s: %s of somebody else is to be filled in", to, b)
			}
		}
	}
}

func TestLettersAreReadStrictly(t *testing.T) {
	for name, text := range map[string]string{
		"an unknown key":         "[[letter]]\nid = 'x'\nfrom = 'y'",
		"an unknown placeholder": "[[letter]]\nid = 'x'\n[[letter.part]]\ntext = '{nothing}'",
		"an unknown literal":     "[[letter]]\nid = 'x'\n[[letter.part]]\nliteral = 'nothing'",
		"no parts":               "[[letter]]\nid = 'x'",
	} {
		if _, err := readLetters([]byte(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
