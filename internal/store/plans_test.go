package store

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
)

// TestNothingOftenAskedReadsAWholeTable: what is read once a minute, or grows for
// ever, is found by an index.
func TestNothingOftenAskedReadsAWholeTable(t *testing.T) {
	db := fresh(t)
	small := []string{ // what may be gone through from end to end
		"VIRTUAL TABLE", "CONSTANT ROW", "(subquery-", "SCAN (subquery", "c ", "w ", "hours ", "k ", // in memory
		"COVERING INDEX readings_recorded",                  // what people have written down
		"INDEX incidents_unresolved", "INDEX outbox_queued", // what is open, and what waits
		"COVERING INDEX outbox_by_state", // all that was ever told, a few bytes each
	}
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"the transitions of a target": {selectTransitions + "target = ? ORDER BY at, id", []any{"192.0.2.10"}},
		"how the channels stand":      {selectChannels, nil},
		"what is due":                 {selectDue, []any{"slack", 0, 0, 20}},
		"what nothing was told of":    {selectUntold, []any{"slack"}},
		"the members of incidents":    {selectMembers, []any{"[1]"}},
		"the worst members":           {selectWorst, []any{"[1]", 200}},
		"those about one target":      {selectMembers + " WHERE m.target = ?2", []any{"[1]", "192.0.2.10"}},
		"what is a problem, in pages": {selectOpenFindings, []any{"", "", "", "", "", 0, 100}},
		"how many members are open":   {selectOpen, []any{"[1]"}},
		"the keys of incidents":       {selectKeys, []any{"[1]"}},
		"what is known of questions":  {selectStates, []any{"[]"}},
		"what a check knows":          {selectKnown, []any{"dnsbl"}},
		"why nothing was told":        {selectDecisions, []any{"[1]"}},
		"what targets delivered":      {selectTotals, []any{"[]", 0}},
		"what receivers took":         {selectHours, []any{"[]", 0}},
		"who takes mail again":        {selectAcceptances, []any{"[]"}},
		"what lists said":             {selectAnswers, []any{"[]"}},
		"who defers just now":         {selectRising, []any{0, 20}},
		"complaints":                  {selectComplaints, []any{0}},
		"the reports of a message":    {selectReports, []any{1}},
		"the log of a message":        {selectLogged, []any{1}},
		"the history of a target":     {selectHistory + "TRUE AND target = ? ORDER BY id DESC LIMIT ?", []any{"192.0.2.10", 10}},
		"targets that begin so":       {selectTargets, []any{"192", 10}},
		"who refuses":                 {selectRefusers, []any{0}},
		"what lists began to say":     {selectTurns, []any{0}},
		"refusals over time":          {selectFlowSums, []any{1, 0, 1}},
		"who handed mail in":          {selectFewSenders, []any{0, 1, "[]"}},
		"who had sent what bounced":   {selectReporters, []any{0, 1, "[]"}},
		"who takes":                   {selectTakers, []any{0}},
		"who has refusals":            {selectRefusing, []any{0}},
		"what some were refused":      {selectRefusedOf, []any{"[]", 0, 1}},
		"what some delivered":         {selectDeliveredOf, []any{"[]", 0, 1}},
		"refusals of some by step":    {selectFlowsOf, []any{1, 0, "[]"}},
		"who took what":               {selectDelivered, []any{0}},
		"who stands before receivers": {selectFronts + " WHERE domain IN (SELECT value FROM json_each(?))", []any{"[]"}},
		"what was requested":          {selectRequests + ofOpenIncidents, nil},
		"proved reports of a message": {selectProved, []any{1}},
		"what counts for a report":    {selectCounting, []any{1}},
		"what a row counts for":       {selectMailsOf, []any{1}},
		"who is not heard of":         {selectForgotten, []any{0, 1}},
		"how much lists were asked":   {selectUsage, []any{"dnsbl", 0}},
		"ratings of note":             {selectNotable + " LIMIT ?", []any{10}},
		"what left last":              {selectLastSent, []any{"mx1"}},
		"what was published last":     {selectLatest, []any{"192.0.2.10", "PTR"}},
		"what has changed":            {selectDrift, []any{0, 1}},
		"what is unanswered":          {selectUnanswered, []any{0, 20}},
		"reports without proof":       {selectUnproved, []any{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var plan []string
			if err := each(t.Context(), db.read, func(r *sql.Rows) error {
				var id, parent, unused int
				var step string
				err := r.Scan(&id, &parent, &unused, &step)
				plan = append(plan, step)
				return err
			}, "EXPLAIN QUERY PLAN "+c.query, c.args...); err != nil {
				t.Fatal(err)
			}
			for _, step := range plan {
				if what, scans := strings.CutPrefix(step, "SCAN "); scans && !slices.ContainsFunc(small, func(s string) bool { return strings.Contains(what+" ", s) }) {
					t.Errorf("%s, in\n%s", step, strings.Join(plan, "\n"))
				}
			}
		})
	}
}
