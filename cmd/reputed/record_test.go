package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reputed/checks"
	"reputed/internal/lab"
)

func (r *rig) command(words ...string) string {
	r.t.Helper()
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &out}
	if code := a.main(r.t.Context(), append(words, "--config", r.path)); code != exitOK {
		r.t.Fatalf("reputed %s: exit %d\n%s", strings.Join(words, " "), code, out.String())
	}
	return out.String()
}

// What a person records is an incident a minute later, and what refusals tell is shown beside it.
func TestARecordedReadingIsAnIncident(t *testing.T) {
	r := newRig(t, nil)
	judge := func() {
		t.Helper()
		if err := r.JudgeRecorded(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	judge()
	address := lab.OurAddress.String()
	out := r.command("record", "talos", address, "poor", "--by", "kim", "--note", "spam level high")
	if !strings.Contains(out, "recorded: Cisco Talos says of "+address+": poor") {
		t.Errorf("got %s", out)
	}
	judge()
	if m, ok := r.member(checks.CodePoor); !ok || m.Finding.Severity != checks.Major {
		t.Fatalf("got %+v", r.open())
	}
	judge() // and nothing comes of it twice
	r.command("record", "talos", address, "neutral", "--by", "kim")
	judge()
	if _, ok := r.member(checks.CodePoor); ok {
		t.Error("neutral did not end it")
	}
	r.read(1, lab.CiscoRefusal(time.Now().Add(time.Second), "4TgXkR2x9zB", "kim@example.net"))
	out = r.command("reputation", address)
	for _, want := range []string{"Cisco Talos: poor or below", "as refusals tell", "refused by 1 receiver behind Cisco Talos", "before: neutral", "https://talosintelligence.com/reputation_center/lookup?search=" + address} {
		if !strings.Contains(out, want) {
			t.Errorf("does not say %q:\n%s", want, out)
		}
	}
	if out := r.command("record", "talos", address); !strings.Contains(out, "search="+address) || !strings.Contains(out, "poor") {
		t.Errorf("got %s", out)
	}
}
