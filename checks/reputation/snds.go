package reputation

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"reputed/checks"
	"reputed/probes"
)

// Microsoft Smart Network Data Services tells the owner of a network what Outlook.com sees of
// it, by automated data access: two addresses with a key, one with what each address sent and how
// it was judged, one with what is blocked. Both are CSV without a header line. There is a newer form with
// OAuth behind the same portal; the shape of its answers is not published, so that it is not read here.

// SNDSBase is where automated data access is; the key is put behind it.
const SNDSBase = "https://sendersupport.olc.protection.outlook.com/snds/"

// Ids of what SNDS tells.
const (
	SNDSColour     = "snds"            // the filter result
	SNDSComplaints = "snds-complaints" // how many of the recipients complained
	SNDSTraps      = "snds-traps"      // messages to trap accounts
	SNDSStatus     = "snds-status"     // what is blocked
)

// SNDSSources are what SNDS tells, as sources. Data comes a day or two late, and a day of
// under a hundred messages is not in it.
func SNDSSources() []Source {
	const page, operator = "https://sendersupport.olc.protection.outlook.com/snds/", "Microsoft"
	return []Source{
		{ID: SNDSColour, Title: "Microsoft SNDS", Operator: operator, Page: page, Poor: checks.Minor, Bad: checks.Major,
			Advice: "GREEN: under 10 % of the mail was judged spam; YELLOW: 10 to 90 %; RED: more."},
		{ID: SNDSComplaints, Title: "Microsoft SNDS complaints", Operator: operator, Page: page, Code: checks.CodeSpamRate, Below: 0.3, HasBelow: true, Fallen: checks.Minor,
			Advice: "Complaints for each message; above 0.3 % filtering begins."},
		{ID: SNDSTraps, Title: "Microsoft SNDS traps", Operator: operator, Page: page, Code: checks.CodeSpamRate, HasBelow: true, Fallen: checks.Minor,
			Advice: "Mail to accounts that nobody ever had. No number is not zero."},
		{ID: SNDSStatus, Title: "Microsoft SNDS status", Operator: operator, Page: page, Code: checks.CodeBlocked, Poor: checks.Minor, Bad: checks.Major,
			RemovalURL: "https://olcsupport.office.com/", Advice: "Whether Outlook.com blocks the address, or puts its mail into junk."},
	}
}

// SNDS reads automated data access with one key.
type SNDS struct {
	Web  Asks
	Base string        // default [SNDSBase]
	Key  func() string // the secret
}

// SNDSRow is what an address sent in one period.
type SNDSRow struct {
	Addr                 netip.Addr
	Start, End           time.Time // as written; the zone is not told, and taken as UTC
	Recipients, Data     int       // RCPT and DATA commands
	Messages             int       // message recipients
	Result               string    // GREEN, YELLOW, RED, in capitals
	Complaints           string    // "< 0.1%"
	Traps                int       // -1: not told
	HELO, From, Comments string    // samples
	complaintRate        float64   // percent
	complaintRateKnown   bool
}

// SNDSRange is a range of addresses and how it stands.
type SNDSRange struct {
	First, Last netip.Addr
	Blocked     bool
	Details     string
}

// SNDSReport is all that one round of questions gave.
type SNDSReport struct {
	Rows    []SNDSRow
	Ranges  []SNDSRange
	Skipped int // lines that could not be read
	At      time.Time
}

// Ask reads both files. The error wraps [ErrAccess] or [ErrAnswer], or is a [probes.WebError] or the
// context's; it holds no key.
func (s SNDS) Ask(ctx context.Context) (SNDSReport, error) {
	var r SNDSReport
	data, err := s.file(ctx, "data.aspx")
	if err != nil {
		return r, err
	}
	status, err := s.file(ctx, "ipStatus.aspx")
	if err != nil {
		return r, err
	}
	var skipped int
	if r.Rows, r.Skipped, err = ParseSNDSData(data.Body); err != nil {
		return r, err
	}
	r.Ranges, skipped, err = ParseSNDSStatus(status.Body)
	r.Skipped += skipped
	r.At = status.At
	return r, err
}

