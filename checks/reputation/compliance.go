package reputation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"reputed/checks"
)

// compliance is which requirements are not met; a reading without a value if nothing is known.
func (p Postmaster) compliance(ctx context.Context, domain checks.Target, now time.Time) (Reading, error) {
	page, err := p.Web.Get(ctx, p.address(domain, "/complianceStatus"))
	if err != nil {
		return Reading{}, err
	}
	if err := refusal("Postmaster Tools, requirements of "+domain.Name, page, postmasterHint); err != nil {
		return Reading{}, err
	}
	type status struct{ Status string }
	type verdict struct {
		Status status
		Reason string
	}
	type data struct {
		RowData []struct {
			Requirement string
			Status      status
		}
		HonorUnsubscribeVerdict    verdict
		OneClickUnsubscribeVerdict verdict
	}
	var answer struct {
		ComplianceData          *data
		SubdomainComplianceData *data // of the name itself, where it is no registrable domain
	}
	if json.Unmarshal(page.Body, &answer) != nil {
		return Reading{}, fmt.Errorf("Postmaster Tools, requirements of %s: %w: it is no JSON of the known form", domain.Name, ErrAnswer)
	}
	of := answer.SubdomainComplianceData
	if of == nil {
		of = answer.ComplianceData
	}
	if of == nil {
		return Reading{}, nil
	}
	known := false
	var bad []string
	look := func(name, s string) {
		known = known || s == "COMPLIANT" || s == "NEEDS_WORK"
		if name = requirement(name); s == "NEEDS_WORK" && !slices.Contains(bad, name) {
			bad = append(bad, name)
		}
	}
	for _, row := range of.RowData {
		look(row.Requirement, row.Status.Status)
	}
	look("ONE_CLICK_UNSUBSCRIBE", of.OneClickUnsubscribeVerdict.Status.Status)
	look("HONOR_UNSUBSCRIBE", of.HonorUnsubscribeVerdict.Status.Status)
	if !known {
		return Reading{}, nil
	}
	r := Reading{Source: GoogleCompliance, Target: domain, Value: "all met", Level: Good, How: Measured, At: now.UTC()}
	if len(bad) > 0 {
		r.Value, r.Level = checks.Line(strings.Join(bad, ", "), maxValue), Poor
	}
	r.Evidence = checks.Evidence{Question: "Postmaster Tools, requirements of " + domain.Name, Answer: r.Value, At: r.At}
	return r, nil
}

// requirement is a requirement in words.
func requirement(name string) string {
	words := strings.ToLower(strings.ReplaceAll(checks.Line(name, 60), "_", " "))
	for _, short := range []string{"spf", "dkim", "dmarc", "dns"} {
		words = strings.ReplaceAll(words, short, strings.ToUpper(short))
	}
	return words
}
