package probes

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// udpBufferBytes is more than we ask for ([ednsBytes]): some servers do not keep to it.
	udpBufferBytes = 4096
	// receiveBuffer is the buffer of each socket, in bytes: the most that Linux grants by
	// default. Linux doubles it, so that it holds some 500 small packets.
	receiveBuffer = 208 << 10
	// inFlightPerSocket is how many questions are in flight on one socket: far fewer than the
	// answers that its buffer holds. More sockets are also of use to a server with several
	// workers, which spreads the work among them by the port that it is asked from.
	inFlightPerSocket = 64
	// batchPackets is how many packets one system call takes. Most of the cost of a question
	// is the kernel's, and a part of that is getting there.
	batchPackets = 32
	// While many questions are in flight, packets gather for 1/gatherPart of a round trip, and
	// at most gatherMost, before they are handled. The server still has the rest to work on.
	gatherPart = 4
	gatherMost = time.Millisecond
)

// way is one connected UDP socket to a server. What comes is either taken by Receive, or goes
// to the inbox after Await.
type way interface {
	// Send sends packets, and says how many were sent before an error.
	Send(packets [][]byte) (int, error)
	// Receive returns the packets that are there, maybe none, without waiting. They are good
	// until the next call.
	Receive() ([][]byte, error)
	// Await makes the next packets, or an error, go to the inbox. It does not wait.
	Await()
	// Close ends the way; nothing goes to the inbox after it has returned.
	Close() error
}

// opener opens a way to a server. What comes goes to the inbox as of the given socket.
type opener func(server netip.AddrPort, s *socket, in *inbox) (way, error)

// udpSocket is a way over the network. The kernel chooses its port at random (RFC 5452
// section 4.5), and lets through only what comes from the server's address and port.
type udpSocket struct {
	*net.UDPConn
	sending   packetBatch
	receiving packetBatch

	reader  sync.WaitGroup
	wanted  chan struct{} // lets the reader wait for packets once
	waiting atomic.Bool   // the reader waits, or is about to
}

func openUDP(server netip.AddrPort, s *socket, in *inbox) (way, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(receiveBuffer) // with a smaller one, more is lost and asked again
	u := &udpSocket{UDPConn: conn, wanted: make(chan struct{}, 1)}
	var reading packetBatch
	err = errors.Join(u.sending.open(conn, 0), u.receiving.open(conn, udpBufferBytes), reading.open(conn, udpBufferBytes))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	u.reader.Go(func() {
		for u.isWanted() {
			packets, err := reading.wait()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			u.waiting.Store(false)
			in.put(s, packets, err)
			if err != nil && !isPortClosed(err) {
				return
			}
		}
	})
	return u, nil
}

// isWanted waits until what comes next is to go to the inbox. It is false after Close.
func (u *udpSocket) isWanted() bool {
	if !polls {
		return true
	}
	_, open := <-u.wanted
	return open
}

// Receive implements way.
func (u *udpSocket) Receive() ([][]byte, error) { return u.receiving.poll() }

// Await implements way.
func (u *udpSocket) Await() {
	if polls && u.waiting.CompareAndSwap(false, true) {
		u.wanted <- struct{}{}
	}
}

// Send implements way.
func (u *udpSocket) Send(packets [][]byte) (int, error) { return u.sending.send(packets) }

// Close implements way. It waits for the reader.
func (u *udpSocket) Close() error {
	err := u.UDPConn.Close()
	close(u.wanted)
	u.reader.Wait()
	return err
}

// isPortClosed says whether an error means that an earlier packet was answered with ICMP port
// unreachable. The socket goes on working after it.
func isPortClosed(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// inbox holds what readers hand to the round. They put in one packet after the other; the
// round takes all of them at once, so that under load neither waits for the other.
type inbox struct {
	wake chan struct{} // holds one token when something came into an empty inbox

	mu sync.Mutex
	batch
}

// batch is what came, in order.
type batch struct {
	bytes   []byte
	letters []letter
}

// letter is one packet, or an error of a socket, or what came of a question over TCP.
type letter struct {
	socket *socket
	end    int // where the packet ends in batch.bytes; it begins where the last one ended
	err    error
	stream *stream
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put adds packets that came on a socket, or its error.
func (in *inbox) put(s *socket, packets [][]byte, err error) {
	in.mu.Lock()
	empty := len(in.letters) == 0
	for _, p := range packets {
		in.bytes = append(in.bytes, p...)
		in.letters = append(in.letters, letter{socket: s, end: len(in.bytes)})
	}
	if err != nil {
		in.letters = append(in.letters, letter{socket: s, end: len(in.bytes), err: err})
	}
	in.mu.Unlock()
	in.ring(empty)
}

// putStream adds what came of a question over TCP.
func (in *inbox) putStream(st *stream) {
	in.mu.Lock()
	empty := len(in.letters) == 0
	in.letters = append(in.letters, letter{stream: st, end: len(in.bytes)})
	in.mu.Unlock()
	in.ring(empty)
}

func (in *inbox) ring(empty bool) {
	if !empty {
		return // it has been rung
	}
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// take returns what came, and leaves the given batch, emptied, in its place.
func (in *inbox) take(empty batch) batch {
	empty.bytes, empty.letters = empty.bytes[:0], empty.letters[:0]
	in.mu.Lock()
	defer in.mu.Unlock()
	full := in.batch
	in.batch = empty
	return full
}

// socket is a way with the questions that are in flight on it.
type socket struct {
	way    way
	server *server
	lane   *lane
	byID   map[uint16]*flight
	out    [][]byte // to be sent
	failed bool     // its reader has ended
}
