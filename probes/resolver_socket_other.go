//go:build !linux || !(amd64 || arm64)

package probes

import (
	"net"
	"time"
)

// packetBatch sends and receives one packet after the other, where no system call takes
// several.
type packetBatch struct {
	conn   *net.UDPConn
	buffer []byte
	packet [1][]byte
}

func (b *packetBatch) open(conn *net.UDPConn, room int) error {
	b.conn, b.buffer = conn, make([]byte, room)
	return nil
}

// polls: packets cannot be received without waiting, so that all of them go to the inbox.
const polls = false

func (b *packetBatch) poll() ([][]byte, error) { return nil, nil }

func nap(time.Duration) {}

// wait waits for a packet. It is good until the next call.
func (b *packetBatch) wait() ([][]byte, error) {
	n, err := b.conn.Read(b.buffer)
	if err != nil {
		return nil, err
	}
	b.packet[0] = b.buffer[:n]
	return b.packet[:], nil
}

// send sends all packets, and says how many went before an error.
func (b *packetBatch) send(packets [][]byte) (int, error) {
	for i, p := range packets {
		if _, err := b.conn.Write(p); err != nil {
			return i, err
		}
	}
	return len(packets), nil
}