func (s SNDS) file(ctx context.Context, name string) (probes.Page, error) {
	base := s.Base
	if base == "" {
		base = SNDSBase
	}
	const hint = "log in to SNDS, look whether automated data access is on, and take the key of the link there"
	page, err := s.Web.Get(ctx, strings.TrimSuffix(base, "/")+"/"+name+"?key="+url.QueryEscape(s.Key()))
	if err != nil {
		return page, err
	}
	if err := refusal("SNDS "+name, page, hint); err != nil {
		return page, err
	}
	if page.Type == "text/html" || bytes.HasPrefix(bytes.TrimLeft(page.Body, "\ufeff \r\n\t"), []byte("<")) {
		return page, fmt.Errorf("SNDS %s is a page in place of data: %w: %s", name, ErrAccess, hint)
	}
	return page, nil
}

// errForm says that hardly any line has the form that is expected.
var errForm = fmt.Errorf("SNDS: the lines have another form than is known: %w: a newer version of this program may read them", ErrAnswer)

// lines gives the records of a CSV file without a header line, each with at least so many
// fields; read says whether it could be used. It counts the others. That most could not be is an error.
func lines(body []byte, fields int, read func([]string) bool) (skipped int, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true, true
	good := 0
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
			skipped++
			var bad *csv.ParseError
			if !errors.As(err, &bad) {
				return skipped, err
			}
		case len(record) == 1 && strings.TrimSpace(record[0]) == "":
		case len(record) < fields || !read(record):
			skipped++
		default:
			good++
		}
	}
	if skipped > good {
		return skipped, errForm
	}
	return skipped, nil
}

// ParseSNDSData reads the file of traffic. Lines that cannot be read are counted and
// left out; the error is that most are such.
func ParseSNDSData(body []byte) (rows []SNDSRow, skipped int, err error) {
	skipped, err = lines(body, 8, func(f []string) bool {
		addr, err := netip.ParseAddr(strings.TrimSpace(f[0]))
		end, errEnd := sndsTime(f[2])
		start, errStart := sndsTime(f[1])
		result := strings.ToUpper(strings.TrimSpace(f[6]))
		if err != nil || errStart != nil || errEnd != nil || result != "GREEN" && result != "YELLOW" && result != "RED" {
			return false
		}
		row := SNDSRow{Addr: addr.Unmap(), Start: start, End: end, Result: result, Complaints: checks.Line(f[7], 20), Traps: -1}
		row.Recipients, row.Data, row.Messages = count(f[3]), count(f[4]), count(f[5])
		rate := strings.TrimSpace(strings.TrimRight(strings.TrimLeft(strings.TrimSpace(f[7]), "<> "), "% "))
		if n, err := strconv.ParseFloat(rate, 64); err == nil && n >= 0 && n <= 100 {
			row.complaintRate, row.complaintRateKnown = n, true
		}
		if len(f) > 10 {
			if n, err := strconv.Atoi(strings.TrimSpace(f[10])); err == nil && n >= 0 {
				row.Traps = n
			}
		}
		field := func(i int) string {
			if i < len(f) {
				return checks.Line(f[i], 200)
			}
			return ""
		}
		row.HELO, row.From, row.Comments = field(11), field(12), field(13)
		rows = append(rows, row)
		return true
	})
	return rows, skipped, err
}

// ParseSNDSStatus reads the file of ranges, as ParseSNDSData does.
func ParseSNDSStatus(body []byte) (ranges []SNDSRange, skipped int, err error) {
	skipped, err = lines(body, 3, func(f []string) bool {
		first, err := netip.ParseAddr(strings.TrimSpace(f[0]))
		last, errLast := netip.ParseAddr(strings.TrimSpace(f[1]))
		blocked := strings.ToLower(strings.TrimSpace(f[2]))
		if err != nil || errLast != nil || first.Is4() != last.Is4() || last.Less(first) || blocked != "yes" && blocked != "no" {
			return false
		}
		r := SNDSRange{First: first.Unmap(), Last: last.Unmap(), Blocked: blocked == "yes"}
		if len(f) > 3 {
			r.Details = checks.Line(strings.Join(f[3:], ", "), 200)
		}
		ranges = append(ranges, r)
		return true
	})
	return ranges, skipped, err
}

