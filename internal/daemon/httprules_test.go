package daemon

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/internal/config"
	"reputed/internal/wiring"
)

// The proxy of [http] is asked by whoever speaks HTTP: here is that each is handed the rules; that they are kept is
// tested where they are.
func TestEverybodyGoesByTheRulesOfHTTP(t *testing.T) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked []string
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					mu.Lock()
					asked = append(asked, r.Method+" "+r.Host)
					mu.Unlock()
				}
				fmt.Fprint(conn, "HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")
			})
		}
	})
	t.Cleanup(func() { _ = proxy.Close(); serving.Wait() })
	secrets := map[string]string{"SECRET": "https://secret.example/abcdefgh", "TOKEN": "xoxb-0000000000-canary", "KEY": "0123456789abcdef0123456789abcdef"}
	cfg, err := config.Parse([]byte(fmt.Sprintf(`
[http]
proxy = "http://%s"
[[slack]]
webhook = "env:SECRET"
[[slack]]
name = "bot"
token = "env:TOKEN"
channel = "#x"
api_url = "https://slack.example/api/"
[[webhook]]
url = "env:SECRET"
[[pagerduty]]
routing_key = "env:KEY"
api_url = "https://pagerduty.example"
[[alertmanager]]
url = "https://alertmanager.example"
[[mattermost]]
webhook = "env:SECRET"
[[teams]]
webhook = "env:SECRET"
[heartbeat]
url = "env:SECRET"
[[reputation.snds]]
key = "env:KEY"
url = "https://snds.example/"
`, proxy.Addr())), "a.toml", config.LoadOptions{Secrets: config.Resolve, Env: func(name string) (string, bool) { s, ok := secrets[name]; return s, ok }})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	channels, err := wiring.Channels(cfg, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	heart, err := wiring.Heart(cfg)
	if err != nil {
		t.Fatal(err)
	}
	raters, err := newRaters(cfg, nil, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]func() error{
		"heartbeat": func() error { _, err := heart.Reach(t.Context()); return err },
		"snds": func() error {
			_, err := raters.programmes[0].read(t.Context(), &Daemon{log: log}, time.Now())
			return err
		},
		"mta-sts": func() error {
			_, err := wiring.Identity(cfg, nil, true).Fetch(t.Context(), "https://mta-sts.example.org/.well-known/mta-sts.txt")
			return err
		},
	}
	for name, n := range channels {
		reacher, ok := n.(alerts.Reacher)
		if !ok {
			t.Fatalf("%s cannot be reached without telling it something", name)
		}
		ways["channel "+name] = func() error { _, err := reacher.Reach(t.Context()); return err }
	}
	if len(ways) != 10 {
		t.Errorf("%d are tried", len(ways))
	}
	for name, try := range ways {
		mu.Lock()
		asked = nil
		mu.Unlock()
		err := try()
		mu.Lock()
		if err == nil || len(asked) != 1 || !slices.ContainsFunc([]string{"secret", "slack", "pagerduty", "alertmanager", "snds", "mta-sts"}, func(s string) bool {
			return asked[0] == "CONNECT "+s+".example:443" || asked[0] == "CONNECT "+s+".example.org:443"
		}) {
			t.Errorf("%s: the proxy was asked %q: %v", name, asked, err)
		}
		mu.Unlock()
	}
}
