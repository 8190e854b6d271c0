package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// To a mail server every failure is "try again".
func TestDeliverAsksToBeTriedAgain(t *testing.T) {
	dir := t.TempDir()
	bad, empty, file := filepath.Join(dir, "bad.toml"), filepath.Join(dir, "empty.toml"), filepath.Join(dir, "file")
	for path, text := range map[string]string{bad: "[bounces\n", file: "", empty: ""} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"bounce --deliver --config " + bad:                     "bad.toml:1",
		"bounce --deliver --config " + dir + "/none.toml":      "none.toml",
		"bounce --deliver --queue " + file + "/below":          "not delivered",
		"bounce --deliver --queue " + dir + "/mistyped":        "there is no queue",
		"bounce --deliver --unknown":                           "unknown flag",
		"bounce --deliver mail.eml --queue " + dir:             "takes no arguments",
		"bounce --deliver --config " + empty:                   "set queue in [bounces]",
		"bounce --deliver=true --queue " + dir + " --format x": "choose text",
	} {
		var errs bytes.Buffer
		a := &app{stdin: strings.NewReader("Subject: x\n\n"), stdout: &errs, stderr: &errs}
		if code := a.main(t.Context(), strings.Fields(line)); code != exitTempFail || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit code %d, %s", line, code, &errs)
		}
	}
}