// count reads a number; one that is none is not told, and 0.
func count(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// sndsTime reads "1/15/2026 11:00 PM", as the files have it.
func sndsTime(s string) (time.Time, error) {
	for _, layout := range []string{"1/2/2006 3:04 PM", "1/2/2006 3:04:05 PM", "1/2/2006 15:04", time.DateTime} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no time")
}

// Readings are what a report says of the addresses that watched knows. Standing are addresses that
// SNDS spoke ill of in its status before: where they are in no range now, they are well.
func (r SNDSReport) Readings(watched func(netip.Addr) (checks.Target, bool), standing []checks.Target) []Reading {
	var all []Reading
	for _, row := range r.Rows {
		t, ok := watched(row.Addr)
		if !ok {
			continue
		}
		at := row.End
		if at.After(r.At) {
			at = r.At
		}
		note := fmt.Sprintf("%d messages, %d RCPT", row.Messages, row.Recipients)
		if row.Comments != "" {
			note += "; " + row.Comments
		}
		add := func(source, value string, level Level, n float64, numbered bool) {
			all = append(all, Reading{Source: source, Target: t, Value: value, Level: level, Number: n, Numbered: numbered, How: Measured, At: at, Note: note,
				Evidence: checks.Evidence{Question: "SNDS data of " + t.String(), Answer: checks.Line(fmt.Sprintf("%s, complaints %s, traps %s", row.Result, row.Complaints, told(row.Traps)), maxFact), Reason: note, At: at}})
		}
		add(SNDSColour, row.Result, map[string]Level{"GREEN": Good, "YELLOW": Poor, "RED": Bad}[row.Result], 0, false)
		if row.complaintRateKnown {
			add(SNDSComplaints, row.Complaints, Neutral, row.complaintRate, true)
		}
		if row.Traps >= 0 {
			add(SNDSTraps, strconv.Itoa(row.Traps)+" trap hits", Neutral, float64(row.Traps), true)
		}
	}
	return append(all, r.statusReadings(watched, standing)...)
}

func told(n int) string {
	if n < 0 {
		return "not told"
	}
	return strconv.Itoa(n)
}

// maxRange bounds the addresses that are looked up one by one, of all ranges together.
const maxRange = 1 << 20

// statusReadings are what the ranges say.
func (r SNDSReport) statusReadings(watched func(netip.Addr) (checks.Target, bool), standing []checks.Target) []Reading {
	type word struct {
		level Level
		value string
		note  string
	}
	words, order := map[string]word{}, []checks.Target(nil)
	n := 0
	for _, x := range r.Ranges {
		w := word{Poor, "not blocked, and spoken of", x.Details}
		if x.Blocked {
			w = word{Bad, "blocked", x.Details}
		}
		for a := x.First; n < maxRange && a.IsValid() && !x.Last.Less(a); a = a.Next() {
			n++
			t, ok := watched(a)
			if !ok {
				continue
			}
			before, seen := words[t.ID()]
			if !seen {
				order = append(order, t)
			}
			if !seen || w.level.Rank() < before.level.Rank() {
				words[t.ID()] = w
			}
		}
	}
	for _, t := range standing {
		if _, seen := words[t.ID()]; !seen {
			words[t.ID()] = word{Good, "not blocked", ""}
			order = append(order, t)
		}
	}
	var all []Reading
	for _, t := range order {
		w := words[t.ID()]
		value := w.value
		if w.note != "" {
			value = checks.Line(value+": "+w.note, maxValue)
		}
		all = append(all, Reading{Source: SNDSStatus, Target: t, Value: value, Level: w.level, How: Measured, At: r.At,
			Evidence: checks.Evidence{Question: "SNDS status of " + t.String(), Answer: value, At: r.At}})
	}
	return all
}
