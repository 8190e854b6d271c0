package probes

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

const (
	// udpBufferBytes is more than we asked for: some servers do not keep to it.
	udpBufferBytes = 4096
	// receiveBuffer is asked for each socket: the most that Linux grants by default.
	// It doubles what is asked for, and so holds some 500 small packets.
	receiveBuffer = 208 << 10
	// inFlightPerSocket is how many answers may arrive at once: far below what
	// the buffer holds. It also bounds what one port can be guessed for.
	inFlightPerSocket = 128
)

// way is one connected UDP socket to a server.
type way interface {
	Write(packet []byte) (int, error)
	// Close ends it; afterwards nothing is delivered any more.
	Close() error
}

// opener opens a way. Deliver is called for each packet that comes, which is
// good only during the call, and for each error, on a goroutine of the way's own.
type opener func(server netip.AddrPort, deliver func(packet []byte, err error)) (way, error)

// udpSocket is a way over the network. The kernel chooses its port, at random (RFC
// 5452 section 4.5), and passes only what comes from the server's address and port.
type udpSocket struct {
	*net.UDPConn
	reader sync.WaitGroup
}

func openUDP(server netip.AddrPort, deliver func([]byte, error)) (way, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(receiveBuffer) // with less, more is lost and asked again
	s := &udpSocket{UDPConn: conn}
	s.reader.Go(func() {
		buf := make([]byte, udpBufferBytes)
		for {
			n, err := conn.Read(buf)
			switch {
			case err == nil:
				deliver(buf[:n], nil)
			case errors.Is(err, net.ErrClosed):
				return
			default:
				deliver(nil, err)
				if !isPortClosed(err) {
					return
				}
			}
		}
	})
	return s, nil
}

// Close ends the reader too.
func (s *udpSocket) Close() error {
	err := s.UDPConn.Close()
	s.reader.Wait()
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

func (in *inbox) put(l letter, packet []byte) {
	in.mu.Lock()
	in.bytes = append(in.bytes, packet...)
	l.end = len(in.bytes)
	in.letters = append(in.letters, l)
	first := len(in.letters) == 1
	in.mu.Unlock()
	if first {
		select {
		case in.wake <- struct{}{}:
		default: // it knows
		}
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
	byID   map[uint16]*flight
	failed bool // its reader has ended
}
