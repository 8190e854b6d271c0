package web

import (
	"context"
	"errors"
	"time"

	"reputed/alerts"
	"reputed/checks"
	"reputed/internal/report"
)

// ErrNotFound: there is no such incident, target, list or receiver. Trying again does not help.
var ErrNotFound = errors.New("not found")

// Source is where everything comes from that is shown, each a report worked out from one
// moment. Its methods may be called at the same time. An error of any of them is shown as a page
// that says so; [ErrNotFound] as one that says that.
type Source interface {
	// Status is how things stand. If nothing can be read, its Trouble says why.
	Status(ctx context.Context, now time.Time) report.Report
	// Matrix is targets against lists, of one pool or of all (empty).
	Matrix(ctx context.Context, pool string, now time.Time) (report.Matrix, error)
	// Refusals is refused mail by vendor over time, with what lists did meanwhile. The span
	// is one of report.SpanWords.
	Refusals(ctx context.Context, span string, now time.Time) (report.Timeline, error)
	// Ratings are what those who rate senders say: what the status has of them, and others that are to be drawn.
	Ratings(ctx context.Context, now time.Time) (report.Ratings, error)
	// Incident is one incident whole, or ErrNotFound.
	Incident(ctx context.Context, id int64, now time.Time) (report.Explanation, error)
	// Course is what became of the mail of an incident's targets, from before it opened, with what
	// happened meanwhile.
	Course(ctx context.Context, e report.Explanation, now time.Time) (report.Timeline, error)
	// Letters are the messages that an incident calls for, filled in; none of one that is resolved.
	Letters(ctx context.Context, e report.Explanation, now time.Time) ([]report.Letter, error)
	// Incidents are incidents with their worst findings, what is not resolved first, resolved ones too if that is asked for.
	Incidents(ctx context.Context, resolved bool) ([]report.IncidentView, error)
	// Findings are what is a problem now, in the order of their keys and then of their incidents, and whether there are more.
	Findings(ctx context.Context, q FindingQuery) (part []report.IncidentFinding, more bool, err error)
	// Target is everything about one target, or ErrNotFound.
	Target(ctx context.Context, id string, now time.Time) (report.Target, error)
	// Lists are all lists that are known, those that are asked first.
	Lists(ctx context.Context) ([]report.List, error)
	// List is everything about one list by its id, or ErrNotFound.
	List(ctx context.Context, id string, now time.Time) (report.ListHistory, error)
	// Receivers are all that refused or took mail within the last day, most refused first.
	Receivers(ctx context.Context, now time.Time) ([]report.Receiver, error)
	// Receiver is one vendor or receiving domain, or ErrNotFound.
	Receiver(ctx context.Context, name string, now time.Time) (report.Receiver, error)
	// Search finds incidents, targets, lists and receivers that a person means by a few letters.
	Search(ctx context.Context, words string, now time.Time) ([]report.Hit, error)
	// Act lets a person do something to an incident, and gives it as it is then. Errors: [ErrNotFound],
	// alerts.ErrOver, alerts.ErrAction, each of which says what to do; any other may pass.
	Act(ctx context.Context, a alerts.Action) (alerts.Incident, error)
	// Targets are what is watched, in the order of the configuration, at most so many after the one with that
	// id (empty: from the first), and whether there are more.
	Targets(ctx context.Context, after string, limit int) (part []report.TargetStanding, more bool, err error)
	// Standings are the problems of now, of one target by its id or of all (empty), in no order.
	Standings(ctx context.Context, target string) ([]report.Standing, error)
	// Watched says whether the configuration has the target.
	Watched(target string) bool
	// Bounces are refused mails that count, latest first, and where the next page begins (empty: nowhere).
	Bounces(ctx context.Context, q BounceQuery) (part []report.Refusal, next []string, err error)
	// Changes are changes of what is known, latest first, and where the next page begins (0: nowhere).
	Changes(ctx context.Context, q ChangeQuery) (part []report.Turn, next int64, err error)
	// History is what changed of a target and on a list (empty: of any), from a time on (zero: ever).
	History(ctx context.Context, target, list string, since, now time.Time) (report.History, error)
}

// FindingQuery says which findings are meant.
type FindingQuery struct {
	Target string // Target.ID; empty: any
	List   string // by its id, or who refuses; empty: any
	// After and Incident are the key and the incident of the last one of the page before; zero: the first page.
	After    checks.Key
	Incident int64
	Limit    int
}

// ChangeQuery says which changes are meant.
type ChangeQuery struct {
	Target string // Target.ID; empty: any
	List   string // by its id, or who refuses; empty: any
	Since  time.Time
	Before int64 // a number that a call before has given; 0: the first page
	Limit  int
}

// BounceQuery says which refused mails are meant.
type BounceQuery struct {
	Target string // Target.ID; empty: any
	Vendor string // or receiving domain; empty: any
	Since  time.Time
	After  []string // two words that a call before has given; empty: the first page
	Limit  int
}
