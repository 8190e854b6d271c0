package bounce

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"reputed/checks"
)

// Placeholder stands in a drafted rule where a person has to write something. Rules that
// still have it are refused.
const Placeholder = "REPLACE ME"

// longPhrase is from how many bytes on a phrase says enough by itself.
const longPhrase = 30

// Draft is a rule for a wording that no rule knows, as TOML of a rule file. The
// category is what the codes suggest, the example is the wording with made-up names in it, and
// the look-alike is left to a person: [LoadRules] refuses the rule until there is one.
func (w Wording) Draft() string {
	var b strings.Builder
	line := func(key string, values ...string) {
		for i := range values {
			values[i] = quoteTOML(values[i])
		}
		if key == "any" || key == "all" || key == "examples" || key == "not" {
			fmt.Fprintf(&b, "%s = [%s]\n", key, strings.Join(values, ", "))
			return
		}
		fmt.Fprintf(&b, "%s = %s\n", key, values[0])
	}
	b.WriteString("[[rule]]\n")
	line("id", w.draftID())
	category := w.Sample.Judgement.Category
	if !category.known() {
		category = Other
	}
	line("category", string(category))
	if w.Sample.Judgement.Vendor != "" {
		line("vendor", w.Sample.Judgement.Vendor)
	}
	phrases := phrasesOf(w.Shape)
	slices.SortStableFunc(phrases, func(a, b string) int { return len(b) - len(a) })
	if len(phrases) == 0 {
		phrases = []string{Placeholder + " with words of the refusal"}
	}
	line("any", phrases[0])
	if len(phrases) > 1 && len(phrases[0]) < longPhrase && len(phrases[1]) >= 2*gram {
		line("all", phrases[1])
	}
	line("examples", example(w.Shape))
	line("not", Placeholder+": a refusal that looks like this one and means something else")
	return b.String()
}

// draftID is made of the receiver's name and the wording, so that the same wording
// always gets the same.
func (w Wording) draftID() string {
	who := w.Sample.RemoteHost
	if labels := strings.Split(strings.Trim(who, "."), "."); len(labels) > 2 {
		who = strings.Join(labels[len(labels)-2:], ".")
	}
	if len(w.Receivers) > 0 {
		who = cmp.Or(who, w.Receivers[0])
	}
	who = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(who)), "-")
	sum := sha256.Sum256([]byte(wordsOf(w.Shape)))
	return cmp.Or(who[:min(len(who), 40)], "unknown") + "-" + hex.EncodeToString(sum[:3])
}

// phrasesOf are the words of a shape between what is masked, without the codes at its
// beginning; only those that are long enough for a rule.
func phrasesOf(shape string) []string {
	var all []string
	var run []string
	end := func() {
		p := strings.Trim(strings.Join(run, " "), " ,;:.-!()[]<>\"'")
		if len(p) > maxPhrase {
			if at := strings.LastIndexByte(p[:maxPhrase], ' '); at > 0 {
				p = p[:at]
			} else { // a language without blanks
				p = strings.ToValidUTF8(p[:maxPhrase], "")
			}
		}
		if len(p) >= gram && strings.ContainsFunc(p, isLetter) {
			all = append(all, p)
		}
		run = run[:0]
	}
	for i, word := range strings.Fields(shape) {
		if strings.ContainsAny(word, "{}") || i < 3 && codeWord(word) {
			end()
			continue
		}
		run = append(run, word)
	}
	end()
	return all
}

const maxPhrase = 100

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f
}

// codeWord says whether a word is a reply code or an enhanced status code.
func codeWord(w string) bool {
	w = strings.Trim(w, "#[]()<>:;,-")
	return w != "" && strings.Trim(w, "0123456789.") == ""
}

// example is a shape with names in place of the masks. None of them is in the documentation ranges that
// stand for our own addresses in examples, as it is not known whose address stood there.
func example(shape string) string {
	return strings.NewReplacer("{mail}", "kim@example.net", "{ip}", "198.51.100.7", "{host}", "mx.example.net",
		"{url}", "https://www.example.net/", "{n}", "1234567").Replace(shape)
}

// quoteTOML is a basic string of TOML, of one clean line.
func quoteTOML(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(checks.Line(s, 0)) + `"`
}
