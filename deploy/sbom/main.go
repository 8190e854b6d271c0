// Sbom prints what a Go binary is made of, as CycloneDX 1.6 in JSON: what scanners for known vulnerabilities read.
//
//	go run ./deploy/sbom [-version VERSION] BINARY
//
// It is what the linker wrote into the binary: each module that code was taken from, with its version and the hash
// that go.sum has, and the standard library. Modules that only tests use are not in it. The same binary gives the
// same document; SOURCE_DATE_EPOCH gives it a time.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	version := flag.String("version", "", "version of the program, where the binary does not say")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: sbom [-version VERSION] BINARY")
		os.Exit(64)
	}
	if err := write(os.Stdout, flag.Arg(0), *version, os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, file, version, epoch string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return err
	}
	var made time.Time
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH %q: want seconds since 1970", epoch)
		}
		made = time.Unix(seconds, 0).UTC()
	}
	d, err := describe(info, version, sha256.Sum256(data), made)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// The fields of CycloneDX that are used here; ECMA-424.
type document struct {
	Schema     string      `json:"$schema"`
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Serial     string      `json:"serialNumber"`
	Version    int         `json:"version"` // of the document
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp,omitempty"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// describe is the document of a binary with this sum.
func describe(info *debug.BuildInfo, version string, sum [sha256.Size]byte, made time.Time) (document, error) {
	if version == "" {
		version = info.Main.Version
	}
	main := component{Type: "application", Name: info.Main.Path, Version: version, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}}
	main.PURL = purl(main.Name, version)
	main.Ref = main.PURL
	d := document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Serial: "urn:uuid:" + uuid(sum), Metadata: metadata{Component: main},
	}
	if !made.IsZero() {
		d.Metadata.Timestamp = made.Format(time.RFC3339)
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: purl(m.Path, m.Version)}
		c.Ref = c.PURL
		// "h1:" is SHA-256 over the names and sums of all files of the module (golang.org/x/mod/sumdb/dirhash).
		if b64, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
			raw, err := base64.StdEncoding.DecodeString(b64)
			if err != nil {
				return d, fmt.Errorf("module %s: sum %q is none", m.Path, m.Sum)
			}
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
		}
		d.Components = append(d.Components, c)
	}
	// What Go itself brings. Scanners know it as std, without the "go" of its version.
	number, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	std := component{Type: "library", Name: "std", Version: number, PURL: purl("std", number)}
	std.Ref = std.PURL
	d.Components = append(d.Components, std)
	slices.SortFunc(d.Components, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	return d, nil
}

// purl is the package URL of a module (the type golang of the purl specification).
func purl(path, version string) string {
	return "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// uuid is one that stands for the binary (RFC 9562 section 5.8, version 8).
func uuid(sum [sha256.Size]byte) string {
	b := [16]byte(sum[:16])
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
