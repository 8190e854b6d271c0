package reputation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// Google Postmaster Tools, API v2 (developers.google.com/workspace/gmail/postmaster/reference/rest/v2,
// read 2026-11): what Gmail saw of a domain on each day, and whether it meets the
// requirements of senders. It has no reputation of domains or addresses any more. Days without
// enough mail have no values; no value is no zero.

// PostmasterBase is where the API is.
const PostmasterBase = "https://gmailpostmastertools.googleapis.com/"

// PostmasterScope is what an access token must be good for: reading, and nothing else.
const PostmasterScope = "https://www.googleapis.com/auth/postmaster.traffic.readonly"

// Ids of what Postmaster Tools tells.
const (
	GoogleSpamRate   = "google-spam-rate"
	GoogleAuth       = "google-authentication"
	GoogleErrors     = "google-delivery-errors"
	GoogleCompliance = "google-compliance"
)

// From where on a share is poor and bad, in percent. Google asks senders to stay below 0.1 % of
// spam and never to reach 0.3 % (support.google.com/a/answer/81126). The others are ours.
const (
	spamPoor, spamBad     = 0.1, 0.3
	errorsPoor, errorsBad = 5, 20
	authPoor, authBad     = 95, 70 // below
)

// PostmasterSources are what Postmaster Tools tells, as sources.
func PostmasterSources() []Source {
	const page, operator = "https://postmaster.google.com/", "Google"
	return []Source{
		{ID: GoogleSpamRate, Title: "Google spam rate", Operator: operator, Page: page, Code: checks.CodeSpamRate, Marks: []Mark{{spamPoor, Poor}, {spamBad, Bad}}, Poor: checks.Minor, Bad: checks.Major,
			Advice: "Share of the mail in the inbox that people called spam, of a day: below 0.1 %, and never 0.3 %."},
		{ID: GoogleAuth, Title: "Google authentication", Operator: operator, Page: page, Code: checks.CodeRequirements, Confirm: 2, Poor: checks.Minor, Bad: checks.Minor, Higher: true, Best: 100, Marks: []Mark{{authPoor, Poor}, {authBad, Bad}},
			Advice: "Share of the mail that passed SPF, DKIM and DMARC; the lowest counts."},
		{ID: GoogleErrors, Title: "Google delivery errors", Operator: operator, Page: page, Code: checks.CodeTurnedAway, Marks: []Mark{{errorsPoor, Poor}, {errorsBad, Bad}}, Poor: checks.Minor, Bad: checks.Major,
			Advice: "Share of the mail that was rejected or deferred, of a day."},
		{ID: GoogleCompliance, Title: "Google sender requirements", Operator: operator, Page: page, Code: checks.CodeRequirements, Poor: checks.Minor, Bad: checks.Minor,
			Advice: "What Gmail asks of senders, and whether the domain meets it."},
	}
}

// Postmaster asks Postmaster Tools with one account.
type Postmaster struct {
	Web  Asks
	Base string // default [PostmasterBase]
	Days int    // how many days back are asked for; default 10
}

// metric is one number that is asked for by its name.
type metric struct{ name, standard, filter string }

// rejectReasons are the reasons of rejections that a sender can do something about.
func rejectReasons() []string {
	return []string{"bad_or_missing_ptr_record", "ip_in_rbls", "low_domain_reputation", "low_ip_reputation", "spammy_content", "stamp_policy_error", "bad_attachment"}
}

func metrics() []metric {
	all := []metric{{"spam", "SPAM_RATE", ""}, {"errors", "DELIVERY_ERROR_RATE", ""}}
	for _, kind := range []string{"spf", "dkim", "dmarc"} {
		all = append(all, metric{kind, "AUTH_SUCCESS_RATE", fmt.Sprintf("auth_type = %q", kind)})
	}
	for _, reason := range rejectReasons() {
		all = append(all, metric{reason, "DELIVERY_ERROR_RATE", fmt.Sprintf("error_type = %q AND error_reason = %q", "reject", reason)})
	}
	return append(all, metric{"anomalous_traffic_pattern", "DELIVERY_ERROR_RATE", fmt.Sprintf("error_type = %q AND error_reason = %q", "temp_fail", "anomalous_traffic_pattern")})
}

