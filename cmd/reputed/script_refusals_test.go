package main

import (
	"context"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reputed/checks/bounce"
	"reputed/internal/store"
	"reputed/probes"
)

// refused is the script command "refused DATABASE FILE": a database in which each line of
// the file was a refusal of the last hour, to a domain of its own; a line "4..." is a deferral.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(storeRefusals(ts.MkAbs(args[0]), strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n")))
}

// storeRefusals makes a database of diagnostics.
func storeRefusals(path string, lines []string) error {
	ctx, now := context.Background(), time.Now()
	db, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	var batch store.Batch
	for i, line := range lines {
		b := bounce.Bounce{
			Action: bounce.Failed, Recipient: "kim@r" + string(rune('a'+i%26)) + ".example.net", RemoteHost: "mx1.zorblax.example",
			Diagnostic: bounce.Diagnostic{Reply: line[:min(3, len(line))], Text: line}, Judgement: bounce.Judgement{Rule: bounce.RuleNone, Category: bounce.Policy},
			At: now.Add(-time.Hour + time.Duration(i)*time.Second),
		}
		if f := strings.Fields(line); len(f) > 1 && strings.Count(f[1], ".") == 2 {
			b.Diagnostic.Status = f[1]
		}
		if strings.HasPrefix(line, "4") {
			b.Action = bounce.Delayed
		}
		batch.Mails = append(batch.Mails, store.Mail{
			Place:  store.Place{Mailbox: "bounces", Position: probes.Position{UIDValidity: 1, UID: uint32(i + 1)}, Received: now},
			Report: bounce.Report{Kind: bounce.KindBounce, Hash: "h" + string(rune('a'+i)), Bounces: []bounce.Bounce{b}},
		})
	}
	_, err = db.Commit(ctx, now, batch, func(store.Situation) store.Decision { return store.Decision{} })
	return err
}
