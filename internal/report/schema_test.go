package report

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestJSONFieldNamesAreKept holds the promise of docs/json.md: no field is renamed
// or lost without somebody noticing, and each is written down.
func TestJSONFieldNamesAreKept(t *testing.T) {
	var paths []string
	for name, v := range map[string]any{
		"check.results[]": resultJSON{}, "check.lists[]": listTallyJSON{}, "check.notes[]": noteJSON{}, "check.neighbours[]": neighboursJSON{}, "check.summary": checkSummaryJSON{},
		"status": statusJSON{}, "findings": findingsJSON{}, "targets": targetsJSON{}, "target-show": targetShowJSON{}, "refused-mail": refusedMailJSON{}, "receivers": receiversJSON{}, "incident-after": incidentDoneJSON{}, "history": historyJSON{}, "report": periodJSON{}, "share-list.links[]": linkJSON{}, "explain-pair": pairJSON{}, "incident-show": incidentShowJSON{}, "letters": lettersJSON{}, "changes": changesJSON{}, "explain": explanationJSON{}, "replay": policyReplayJSON{}, "bounce.mails[]": mailJSON{}, "bounce.summary": bouncesSummaryJSON{}, "bounce-unknown": unknownJSON{}, "bounce-replay": replayJSON{},
		"lists.lists[]": listJSON{}, "knock.knocks[]": knockJSON{}, "relay.servers[]": ownServerJSON{}, "reputation.ratings[]": ratingJSON{}, "lists-show.list": unaskedJSON{}, "lists-test.lists[]": listTestJSON{},
		"identity": identityJSON{},
	} {
		paths = append(paths, fieldPaths(name, reflect.TypeOf(v))...)
	}
	slices.Sort(paths)
	golden(t, "schema.txt", []byte(strings.Join(paths, "\n")+"\n"))

	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		field := p[strings.LastIndexByte(p, '.')+1:]
		if !bytes.Contains(doc, []byte("`"+strings.TrimSuffix(field, "[]")+"`")) {
			t.Errorf("docs/json.md does not explain %s", p)
		}
	}
}

func fieldPaths(prefix string, typ reflect.Type) []string {
	switch typ.Kind() {
	case reflect.Pointer:
		return fieldPaths(prefix, typ.Elem())
	case reflect.Slice:
		return fieldPaths(prefix+"[]", typ.Elem())
	case reflect.Struct:
		var paths []string
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Anonymous {
				paths = append(paths, fieldPaths(prefix, f.Type)...)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			paths = append(paths, fieldPaths(prefix+"."+name, f.Type)...)
		}
		return paths
	}
	return []string{prefix}
}
