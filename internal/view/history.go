package view

import (
	"reputed/internal/report"
	"reputed/internal/store"
)

// TurnsOf puts changes as they are stored into the words of a report.
func TurnsOf(all []store.Transition) []report.Turn {
	turns := make([]report.Turn, 0, len(all))
	for _, t := range all {
		turns = append(turns, report.Turn{At: t.At, Key: t.Key, Before: t.Before, Status: t.Status, Code: t.Code, Severity: t.Severity, Summary: t.Summary})
	}
	return turns
}
