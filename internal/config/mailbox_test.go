package config

import (
	"slices"
	"testing"
)

func TestFoldersAndTheirKeys(t *testing.T) {
	for name, c := range map[string]struct {
		mailbox Mailbox
		folders []string
		keys    []string
	}{
		"the default":                    {Mailbox{Name: "bounces", Folder: "INBOX"}, []string{"INBOX"}, []string{"bounces"}},
		"INBOX in any case":              {Mailbox{Name: "bounces", Folder: "Inbox"}, []string{"INBOX"}, []string{"bounces"}},
		"another folder":                 {Mailbox{Name: "bounces", Folder: "Junk"}, []string{"Junk"}, []string{"bounces/Junk"}},
		"folders in the place of folder": {Mailbox{Name: "b", Folder: "INBOX", Folders: []string{"Junk", "inbox"}}, []string{"Junk", "INBOX"}, []string{"b/Junk", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			var keys []string
			for _, folder := range c.mailbox.Reads() {
				keys = append(keys, c.mailbox.Key(folder))
			}
			if got := c.mailbox.Reads(); !slices.Equal(got, c.folders) || !slices.Equal(keys, c.keys) {
				t.Errorf("reads %q under %q, want %q under %q", got, keys, c.folders, c.keys)
			}
		})
	}
}

func TestAfterIsRead(t *testing.T) {
	const head = "[[mailbox]]\nserver = \"imap.example.org\"\nuser = \"u\"\npassword = \"env:PASSWORD\"\n"
	for _, good := range []string{"keep", "seen", "delete", "keyword:$Reputed", "move:Rückläufer/2026"} {
		cfg, err := Parse([]byte(head+"after = \""+good+"\"\n"), "a.toml", LoadOptions{Env: env("PASSWORD", "p")})
		if err != nil || cfg.Mailboxes[0].After != good {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestOAuthInPlaceOfAPassword(t *testing.T) {
	const text = `
[[mailbox]]
server = "outlook.office365.com"
user = "bounces@example.org"
[mailbox.oauth]
provider = "microsoft"
tenant = "example.org"
client_id = "reputed"
client_secret = "env:CLIENT"
[[mailbox]]
name = "google"
server = "imap.gmail.com"
user = "bounces@example.org"
oauth = { provider = "google", service_account = "env:KEY" }
`
	cfg, err := Parse([]byte(text), "a.toml", LoadOptions{Env: env("CLIENT", "c", "KEY", "{}")})
	if err != nil || !cfg.Mailboxes[0].OAuth.Given() || cfg.Mailboxes[1].OAuth.ServiceAccount.Reveal() != "{}" {
		t.Fatalf("%v: %+v", err, cfg)
	}
	again, err := Parse([]byte(cfg.Show()), "b.toml", LoadOptions{Env: env("CLIENT", "c", "KEY", "{}")})
	if err != nil || again.Show() != cfg.Show() {
		t.Errorf("what is shown does not read back: %v\n%s", err, cfg.Show())
	}
}
