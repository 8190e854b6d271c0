package config

import (
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// crash ends the process while the secret is at hand in every way that the program has it.
//
//go:noinline
func crash(cfg Config, mailbox *Mailbox, s Secret, revealed string, octets []byte, how string) {
	if how == "value" {
		panic(s)
	}
	if how == "struct" {
		panic(cfg)
	}
	var nothing map[string]string
	nothing[revealed+string(octets)+mailbox.User] = cfg.Path //lint:ignore SA5000 the panic is what the test wants
}

// What the runtime writes when the process dies goes past every log: where it was, and of what it was called with no more
// than addresses and numbers.
func TestATraceHoldsNoSecret(t *testing.T) {
	if how := os.Getenv("REPUTED_TEST_CRASH"); how != "" {
		cfg, err := Parse([]byte("[[mailbox]]\nserver = \"imap.example.org\"\nuser = \"u\"\npassword = \"env:CANARY\"\n"), "a.toml", LoadOptions{Secrets: Resolve, Env: os.LookupEnv})
		if err != nil {
			t.Fatal(err)
		}
		m := &cfg.Mailboxes[0]
		done := make(chan bool)
		go func() {
			defer close(done)
			crash(*cfg, m, m.Password, m.Password.Reveal(), []byte(m.Password.Reveal()), how)
		}()
		<-done
		return
	}
	for _, how := range []string{"runtime", "value", "struct"} {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestATraceHoldsNoSecret$") // #nosec G204 -- this very test
		c.Env = append(os.Environ(), "REPUTED_TEST_CRASH="+how, "CANARY="+canary, "GOTRACEBACK=all")
		out, err := c.CombinedOutput()
		text := string(out)
		if err == nil || !strings.Contains(text, "config.crash(") {
			t.Fatalf("%s: it did not crash: %v\n%s", how, err, text)
		}
		for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), hex.EncodeToString([]byte(canary[:8]))} {
			if strings.Contains(text, form) {
				t.Errorf("%s: the secret is in the trace:\n%s", how, text)
			}
		}
	}
}
