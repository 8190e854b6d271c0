package probestest

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// IMAPOptions say how a double of an IMAP server starts. The zero value is a server without TLS
// and with one empty INBOX.
type IMAPOptions struct {
	User     string // default "bounces@example.org"
	Password string // default "correct horse battery staple"
	Folder   string // default "INBOX"
	TLS      string // "none" (default), "implicit" or "starttls"

	// Mechanisms are the SASL mechanisms that are offered, such as "OAUTHBEARER" and "XOAUTH2";
	// default: PLAIN, and the command LOGIN. GoodToken says whether an access token is one of the
	// user's; nil: none is.
	Mechanisms []string
	GoodToken  func(token string) bool

	// Folders are more folders, empty at first: to be read, or for mail to be moved to.
	Folders []string
	// Capabilities are offered besides IMAP4rev1: "MOVE", "UIDPLUS". A client may use only what
	// is offered.
	Capabilities []string
}

// IMAP is a real IMAP server on the loopback that misbehaves on demand. It has one user, whose
// folders are in memory. Its methods are about IMAPOptions.Folder unless they name another one.
// Mail is kept and sent byte for byte. All methods may be called at any time from any goroutine.
type IMAP struct {
	opts     IMAPOptions
	listener *faultListener
	server   *imapserver.Server
	user     *imapmemserver.User
	cert     []byte // PEM; empty without TLS
	sessions sync.WaitGroup
	serving  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	latest   uint32            // the last UIDVALIDITY; imapmemserver counts from 1
	count    map[string]uint32 // UIDVALIDITY by folder
	mails    map[imapKey]imapMail
	poisoned map[uint32]bool
	refusal  *imap.Error // of every login
	logins   int
	changes  []string
	refused  map[string]string // command to the text of its NO
	news     chan struct{}     // closed and replaced whenever the folder changes
}

type imapKey struct{ validity, uid uint32 }

type imapMail struct {
	raw []byte
	at  time.Time
}

// StartIMAP starts a server on a free port of 127.0.0.1. The caller closes it.
func StartIMAP(opts IMAPOptions) (*IMAP, error) {
	opts.User = cmp.Or(opts.User, "bounces@example.org")
	opts.Password = cmp.Or(opts.Password, "correct horse battery staple")
	opts.Folder = cmp.Or(opts.Folder, "INBOX")
	d := &IMAP{
		opts:     opts,
		user:     imapmemserver.NewUser(opts.User, opts.Password),
		count:    map[string]uint32{},
		mails:    map[imapKey]imapMail{},
		poisoned: map[uint32]bool{},
		refused:  map[string]string{},
		news:     make(chan struct{}),
	}
	for _, folder := range append([]string{opts.Folder}, opts.Folders...) {
		if err := d.user.Create(folder, nil); err != nil {
			return nil, err
		}
		d.count[folder] = d.created()
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.listener = &faultListener{Listener: inner, conns: map[*faultConn]bool{}, cut: -1, deaf: -1, arrival: make(chan struct{})}
	so, err := d.serverOptions()
	if err != nil {
		inner.Close()
		return nil, err
	}
	d.server = imapserver.New(so)
	d.serving.Go(func() { _ = d.server.Serve(d.listener) })
	return d, nil
}

// serverOptions are the options of the library's server. With implicit TLS the listener does
// that, since the library would not.
func (d *IMAP) serverOptions() (*imapserver.Options, error) {
	caps := imap.CapSet{imap.CapIMAP4rev1: {}}
	for _, name := range d.opts.Capabilities {
		caps[imap.Cap(name)] = struct{}{}
	}
	so := &imapserver.Options{
		NewSession:   d.newSession,
		Caps:         caps,
		InsecureAuth: true,                       // the library knows only of the TLS that it made itself
		Logger:       log.New(io.Discard, "", 0), // faults are on purpose
	}
	switch d.opts.TLS {
	case "", "none":
		return so, nil
	case "implicit", "starttls":
	default:
		return nil, fmt.Errorf("tls %q: use none, implicit or starttls", d.opts.TLS)
	}
	cert, pem, err := LoopbackCertificate(time.Now())
	if err != nil {
		return nil, err
	}
	d.cert = pem
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	if d.opts.TLS == "starttls" {
		so.TLSConfig, so.InsecureAuth = conf, false
	} else {
		d.listener.tls = conf
	}
	return so, nil
}

// Addr is where the server listens: "127.0.0.1:40993".
func (d *IMAP) Addr() string { return d.listener.Addr().String() }

// CertPEM is the server's self-signed certificate for 127.0.0.1, ::1 and
// localhost, as a ca_file would hold it; empty without TLS.
func (d *IMAP) CertPEM() []byte { return d.cert }

// CertPool trusts the server's certificate and nothing else.
func (d *IMAP) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(d.cert)
	return pool
}

