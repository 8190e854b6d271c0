package web

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/report"
)

const (
	// mostProblems is how many single problems are metrics: of a network that is listed as a
	// whole the counts say enough, and Prometheus keeps each series for ever.
	mostProblems = 500
	// mostVendors is how many vendors have series of their own.
	mostVendors = 40
	// scrapeTime is how long one scrape may take; Prometheus waits ten seconds if nobody says otherwise.
	scrapeTime = 9 * time.Second
)

// sample collects constant metrics of one moment. Labels are from closed sets only: ids of lists,
// names of the configuration, vendors of the built-in rules; never a word from a mail.
type sample struct{ all []prometheus.Metric }

// Describe implements [prometheus.Collector]: what there is depends on the moment.
func (*sample) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (s *sample) Collect(to chan<- prometheus.Metric) {
	for _, m := range s.all {
		to <- m
	}
}

// gauge adds a value. Labels are names and values in turn.
func (s *sample) gauge(name, help string, value float64, labels ...string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, checks.Line(labels[i+1], 100)) // valid UTF-8, or the library panics
	}
	s.all = append(s.all, prometheus.MustNewConstMetric(prometheus.NewDesc("reputed_"+name, help, names, nil), prometheus.GaugeValue, value, values...))
}

// at adds a time, if there is one.
func (s *sample) at(name, help string, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.gauge(name, help, float64(t.UnixMilli())/1000, labels...)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metrics answers Prometheus.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	now, c := s.o.Now(), &sample{}
	st := s.o.Source.Status(r.Context(), now)
	c.gauge("build_info", "1; the version is a label.", 1, "version", cmp.Or(s.o.Version, "unknown"))
	c.gauge("database_readable", "Whether the database can be read.", number(st.Trouble == ""))
	c.gauge("status", "How things stand, as the exit code of reputed status: 0 well, 1 minor or policy, 2 critical or major, 3 could not tell.", float64(st.Level()))
	if st.Trouble == "" {
		c.monitor(st)
		c.incidents(st)
		standings, err := s.o.Source.Standings(r.Context(), "")
		if err == nil {
			c.problems(standings)
			var receivers []report.Receiver
			if receivers, err = s.o.Source.Receivers(r.Context(), now); err == nil {
				c.mail(receivers)
			}
		}
		if err != nil {
			s.o.Log.LogAttrs(r.Context(), slog.LevelError, "metrics not read", slog.Any("err", err))
			http.Error(w, "not everything could be read; the log says why", http.StatusInternalServerError)
			return
		}
	}
	s.expose(w, r, c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func (s *Server) expose(w http.ResponseWriter, r *http.Request, all ...prometheus.Collector) {
	registry := prometheus.NewPedanticRegistry()
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			http.Error(w, "metrics cannot be told apart; this is a bug", http.StatusInternalServerError)
			return
		}
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{Timeout: scrapeTime, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelError)}).ServeHTTP(w, r)
}

// monitor is how the monitor itself is.
func (c *sample) monitor(st report.Report) {
	c.gauge("daemon_alive", "Whether the daemon holds its lease.", number(st.Daemon.Alive))
	c.at("daemon_last_sign_timestamp_seconds", "Last sign of life of the daemon.", st.Daemon.Beat)
	c.gauge("targets_watched", "What is watched.", float64(st.Watched.Addresses), "kind", "address")
	c.gauge("targets_watched", "What is watched.", float64(st.Watched.Domains), "kind", "domain")
	c.gauge("lists_asked", "Lists that were asked in the last complete round.", float64(st.Watched.Lists))
	c.gauge("lists_silent", "Lists of these that gave no usable answer.", float64(len(st.Silent)))
	for _, l := range st.Silent {
		c.gauge("list_silent", "1 for each list that gave no usable answer in the last complete round.", 1, "list", l.ID, "verdict", string(l.Verdict))
	}
	c.at("round_end_timestamp_seconds", "End of the last complete round.", st.Round.Ended)
	if !st.Round.Ended.IsZero() {
		c.gauge("round_duration_seconds", "How long the last complete round took.", st.Round.Ended.Sub(st.Round.Started).Seconds())
		c.gauge("round_questions", "Questions of the last complete round.", float64(st.Round.Questions))
		c.gauge("round_unanswered", "Questions of these without a usable answer.", float64(st.Round.Unanswered))
	}
	for _, m := range st.Mailboxes {
		c.gauge("mailbox_readable", "Whether the mailbox or spool could be read when it was last looked at.", number(m.Failing.IsZero() && !m.ReadAt.IsZero()), "mailbox", m.Name)
		c.at("mailbox_read_timestamp_seconds", "When the mailbox or spool was last looked at.", m.ReadAt, "mailbox", m.Name)
		c.gauge("mailbox_unproved_reports", "Reports in the window that is judged without proof that they are ours.", float64(m.Unproved), "mailbox", m.Name)
	}
	for _, l := range st.Logs {
		c.gauge("maillog_readable", "Whether the log could be read when it was last looked at.", number(l.Failing.IsZero() && !l.ReadAt.IsZero()), "maillog", l.Name)
		c.at("maillog_read_timestamp_seconds", "When the log was last looked at.", l.ReadAt, "maillog", l.Name)
		c.gauge("maillog_unread_lines", "Lines that should have told of a mail and could not be read.", float64(l.Unread), "maillog", l.Name)
	}
	for _, ch := range st.Channels {
		c.gauge("channel_working", "Whether the channel takes notices.", number(ch.Failing.IsZero()), "channel", ch.Name)
		c.gauge("notices_queued", "Notices that wait.", float64(ch.Queued), "channel", ch.Name)
		c.at("channel_sent_timestamp_seconds", "When the channel last took a notice.", ch.SentAt, "channel", ch.Name)
	}
}

