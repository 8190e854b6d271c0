package probestest

import (
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// imapSession is one client's session. It adds to the library's memory server
// what a test wants to know and to provoke, and sends bodies byte for byte,
// where the library would write the header anew.
type imapSession struct {
	*imapmemserver.UserSession // nil before login
	double                     *IMAP
	conn                       *imapserver.Conn
	validity                   uint32 // of the folder that is selected
}

func (d *IMAP) newSession(conn *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	d.sessions.Add(1)
	return &imapSession{double: d, conn: conn}, &imapserver.GreetingData{}, nil
}

func (s *imapSession) Close() error {
	defer s.double.sessions.Done()
	return s.UserSession.Close()
}

func (s *imapSession) Login(user, password string) error {
	s.double.mu.Lock()
	defer s.double.mu.Unlock()
	s.double.logins++
	if s.double.refusal != nil {
		refusal := *s.double.refusal
		return &refusal
	}
	if user != s.double.opts.User || password != s.double.opts.Password {
		return imapserver.ErrAuthFailed
	}
	s.UserSession = imapmemserver.NewUserSession(s.double.user)
	return nil
}

func (s *imapSession) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	if !options.ReadOnly {
		s.note("SELECT")
	}
	data, err := s.UserSession.Select(name, options)
	if err == nil {
		s.validity = data.UIDValidity
	}
	return data, err
}

// Fetch answers what asks for whole bodies, or the beginning of them, itself.
func (s *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	if !wholeBody(o) {
		return s.UserSession.Fetch(w, set, o)
	}
	section := o.BodySection[0]
	if !section.Peek {
		s.note("FETCH without PEEK")
		seen := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
		if err := s.UserSession.Store(w, set, seen, nil); err != nil {
			return err
		}
	}
	seqs, uids, err := s.numbers(set)
	if err != nil {
		return err
	}
	for i := range min(len(seqs), len(uids)) { // a mail that came between is at the end of one of them
		mail, ok := s.mail(uint32(uids[i]))
		if !ok {
			continue // expunged meanwhile
		}
		body := mail.raw
		if p := section.Partial; p != nil {
			body = body[min(p.Offset, int64(len(body))):min(p.Offset+p.Size, int64(len(body)))]
		}
		if s.poisoned(uint32(uids[i])) {
			return s.conn.NetConn().Close()
		}
		msg := w.CreateMessage(seqs[i])
		msg.WriteUID(uids[i])
		if o.RFC822Size {
			msg.WriteRFC822Size(int64(len(mail.raw)))
		}
		if o.InternalDate {
			msg.WriteInternalDate(mail.at)
		}
		lit := msg.WriteBodySection(section, int64(len(body)))
		_, werr := lit.Write(body)
		cerr := lit.Close()
		if err := msg.Close(); err != nil || werr != nil || cerr != nil {
			return err
		}
	}
	return nil
}

// wholeBody says whether o asks for BODY[] or BODY.PEEK[] and nothing that
// needs the mail taken apart.
func wholeBody(o *imap.FetchOptions) bool {
	if len(o.BodySection) != 1 || o.Flags || o.Envelope || o.BodyStructure != nil ||
		len(o.BinarySection) > 0 || len(o.BinarySectionSize) > 0 {
		return false
	}
	b := o.BodySection[0]
	return b.Specifier == imap.PartSpecifierNone && len(b.Part) == 0
}

// numbers gives the sequence numbers and UIDs of the mails in set, in step.
func (s *imapSession) numbers(set imap.NumSet) ([]uint32, []imap.UID, error) {
	criteria := func() *imap.SearchCriteria { // Search alters what it is given
		switch set := set.(type) {
		case imap.SeqSet:
			return &imap.SearchCriteria{SeqNum: []imap.SeqSet{append(imap.SeqSet(nil), set...)}}
		case imap.UIDSet:
			return &imap.SearchCriteria{UID: []imap.UIDSet{append(imap.UIDSet(nil), set...)}}
		}
		return &imap.SearchCriteria{}
	}
	seqs, err := s.Search(imapserver.NumKindSeq, criteria(), &imap.SearchOptions{})
	if err != nil {
		return nil, nil, err
	}
	uids, err := s.Search(imapserver.NumKindUID, criteria(), &imap.SearchOptions{})
	if err != nil {
		return nil, nil, err
	}
	return seqs.AllSeqNums(), uids.AllUIDs(), nil
}

