package probes

import "time"

// lane is what one round keeps about one server.
type lane struct {
	sockets []*socket
	heard   time.Time // when it last answered
}

// lane returns the lane of a server.
func (ro *round) lane(s *server) *lane {
	l := ro.lanes[s]
	if l == nil {
		l = &lane{}
		ro.lanes[s] = l
	}
	return l
}

// socketTo returns the socket to a server that has the fewest questions on it, or a new one
// if all are full.
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
		if least != nil { // no descriptor is left, and an overfull socket is better than none
			return least, nil
		}
		return nil, err
	}
	l.sockets = append(l.sockets, sock)
	ro.sockets = append(ro.sockets, sock)
	return sock, nil
}