// incidents are those that are not resolved, by severity and state; combinations that do not
// occur are 0, so that an alert on them ends.
func (c *sample) incidents(st report.Report) {
	type kind struct {
		severity checks.Severity
		state    alerts.State
	}
	count, refusals := map[kind]int{}, map[checks.Severity]int{}
	for _, v := range st.Incidents {
		count[kind{v.Incident.Severity, v.Incident.State}]++
		refusals[v.Incident.Severity] += v.Incident.Impact.Refusals()
	}
	for _, severity := range []checks.Severity{checks.Critical, checks.Major, checks.Minor, checks.Informational} {
		for _, state := range []alerts.State{alerts.Open, alerts.Acknowledged, alerts.Silenced, alerts.Clearing} {
			c.gauge("incidents", "Incidents that are not resolved.", float64(count[kind{severity, state}]), "severity", string(severity), "state", string(state))
		}
		c.gauge("incident_refused_mails", "Mails that were refused or deferred in incidents that are not resolved.", float64(refusals[severity]), "severity", string(severity))
	}
}

// problems counts targets by pool and list, and names the worst of them.
func (c *sample) problems(all []report.Standing) {
	type kind struct{ pool, list, severity string }
	count := map[kind]int{}
	all = slices.DeleteFunc(all, func(s report.Standing) bool {
		return s.Key.Check != "dnsbl" || s.Target.Kind != checks.KindAddress && s.Target.Kind != checks.KindDomain
	})
	for _, s := range all {
		count[kind{s.Target.Pool, s.Key.Source, string(s.Severity)}]++
	}
	for k, n := range count {
		c.gauge("targets_listed", "Targets that a list holds, as far as is known.", float64(n), "pool", k.pool, "list", k.list, "severity", k.severity)
	}
	report.SortStandings(all)
	for _, s := range all[:min(len(all), mostProblems)] {
		c.gauge("target_listed", "1 for each target that a list holds, the worst first and at most 500.", 1,
			"target", s.Key.Target, "pool", s.Target.Pool, "list", s.Key.Source, "severity", string(s.Severity))
	}
	c.gauge("target_listed_left_out", "How many of these are left out for their number.", float64(max(len(all)-mostProblems, 0)))
}

// mail is what receivers did in the last day, by vendor.
func (c *sample) mail(all []report.Receiver) {
	type sums struct{ refused, deferred int }
	by, delivered, counted := map[string]sums{}, 0, false
	for _, r := range all {
		name := cmp.Or(r.Vendor, "other")
		if _, have := by[name]; !have && len(by) >= mostVendors {
			name = "other"
		}
		x := by[name]
		by[name] = sums{x.refused + r.Refused, x.deferred + r.Deferred}
		delivered, counted = delivered+r.Delivered.N, counted || r.Delivered.Counted
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		c.gauge("mails_refused_last_day", "Mails refused for reputation in the last 24 hours, by who refuses.", float64(by[name].refused), "vendor", name)
		c.gauge("mails_deferred_last_day", "Mails deferred for reputation in the last 24 hours, by who defers.", float64(by[name].deferred), "vendor", name)
	}
	if counted {
		c.gauge("mails_delivered_last_day", "Mails delivered in the last 24 hours; missing where logs are not read.", float64(delivered))
	}
}

// probe answers for one target from what is stored: the multi-target idiom of exporters.
func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("target")
	if id == "" {
		http.Error(w, "name a target: /probe?target=192.0.2.10", http.StatusBadRequest)
		return
	}
	now := s.o.Now()
	st := s.o.Source.Status(r.Context(), now)
	standings, err := s.o.Source.Standings(r.Context(), id)
	if err != nil {
		s.o.Log.LogAttrs(r.Context(), slog.LevelError, "probe not answered", slog.Any("err", err))
		http.Error(w, "it could not be read; the log says why", http.StatusInternalServerError)
		return
	}
	watched := s.o.Source.Watched(id)
	c := &sample{}
	// As in other exporters: whether the asking went well, which "not listed" is as good as "listed" for.
	c.all = append(c.all, prometheus.MustNewConstMetric(prometheus.NewDesc("probe_success", "Whether what stands here is known: the target is watched and the monitor is not blind.", nil, nil),
		prometheus.GaugeValue, number(watched && st.Blind == "")))
	c.gauge("probe_watched", "Whether the target is in the configuration.", number(watched))
	listed := 0
	for _, x := range standings {
		if x.Key.Check == "dnsbl" {
			listed++
			c.gauge("probe_listed", "1 for each list that holds the target.", 1, "list", x.Key.Source, "severity", string(x.Severity))
		}
	}
	c.gauge("probe_lists", "How many lists hold the target.", float64(listed))
	c.at("probe_round_end_timestamp_seconds", "When the last complete round ended.", st.Round.Ended)
	s.expose(w, r, c)
}
