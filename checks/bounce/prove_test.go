package bounce

import (
	"net/netip"
	"regexp"
	"testing"

	"reputed/checks"
)

func testOurs(t *testing.T, words ...string) Ours {
	t.Helper()
	ts, err := checks.ParseTargets(words...)
	if err != nil {
		t.Fatal(err)
	}
	return Ours{
		Targets:          ts,
		Hosts:            map[string]netip.Addr{"mx1.example.org": netip.MustParseAddr("192.0.2.10"), "imap.example.org": netip.MustParseAddr("192.0.2.20"), "relay.example.org": {}},
		MessageIDDomains: []string{"mx1.example.org"},
		VERP:             regexp.MustCompile(`^bounce\+[0-9a-f]{16}@example\.org$`),
	}
}

func TestProve(t *testing.T) {
	ours := testOurs(t, "192.0.2.10", "192.0.2.11")
	own := "by mx1.example.org (Postfix) id 4F1C23A1; Sun, 22 Nov 2026 11:38:53 +0000 (UTC)"
	hop := "from mx1.example.org (mx1.example.org [192.0.2.10]) by imap.example.org with LMTP id x; Sun, 22 Nov 2026 11:38:54 +0000"
	for name, c := range map[string]struct {
		trace Trace
		id    string
		want  ProofKind
	}{
		"written here":                                {Trace{Received: []string{own}}, "", ByOwnMTA},
		"written here and carried on":                 {Trace{Received: []string{hop, own}}, "", ByOwnMTA},
		"by way of loopback":                          {Trace{Received: []string{"from localhost (localhost [127.0.0.1]) by imap.example.org with ESMTP id x", hop, own}}, "", ByOwnMTA},
		"Exim's local form":                           {Trace{Received: []string{"from mail by mx1.example.org with local (Exim 4.96) id 1xV5u6-0000Bb-1I for news@example.org; Sun, 22 Nov 2026 11:38:53 +0000"}}, "", ByOwnMTA},
		"Sendmail's local form":                       {Trace{Received: []string{"from localhost (localhost) by mx1.example.org (8.17.1/8.17.1) id 6AMBf9jg001383; Sun, 22 Nov 2026 11:38:53 GMT"}}, "", ByOwnMTA},
		"OpenSMTPD's local form":                      {Trace{Received: []string{"from localhost (mx1.example.org [local]) by mx1.example.org (OpenSMTPD) with ESMTPA id 1; Sun, 22 Nov 2026"}}, "", ByOwnMTA},
		"from outside, with our fields forged below":  {Trace{Received: []string{"from mail.example.com (mail.example.com [203.0.113.5]) by mx1.example.org with ESMTP id x", own}}, "", NoProof},
		"a host that calls itself by our name":        {Trace{Received: []string{"from mx1.example.org (unknown [203.0.113.5]) by mx1.example.org with ESMTP id x", own}}, "", NoProof},
		"a literal of ours as greeting name":          {Trace{Received: []string{"from [192.0.2.10] (unknown [203.0.113.5]) by mx1.example.org with ESMTP id x", own}}, "", NoProof},
		"a greeting name that holds a by":             {Trace{Received: []string{"from x by mx1.example.org (unknown) by mx.example.com with ESMTP id x"}}, "", NoProof},
		"a hop without an address":                    {Trace{Received: []string{"from mail.example.com by mx1.example.org with ESMTP id x", own}}, "", NoProof},
		"a host that is not ours":                     {Trace{Received: []string{"by mx.example.com (Postfix) id 1", own}}, "", NoProof},
		"only this machine, unnamed":                  {Trace{Received: []string{"by localhost (Postfix) id 1"}}, "", NoProof},
		"no way at all":                               {Trace{}, "", NoProof},
		"sent to a token of ours":                     {Trace{To: []string{"bounce+0123456789abcdef@example.org"}}, "", ByVERP},
		"sent to something like it":                   {Trace{To: []string{"bounce+1@example.org"}}, "", NoProof},
		"it returns a mail of ours":                   {Trace{}, "20261122113840.D31A032F@mx1.example.org", ByMessageID},
		"it returns somebody else's":                  {Trace{}, "x@mx1.example.org.example.com", NoProof},
		"Sendmail's version is not an address":        {Trace{Received: []string{"from localhost (localhost [127.0.0.1]) by mx1.example.org (8.17.1.9/8.17.1) with ESMTP id x"}}, "", ByOwnMTA},
		"IPv6 loopback with its tag":                  {Trace{Received: []string{"from localhost (localhost [IPv6:::1]) by mx1.example.org with ESMTP id x"}}, "", ByOwnMTA},
		"an address of ours that has no host":         {Trace{Received: []string{"from out2 (out2 [192.0.2.11]) by imap.example.org with ESMTP id x"}}, "", ByOwnMTA},
		"a private address is foreign unless it's us": {Trace{Received: []string{"from pc (pc [10.1.2.3]) by mx1.example.org with ESMTP id x"}}, "", NoProof},
	} {
		t.Run(name, func(t *testing.T) {
			got := Prove(Report{Trace: c.trace, Bounces: []Bounce{{MessageID: c.id}}}, ours)
			if got.Kind != c.want {
				t.Errorf("got %+v, want %q", got, c.want)
			}
			if got.Proved() != (c.want != NoProof) || got.Proved() && got.Detail == "" {
				t.Errorf("proof without a detail: %+v", got)
			}
		})
	}
	if p := Prove(Report{Trace: Trace{Received: []string{own}}}, Ours{}); p.Proved() {
		t.Errorf("without configuration nothing is proved: %+v", p)
	}
}

