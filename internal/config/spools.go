package config

import (
	"fmt"
	"time"
)

// Spool is a mail spool of this machine that receives bounces, besides IMAP mailboxes.
type Spool struct {
	Name string `toml:"name"` // unique among mailboxes and spools, and the key of what was read; default "spool"
	Path string `toml:"path"` // a Maildir (the folder that holds new and cur), or an mbox file
	Type string `toml:"type"` // SpoolAuto (the default), SpoolMaildir, SpoolMbox
	// Remove removes mails from a Maildir once they are stored; nothing else ever changes a spool.
	Remove bool     `toml:"remove"`
	Poll   Duration `toml:"poll"` // between looks; default 5s, 1s to 1h
}

// What a spool is: the values of Spool.Type.
const (
	SpoolAuto    = "auto"    // a folder is a Maildir, a file an mbox
	SpoolMaildir = "maildir" // one file for each mail
	SpoolMbox    = "mbox"    // one file with all mails; if it is missing, there are none
)

// QueueSpool is the name of the spool that Bounces.Queue is.
const QueueSpool = "delivered"

func (s *Spool) setDefaults() {
	*s = Spool{Name: "spool", Type: SpoolAuto, Poll: Duration{5 * time.Second}}
}

// AllSpools returns the spools of the file, and the one to which `reputed bounce --deliver` writes.
func (c *Config) AllSpools() []Spool {
	all := append([]Spool{}, c.Spools...)
	if c.Bounces.Queue != "" {
		all = append(all, Spool{Name: QueueSpool, Path: c.Bounces.Queue, Type: SpoolMaildir, Remove: true, Poll: Duration{2 * time.Second}})
	}
	return all
}

func (v *validator) spools() {
	names, places := map[string]string{}, map[string]string{}
	for i, m := range v.cfg.Mailboxes {
		names[m.Name] = fmt.Sprintf("mailbox[%d].name", i)
	}
	c := &v.cfg.Bounces
	if c.Queue != "" {
		c.Queue = v.path(c.Queue)
		names[QueueSpool], places[c.Queue] = "bounces.queue", "bounces.queue"
	}
	for i := range v.cfg.Spools {
		s := &v.cfg.Spools[i]
		at := fmt.Sprintf("spool[%d]", i)
		v.name(at+".name", s.Name, names)
		v.oneOf(at+".type", s.Type, SpoolAuto, SpoolMaildir, SpoolMbox)
		v.between(at+".poll", s.Poll, time.Second, time.Hour)
		if s.Remove && s.Type == SpoolMbox {
			v.at(at+".remove", "mails are removed from a Maildir only: an mbox is never changed")
		}
		if s.Path == "" {
			v.missing(at+".path", `missing; such as "/var/mail/bounces" or "/home/bounces/Maildir"`)
			continue
		}
		s.Path = v.path(s.Path)
		if first, twice := places[s.Path]; twice {
			v.at(at+".path", "the same spool as the one on line %d", v.line(first))
		}
		places[s.Path] = at + ".path"
	}
	if c.RulesDir != "" {
		c.RulesDir = v.path(c.RulesDir) // what is in it is read by whoever judges with it
	}
}
