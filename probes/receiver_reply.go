package probes

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// How much a server may say. RFC 5321 section 4.5.3.1.5 allows 512 octets for a reply line, but
// some greetings are longer. Real replies have a few dozen lines at most.
const (
	maxReplyLine  = 4096     // octets of one line, including its end
	maxReplyLines = 128      // lines of one reply
	maxTold       = 64 << 10 // octets of a whole conversation
)

// replies reads replies within these limits.
type replies struct {
	in   *bufio.Reader
	left int               // of maxTold
	hear func(line string) // is called with every line, for the transcript
}

func newReplies(r io.Reader, hear func(string)) *replies {
	return &replies{in: bufio.NewReaderSize(r, maxReplyLine), left: maxTold, hear: hear}
}

// next reads one reply. Nothing of an incomplete reply is returned: half of it may mean the
// opposite. The error wraps [ErrEndless], [ErrNotSMTP], [ErrCut] or [ErrTimeout].
func (r *replies) next() (Reply, error) {
	var reply Reply
	for {
		raw, err := r.in.ReadSlice('\n')
		if r.left -= len(raw); errors.Is(err, bufio.ErrBufferFull) || r.left < 0 {
			return Reply{}, ErrEndless
		}
		line := strings.TrimRight(string(raw), "\r\n")
		if len(raw) > 0 {
			r.hear(line)
		}
		if err != nil {
			return Reply{}, readError(err)
		}
		code, more, text, ok := replyLine(line)
		switch {
		case !ok:
			return Reply{}, ErrNotSMTP
		case reply.Code != 0 && code != reply.Code: // RFC 5321 section 4.2.1: the same on each line
			return Reply{}, fmt.Errorf("%w: %d goes on as %d", ErrNotSMTP, reply.Code, code)
		}
		reply.Code = code
		if reply.Lines = append(reply.Lines, text); !more {
			return reply, nil
		}
		if len(reply.Lines) >= maxReplyLines {
			return Reply{}, ErrEndless
		}
	}
}

// replyLine reads one line (RFC 5321 section 4.2): three digits, then a hyphen if more lines
// follow, else a space or nothing.
func replyLine(line string) (code int, more bool, text string, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' {
		return 0, false, "", false
	}
	for _, c := range []byte(line[:3]) {
		if c < '0' || c > '9' {
			return 0, false, "", false
		}
		code = code*10 + int(c-'0')
	}
	if len(line) == 3 {
		return code, false, "", true
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, false, "", false
	}
	return code, line[3] == '-', line[4:], true
}

// readError returns ErrTimeout or ErrCut for what ended a read or a write.
func readError(err error) error {
	switch {
	case isTimeout(err):
		return ErrTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return ErrCut
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%w: reset by the server", ErrCut)
	}
	return fmt.Errorf("%w: %s", ErrCut, lastWords(err))
}
