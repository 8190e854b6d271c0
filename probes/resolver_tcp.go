package probes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// streamsAtOnce bounds the TCP connections of one round: a list that truncates every answer
// must not take all file descriptors.
const streamsAtOnce = 64

// stream is one question over TCP and what came of it.
type stream struct {
	flight *flight
	server *server
	wire   wireQuestion
	name   string

	response response
	reading  reading
	rtt      time.Duration
	err      error
}

// ask asks over TCP: the same packet, with its length in two octets in front (RFC 1035
// section 4.2.2).
func (s *stream) ask(ctx context.Context, timeout time.Duration) {
	start := time.Now()
	s.response, s.reading, s.err = s.exchange(ctx, start.Add(timeout))
	s.rtt = time.Since(start)
	if s.err != nil {
		s.err = fmt.Errorf("%w over TCP, after a truncated answer", networkError(s.err))
	}
}

func (s *stream) exchange(ctx context.Context, deadline time.Time) (response, reading, error) {
	dialer := net.Dialer{Deadline: deadline}
	conn, err := dialer.DialContext(ctx, "tcp", s.server.addr.String())
	if err != nil {
		return response{}, stray, err
	}
	defer conn.Close()
	// A read knows only deadlines, so the end of ctx closes the connection.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(deadline); err != nil {
		return response{}, stray, err
	}
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(s.wire.packet)), uint16(len(s.wire.packet)))
	if _, err := conn.Write(append(framed, s.wire.packet...)); err != nil {
		return response{}, stray, err
	}
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return response{}, stray, err
		}
		buf := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, buf); err != nil {
			return response{}, stray, err
		}
		if r, what := s.wire.read(buf, s.name); what != stray && what != truncated {
			return r, what, nil
		}
	}
}

// networkError returns ErrTimeout or ErrUnreachable for an error of the network. A connection
// that was closed without an answer is silence.
func networkError(err error) error {
	switch {
	case isTimeout(err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ErrTimeout
	}
	// A closed port, no route, no permission, no descriptor left.
	return fmt.Errorf("%w: %s", ErrUnreachable, lastWords(err))
}
