package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// taker is a receiver that takes our mail, and how many mails an hour.
type taker struct {
	domain, host, addr string
	hourly             int
}

// TheirDomain is one of several: what it refuses is a part of what is sent.
var takers = []taker{
	{"example.com", "mx.example.com", "203.0.113.5", 120},
	{"example.edu", "mx.example.edu", "203.0.113.6", 60},
	{"shop.example", "mx.shop.example", "203.0.113.7", 40},
	{TheirDomain, TheirHost, theirAddr, 80},
}

// MailLog is the log of our Postfix, in the form of rsyslog with whole times.
type MailLog struct {
	Path string
	ids  int
}

// startLog begins a log in a folder.
func startLog(dir string) (*MailLog, error) {
	l := &MailLog{Path: filepath.Join(dir, "mail.log")}
	if err := os.WriteFile(l.Path, nil, 0o600); err != nil {
		return nil, fmt.Errorf("start the mail log of the lab: %w", err)
	}
	return l, nil
}

// lines appends lines in one write, so that no reader meets half of one.
func (l *MailLog) lines(all []string) error {
	f, err := os.OpenFile(l.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strings.Join(all, "\n") + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("write the mail log of the lab: %w", err)
	}
	return nil
}

func line(at time.Time, program, text string) string {
	host, _, _ := strings.Cut(OurHost, ".")
	return at.UTC().Format("2006-01-02T15:04:05.000000+00:00") + " " + host + " postfix/" + program + "[711]: " + text
}

// nextID is a queue id as Postfix gives it with enable_long_queue_ids.
func (l *MailLog) nextID() string {
	l.ids++
	return fmt.Sprintf("4TgXk%06dz", l.ids)
}

// told is what the log has of one message: that it came, what became of it, and, if that is
// the end of it, that it is gone.
func (l *MailLog) told(at time.Time, id, recipient, relay, result string, over bool) []string {
	all := []string{
		line(at, "cleanup", id+": message-id="+messageID(id)),
		line(at, "qmgr", id+": from=<news@"+OurDomain+">, size=4711, nrcpt=1 (queue active)"),
		line(at, "smtp", id+": to=<"+recipient+">, relay="+relay+", delay=0.4, delays=0.1/0/0.2/0.1, "+result),
	}
	if over {
		all = append(all, line(at, "qmgr", id+": removed"))
	}
	return all
}

func (l *MailLog) sent(at time.Time, t taker) []string {
	id := l.nextID()
	return l.told(at, id, fmt.Sprintf("customer%d@%s", l.ids, t.domain), t.host+"["+t.addr+"]:25", "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1)", true)
}

// Deliver writes what all receivers took in the hours before a time, some hundred mails in each.
func (l *MailLog) Deliver(until time.Time, hours int) error {
	var all []string
	minutes := hours * 60
	for m := range minutes {
		at := until.Add(-time.Duration(minutes-m) * time.Minute)
		for _, t := range takers {
			for range (m+1)*t.hourly/60 - m*t.hourly/60 {
				all = append(all, l.sent(at, t)...)
			}
		}
	}
	return l.lines(all)
}

// Take lets the receiver behind the Cisco gateway take so many mails.
func (l *MailLog) Take(at time.Time, mails int) error {
	var all []string
	for range mails {
		all = append(all, l.sent(at, takers[len(takers)-1])...)
	}
	return l.lines(all)
}

// Refuse lets the Cisco gateway refuse so many mails in the greeting, which Postfix takes for
// temporary: it will try again for five days. It gives back the queue id and recipient of the first.
func (l *MailLog) Refuse(at time.Time, mails int) (id, recipient string, err error) {
	var all []string
	for i := range mails {
		q := l.nextID()
		to := fmt.Sprintf("customer%d@%s", l.ids, TheirDomain)
		if i == 0 {
			id, recipient = q, to
		}
		relay := TheirHost + "[" + theirAddr + "]:25"
		all = append(all, l.told(at, q, to, relay, "dsn=4.0.0, status=deferred (host "+TheirHost+"["+theirAddr+"] refused to talk to me: 554-"+TheirHost+" 554 "+ciscoGreeting+")", false)...)
	}
	return id, recipient, l.lines(all)
}

func messageID(queueID string) string {
	return "<" + strings.ToLower(queueID) + ".invoice@" + OurDomain + ">"
}
