package webhook

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reputed/alerts"
	"reputed/alerts/alertstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	secret = "whsec-abcdefghijklmnop"
	token  = "tok-qrstuvwxyz0123"
	path   = "/in/0123456789abcdef"
)

func incident(n alerts.Notification) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"id": n.Incident.ID})
}

func notifier(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := New(Options{Name: "own", URL: url + path, Secret: secret, Token: token, Incident: incident, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTroubles(t *testing.T) {
	alertstest.Troubles(t, func(url string) error { return notifier(t, url).Notify(t.Context(), alertstest.Opened()) }, secret, token, path)
}

func TestWhatIsPostedIsSigned(t *testing.T) {
	s := alertstest.NewServer(t, alertstest.Say(204, ""))
	if err := notifier(t, s.URL).Notify(t.Context(), alertstest.Opened()); err != nil {
		t.Fatal(err)
	}
	r := s.Requests()[0]
	if err := Verify([]byte(secret), r.Body, r.Header.Get(SignatureHeader), time.Now()); err != nil {
		t.Error(err)
	}
	if r.Method != "POST" || r.Path != path || r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", r.Method, r.Path, r.Header)
	}
}

func TestVerify(t *testing.T) {
	body, now := []byte(`{"schema":1}`), time.Unix(1764063600, 0)
	good := Sign([]byte(secret), body, now)
	// A vector that other languages can be held to; it stands in docs/alerts.md.
	if want := "t=1764063600,v1=0f80d43eb1cb5ab49a004739bb941d6fb90cf5efd4dcf20853b2cc57bfa65bb5"; good != want {
		t.Errorf("signature %q, want %q", good, want)
	}
	for name, c := range map[string]struct {
		secret, body, header string
		at                   time.Time
		want                 error
	}{
		"as sent":                       {secret, string(body), good, now, nil},
		"after some minutes":            {secret, string(body), good, now.Add(4 * time.Minute), nil},
		"a clock behind":                {secret, string(body), good, now.Add(-4 * time.Minute), nil},
		"replayed":                      {secret, string(body), good, now.Add(6 * time.Minute), ErrTooOld},
		"from the future":               {secret, string(body), good, now.Add(-6 * time.Minute), ErrTooOld},
		"another body":                  {secret, string(body) + " ", good, now, ErrSignature},
		"another secret":                {"x", string(body), good, now, ErrSignature},
		"another time":                  {secret, string(body), strings.Replace(good, "t=1764063600", "t=1764063601", 1), now, ErrSignature},
		"no header":                     {secret, string(body), "", now, ErrSignature},
		"no time":                       {secret, string(body), good[strings.Index(good, "v1"):], now, ErrSignature},
		"cut":                           {secret, string(body), good[:len(good)-2], now, ErrSignature},
		"one of two, as a secret rolls": {secret, string(body), strings.Replace(good, "v1=", "v1=00,v1=", 1), now, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Verify([]byte(c.secret), []byte(c.body), c.header, c.at); !errors.Is(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("t=1764063600,v1=00", []byte("{}"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if Verify([]byte(secret), body, header, time.Unix(1764063600, 0)) == nil {
			t.Errorf("%q is taken for a signature", header)
		}
	})
}

func TestGolden(t *testing.T) {
	for name, n := range alertstest.Variants() {
		raw, err := incident(n)
		if err != nil {
			t.Fatal(err)
		}
		if n.Digest != nil {
			raw = json.RawMessage("null")
		}
		got, err := json.MarshalIndent(documentOf(n, raw), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		alertstest.Golden(t, *update, name+".json", string(got)+"\n")
	}
}

// The names of the fields are a promise: each is explained, and none goes unnoticed.
func TestFieldsAreExplained(t *testing.T) {
	doc, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range reflect.TypeFor[document]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[document]().Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/alerts.md does not explain %s", name)
		}
	}
	if want := "schema id thread kind at rehearsal title text command targets incident digest report"; strings.Join(names, " ") != want {
		t.Errorf("fields %v, want %s", names, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"nothing":      {Incident: incident},
		"in the clear": {URL: "http://hooks.example.com" + path, Incident: incident},
		"no incident":  {URL: "https://hooks.example.com" + path},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
