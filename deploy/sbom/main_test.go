package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentOfABuild holds the form to CycloneDX. That every module of the binary is in it is held by .ci/run.
func TestDocumentOfABuild(t *testing.T) {
	sum := sha256.Sum256([]byte("x"))
	info := &debug.BuildInfo{GoVersion: "go1.26.1 X:somexperiment", Main: debug.Module{Path: "reputed", Version: "(devel)"}, Deps: []*debug.Module{
		{Path: "example.org/b", Version: "v2.0.0+incompatible", Sum: "h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
		{Path: "example.org/Gone", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/a", Version: "v1.0.1"}},
	}}
	d, err := describe(info, "1.2.3", sum, time.Unix(0, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	main := component{Type: "application", Ref: "pkg:golang/reputed@1.2.3", Name: "reputed", Version: "1.2.3", PURL: "pkg:golang/reputed@1.2.3",
		Hashes: []hash{{"SHA-256", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}}
	want := document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Serial:   "urn:uuid:2d711642-b726-8044-8162-7ca9fbac32f5",
		Metadata: metadata{Timestamp: "1970-01-01T00:00:00Z", Component: main},
		Components: []component{
			{Type: "library", Ref: "pkg:golang/example.org/a@v1.0.1", Name: "example.org/a", Version: "v1.0.1", PURL: "pkg:golang/example.org/a@v1.0.1"},
			{Type: "library", Ref: "pkg:golang/example.org/b@v2.0.0%2Bincompatible", Name: "example.org/b", Version: "v2.0.0+incompatible", PURL: "pkg:golang/example.org/b@v2.0.0%2Bincompatible",
				Hashes: []hash{{"SHA-256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}}},
			{Type: "library", Ref: "pkg:golang/std@1.26.1", Name: "std", Version: "1.26.1", PURL: "pkg:golang/std@1.26.1"},
		},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	info.Deps[0].Sum = "h1:?"
	if _, err := describe(info, "", sum, time.Time{}); err == nil {
		t.Error("a sum that is none is taken")
	}
}

// The binary of this test is one, too.
func TestSameBinarySameDocument(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := write(b, self, "1.0.0", "0"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) || !json.Valid(first.Bytes()) || !strings.Contains(first.String(), "pkg:golang/std@") {
		t.Errorf("two documents of one binary:\n%s\n%s", &first, &second)
	}
	if err := write(&first, self, "", "yesterday"); err == nil {
		t.Error("SOURCE_DATE_EPOCH=yesterday is taken")
	}
	if err := write(&first, "main_test.go", "", ""); err == nil {
		t.Error("a text is taken for a binary")
	}
}
