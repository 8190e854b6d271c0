package report

import (
	"strings"
	"testing"
)

func TestParagraphFitsAndCannotBeForged(t *testing.T) {
	long := "#1 acknowledged by kim: Cisco Talos: 1 mail from 192.0.2.10 refused for its reputation\x1b[31m\n#2 forged"
	got := Term{Width: 40}.Paragraph(long)
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	for _, l := range lines {
		if len([]rune(l)) > 40 || strings.HasPrefix(l, "#2") || strings.ContainsRune(l, '\x1b') {
			t.Errorf("line %q", l)
		}
	}
	if len(lines) < 2 {
		t.Errorf("not wrapped: %q", got)
	}
	if piped := (Term{}).Paragraph("one two"); piped != "one two\n" {
		t.Errorf("piped: %q", piped)
	}
}
