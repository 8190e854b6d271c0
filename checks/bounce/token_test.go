package bounce

import (
	"regexp"
	"strings"
	"testing"
)

func TestReturnPathsWithATokenProve(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	pattern := regexp.MustCompile(`^bounce-(?P<data>[^@]+)-(?P<token>[0-9A-Fa-f]+)@example\.org$`)
	token := Token(key, "kim=example.net")
	// printf %s 'kim=example.net' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
	if want := "850e72eeac79445d9e57a52856acdf751bd659f7cab6a4f1125ef3e2d08f339d"; token != want {
		t.Errorf("token %s, want %s", token, want)
	}
	for name, c := range map[string]struct {
		to   string
		key  []byte
		verp *regexp.Regexp
		want bool
	}{
		"whole token":                 {"bounce-kim=example.net-" + token + "@example.org", key, pattern, true},
		"its first 16 digits":         {"bounce-kim=example.net-" + token[:16] + "@example.org", key, pattern, true},
		"another case":                {"bounce-Kim=Example.net-" + strings.ToUpper(token[:20]) + "@example.org", key, pattern, true},
		"too short to prove anything": {"bounce-kim=example.net-" + token[:15] + "@example.org", key, pattern, false},
		"longer than there is":        {"bounce-kim=example.net-" + token + "00@example.org", key, pattern, false},
		"a token of other data":       {"bounce-lee=example.net-" + token + "@example.org", key, pattern, false},
		"made with another key":       {"bounce-kim=example.net-" + Token([]byte("x"), "kim=example.net") + "@example.org", key, pattern, false},
		"another domain":              {"bounce-kim=example.net-" + token + "@example.com", key, pattern, false},
		"a pattern without groups":    {"bounce-1@example.org", key, regexp.MustCompile(`^bounce-[0-9]@example\.org$`), false},
		"without a key the pattern":   {"bounce-1@example.org", nil, regexp.MustCompile(`^bounce-[0-9]@example\.org$`), true},
		"without a pattern nothing":   {"bounce-1@example.org", key, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := Prove(Report{Trace: Trace{To: []string{"postmaster@example.org", c.to}}}, Ours{VERP: c.verp, VERPKey: c.key})
			if (got.Kind == ByVERP) != c.want {
				t.Errorf("%s: proof %q, want %v", c.to, got.Kind, c.want)
			}
		})
	}
}
