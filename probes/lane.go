package probes

import "time"

// lane is one server in one round.
type lane struct {
	sockets []*socket
	heard   time.Time // when it last answered
}

// lane is that of a server.
func (ro *round) lane(s *server) *lane {
	l := ro.lanes[s]
	if l == nil {
		l = &lane{}
		ro.lanes[s] = l
	}
	return l
}

// socketTo is the socket to a server that has the least to do, or a new one if
// all have enough.
func (ro *round) socketTo(s *server) (*socket, error) {
	var least *socket
	l := ro.lane(s)
	for _, sock := range l.sockets {
		if !sock.failed && (least == nil || len(sock.byID) < len(least.byID)) {
			least = sock
		}
	}
	if least != nil && len(least.byID) < inFlightPerSocket {
		return least, nil
	}
	sock := &socket{server: s, lane: l, byID: map[uint16]*flight{}}
	var err error
	sock.way, err = ro.open(s.addr, sock, ro.in)
	if err != nil {
		if least != nil { // no descriptor left: rather a socket with too much to do
			return least, nil
		}
		return nil, err
	}
	l.sockets = append(l.sockets, sock)
	ro.sockets = append(ro.sockets, sock)
	return sock, nil
}