// day is what one day had, in percent, by the names of metrics.
type day map[string]float64

// Ask gives the readings of one domain. The error wraps [ErrAccess] (the account does not see the
// domain, too) or [ErrAnswer], or is a [probes.WebError] or the context's. What could be read before it comes with it.
func (p Postmaster) Ask(ctx context.Context, domain checks.Target, now time.Time) ([]Reading, error) {
	days, err := p.days(ctx, domain, now)
	if err != nil {
		return nil, err
	}
	readings := dayReadings(domain, days, now)
	compliance, err := p.compliance(ctx, domain, now)
	if err == nil && compliance.Value != "" {
		readings = append(readings, compliance)
	}
	return readings, err
}

const postmasterHint = "the domain must be verified in Postmaster Tools, and the account a user of it there, with consent to the scope " + PostmasterScope

func (p Postmaster) address(domain checks.Target, rest string) string {
	base := p.Base
	if base == "" {
		base = PostmasterBase
	}
	return strings.TrimSuffix(base, "/") + "/v2/domains/" + url.PathEscape(domain.Name) + rest
}

// maxPages bounds the pages of one answer: days and metrics fit into two.
const maxPages = 100

// date is a day as the API has it.
type date struct {
	Year  int `json:"year"`
	Month int `json:"month"`
	Day   int `json:"day"`
}

func dateOf(t time.Time) date { return date{t.Year(), int(t.Month()), t.Day()} }

// midnight is when the day begins; false: it is none.
func (d date) midnight() (time.Time, bool) {
	ok := d.Year >= 2000 && d.Month >= 1 && d.Month <= 12 && d.Day >= 1 && d.Day <= 31
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC), ok
}

// stat is one number of one day in an answer.
type stat struct {
	Metric string
	Date   date
	Value  struct {
		DoubleValue *float64
		FloatValue  *float64
		IntValue    string
	}
}

// share is the number, from 0 to 1; false: there is none, as there was not enough mail, or it is no share.
func (s stat) share() (n float64, ok bool) {
	switch v := s.Value; {
	case v.DoubleValue != nil:
		n = *v.DoubleValue
	case v.FloatValue != nil:
		n = *v.FloatValue
	default:
		var err error
		if n, err = strconv.ParseFloat(v.IntValue, 64); err != nil {
			return 0, false
		}
	}
	return n, n >= 0 && n <= 1 // NaN is neither
}

// days asks for the numbers of all metrics, as many days back as it is told.
func (p Postmaster) days(ctx context.Context, domain checks.Target, now time.Time) (map[time.Time]day, error) {
	question := p.question(now)
	days := map[time.Time]day{}
	for range maxPages {
		body, err := json.Marshal(question)
		if err != nil {
			return nil, err
		}
		page, err := p.Web.Post(ctx, p.address(domain, "/domainStats:query"), body)
		if err != nil {
			return nil, err
		}
		if err := refusal("Postmaster Tools for "+domain.Name, page, postmasterHint); err != nil {
			return nil, err
		}
		var answer struct {
			DomainStats   []stat
			NextPageToken string
		}
		if json.Unmarshal(page.Body, &answer) != nil {
			return nil, fmt.Errorf("Postmaster Tools for %s: %w: it is no JSON of the known form", domain.Name, ErrAnswer)
		}
		for _, s := range answer.DomainStats {
			n, known := s.share()
			at, ok := s.Date.midnight()
			if !known || !ok {
				continue
			}
			if days[at] == nil {
				days[at] = day{}
			}
			days[at][s.Metric] = math.Round(n*1e4) / 100
		}
		if answer.NextPageToken == "" {
			return days, nil
		}
		question["pageToken"] = answer.NextPageToken
	}
	return nil, fmt.Errorf("Postmaster Tools for %s: %w: its answer does not end", domain.Name, ErrAnswer)
}