func (s *imapSession) mail(uid uint32) (imapMail, bool) {
	s.double.mu.Lock()
	defer s.double.mu.Unlock()
	m, ok := s.double.mails[imapKey{s.validity, uid}]
	return m, ok
}

func (s *imapSession) poisoned(uid uint32) bool {
	s.double.mu.Lock()
	defer s.double.mu.Unlock()
	return s.double.poisoned[uid]
}

// Idle tells of what came before it began, too, as real servers do.
func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	for {
		changed := s.double.changed()
		if err := s.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stop:
			return nil
		}
	}
}

// refusal is what a command is answered with in place of being done; nil: do it.
func (s *imapSession) refusal(command string) error {
	s.double.mu.Lock()
	defer s.double.mu.Unlock()
	if text, ok := s.double.refused[command]; ok {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Text: text}
	}
	return nil
}

func (s *imapSession) note(command string) {
	s.double.mu.Lock()
	defer s.double.mu.Unlock()
	s.double.changes = append(s.double.changes, command)
}

func (s *imapSession) Store(w *imapserver.FetchWriter, set imap.NumSet, f *imap.StoreFlags, o *imap.StoreOptions) error {
	s.note("STORE")
	if err := s.refusal("STORE"); err != nil {
		return err
	}
	return s.UserSession.Store(w, set, f, o)
}

func (s *imapSession) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if uids == nil {
		s.note("EXPUNGE")
	} else {
		s.note("UID EXPUNGE")
	}
	return s.UserSession.Expunge(w, uids)
}

func (s *imapSession) Append(name string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	s.note("APPEND")
	return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Text: "mail is put here by IMAP.Append only"}
}

func (s *imapSession) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	s.note("COPY")
	if err := s.refusal("COPY"); err != nil {
		return nil, err
	}
	uids, err := s.follow(set, dest)
	if err != nil || uids == 0 {
		return nil, err // nothing to copy is no error (RFC 3501 section 6.4.8)
	}
	return s.UserSession.Copy(set, dest)
}

// follow takes note of the mails of a set that is about to be copied, so that
// they are found byte for byte where they come to, and says how many there are.
func (s *imapSession) follow(set imap.NumSet, dest string) (mails int, err error) {
	_, uids, err := s.numbers(set)
	if err != nil {
		return 0, err
	}
	s.double.mu.Lock()
	defer s.double.mu.Unlock()
	at, err := s.double.user.Status(dest, &imap.StatusOptions{UIDNext: true, UIDValidity: true})
	if err != nil {
		return len(uids), nil // the copy itself says why
	}
	for i, uid := range uids {
		if m, ok := s.double.mails[imapKey{s.validity, uint32(uid)}]; ok {
			s.double.mails[imapKey{at.UIDValidity, uint32(at.UIDNext) + uint32(i)}] = m
		}
	}
	return len(uids), nil
}

func (s *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	s.note("MOVE")
	if err := s.refusal("MOVE"); err != nil {
		return err
	}
	mails, err := s.follow(set, dest)
	if err != nil || mails == 0 {
		return err
	}
	return s.UserSession.Move(w, set, dest)
}

func (s *imapSession) Create(name string, o *imap.CreateOptions) error {
	s.note("CREATE")
	return s.UserSession.Create(name, o)
}

func (s *imapSession) Delete(name string) error {
	s.note("DELETE")
	return s.UserSession.Delete(name)
}

func (s *imapSession) Rename(from, to string, o *imap.RenameOptions) error {
	s.note("RENAME")
	return s.UserSession.Rename(from, to, o)
}

func (s *imapSession) Subscribe(name string) error {
	s.note("SUBSCRIBE")
	return s.UserSession.Subscribe(name)
}

func (s *imapSession) Unsubscribe(name string) error {
	s.note("UNSUBSCRIBE")
	return s.UserSession.Unsubscribe(name)
}
