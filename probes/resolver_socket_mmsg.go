//go:build linux && (amd64 || arm64)

package probes

import (
	"net"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// packetBatch sends or receives several packets of a connected socket by one
// system call (sendmmsg(2), recvmmsg(2)). It is for one goroutine.
type packetBatch struct {
	raw     syscall.RawConn
	headers [batchPackets]mmsghdr
	vectors [batchPackets]syscall.Iovec
	packets [batchPackets][]byte
	room    int // of each packet to be received

	// What the callbacks below work on. They are made only once, since a closure would be an
	// allocation at every call.
	n     int // in: how many packets; out: how many were sent or received
	err   syscall.Errno
	waits bool // wait until the socket is ready
	work  func(fd uintptr) bool
	once  func(fd uintptr)
}

// mmsghdr is struct mmsghdr of Linux; the padding at its end is the compiler's.
type mmsghdr struct {
	header syscall.Msghdr
	length uint32
}

// open prepares to send if room is 0, else to receive packets of at most room octets.
func (b *packetBatch) open(conn *net.UDPConn, room int) (err error) {
	b.raw, err = conn.SyscallConn()
	call := uintptr(sysSendmmsg)
	if room > 0 {
		call = syscall.SYS_RECVMMSG
	}
	b.room = room
	for i := range b.headers {
		if room > 0 {
			b.setPacket(i, make([]byte, room))
		}
		b.headers[i].header.Iov = &b.vectors[i]
		b.headers[i].header.Iovlen = 1
	}
	b.work = func(fd uintptr) bool {
		for {
			n, _, errno := syscall.Syscall6(call, fd, uintptr(unsafe.Pointer(&b.headers[0])), uintptr(b.n), syscall.MSG_DONTWAIT, 0, 0) // #nosec G103 -- n is at most the headers there are
			switch errno {
			case syscall.EINTR:
				continue
			case syscall.EAGAIN:
				if b.waits {
					return false // until the socket is ready
				}
				b.n = 0
				return true
			}
			b.n, b.err = int(n), errno
			return true
		}
	}
	b.once = func(fd uintptr) { b.work(fd) }
	return err
}

func (b *packetBatch) setPacket(i int, p []byte) {
	b.packets[i] = p
	b.vectors[i].Base = &p[0]
	b.vectors[i].SetLen(len(p))
}

// wait waits for packets and returns those that are there. They are good until the next call.
func (b *packetBatch) wait() ([][]byte, error) {
	b.n, b.err, b.waits = batchPackets, 0, true
	if err := b.raw.Read(b.work); err != nil {
		return nil, err
	}
	return b.received()
}

// poll returns the packets that are there, maybe none. They are good until the next call. It
// uses Control because another batch may be in wait at the same time, which would hold up Read.
func (b *packetBatch) poll() ([][]byte, error) {
	b.n, b.err, b.waits = batchPackets, 0, false
	if err := b.raw.Control(b.once); err != nil {
		return nil, err
	}
	return b.received()
}

func (b *packetBatch) received() ([][]byte, error) {
	if b.err != 0 {
		return nil, b.err
	}
	for i := range b.n {
		b.packets[i] = unsafe.Slice(b.vectors[i].Base, b.room)[:min(int(b.headers[i].length), b.room)] // #nosec G103 -- each vector has room bytes
	}
	return b.packets[:b.n], nil
}

// send sends all packets, and says how many went before an error.
func (b *packetBatch) send(packets [][]byte) (sent int, err error) {
	b.waits = true
	for sent < len(packets) {
		b.n, b.err = min(len(packets)-sent, batchPackets), 0
		for i, p := range packets[sent : sent+b.n] {
			b.setPacket(i, p)
		}
		if err := b.raw.Write(b.work); err != nil {
			return sent, err
		}
		if b.err != 0 {
			return sent, b.err
		}
		sent += b.n
	}
	runtime.KeepAlive(packets)
	return sent, nil
}

// polls: packets can be received without waiting.
const polls = true

// nap sleeps for less than a millisecond, which [time.Sleep] cannot: where nothing else runs,
// the runtime's poller counts in whole ones.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early, which does no harm
}
