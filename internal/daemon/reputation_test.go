package daemon

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/config"
	"reputed/internal/lab"
	"reputed/internal/report"
	"reputed/internal/view"
	"reputed/probes/probestest"
)

// raterRig is a daemon over the lab that asks Sender Score and SNDS.
func raterRig(t *testing.T) (*rig, *probestest.Programmes) {
	t.Helper()
	programmes := probestest.StartProgrammes("k3y", nil)
	t.Cleanup(programmes.Close)
	r := newRigWith(t, func(cfg *config.Config, world *lab.World) {
		world.Lists.AddZone(probestest.Zone{Name: "score.senderscore.com", NoControls: true})
		cfg.Reputation.Scores = nil
		catalog, err := blocklists.BuiltinCatalog()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range catalog.Scores {
			if s.ID == "senderscore" {
				cfg.Reputation.Scores = append(cfg.Reputation.Scores, s)
			}
		}
		cfg.Reputation.SNDS = []config.SNDS{{Name: "snds", Key: config.NewSecret("k3y"), URL: programmes.URL() + "/snds/"}}
	})
	return r, programmes
}

// member is the member of an open incident that tells of a code, unless it is clear.
func (r *rig) member(code checks.Code) (alerts.Member, bool) {
	for _, inc := range r.open() {
		for _, m := range inc.Members {
			if m.Finding.Code == code && !m.Clear {
				return m, true
			}
		}
	}
	return alerts.Member{}, false
}

func (r *rig) scored(code string) {
	r.t.Helper()
	r.world.Lists.SetListed("score.senderscore.com", lab.OurAddress.String(), "", netip.MustParseAddr(code))
	if err := r.askScores(r.t.Context(), time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// A score falls: one reading is none, the second opens, a refusal moves nothing, and it recovers.
func TestAScoreThatFallsIsAnIncident(t *testing.T) {
	r, _ := raterRig(t)
	r.scored("127.0.4.97")
	r.scored("127.0.4.62")
	if open := r.open(); len(open) > 0 {
		t.Fatalf("one reading opened %+v", open)
	}
	r.scored("127.0.4.62")
	m, ok := r.member(checks.CodePoor)
	if !ok || m.Finding.Severity != checks.Minor || m.Finding.Facts[checks.FactBefore] != "97, good" {
		t.Fatalf("two readings opened %+v", m)
	}
	// What is told of a rating stands in every form of the status, and on the page that is made of it.
	v, err := view.New(r.db, r.Daemon.cfg)
	if err != nil {
		t.Fatal(err)
	}
	st := v.Status(t.Context(), time.Now())
	if len(st.Ratings) != 1 || st.Ratings[0].Value != "62, poor" || !st.Ratings[0].Problem || len(st.Ratings[0].Course) != 2 {
		t.Errorf("ratings of the status: %+v", st.Ratings)
	}
	for _, f := range []report.Format{report.Text, report.JSON} {
		var b bytes.Buffer
		if err := st.Write(&b, report.Term{}, f); err != nil || !strings.Contains(b.String(), "62, poor") {
			t.Errorf("%s: %v\n%s", f, err, &b)
		}
	}
	page, err := view.Server(v, config.Web{}, "devel", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/targets/" + lab.OurAddress.String()} {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil))
		if shown := w.Body.String(); !strings.Contains(shown, "62, poor, since") || !strings.Contains(shown, "higher is better; told below 70") || !strings.Contains(shown, "before that 97, good") {
			t.Errorf("%s: %d %s", path, w.Code, shown)
		}
	}
	r.world.Lists.SetMode("score.senderscore.com", probestest.ZoneRefusalCode)
	if err := r.askScores(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if m, ok = r.member(checks.CodePoor); !ok || m.Unknown.IsZero() {
		t.Errorf("over the quota: %+v", m)
	}
	if _, ok := r.member(checks.CodeListRefused); !ok {
		t.Error("nobody is told that the score refuses")
	}
	r.world.Lists.SetMode("score.senderscore.com", probestest.ZoneNormal)
	r.scored("127.0.4.96")
	if _, ok := r.member(checks.CodeListRefused); ok {
		t.Error("the score answers again, and its refusal stays")
	}
	if m, ok = r.member(checks.CodePoor); !ok || m.ClearSince.IsZero() {
		t.Errorf("the first good answer may be a cached one: %+v", m)
	}
	all, err := v.RatingsOf(t.Context(), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := all.Write(&out, report.Term{}, report.Text); err != nil || !strings.Contains(out.String(), "Validity Sender Score: 96, good") || !strings.Contains(out.String(), "before: 62, poor") {
		t.Errorf("%v, got\n%s", err, &out)
	}
}

const sndsRed = "%s,3/1/2026 12:00 AM,3/2/2026 12:00 AM,1500,1490,1480,RED,0.4%%,,,3,mx1.example.org,news@example.org,\r\n"

func TestSNDSIsReadByTheDaemon(t *testing.T) {
	r, programmes := raterRig(t)
	p := r.raters.programmes[0]
	ask := func() {
		t.Helper()
		if err := r.askProgramme(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format("1/2/2006") + " 1:00 AM"
	red := strings.ReplaceAll(strings.ReplaceAll(sndsRed, "%s", lab.OurAddress.String()), "%%", "%")
	red = strings.ReplaceAll(strings.ReplaceAll(red, "3/1/2026 12:00 AM", yesterday), "3/2/2026 12:00 AM", yesterday)
	programmes.SetSNDS(red, lab.OurAddress.String()+","+lab.OurAddress.String()+",Yes,Blocked due to user complaints\r\n")
	ask()
	if m, ok := r.member(checks.CodeBlocked); !ok || m.Finding.Severity != checks.Major {
		t.Fatalf("blocked: %+v", r.open())
	}
	programmes.LogInPage("Sign in")
	ask()
	if _, ok := r.member(checks.CodeBlocked); !ok {
		t.Error("a page to log in ended an incident")
	}
	if _, ok := r.member(checks.CodeSource); !ok {
		t.Error("nobody is told that the key was withdrawn")
	}
	programmes.LogInPage("")
	programmes.SetSNDS(strings.ReplaceAll(red, "RED", "GREEN"), "")
	ask()
	for _, code := range []checks.Code{checks.CodeBlocked, checks.CodeSource} {
		if m, ok := r.member(code); ok {
			t.Errorf("in no blocked range any more, and %+v", m)
		}
	}
}
