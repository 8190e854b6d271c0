package probes

import "context"

// FolderLook is what [Mailbox.Look] finds.
type FolderLook struct {
	UIDValidity uint32
	Messages    uint32 // in the folder
	UIDNext     uint32 // the UID of the next mail that comes (RFC 3501 section 2.3.1.1); 0: the server did not say
	Idle        bool   // the server reports new mail by itself (RFC 2177)
}

// Above returns how many mails there are at most above a position: all of them if it is of
// another UIDVALIDITY, -1 if the server did not say.
func (v FolderLook) Above(p Position) int {
	switch {
	case v.UIDValidity != p.UIDValidity:
		return int(v.Messages)
	case v.UIDNext == 0:
		return -1
	}
	return max(int(min(v.Messages, v.UIDNext-1-min(p.UID, v.UIDNext-1))), 0)
}

// Look connects, logs in, opens the folder read-only (EXAMINE) whatever [MailboxOptions].After
// says, and leaves. It reads no mail. Its errors are those of [Mailbox.Once]; it does not try
// again.
func (m *Mailbox) Look(ctx context.Context) (v FolderLook, err error) {
	look := *m
	look.opts.After = After{}
	s, err := look.connect(ctx)
	if err != nil {
		return v, err
	}
	defer s.close()
	if v.UIDValidity, err = s.examine(ctx); err != nil {
		return v, err
	}
	v.Messages, v.UIDNext, v.Idle = s.messages, s.uidNext, s.canIdle
	s.logout(ctx)
	return v, nil
}
