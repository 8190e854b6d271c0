package identity

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPublishedIsWhatTheDNSSaysInAStableOrder(t *testing.T) {
	change := map[string][]string{"example.org": {spfTXT("mx -all"), "MX 20 mx2.example.org.", "MX 10 MX1.example.org."}, "_mta-sts.example.org": nil}
	_, published := ruling{change: change}.look(t, Check{}, "192.0.2.10")
	got := map[string]string{}
	for _, p := range published {
		got[p.Target.ID()+" "+p.What] = p.Value
	}
	key := got["example.org DKIM s1"]
	if !strings.HasPrefix(key, "RSA, 2048 bits (") || len(key) != len("RSA, 2048 bits (01234567)") {
		t.Errorf("key: %q", key)
	}
	delete(got, "example.org DKIM s1")
	want := map[string]string{
		"192.0.2.10 PTR": "mx1.example.org", "192.0.2.10 HELO mx1.example.org": "192.0.2.10",
		"example.org SPF": "v=spf1 mx -all", "example.org DMARC": "v=DMARC1; p=reject; rua=mailto:dmarc@example.org", "example.org MX": "10 mx1.example.org, 20 mx2.example.org",
		"example.org MTA-STS": "", "example.org TLS-RPT": "v=TLSRPTv1; rua=mailto:tls@example.org",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
