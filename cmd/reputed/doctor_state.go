package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"reputed/checks"
	"reputed/internal/daemon"
	"reputed/internal/monitor"
	"reputed/internal/report"
	"reputed/internal/store"
)

type usedAddress = store.UsedAddress

const (
	// lookThrough is up to what size the whole file is looked through for damage.
	lookThrough = 2 << 30
	// freeDoubt and freeBad are how much room there has to be on the disk. A round costs megabytes.
	freeDoubt = 1 << 30
	freeBad   = 100 << 20
)

// lookAtDatabase looks at the file, and at the disk that it lies on.
func (p *patient) lookAtDatabase(ctx context.Context) (all []report.Symptom) {
	path := p.cfg.Database.Path
	switch {
	case errors.Is(p.dbErr, store.ErrNoDatabase):
		all = append(all, report.Symptom{Is: report.Doubtful, Says: p.dbErr.Error(), Do: "start the daemon; if it runs, name its configuration with --config"})
	case errors.Is(p.dbErr, store.ErrSchema), errors.Is(p.dbErr, store.ErrPermission), errors.Is(p.dbErr, store.ErrCorrupt), errors.Is(p.dbErr, store.ErrNotOurs):
		all = append(all, report.Symptom{Is: report.Broken, Says: p.dbErr.Error(), Do: "do what it says; nothing is lost by looking"})
	case p.dbErr != nil:
		all = append(all, unclear("database "+path, p.dbErr))
	default:
		all = append(all, p.lookThrough(ctx))
		all = append(all, p.upgraded(ctx)...)
	}
	all = append(all, writable(path))
	if free, ok := diskFree(filepath.Dir(path)); ok {
		switch text := fmt.Sprintf("%s free where the database lies", bytesOf(free)); {
		case free < freeBad:
			all = append(all, report.Symptom{Is: report.Broken, Says: text, Do: "make room: once the disk is full nothing is stored, and nobody is told of anything new"})
		case free < freeDoubt:
			all = append(all, report.Symptom{Is: report.Doubtful, Says: text, Do: "make room before it is full"})
		default:
			all = append(all, sound("%s", text))
		}
	}
	return all
}

// lookThrough looks for damage, as far as the time allows.
func (p *patient) lookThrough(ctx context.Context) report.Symptom {
	path := p.cfg.Database.Path
	size := int64(0)
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			size += info.Size()
		}
	}
	version, err := p.db.Schema(ctx)
	if err != nil {
		return unclear("database "+path, err)
	}
	text := fmt.Sprintf("%s: %s, schema %d", path, bytesOf(uint64(size)), version)
	if size > lookThrough {
		return sound("%s; too large to be looked through for damage here", text)
	}
	switch err := p.db.Check(ctx); {
	case errors.Is(err, store.ErrCorrupt):
		return report.Symptom{Is: report.Broken, Says: err.Error(), Do: "stop the daemon, keep a copy, and put a backup back (reputed restore)"}
	case ctx.Err() != nil:
		return unclear(text+", looking for damage", ctx.Err())
	case err != nil:
		return unclear(text+", looking for damage", err)
	}
	return sound("%s, no damage", text)
}

// upgradeNews is for how long it is told that the schema changed without a copy of what was there.
const upgradeNews = 7 * 24 * time.Hour

// upgraded says where the database as it was before the last change of its schema lies, or why it lies nowhere.
func (p *patient) upgraded(ctx context.Context) []report.Symptom {
	m, err := p.db.LastMigration(ctx)
	if err != nil {
		return []report.Symptom{unclear("the last upgrade of the database", err)}
	}
	text := fmt.Sprintf("schema %d became %d at %s", m.From, m.To, m.At.UTC().Format("2006-01-02 15:04 MST"))
	if m.Copy != "" {
		if _, err := os.Stat(m.Copy); err != nil {
			return nil // removed, as it is after 30 days, or not for this user to see
		}
		return []report.Symptom{sound("%s; the database as it was is kept: %s", text, checks.Line(m.Copy, 0))}
	}
	if m.Why == "" || !p.cfg.Backup.BeforeUpgrade || p.now.Sub(m.At) > upgradeNews {
		return nil
	}
	return []report.Symptom{{Is: report.Doubtful, Says: text + ", and there is no copy of it as it was: " + checks.Line(m.Why, 300),
		Do: "make a backup now (reputed backup FILE), and room for the next upgrade, or name a folder in [backup] dir"}}
}

