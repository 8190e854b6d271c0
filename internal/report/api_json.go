package report

import (
	"io"
	"reflect"
	"time"

	"reputed/alerts"
	"reputed/checks"
)

// This file has the documents that only the HTTP interface has, and the shape of all of them.

// findingsJSON is what is a problem now, question by question.
type findingsJSON struct {
	Schema   int                   `json:"schema"`
	Findings []incidentFindingJSON `json:"findings"`
}

type incidentFindingJSON struct {
	Incident int64 `json:"incident"`
	findingJSON
}

// IncidentFinding is a member of an incident.
type IncidentFinding struct {
	Incident int64
	Member   alerts.Member
}

// WriteFindings writes members of incidents as JSON, in the order given.
func WriteFindings(w io.Writer, all []IncidentFinding) error {
	out := findingsJSON{Schema: 1, Findings: []incidentFindingJSON{}}
	for _, f := range all {
		out.Findings = append(out.Findings, incidentFindingJSON{f.Incident, findingOf(f.Member)})
	}
	return writeJSON(w, out)
}

// targetsJSON is what is watched, and how it stands.
type targetsJSON struct {
	Schema  int          `json:"schema"`
	Targets []targetJSON `json:"targets"`
}

type targetJSON struct {
	Target   string         `json:"target"`
	Kind     string         `json:"kind"`
	Pool     string         `json:"pool"`
	Tags     []string       `json:"tags"`
	Watched  bool           `json:"watched"`
	Problems []standingJSON `json:"problems"`
}

type standingJSON struct {
	Check    string          `json:"check"`
	Source   string          `json:"source"`
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Since    *string         `json:"since"`
	LastSeen *string         `json:"last_seen"`
	Unknown  *string         `json:"unknown_since"`
}

// TargetStanding is a target with its problems.
type TargetStanding struct {
	Target    checks.Target
	Watched   bool
	Standings []Standing
}

func targetOf(t TargetStanding) targetJSON {
	out := targetJSON{Target: t.Target.ID(), Kind: string(t.Target.Kind), Pool: checks.Line(t.Target.Pool, 0), Tags: lines(t.Target.Tags), Watched: t.Watched, Problems: []standingJSON{}}
	for _, s := range t.Standings {
		out.Problems = append(out.Problems, standingJSON{s.Key.Check, checks.Line(s.Key.Source, 0), s.Code, s.Severity, utc(s.Since), utc(s.Seen), utc(s.Unknown)})
	}
	return out
}

// WriteTargets writes targets as JSON, in the order given.
func WriteTargets(w io.Writer, all []TargetStanding) error {
	out := targetsJSON{Schema: 1, Targets: []targetJSON{}}
	for _, t := range all {
		out.Targets = append(out.Targets, targetOf(t))
	}
	return writeJSON(w, out)
}

// targetShowJSON is one target whole.
type targetShowJSON struct {
	Schema    int            `json:"schema"`
	Target    targetJSON     `json:"target"`
	Incidents []incidentJSON `json:"incidents"`
	Refusals  []refusedJSON  `json:"refused_mail"`
}

// Write writes a target as JSON. Its history is a document of its own.
func (t Target) Write(w io.Writer) error {
	out := targetShowJSON{Schema: 1, Target: targetOf(TargetStanding{t.Target, t.Watched, t.Standings}), Incidents: []incidentJSON{}, Refusals: refusalsOf(t.Refusals)}
	for _, i := range t.Incidents {
		out.Incidents = append(out.Incidents, incidentOf(i, t.Now))
	}
	return writeJSON(w, out)
}

// refusedMailJSON is refused mail, latest first.
type refusedMailJSON struct {
	Schema   int           `json:"schema"`
	Refusals []refusedJSON `json:"refused_mail"`
}

// WriteRefusals writes refused mails as JSON, in the order given.
func WriteRefusals(w io.Writer, all []Refusal) error {
	return writeJSON(w, refusedMailJSON{1, refusalsOf(all)})
}

// receiversJSON is what receivers did in the last day.
// changesJSON are changes of what is known. Field names are a promise: docs/json.md.
type changesJSON struct {
	Schema  int          `json:"schema"`
	Changes []changeJSON `json:"changes"`
}

type changeJSON struct {
	At       *string `json:"at"`
	Check    string  `json:"check"`
	Target   string  `json:"target"`
	Source   string  `json:"source"`
	Before   string  `json:"before"`
	Status   string  `json:"status"`
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	Summary  string  `json:"summary"`
}

