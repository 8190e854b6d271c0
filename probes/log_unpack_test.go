package probes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// xzOf is a text as xz, with a window in the header of its first block as if it had been compressed with that.
func xzOf(t *testing.T, text string, window byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	block := file[12 : 12+(int(file[12])+1)*4]
	at := bytes.Index(block, []byte{0x21, 1})
	if at < 0 {
		t.Fatalf("no LZMA2 in %x", block)
	}
	block[at+2] = window
	binary.LittleEndian.PutUint32(block[len(block)-4:], crc32.ChecksumIEEE(block[:len(block)-4]))
	return file
}

// A few bytes must not make us take gigabytes.
func TestUnpackingTakesBoundedMemory(t *testing.T) {
	const text = "one line of a log\n"
	for name, c := range map[string]struct {
		window byte
		want   error
	}{
		"4 KiB":                  {0, nil},
		"8 MiB, xz -6":           {22, nil},
		"64 MiB, xz -9":          {28, nil},
		"96 MiB":                 {29, errMemory},
		"1.5 GiB":                {37, errMemory},
		"4 GiB, all that can be": {40, errMemory},
	} {
		t.Run("xz with a window of "+name, func(t *testing.T) {
			r, err := unpack("xz", bytes.NewReader(xzOf(t, text, c.window)))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want != nil {
				return
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != text {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	t.Run("zstd with a window of 128 MiB", func(t *testing.T) {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(128<<20), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil { // so that it is no frame of one segment, which has its own size as window
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := unpack("zst", &b)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Error("it was read")
		}
	})
}

func FuzzXZWindow(f *testing.F) {
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x16\x00\x00\x00"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, head []byte) {
		if n := xzWindow(head); n >= 1<<32 {
			t.Errorf("%x: %d", head, n)
		}
	})
}