// writable says whether this user may write the file and its folder, without opening either: that would
// take the locks of this very process from it.
func writable(path string) report.Symptom {
	for _, name := range []string{path, filepath.Dir(path)} {
		if _, err := os.Stat(name); err != nil {
			continue
		}
		ok, known := mayWrite(name)
		switch {
		case !known:
			return report.Symptom{Is: report.Unclear, Says: "this system does not say whether " + name + " may be written", Do: "see the log of the daemon"}
		case !ok:
			return report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("this user may not write %s", name), Do: "run this as the user of the daemon; if you are that one, give it the file and its folder"}
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("the folder %s is not there yet", filepath.Dir(path)), Do: "the daemon makes it, if it may"}
	}
	return sound("this user may write it")
}

// bytesOf is a size for people.
func bytesOf(n uint64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}

// lookAtDaemon says whether it runs, and whether its rounds come to their end.
func (p *patient) lookAtDaemon(ctx context.Context) (all []report.Symptom) {
	if p.db == nil {
		return []report.Symptom{{Is: report.Doubtful, Says: "no daemon has run on this database", Do: "start it: systemctl start reputed"}}
	}
	lease, err := p.db.LeaseInfo(ctx)
	switch {
	case err != nil:
		return []report.Symptom{unclear("daemon", err)}
	case lease.Alive(p.now):
		all = append(all, sound("%s runs, process %d on %s, since %s", lease.Holder, lease.PID, lease.Host, lease.Acquired.UTC().Format("2006-01-02 15:04 MST")))
	case lease.Holder != "":
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("%s, process %d on %s, gave its last sign of life at %s", lease.Holder, lease.PID, lease.Host, lease.Renewed.UTC().Format(time.RFC3339)), Do: "start it: systemctl start reputed; its log says why it ended"})
	default:
		all = append(all, report.Symptom{Is: report.Broken, Says: "no daemon runs on this database", Do: "start it: systemctl start reputed"})
	}
	run, ok, err := p.db.LastCompleteRun(ctx, monitor.JobDNSBL)
	late := 2*daemon.Span(p.cfg.Schedule.DNSBLTimes, p.now) + daemon.Patience
	switch {
	case err != nil:
		all = append(all, unclear("rounds", err))
	case !ok:
		all = append(all, report.Symptom{Is: report.Doubtful, Says: "no round over the lists has come to its end yet", Do: "wait for the first; reputed plan says how long one takes"})
	case !p.cfg.Schedule.DNSBLTimes.Next(run.Finished.Add(late)).After(p.now):
		all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("the last complete round over the lists ended %s ago", p.now.Sub(run.Finished).Round(time.Minute)), Do: "see the log of the daemon, and the lines about resolver and lists"})
	default:
		all = append(all, sound("the last round asked %s and ended %s ago", checks.Plural(run.Summary.Questions, "question"), p.now.Sub(run.Finished).Round(time.Second)))
	}
	return append(all, p.lookAtProgrammes(ctx)...)
}

// lookAtProgrammes says how reading the programmes of providers went the last time.
func (p *patient) lookAtProgrammes(ctx context.Context) (all []report.Symptom) {
	var names []string
	for _, s := range p.cfg.Reputation.SNDS {
		names = append(names, s.Name)
	}
	for _, s := range p.cfg.Reputation.Postmaster {
		names = append(names, s.Name)
	}
	for _, name := range names {
		run, ok, err := p.db.LastRun(ctx, "source:"+name)
		switch {
		case err != nil:
			all = append(all, unclear("source "+name, err))
		case !ok:
			all = append(all, report.Symptom{Is: report.Doubtful, Says: fmt.Sprintf("source %s was never read", name), Do: "start the daemon"})
		case run.Summary.Trouble != "":
			all = append(all, report.Symptom{Is: report.Broken, Says: fmt.Sprintf("source %s: %s", name, run.Summary.Trouble), Do: "do what it says; it is read again on schedule"})
		default:
			all = append(all, sound("source %s was read %s ago", name, p.now.Sub(run.Finished).Round(time.Minute)))
		}
	}
	if len(names) == 0 {
		all = append(all, report.Symptom{Is: report.Absent, Says: "what Microsoft and Google think of you is not read: SNDS and Postmaster Tools say it, days before mail is refused", Do: "add [[reputation.snds]] and [[reputation.postmaster]]"})
	}
	return all
}
