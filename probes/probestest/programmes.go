package probestest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Programmes is a server on the loopback with the programmes of providers for senders: Microsoft
// SNDS, with a key in the address, and Google Postmaster Tools v2, with an access token that the
// caller knows how to check. All methods may be called at any time from any goroutine.
type Programmes struct {
	server *httptest.Server
	key    string
	good   func(token string) bool

	mu         sync.Mutex
	data       string // of data.aspx
	status     string // of ipStatus.aspx
	page       string // in place of both: a page to log in
	code       int    // in place of all answers
	stats      map[string]map[string]any
	compliance map[string][]string // requirements that need work
}

// StartProgrammes starts the server. Key is that of SNDS; good says whether an access token is one
// that Google's side takes. The caller closes it.
func StartProgrammes(key string, good func(token string) bool) *Programmes {
	p := &Programmes{key: key, good: good, stats: map[string]map[string]any{}, compliance: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /snds/data.aspx", func(w http.ResponseWriter, r *http.Request) { p.snds(w, r, &p.data) })
	mux.HandleFunc("GET /snds/ipStatus.aspx", func(w http.ResponseWriter, r *http.Request) { p.snds(w, r, &p.status) })
	mux.HandleFunc("POST /v2/domains/{query...}", p.domainStats)
	mux.HandleFunc("GET /v2/domains/{domain}/complianceStatus", p.complianceStatus)
	p.server = httptest.NewServer(mux)
	return p
}

// URL is the address of the server.
func (p *Programmes) URL() string { return p.server.URL }

// Close stops the server and waits for what it runs.
func (p *Programmes) Close() { p.server.Close() }

// SetSNDS sets what SNDS says from now on: the two files, without a header line.
func (p *Programmes) SetSNDS(data, status string) { p.set(func() { p.data, p.status = data, status }) }

// LogInPage makes SNDS answer with a page to log in, as it does for a key that is withdrawn; "" ends it.
func (p *Programmes) LogInPage(page string) { p.set(func() { p.page = page }) }

// Break answers everything with a status, until it is called with 0.
func (p *Programmes) Break(status int) { p.set(func() { p.code = status }) }

// SetStats sets what Postmaster Tools says about a domain on each day that it is asked for. The
// keys are the standard metric and, after a space, its filter: `AUTH_SUCCESS_RATE auth_type =
// "spf"`. A domain without values is not known there.
func (p *Programmes) SetStats(domain string, values map[string]any) {
	p.set(func() { p.stats[domain] = maps.Clone(values) })
}

// NeedsWork sets the requirements that a domain does not meet.
func (p *Programmes) NeedsWork(domain string, requirements ...string) {
	p.set(func() { p.compliance[domain] = requirements })
}

func (p *Programmes) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// broken notes a request, and answers it if Break says so.
func (p *Programmes) broken(w http.ResponseWriter, r *http.Request) bool {
	if p.code == 0 {
		return false
	}
	w.WriteHeader(p.code)
	fmt.Fprintf(w, "broken: %s", r.URL.RequestURI()) // repeats what it should not
	return true
}

func (p *Programmes) snds(w http.ResponseWriter, r *http.Request, text *string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.broken(w, r):
	case p.page != "" || r.URL.Query().Get("key") != p.key:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><html><body>%s %s</body></html>", p.page, r.URL.Query().Get("key"))
	default:
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		fmt.Fprint(w, *text)
	}
}

// unauthorised answers as the API does where the token is no good.
func (p *Programmes) unauthorised(w http.ResponseWriter, r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if p.good(token) {
		return false
	}
	apiError(w, http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials: "+token)
	return true
}

func apiError(w http.ResponseWriter, code int, status, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "status": status, "message": message}})
}

type date struct{ Year, Month, Day int }

func (d date) at() time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

// metric is what the caller calls a metric, and what SetStats does.
type metric struct{ name, key string }

// daily returns the values of the metrics on each day from one to another.
func (p *Programmes) daily(domain string, from, to time.Time, metrics []metric) (all []any) {
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		for _, m := range metrics {
			value, ok := p.stats[domain][m.key]
			if !ok {
				continue
			}
			kind := "doubleValue"
			if _, text := value.(string); text {
				kind = "intValue" // 64-bit numbers are texts in JSON
			}
			all = append(all, map[string]any{"metric": m.name, "date": map[string]int{"year": day.Year(), "month": int(day.Month()), "day": day.Day()}, "value": map[string]any{kind: value}})
		}
	}
	return all
}

func (p *Programmes) domainStats(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken(w, r) || p.unauthorised(w, r) {
		return
	}
	var q struct {
		MetricDefinitions []struct {
			Name       string
			Filter     string
			BaseMetric struct{ StandardMetric string }
		}
		TimeQuery struct {
			DateRanges struct {
				DateRanges []struct{ Start, End date }
			}
		}
		PageSize  int
		PageToken string
	}
	domain, ok := strings.CutSuffix(r.PathValue("query"), "/domainStats:query")
	switch {
	case !ok:
		apiError(w, http.StatusNotFound, "NOT_FOUND", "no such method")
		return
	case json.NewDecoder(r.Body).Decode(&q) != nil || len(q.TimeQuery.DateRanges.DateRanges) != 1 || len(q.MetricDefinitions) == 0:
		apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "one date range and metrics are wanted")
		return
	case p.stats[domain] == nil:
		apiError(w, http.StatusForbidden, "PERMISSION_DENIED", "no permission to access DomainStats for "+domain)
		return
	}
	var metrics []metric
	for _, m := range q.MetricDefinitions {
		metrics = append(metrics, metric{m.Name, strings.TrimSpace(m.BaseMetric.StandardMetric + " " + m.Filter)})
	}
	within := q.TimeQuery.DateRanges.DateRanges[0]
	all := p.daily(domain, within.Start.at(), within.End.at(), metrics)
	// Pages of three show whether the client asks for the next one.
	from := 0
	_, _ = fmt.Sscanf(q.PageToken, "from %d", &from)
	to := min(from+3, len(all))
	answer := map[string]any{"domainStats": all[min(from, to):to]}
	if to < len(all) {
		answer["nextPageToken"] = fmt.Sprintf("from %d", to)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *Programmes) complianceStatus(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken(w, r) || p.unauthorised(w, r) {
		return
	}
	domain := r.PathValue("domain")
	if p.stats[domain] == nil {
		apiError(w, http.StatusForbidden, "PERMISSION_DENIED", "no permission to access "+domain)
		return
	}
	type status struct {
		Status string `json:"status"`
	}
	var rows []any
	for _, requirement := range []string{"SPF", "DKIM", "SPF_AND_DKIM", "DMARC_POLICY", "DMARC_ALIGNMENT", "DNS_RECORDS", "ENCRYPTION", "USER_REPORTED_SPAM_RATE"} {
		s := status{"COMPLIANT"}
		if slices.Contains(p.compliance[domain], requirement) {
			s.Status = "NEEDS_WORK"
		}
		rows = append(rows, map[string]any{"requirement": requirement, "status": s})
	}
	data := map[string]any{"domainId": domain, "rowData": rows, "oneClickUnsubscribeVerdict": map[string]any{"status": status{"COMPLIANT"}}}
	if slices.Contains(p.compliance[domain], "ONE_CLICK_UNSUBSCRIBE") {
		data["oneClickUnsubscribeVerdict"] = map[string]any{"status": status{"NEEDS_WORK"}, "reason": "NO_UNSUB_GENERAL"}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"name": "domains/" + domain + "/complianceStatus", "complianceData": data})
}