// Close stops the server and waits for what it runs. Closing twice does no harm.
func (d *IMAP) Close() {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	d.mu.Unlock()
	if first {
		_ = d.server.Close()
		d.listener.drop()
	}
	d.serving.Wait()
	d.sessions.Wait()
}

// Append puts a mail into the folder, tells every session that idles or asks, and returns the
// UID. The bytes are kept as they are.
func (d *IMAP) Append(raw []byte, at time.Time) (uid uint32) {
	return d.AppendTo(d.opts.Folder, raw, at)
}

// AppendTo is Append to any folder.
func (d *IMAP) AppendTo(folder string, raw []byte, at time.Time) (uid uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	uid = d.appendLocked(folder, imapMail{slices.Clone(raw), at})
	d.tellLocked()
	return uid
}

func (d *IMAP) created() uint32 {
	d.latest++
	return d.latest
}

func (d *IMAP) appendLocked(folder string, m imapMail) uint32 {
	data, err := d.user.Append(folder, bytes.NewReader(m.raw), &imap.AppendOptions{Time: m.at})
	if err != nil {
		panic(err) // the folder is ours and in memory
	}
	d.mails[imapKey{data.UIDValidity, uint32(data.UID)}] = m
	return uint32(data.UID)
}

func (d *IMAP) tellLocked() {
	close(d.news)
	d.news = make(chan struct{})
}

// changed returns a channel that is closed at the next change of the folder.
func (d *IMAP) changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.news
}

// Expunge removes mails, as another client of the same account would, which leaves gaps in the
// UIDs.
func (d *IMAP) Expunge(uids ...uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
		delete(d.mails, imapKey{d.count[d.opts.Folder], uid})
	}
	sess, _ := d.openLocked(d.opts.Folder)
	defer sess.Close()
	gone := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	_ = sess.Store(nil, set, gone, nil)
	_ = sess.Expunge(nil, &set)
	d.tellLocked()
}

// Recreate deletes the folder and creates it again with the same mails, under a new UIDVALIDITY
// and with UIDs from 1 on. Sessions keep looking at the folder that is gone, and are not told.
func (d *IMAP) Recreate() {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.count[d.opts.Folder]
	var keys []imapKey
	for key := range d.mails {
		if key.validity == old {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b imapKey) int { return int(a.uid) - int(b.uid) })
	if err := d.user.Delete(d.opts.Folder); err != nil {
		panic(err)
	}
	if err := d.user.Create(d.opts.Folder, nil); err != nil {
		panic(err)
	}
	d.count[d.opts.Folder] = d.created()
	for _, key := range keys {
		d.appendLocked(d.opts.Folder, d.mails[key])
		delete(d.mails, key)
	}
}

// Remove deletes a folder with all its mail, and Create makes an empty one.
func (d *IMAP) Remove(folder string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.user.Delete(folder); err != nil {
		panic(err)
	}
}

// Create makes an empty folder.
func (d *IMAP) Create(folder string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.user.Create(folder, nil); err != nil {
		panic(err)
	}
	d.count[folder] = d.created()
}

// UIDValidity is the folder's present UIDVALIDITY.
func (d *IMAP) UIDValidity() uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count[d.opts.Folder]
}

// Flags returns the flags of every mail in the folder by UID, in lower case ("\seen"). A mail
// without flags has an entry without any.
func (d *IMAP) Flags() map[uint32][]string { return d.FlagsIn(d.opts.Folder) }

// FlagsIn is Flags for any folder; the length of the result is the number of mails in it.
func (d *IMAP) FlagsIn(folder string) map[uint32][]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	sess, data := d.openLocked(folder)
	defer sess.Close()
	with := func(flags ...imap.Flag) []imap.UID {
		found, err := sess.Search(imapserver.NumKindUID, &imap.SearchCriteria{Flag: flags}, &imap.SearchOptions{})
		if err != nil {
			panic(err) // the folder is ours and in memory
		}
		return found.AllUIDs()
	}
	flags := map[uint32][]string{}
	for _, uid := range with() {
		flags[uint32(uid)] = nil
	}
	for _, flag := range data.Flags {
		for _, uid := range with(flag) {
			flags[uint32(uid)] = append(flags[uint32(uid)], string(flag))
		}
	}
	return flags
}

func (d *IMAP) openLocked(folder string) (*imapmemserver.UserSession, *imap.SelectData) {
	sess := imapmemserver.NewUserSession(d.user)
	data, err := sess.Select(folder, &imap.SelectOptions{})
	if err != nil {
		panic(err)
	}
	return sess, data
}

// Changes returns the commands by which clients have changed mail, or could have: SELECT in place
// of EXAMINE, FETCH of a body without PEEK, STORE and so on. There is none if they only read.
func (d *IMAP) Changes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.changes)
}

// Logins returns how many logins were tried, including refused ones.
func (d *IMAP) Logins() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logins
}
