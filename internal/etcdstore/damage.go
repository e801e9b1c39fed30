package etcdstore

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// The head of a bbolt database: two copies of its meta page, each behind the 16 bytes that every page begins with.
const (
	metaOffset   = 16
	metaBytes    = 64
	metaMagic    = 0xED0CDAED
	metaPageSize = 8
	metaPages    = 40
	metaTxID     = 48
	metaChecksum = 56
	// The sizes of a page that systems have.
	minPage = 1 << 10
	maxPage = 64 << 10
)

// checkWhole refuses a database that is shorter than it says itself. It is read as memory, and reading memory that
// is not there ends the process.
func checkWhole(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return folderError("database %s cannot be read: %w", name, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return folderError("database %s cannot be read: %w", name, err)
	}
	if want := recordedSize(f); info.Size() < want {
		return folderError("database %s is damaged: it has %d bytes, %d were written: restore the data folder from a backup", name, info.Size(), want)
	}
	return nil
}

// recordedSize is how long the database is by its newer meta page; 0 where there is none, which bbolt finds out itself.
func recordedSize(f io.ReaderAt) int64 {
	var newest, size uint64
	for page := int64(0); page <= maxPage; page = max(2*page, minPage) { // the second copy stands behind one page, of whatever size
		meta := make([]byte, metaBytes)
		if _, err := f.ReadAt(meta, page+metaOffset); err != nil || !isMeta(meta) {
			continue
		}
		pageSize := uint64(binary.NativeEndian.Uint32(meta[metaPageSize:]))
		if txID := binary.NativeEndian.Uint64(meta[metaTxID:]); size == 0 || txID > newest {
			newest, size = txID, pageSize*binary.NativeEndian.Uint64(meta[metaPages:])
		}
	}
	return int64(size)
}

func isMeta(meta []byte) bool {
	sum := fnv.New64a()
	sum.Write(meta[:metaChecksum])
	return binary.NativeEndian.Uint32(meta) == metaMagic && sum.Sum64() == binary.NativeEndian.Uint64(meta[metaChecksum:])
}
