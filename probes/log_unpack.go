package probes

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// errPacking: the file is compressed in a way that is not known here.
var errPacking = errors.New("gz, bz2, xz and zst can be read")

// unpackBytes is how much memory decompressing may take: what xz and zstd need at
// their usual levels. A file that wants more is refused.
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
		return xz.ReaderConfig{DictCap: unpackBytes}.NewReader(in)
	case "zst":
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(unpackBytes), zstd.WithDecoderMaxWindow(unpackBytes))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("%w, not %s", errPacking, ext)
}
