package probes

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMailExchangersOfAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		records []string
		want    []MX
		null    bool
	}{
		"by preference, then by name, in lower case":  {[]string{"20 b.example.org.", "5 Mx1.Example.ORG.", "20 a.example.org."}, []MX{{5, "mx1.example.org"}, {20, "a.example.org"}, {20, "b.example.org"}}, false},
		"the null MX is none":                         {[]string{"0 ."}, nil, true},
		"a root beside others is passed over":         {[]string{"0 .", "10 mx1.example.org."}, []MX{{10, "mx1.example.org"}}, false},
		"what is no preference and name, passed over": {[]string{"mx1.example.org.", "70000 a.example.org.", "-1 b.example.org.", "10 ", "10 c\\032d.example.org.", "10 \x1b[2Je.example.org.", "10 f g.example.org."}, nil, false},
		"an address in place of a name is kept":       {[]string{"10 192.0.2.25."}, []MX{{10, "192.0.2.25"}}, false},
		"no records":                                  {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := Answer{RCode: "NOERROR"}
			for _, text := range c.records {
				a.Records = append(a.Records, Record{Text: text})
			}
			if d := cmp.Diff(c.want, a.MX()); d != "" || a.NullMX() != c.null {
				t.Errorf("null %v; -want +got:\n%s", a.NullMX(), d)
			}
		})
	}
}
