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
	// udpBufferBytes is more than we asked for: some servers do not keep to it.
	udpBufferBytes = 4096
	// receiveBuffer is asked for each socket: the most that Linux grants by default.
	// It doubles what is asked for, and so holds some 500 small packets.
	receiveBuffer = 208 << 10
	// inFlightPerSocket is how many answers may arrive at once: far below what
	// the buffer holds. A server with several workers spreads its work by the port
	// that it is asked from, so that few sockets may leave some of them idle.
	inFlightPerSocket = 64
	// batchPackets is how many packets one system call takes. Most of the cost of
	// a question is the kernel's, and a part of that is getting there.
	batchPackets = 32
	// gatherPart is which part of a round trip packets gather for, with many in flight,
	// before they are looked at, and gatherMost is the longest. Meanwhile the server has
	// the rest of what is in flight to do.
	gatherPart = 4
	gatherMost = time.Millisecond
)

// way is one connected UDP socket to a server. What comes is either taken by
// Receive, or goes to the inbox after Await.
type way interface {
	// Send sends packets, and says how many were sent before an error.
	Send(packets [][]byte) (int, error)
	// Receive gives what is there, or nothing, without waiting. It is good until the next call.
	Receive() ([][]byte, error)
	// Await lets the next that comes, or an error, go to the inbox. It does not wait.
	Await()
	// Close ends it; afterwards nothing is delivered any more.
	Close() error
}

// opener opens a way. The inbox gets what comes as of the socket given.
type opener func(server netip.AddrPort, s *socket, in *inbox) (way, error)

// udpSocket is a way over the network. The kernel chooses its port, at random (RFC
// 5452 section 4.5), and passes only what comes from the server's address and port.
type udpSocket struct {
	*net.UDPConn
	sending   packetBatch
	receiving packetBatch

	reader  sync.WaitGroup
	wanted  chan struct{} // one turn of the reader
	waiting atomic.Bool   // the reader has one, or is about to
}

func openUDP(server netip.AddrPort, s *socket, in *inbox) (way, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(receiveBuffer) // with less, more is lost and asked again
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

// isWanted waits until what comes next is to go to the inbox. It is false after the end.
func (u *udpSocket) isWanted() bool {
	if !polls {
		return true
	}
	_, open := <-u.wanted
	return open
}

// Receive gives what is there.
func (u *udpSocket) Receive() ([][]byte, error) { return u.receiving.poll() }

// Await lets the next that comes go to the inbox.
func (u *udpSocket) Await() {
	if polls && u.waiting.CompareAndSwap(false, true) {
		u.wanted <- struct{}{}
	}
}

// Send sends packets.
func (u *udpSocket) Send(packets [][]byte) (int, error) { return u.sending.send(packets) }

// Close ends the reader too.
func (u *udpSocket) Close() error {
	err := u.UDPConn.Close()
	close(u.wanted)
	u.reader.Wait()
	return err
}

// isPortClosed says that the other side has answered an earlier packet with ICMP
// port unreachable. The socket goes on working.
func isPortClosed(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// inbox is what readers hand to the round. They put one packet behind the other;
// the round takes all there are at once, so that under load neither waits for the other.
type inbox struct {
	wake chan struct{} // something came into an empty inbox

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

// put takes packets that came on a socket, or its error.
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

// putStream takes what came of a question over TCP.
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

// take swaps what came for the empty batch given.
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