// question asks for all metrics of each of the last days, today excepted.
func (p Postmaster) question(now time.Time) map[string]any {
	back := p.Days
	if back <= 0 {
		back = 10
	}
	var definitions []any
	for _, m := range metrics() {
		d := map[string]any{"name": m.name, "baseMetric": map[string]string{"standardMetric": m.standard}}
		if m.filter != "" {
			d["filter"] = m.filter
		}
		definitions = append(definitions, d)
	}
	return map[string]any{
		"metricDefinitions":      definitions,
		"aggregationGranularity": "DAILY",
		"pageSize":               200,
		"timeQuery": map[string]any{"dateRanges": map[string]any{"dateRanges": []any{
			map[string]any{"start": dateOf(now.AddDate(0, 0, -back)), "end": dateOf(now.AddDate(0, 0, -1))},
		}}},
	}
}

// dayReadings are what the days say, oldest first.
func dayReadings(domain checks.Target, days map[time.Time]day, now time.Time) (all []Reading) {
	var dates []time.Time
	for at := range days {
		dates = append(dates, at)
	}
	slices.SortFunc(dates, time.Time.Compare)
	for _, date := range dates {
		d, at := days[date], date.AddDate(0, 0, 1)
		if at.After(now) {
			at = now
		}
		add := func(source, value, note string, n float64, level Level) {
			all = append(all, Reading{Source: source, Target: domain, Value: value, Number: n, Numbered: true, Level: level, How: Measured, At: at,
				Evidence: checks.Evidence{Question: "Postmaster Tools of " + domain.Name + " for " + date.Format(time.DateOnly), Answer: value, Reason: note, At: at}})
		}
		if n, ok := d["spam"]; ok {
			add(GoogleSpamRate, number(n)+" %", "", n, above(n, spamPoor, spamBad))
		}
		if n, ok := d["errors"]; ok {
			value := number(n) + " %"
			if reasons := d.reasons(); reasons != "" && above(n, errorsPoor, errorsBad) != Good {
				value = checks.Line(value+": "+reasons, maxValue)
			}
			add(GoogleErrors, value, d.reasons(), n, above(n, errorsPoor, errorsBad))
		}
		lowest, words := 101.0, []string(nil)
		for _, kind := range []string{"spf", "dkim", "dmarc"} {
			if n, ok := d[kind]; ok {
				lowest, words = min(lowest, n), append(words, strings.ToUpper(kind)+" "+number(n)+" %")
			}
		}
		if len(words) > 0 {
			add(GoogleAuth, strings.Join(words, ", "), "", lowest, above(-lowest, -authPoor, -authBad))
		}
	}
	return all
}

// above is the level of a share that is bad when it is high: poor and bad from there on.
func above(n, poor, bad float64) Level {
	switch {
	case n >= bad:
		return Bad
	case n >= poor:
		return Poor
	}
	return Good
}

// reasons are why mail was rejected or deferred, the most frequent first.
func (d day) reasons() string {
	names := slices.DeleteFunc(append(rejectReasons(), "anomalous_traffic_pattern"), func(r string) bool { return d[r] == 0 })
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case d[a] > d[b]:
			return -1
		case d[a] < d[b]:
			return 1
		}
		return 0
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %s %%", strings.ReplaceAll(name, "_", " "), number(d[name]))
	}
	return strings.Join(names, ", ")
}

// NotSeen says whether an error is that the account does not see one domain, rather than that
// nothing can be asked at all.
func NotSeen(err error) bool {
	var web *probes.WebError
	return errors.Is(err, ErrAccess) && !errors.As(err, &web)
}