// WriteChanges writes changes of what is known as JSON.
func WriteChanges(w io.Writer, all []Turn) error {
	out := changesJSON{1, []changeJSON{}}
	for _, t := range all {
		out.Changes = append(out.Changes, changeJSON{utc(t.At), t.Key.Check, checks.Line(t.Key.Target, 0), checks.Line(t.Key.Source, 0), string(t.Before), string(t.Status), string(t.Code), string(t.Severity), checks.Line(t.Summary, 0)})
	}
	return writeJSON(w, out)
}

type receiversJSON struct {
	Schema    int                `json:"schema"`
	Since     *string            `json:"since"`
	Receivers []receiverDoneJSON `json:"receivers"`
}

type receiverDoneJSON struct {
	Receiver  string   `json:"receiver"`
	Vendor    string   `json:"vendor"`
	Domains   []string `json:"domains"`
	Refused   int      `json:"refused"`
	Deferred  int      `json:"deferred"`
	Delivered *int     `json:"delivered"`
	Last      *string  `json:"last"`
}

// WriteReceivers writes receivers as JSON, in the order given.
func WriteReceivers(w io.Writer, all []Receiver, since time.Time) error {
	out := receiversJSON{Schema: 1, Since: utc(since), Receivers: []receiverDoneJSON{}}
	for _, r := range all {
		out.Receivers = append(out.Receivers, receiverDoneJSON{r.Name, r.Vendor, lines(r.Domains), r.Refused, r.Deferred, counted(r.Delivered), utc(r.Last)})
	}
	return writeJSON(w, out)
}

// incidentsJSON is a list of incidents, incidentDoneJSON one after somebody acted on it.
type (
	incidentsJSON struct {
		Schema    int            `json:"schema"`
		Incidents []incidentJSON `json:"incidents"`
	}
	incidentDoneJSON struct {
		Schema   int          `json:"schema"`
		Incident incidentJSON `json:"incident"`
	}
	listsJSON struct {
		Schema int        `json:"schema"`
		Lists  []listJSON `json:"lists"`
	}
	listShowJSON struct {
		Schema int      `json:"schema"`
		List   listJSON `json:"list"`
	}
)

// WriteIncident writes one incident as JSON.
func WriteIncident(w io.Writer, v IncidentView, now time.Time) error {
	return writeJSON(w, incidentDoneJSON{1, incidentOf(v, now)})
}

// Schemas are the shapes of the documents as JSON Schema (draft 2020-12), by name. They are
// made of the types that write them, so that they cannot say anything else.
func Schemas() map[string]any {
	out := map[string]any{}
	for name, v := range map[string]any{
		"Status": statusJSON{}, "Incidents": incidentsJSON{}, "Incident": incidentShowJSON{}, "IncidentAfter": incidentDoneJSON{}, "Explanation": explanationJSON{}, "Findings": findingsJSON{},
		"Targets": targetsJSON{}, "Target": targetShowJSON{}, "Lists": listsJSON{}, "List": listShowJSON{}, "RefusedMail": refusedMailJSON{}, "Receivers": receiversJSON{}, "History": historyJSON{}, "Letters": lettersJSON{}, "Changes": changesJSON{},
	} {
		out[name] = shape(reflect.TypeOf(v))
	}
	return out
}

// shape is the JSON Schema of a type. A pointer to a text is a time, or null.
func shape(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		s := shape(t.Elem())
		if t.Elem().Kind() == reflect.String {
			s["format"] = "date-time"
		}
		s["type"] = []any{s["type"], "null"}
		return s
	case reflect.Slice:
		return map[string]any{"type": "array", "items": shape(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": shape(t.Elem())}
	case reflect.Struct:
		properties, required := map[string]any{}, []any{}
		members(t, func(name string, of reflect.Type) {
			properties[name] = shape(of)
			required = append(required, name)
		})
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64, reflect.Float32:
		return map[string]any{"type": "number"}
	case reflect.String:
		return map[string]any{"type": "string"}
	}
	return map[string]any{"type": "integer"}
}

// members visits the fields of a struct as JSON has them.
func members(t reflect.Type, visit func(name string, of reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			members(f.Type, visit)
			continue
		}
		visit(f.Tag.Get("json"), f.Type)
	}
}
