package web

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"reputed/alerts"
	"reputed/blocklists"
	"reputed/checks"
	"reputed/internal/report"
)

// parseTemplates reads each page together with what all of them share.
func (s *Server) parseTemplates() (map[string]*template.Template, error) {
	shared, err := template.New("base").Option("missingkey=error").Funcs(s.functions()).ParseFS(files, "templates/base.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, name := range names {
		key := strings.TrimSuffix(path.Base(name), ".html")
		if key == "base" || key == "parts" {
			continue
		}
		t, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if out[key], err = t.ParseFS(files, name); err != nil {
			return nil, err
		}
		// A template is made safe for the places where its values stand when it is first used, which takes
		// ten times as long as to use it. Without data it goes no further than that.
		var unsafe *template.Error
		if err := out[key].ExecuteTemplate(io.Discard, "base", nil); errors.As(err, &unsafe) {
			return nil, err
		}
	}
	return out, nil
}

// functions are what templates can do besides showing fields. None of them makes HTML:
// whatever they give is encoded for the place where it stands.
func (s *Server) functions() template.FuncMap {
	return template.FuncMap{
		"asset":     s.assetURL,
		"number":    report.Number,
		"span":      report.Span,
		"word":      report.Word,
		"link":      checks.Link,
		"line":      func(t string) string { return checks.Line(t, 300) },
		"stamp":     s.term.Stamp,
		"ago":       report.Ago,
		"clock":     s.term.Clock,
		"iso":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"when":      func(t, now time.Time) when { return when{t, now} },
		"sign":      sign,
		"level":     levelSign,
		"chart":     s.chart,
		"rates":     s.rates,
		"segment":   url.PathEscape,
		"dict":      dict,
		"plural":    checks.Plural,
		"state":     stateWord,
		"share":     share,
		"bywhom":    report.ByWhom,
		"names":     func(all []string) string { return report.Names(all, 8) },
		"severity":  func(s blocklists.Severity) checks.Severity { return checks.Severity(s) },
		"recovered": func(v checks.Recovery, now time.Time) string { return s.term.Recovered(v, now) },
		"add":       func(a, b int) int { return a + b },
	}
}

// when is a time with its age.
type when struct{ At, Now time.Time }

// Sign is a meaning as a shape, a word and a class: never by colour alone.
type Sign struct{ Glyph, Word, Class string }

// sign is how severe something is.
func sign(s checks.Severity) Sign {
	switch s {
	case checks.Critical:
		return Sign{"▲", "critical", "critical"}
	case checks.Major:
		return Sign{"◆", "major", "major"}
	case checks.Minor:
		return Sign{"●", "minor", "minor"}
	case checks.Informational:
		return Sign{"○", "info", "info"}
	}
	return Sign{"·", "none", "none"}
}

// levelSign is how something stands.
func levelSign(l report.Level) Sign {
	switch l {
	case report.LevelOK:
		return Sign{"✓", "well", "ok"}
	case report.LevelWarning:
		return Sign{"●", "warning", "minor"}
	case report.LevelCritical:
		return Sign{"▲", "in trouble", "critical"}
	}
	return Sign{"?", "not known", "unknown"}
}

// stateWord is a state for people.
func stateWord(s alerts.State) string {
	if s == alerts.Open {
		return "unacknowledged"
	}
	return string(s)
}

// share is a part of a whole: "0.4 %", "19 %".
func share(x float64) string {
	if x > 0 && x < 0.1 {
		return fmt.Sprintf("%.1f %%", x*100)
	}
	return fmt.Sprintf("%.0f %%", x*100)
}

// dict makes the one argument of a shared template out of several.
func dict(pairs ...any) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no key", pairs[i])
		}
		out[key] = pairs[i+1]
	}
	return out, nil
}
