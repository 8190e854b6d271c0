package probestest

import "github.com/emersion/go-imap/v2"

// RefuseLogins answers every login with NO, the response code (RFC 5530; may be
// empty) and the text, until it is called with an empty text.
func (d *IMAP) RefuseLogins(code, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusal = nil
	if text != "" {
		d.refusal = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCode(code), Text: text}
	}
}

// RefuseCommand answers "STORE", "COPY" or "MOVE" with NO and the text, until it
// is called with an empty text.
func (d *IMAP) RefuseCommand(command, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.refused, command)
	if text != "" {
		d.refused[command] = text
	}
}

// Poison makes the server break the connection whenever the body of this mail
// is asked for, as servers do over a damaged store; Heal ends that.
func (d *IMAP) Poison(uid uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.poisoned[uid] = true
}

// Heal makes a poisoned mail readable again.
func (d *IMAP) Heal(uid uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.poisoned, uid)
}

// Drop breaks every connection now.
func (d *IMAP) Drop() { d.listener.drop() }

// Connections counts the connections that are open.
func (d *IMAP) Connections() int { return d.listener.open() }

// WaitAccepted returns once n connections have been accepted since the start,
// refused ones too.
func (d *IMAP) WaitAccepted(n int) { d.listener.wait(n) }

// Refuse breaks new connections before the greeting, as an overloaded server
// does, until it is called with false.
func (d *IMAP) Refuse(refuse bool) { d.listener.set(func(l *faultListener) { l.refuse = refuse }) }

// HideIdle leaves IDLE out of the capabilities from the next connection on. It
// has no effect with STARTTLS.
func (d *IMAP) HideIdle(hide bool) { d.listener.set(func(l *faultListener) { l.hideIdle = hide }) }

// CutNext breaks the next connection after the server has sent n bytes, TLS
// included. The connection after it is whole again.
func (d *IMAP) CutNext(n int64) { d.listener.set(func(l *faultListener) { l.cut = n }) }

// Sent gives a channel that is closed once the server has sent n bytes more, over
// whatever connections, TLS included. A channel that was given before is forgotten.
func (d *IMAP) Sent(n int64) <-chan struct{} {
	then := make(chan struct{})
	d.listener.set(func(l *faultListener) { l.after, l.then = max(n, 1), then })
	return then
}

// Mute makes every connection, present and to come, stay open and silent until
// it is called with false. What was swallowed does not come back.
func (d *IMAP) Mute(mute bool) { d.listener.set(func(l *faultListener) { l.mute = mute }) }