func TestFixturesAreProvedByTheirWay(t *testing.T) {
	ours := testOurs(t, "192.0.2.10")
	ours.VERP, ours.MessageIDDomains = nil, nil
	for name, want := range map[string]ProofKind{"postfix-greeting.eml": ByOwnMTA, "auto-reply.eml": NoProof, "ordinary.eml": NoProof, "arf-abuse.eml": NoProof} {
		if got := Prove(Parse(seeds(t)[name], ParseOptions{}), ours); got.Kind != want {
			t.Errorf("%s: %+v, want %q", name, got, want)
		}
	}
}

func TestAttribute(t *testing.T) {
	two, one := testOurs(t, "192.0.2.10", "192.0.2.11", "example.org"), testOurs(t, "192.0.2.10", "example.org")
	named := Judgement{Category: Blocklist, Address: netip.MustParseAddr("192.0.2.11")}
	foreign := Judgement{Category: Blocklist, Address: netip.MustParseAddr("203.0.113.9")}
	for name, c := range map[string]struct {
		ours Ours
		b    Bounce
		want string
	}{
		"the address named":                       {two, Bounce{Judgement: named, ReportingHost: "mx1.example.org"}, "192.0.2.11"},
		"a foreign address does not count":        {two, Bounce{Judgement: foreign, ReportingHost: "MX1.example.org"}, "192.0.2.10"},
		"the reporting host's":                    {two, Bounce{ReportingHost: "mx1.example.org"}, "192.0.2.10"},
		"a host of several addresses says none":   {two, Bounce{ReportingHost: "relay.example.org", Sender: "lists.example.org"}, "example.org"},
		"the only one":                            {one, Bounce{ReportingHost: "other.example.com"}, "192.0.2.10"},
		"the sender's domain":                     {two, Bounce{Sender: "example.org"}, "example.org"},
		"a domain's refusal is the domain's":      {one, Bounce{Judgement: Judgement{Category: DomainReputation}, Sender: "example.org", ReportingHost: "mx1.example.org"}, "example.org"},
		"the receiver when nothing of ours is in": {two, Bounce{Domain: "example.net", Sender: "example.com"}, "receiver:example.net"},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.b
			if got := Attribute(&b, c.ours).ID(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	b := Bounce{Judgement: named}
	if Attribute(&b, two); b.Source != named.Address {
		t.Errorf("Source %v, want %v", b.Source, named.Address)
	}
}

func TestMask(t *testing.T) {
	key := []byte("k")
	d1, h1 := Mask("Kim@Example.NET", key)
	d2, h2 := Mask("Kim@example.net.", key)
	if d1 != "example.net" || d1 != d2 || h1 != h2 || len(h1) != 32 {
		t.Errorf("the domain is folded: %s %s, %s %s", d1, h1, d2, h2)
	}
	if _, h := Mask("kim@example.net", key); h == h1 {
		t.Error("the local part is not folded (RFC 5321 section 2.4)")
	}
	if _, h := Mask("Kim@example.net", []byte("other")); h == h1 {
		t.Error("the key makes no difference")
	}
	if d, h := Mask("", key); d != "" || h != "" {
		t.Errorf("nothing masks to %q %q", d, h)
	}
	for in, want := range map[string]string{
		"550 <kim@example.net>: unknown":       "550 <…@example.net>: unknown",
		"to=kim@example.net,joe@example.com.":  "to=…@example.net,…@example.com.",
		"no address here":                      "no address here",
		"@ alone, and kim@ alone":              "@ alone, and kim@ alone",
		"mailto:kim.o'neil+x@example.net":      "mailto:…@example.net",
		"jörg@example.net und jörg@example.de": "…@example.net und …@example.de",
	} {
		if got := MaskText(in); got != want {
			t.Errorf("MaskText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSends(t *testing.T) {
	ours := testOurs(t, "192.0.2.10", "example.org")
	for name, c := range map[string]struct {
		sender, receiver string
		want             bool
	}{
		"from us to somebody else":          {"example.org", "example.net", true},
		"from a name below":                 {"news.example.org", "example.net", true},
		"from a domain of our Message-IDs":  {"mx1.example.org", "example.net", true},
		"passed on for somebody else":       {"example.com", "example.net", false},
		"comes in":                          {"example.net", "example.org", false},
		"comes in with our name":            {"example.org", "example.org", false},
		"nobody says from whom (a bounce)":  {"", "example.net", false},
		"nobody says to whom":               {"example.org", "", false},
		"a name that only looks like ours":  {"notexample.org", "example.net", false},
		"goes to a name of ours that sends": {"example.org", "mx2.example.org", false},
	} {
		if got := ours.Sends(c.sender, c.receiver); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
