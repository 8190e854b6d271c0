package web

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// mostTries is how many wrong tokens one client may send in a row. Then it may send one more each tryAgain.
	mostTries = 10
	tryAgain  = 6 * time.Second
	// mostClients is how many clients are remembered at most.
	mostClients = 4096
)

// tries remembers who sent wrong tokens of late, so that nobody can go through many of them. What a client
// has left is refused with the right token too: else one could go on to try. Who has signed in notices nothing.
type tries struct {
	mu  sync.Mutex
	who map[netip.Prefix]tried
}

// tried is a bucket that leaks one wrong token each tryAgain.
type tried struct {
	wrong float64
	at    time.Time
}

// now is what is left in the bucket at a time. A clock that was set back empties nothing and fills nothing.
func (t tried) now(at time.Time) float64 {
	return max(0, t.wrong-max(0, float64(at.Sub(t.at)))/float64(tryAgain))
}

// admit says whether an answer may tell a client that its token was right or wrong, and takes note of a wrong one. Both
// in one step, after the token was looked at: of many that are sent at once no more are answered than one after the other.
func (t *tries) admit(client netip.Prefix, right bool, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.who[client].now(now) > mostTries-1 {
		return false
	}
	if right {
		return true
	}
	if t.who == nil {
		t.who = map[netip.Prefix]tried{}
	}
	if _, known := t.who[client]; !known && len(t.who) >= mostClients {
		t.forget(now)
	}
	t.who[client] = tried{t.who[client].now(now) + 1, now}
	return true
}

// forget makes room: for those whose bucket is empty, else for who tried the longest time ago.
func (t *tries) forget(now time.Time) {
	var oldest netip.Prefix
	for client, x := range t.who {
		if x.now(now) == 0 {
			delete(t.who, client)
		} else if !oldest.IsValid() || x.at.Before(t.who[oldest].at) {
			oldest = client
		}
	}
	if len(t.who) >= mostClients {
		delete(t.who, oldest)
	}
}

// client is for whom wrong tokens are counted: an address, of IPv6 the /64, which is what one subscriber has. Behind a
// proxy on this machine, or one that is configured, it is whom the proxy names last; who could lie about that gains more
// tries, and no more than that.
func (a Access) client(r *http.Request) netip.Prefix {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	addr := at.Addr().Unmap().WithZone("")
	if addr.IsLoopback() || a.isProxy(addr) {
		all := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		if named, err := netip.ParseAddr(strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])); err == nil {
			addr = named.Unmap().WithZone("")
		}
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the zero Prefix for who has no address, as over a socket
	return p
}

// isProxy says whether a configured proxy has the address.
func (a Access) isProxy(addr netip.Addr) bool {
	for _, p := range a.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// tooMany answers a client that has to wait.
func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60") // RFC 9110 section 10.2.3
	http.Error(w, "Too many wrong tokens came from your address. Wait a minute, then try again.", http.StatusTooManyRequests)
}
