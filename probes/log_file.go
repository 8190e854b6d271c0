package probes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// headBytes is by how many of its first bytes a file is recognised. Log lines begin with a time,
// so that a few of them are a fingerprint.
const headBytes = 4096

// logFile is one file that is being read.
type logFile struct {
	entry logEntry
	raw   *os.File
	text  io.Reader // raw, or what it decompresses to

	offset  int64     // in the text, after the last line that was taken
	head    []byte    // first bytes of the text, at most headBytes
	buf     []byte    // read, but not taken yet
	long    []byte    // beginning of a line that is longer than MaxLogLineBytes
	skipped int64     // bytes of that line that were read and dropped
	changed time.Time // when the file was last written, before it was last read
	ended   time.Time // since when it has not grown; zero while it does
}

// errDamaged: a compressed file ends too early or cannot be decompressed. Trying again helps if
// it is still being written.
var errDamaged = errors.New("compressed file is damaged or not complete")

// openLog opens a file and goes to offset in its text. The error is io.ErrUnexpectedEOF if the
// text is shorter.
func openLog(e logEntry, offset int64) (*logFile, error) {
	raw, err := os.Open(e.path)
	if err != nil {
		return nil, err
	}
	f := &logFile{entry: e, raw: raw, text: raw}
	if err := f.begin(offset); err != nil {
		raw.Close()
		return nil, err
	}
	return f, nil
}

func (f *logFile) begin(offset int64) error {
	info, err := f.raw.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errNotRegular
	}
	f.entry.info, f.changed = info, info.ModTime()
	if f.entry.packed() {
		if f.text, err = unpack(f.entry.ext, f.raw); err != nil {
			return err
		}
	}
	f.head = make([]byte, min(offset, headBytes))
	if _, err := io.ReadFull(f.text, f.head); err != nil {
		return short(err)
	}
	f.offset = offset
	if f.entry.packed() {
		_, err := io.CopyN(io.Discard, f.text, offset-int64(len(f.head)))
		return short(err)
	}
	if info.Size() < offset {
		return io.ErrUnexpectedEOF
	}
	_, err = f.raw.Seek(offset, io.SeekStart)
	return err
}

// short returns the same error for both that say that there was less to read.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (f *logFile) close() { f.raw.Close() }

// unread returns how many bytes of the text have been read beyond offset.
func (f *logFile) unread() int64 { return f.skipped + int64(len(f.buf)) }

// position returns where to go on after the lines that were taken.
func (f *logFile) position() LogPosition {
	dev, ino := fileID(f.entry.info)
	return LogPosition{Device: dev, Inode: ino, Head: fingerprint(f.head[:min(f.offset, int64(len(f.head)))]), Offset: f.offset, At: f.changed.UTC()}
}

func fingerprint(head []byte) string {
	if len(head) == 0 {
		return ""
	}
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:16])
}

// read goes on reading until limit bytes wait to be taken or the end is reached. It also returns
// in the middle of a line that does not end.
func (f *logFile) read(limit int) (grown, end bool, err error) {
	info, err := f.raw.Stat()
	if err != nil {
		return false, false, err
	}
	f.changed = info.ModTime()
	for began := f.skipped; len(f.buf) < limit && f.skipped-began < 64<<20; {
		if cap(f.buf)-len(f.buf) < 16<<10 {
			f.buf = append(make([]byte, 0, min(max(64<<10, 2*cap(f.buf)), limit+64<<10)), f.buf...)
		}
		n, err := f.text.Read(f.buf[len(f.buf):cap(f.buf)])
		if n > 0 {
			grown = true
			if room := headBytes - len(f.head); room > 0 && f.offset+f.unread() == int64(len(f.head)) {
				f.head = append(f.head, f.buf[len(f.buf):len(f.buf)+min(n, room)]...)
			}
			f.buf = f.buf[:len(f.buf)+n]
		}
		if errors.Is(err, io.EOF) {
			return grown, true, nil
		}
		if err != nil {
			return grown, false, f.packError(err)
		}
		if bytes.IndexByte(f.buf, '\n') < 0 && len(f.buf) > MaxLogLineBytes {
			f.skip()
		}
	}
	return grown, false, nil
}

func (f *logFile) packError(err error) error {
	if f.entry.packed() {
		return errors.Join(errDamaged, err)
	}
	return err
}

// skip drops what was read of a line that is too long, except its beginning.
func (f *logFile) skip() {
	if f.skipped == 0 {
		f.long = bytes.Clone(f.buf[:MaxLogLineBytes])
	}
	f.skipped += int64(len(f.buf))
	f.buf = f.buf[:0]
}

// replaced says whether the file now holds another text than the one that was read: it was
// truncated, or emptied and written again.
func (f *logFile) replaced() (bool, error) {
	if f.entry.packed() {
		return false, nil
	}
	info, err := f.raw.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < f.offset+f.unread() {
		return true, nil
	}
	now := make([]byte, len(f.head))
	if _, err := f.raw.ReadAt(now, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return !bytes.Equal(now, f.head), nil
}

// take returns complete lines, at most maxLines and about maxBytes of them. If last is set, what
// follows the last line break is a line too.
func (f *logFile) take(maxLines, maxBytes int, last bool) []LogLine {
	end := bytes.LastIndexByte(f.buf, '\n') + 1
	if end == 0 && !(last && f.unread() > 0) {
		return nil
	}
	first := bytes.IndexByte(f.buf, '\n') + 1 // one line is taken whatever its length
	text := string(f.buf[:min(end, max(maxBytes, first))])
	var lines []LogLine
	done := 0
	for len(lines) < maxLines && done < maxBytes {
		n := strings.IndexByte(text[done:], '\n')
		if n < 0 {
			break
		}
		if lines == nil {
			lines = make([]LogLine, 0, min(maxLines, 1+len(text)/100))
		}
		lines = append(lines, f.line(text[done:done+n]))
		done += n + 1
	}
	if last && end == 0 { // without an end, and nothing before it
		lines = append(lines, f.line(string(f.buf)))
		done = len(f.buf)
	}
	f.offset += int64(done)
	f.buf = append(f.buf[:0], f.buf[done:]...)
	return lines
}

// line makes a LogLine of a text without its line break, and of what was skipped before it.
func (f *logFile) line(text string) LogLine {
	l := LogLine{Text: text}
	if f.skipped > 0 {
		l.Text, l.Cut = string(f.long), true
		f.offset += f.skipped
		f.long, f.skipped = nil, 0
	}
	l.Text = strings.TrimSuffix(l.Text, "\r")
	if strings.IndexByte(l.Text, 0) >= 0 { // file systems leave blocks of them after a crash
		l.Text = strings.ReplaceAll(l.Text, "\x00", "")
	}
	if len(l.Text) > MaxLogLineBytes {
		l.Text, l.Cut = l.Text[:MaxLogLineBytes], true
	}
	return l
}
