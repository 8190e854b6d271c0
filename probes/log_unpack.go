package probes

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// errPacking: the file is compressed in a way that we do not know.
var errPacking = errors.New("gz, bz2, xz and zst can be read")

// errMemory: the file was compressed in such a way that unpacking it takes too much memory.
var errMemory = fmt.Errorf("unpacking takes more than %d MiB of memory: compress with a smaller window", unpackBytes>>20)

// unpackBytes is how much memory unpacking may take: what xz and zstd need up to their highest
// usual levels (xz -9). A file that wants more is refused.
const unpackBytes = 64 << 20

// unpack returns the text of a compressed file.
func unpack(ext string, raw io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(raw, 64<<10)
	switch ext {
	case "gz":
		return gzip.NewReader(in)
	case "bz2":
		return bzip2.NewReader(in), nil
	case "xz":
		if head, _ := in.Peek(xzHeadBytes); xzWindow(head) > unpackBytes {
			return nil, errMemory
		}
		return xz.ReaderConfig{DictCap: 1 << 16}.NewReader(in) // the least; if the file asks for more, that counts
	case "zst":
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(unpackBytes), zstd.WithDecoderMaxWindow(unpackBytes))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("%w, not %s", errPacking, ext)
}

// xzHeadBytes holds the header of an xz stream and of its first block, which is at most 1024 bytes long.
const xzHeadBytes = 12 + 1024

// xzWindow returns how much memory the first block of an xz file asks for (The .xz File Format
// 1.2.1, sections 3.1 and 5.3.1). The library would allocate it, up to 4 GiB. All blocks that
// xz(1) writes ask for the same. 0: it is not an xz file, and the library will say so.
func xzWindow(head []byte) uint64 {
	const lzma2 = 0x21
	if len(head) < 12+2 {
		return 0
	}
	block := head[12:]
	if size := (int(block[0]) + 1) * 4; size <= len(block) {
		block = block[:size]
	}
	flags, rest := block[1], block[2:]
	number := func() uint64 {
		n, used := binary.Uvarint(rest)
		if used <= 0 {
			rest = nil
			return 0
		}
		rest = rest[used:]
		return n
	}
	for _, present := range []byte{0x40, 0x80} { // compressed and uncompressed size
		if flags&present != 0 {
			number()
		}
	}
	if number() != lzma2 || number() != 1 || len(rest) == 0 {
		return 0
	}
	switch bits := rest[0] & 0x3f; {
	case bits > 40:
		return 0
	case bits == 40:
		return 1<<32 - 1
	default:
		return uint64(2|bits&1) << (bits/2 + 11)
	}
}
