package web

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// series are the lines of an answer by what stands before the value.
func series(t *testing.T, body string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			t.Fatalf("no series: %q", line)
		}
		out[line[:i]] = line[i+1:]
	}
	return out
}

func lint(t *testing.T, body string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "reputed_") || strings.HasPrefix(p.Metric, "probe_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestMetrics(t *testing.T) {
	w := get(t, server(t, &fixture{}), "/metrics")
	lint(t, w.Body.String())
	got := series(t, w.Body.String())
	for name, want := range map[string]string{
		`reputed_build_info{version="1.0"}`:                                                            "1",
		`reputed_status`:                                                                               "2",
		`reputed_daemon_alive`:                                                                         "1",
		`reputed_database_readable`:                                                                    "1",
		`reputed_incidents{severity="critical",state="open"}`:                                          "1",
		`reputed_incidents{severity="major",state="acknowledged"}`:                                     "1",
		`reputed_incidents{severity="major",state="open"}`:                                             "0",
		`reputed_incident_refused_mails{severity="critical"}`:                                          "62",
		`reputed_targets_watched{kind="address"}`:                                                      "1024",
		`reputed_lists_silent`:                                                                         "1",
		`reputed_list_silent{list="barracuda",verdict="refused"}`:                                      "1",
		`reputed_targets_listed{list="spamcop",pool="transactional",severity="major"}`:                 "1",
		`reputed_target_listed{list="psbl",pool="transactional",severity="minor",target="192.0.2.11"}`: "1",
		`reputed_target_listed_left_out`:                                                               "0",
		`reputed_channel_working{channel="pager"}`:                                                     "0",
		`reputed_notices_queued{channel="pager"}`:                                                      "2",
		`reputed_mailbox_readable{mailbox="bounces"}`:                                                  "1",
		`reputed_mails_refused_last_day{vendor="Cisco Talos"}`:                                         "43",
		`reputed_mails_delivered_last_day`:                                                             "4186",
		`reputed_round_end_timestamp_seconds`:                                                          "1.79560296e+09",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// A network that is listed as a whole must not fill the memory of Prometheus.
func TestMetricsAreBounded(t *testing.T) {
	body := get(t, server(t, &fixture{big: true}), "/metrics").Body.String()
	if n := len(series(t, body)); n > 1000 {
		t.Errorf("%d series of 65,536 addresses", n)
	}
	if !strings.Contains(body, "\nreputed_target_listed_left_out 65036\n") || !strings.Contains(body, `reputed_targets_listed{list="spamhaus-zen",pool="bulk",severity="minor"} 65536`) {
		t.Error("what is left out is not counted")
	}
}

func TestMetricsOfABrokenDatabase(t *testing.T) {
	got := series(t, get(t, server(t, broken{&fixture{}}), "/metrics").Body.String())
	if got["reputed_database_readable"] != "0" || got["reputed_status"] != "3" || got[`reputed_incidents{severity="critical",state="open"}`] != "" {
		t.Errorf("%v", got)
	}
}

func TestHostileTextForgesNoSeries(t *testing.T) {
	for _, text := range []string{"x\"} 1\nreputed_status 0\n", "\xff\xfe", "\x1b[31m\u202e", `\`, "a\r\nb"} {
		w := get(t, server(t, &fixture{hostile: text}), "/metrics")
		if w.Code != 200 {
			t.Fatalf("%q: %d %s", text, w.Code, w.Body)
		}
		if n := strings.Count(w.Body.String(), "\nreputed_status "); n != 1 {
			t.Errorf("%q: %d lines reputed_status", text, n)
		}
		if strings.ContainsAny(w.Body.String(), "\x1b\u202e\r") || strings.Contains(w.Body.String(), "\xff") {
			t.Errorf("%q: a control got through", text)
		}
		for name := range series(t, w.Body.String()) {
			if !regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})?$`).MatchString(name) {
				t.Errorf("%q: %q is no series", text, name)
			}
		}
	}
}

func TestProbe(t *testing.T) {
	s := server(t, &fixture{})
	for target, want := range map[string]map[string]string{
		"192.0.2.10": {"probe_success": "1", "reputed_probe_lists": "2", `reputed_probe_listed{list="spamcop",severity="major"}`: "1", "reputed_probe_watched": "1"},
		"192.0.2.12": {"probe_success": "1", "reputed_probe_lists": "0", "reputed_probe_watched": "1"},
		"192.0.2.99": {"probe_success": "0", "reputed_probe_lists": "0", "reputed_probe_watched": "0"},
	} {
		w := get(t, s, "/probe?target="+target)
		lint(t, w.Body.String())
		got := series(t, w.Body.String())
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, want %q", target, name, got[name], value)
			}
		}
	}
	if w := get(t, s, "/probe"); w.Code != 400 {
		t.Errorf("without a target: %d", w.Code)
	}
	blind := get(t, server(t, broken{&fixture{}}), "/probe?target=192.0.2.10").Body.String()
	if series(t, blind)["probe_success"] != "0" {
		t.Error("a monitor that is blind claims success")
	}
}
