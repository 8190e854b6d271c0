package maillog

import (
	"testing"

	"reputed/checks/bounce"
)

const (
	accountHead = "type,timeLogged,timeQueued,orig,rcpt,dsnStatus,dsnDiag,dsnMta,dlvSourceIp,vmta"
	accountSent = "d,2026-11-24 09:00:01+0000,2026-11-24 09:00:00+0000,b@example.org,kim@example.net,2.0.0,smtp;250 ok,mx1.example.net (198.51.100.7),203.0.113.25,out25"
)

func TestWhatAnAccountingFileTells(t *testing.T) {
	for name, c := range map[string]struct {
		format Format
		text   string
		want   []bounce.Action
		unread int
	}{
		"columns are named first":                   {Auto, accountHead + "\n" + accountSent, []bounce.Action{bounce.Delivered}, 0},
		"quoted columns":                            {Auto, `type,"timeLogged","rcpt"` + "\nd,1795511000,kim@example.net", []bounce.Action{bounce.Delivered}, 0},
		"without them it is nobody's":               {Auto, accountSent, nil, 0},
		"and told where the format is":              {PowerMTA, accountSent, nil, 1},
		"a record of other columns":                 {PowerMTA, accountHead + "\nd,1795511000,kim@example.net", nil, 1},
		"a broken quote":                            {PowerMTA, accountHead + "\n" + `d,"1795511000`, nil, 1},
		"no recipient":                              {PowerMTA, "type,timeLogged,rcpt\nb,1795511000,", nil, 1},
		"columns without a recipient are none":      {Auto, "type,size,colour\nd,1,2", nil, 0},
		"words for types, as some pipes write them": {PowerMTA, "type,timeLogged,rcpt\nbounce,1795511000,kim@example.net", []bounce.Action{bounce.Failed}, 0},
		"what came in and what others report":       {PowerMTA, "type,timeLogged,rcpt\nr,1,kim@example.net\nrb,1,kim@example.net\nf,1,kim@example.net", nil, 0},
		"lines of other programs in the same place": {PowerMTA, "Nov 24 09:00:00 mx1 postfix/smtp[1]: 4Rab: to=<kim@example.net>, status=sent (250 ok)", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			opt := options(nil)
			opt.Format = c.format
			r := New(opt)
			var got []bounce.Action
			for _, e := range r.Read(linesOf(c.text)) {
				got = append(got, e.Action)
			}
			if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
				t.Errorf("told %v, want %v", got, c.want)
			}
			if s := r.Stats(); s.Unread != c.unread {
				t.Errorf("%d lines unread, want %d", s.Unread, c.unread)
			}
		})
	}
}

// A daemon that starts anew in the middle of a file still knows the columns.
func TestColumnsOutliveARestart(t *testing.T) {
	first := New(options(nil))
	first.Read(linesOf(accountHead))
	second := New(options(nil))
	if err := second.Restore(first.State()); err != nil {
		t.Fatal(err)
	}
	if got := second.Read(linesOf(accountSent)); len(got) != 1 || got[0].Source.String() != "203.0.113.25" {
		t.Errorf("got %+v, want the delivery from 203.0.113.25", got)
	}
}

func BenchmarkAccounts(b *testing.B) {
	lines := linesOf(accountHead)
	for range 1000 {
		lines = append(lines, linesOf(accountSent)...)
	}
	run(b, options(builtinRules(b)), lines)
}
