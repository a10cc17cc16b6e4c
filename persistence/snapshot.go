package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path"

	"github.com/klauspost/compress/zstd"
)

// The byte layout of a snapshot file; DESIGN.md explains it. All numbers are
// big-endian.
//
//	header:   0  magic "TRPESNP\n"
//	          8  format version        uint32
//	         12  compression           uint8: 0 none, 1 zstd; then three zeros
//	         16  database id           uint64
//	         24  zxid                  uint64
//	         32  zeros
//	         60  CRC32C of 0..59       uint32
//
//	block:    0  CRC32C of 4..end      uint32, begun with the CRC of what is before it
//	          4  stored length         uint32, of the payload in the file, not 0
//	          8  raw length            uint32, of the payload when decompressed
//	         12  records               uint32
//	         16  payload: records of kind uint8, length uvarint, bytes
//
//	trailer:  0  CRC32C of 4..31       uint32, begun with the CRC of the last block
//	          4  zero                  uint32, where a block has its length
//	          8  records               uint64
//	         16  raw bytes             uint64
//	         24  magic "TRPEEND\n"
const (
	snapshotMagic       = "TRPESNP\n"
	snapshotEnd         = "TRPEEND\n"
	snapshotVersion     = 1
	snapshotHeaderSize  = 64
	snapshotTrailerSize = 32
	blockHeaderSize     = 16
	snapshotPrefix      = "snapshot."

	compressionNone byte = 0
	compressionZstd byte = 1
)

// Sizes of snapshot blocks.
const (
	// DefaultBlockBytes is where a block ends by default. Larger ones compress
	// little better and cost more memory while reading.
	DefaultBlockBytes = 256 << 10
	// MaxSnapshotRecord is the largest record that Append takes.
	MaxSnapshotRecord = 1 << 30
	// maxBlockBytes bounds what a reader allocates for one block.
	maxBlockBytes = MaxSnapshotRecord + 1<<20
)

// SnapshotOptions describes a snapshot to be written.
type SnapshotOptions struct {
	FS         FS
	Dir        string // folder of the snapshots; it must exist
	DatabaseID uint64
	Zxid       uint64 // the transaction whose effect is the last one contained
	Compress   bool   // zstd for each block
	BlockBytes int    // 0 means DefaultBlockBytes
	// SyncBytes is how much is written between two fsyncs, so that one huge fsync
	// at the end does not hold up those of the log on the same disk. 0 means 4 MiB.
	SyncBytes int64
	// WriteBackBytes is how much is written before it is moved to the disk, so that
	// even these fsyncs find little to do. 0 means 256 KiB.
	WriteBackBytes int64
}

// SnapshotInfo describes a finished or verified snapshot.
type SnapshotInfo struct {
	Path       string
	Zxid       uint64
	DatabaseID uint64
	Compressed bool
	Records    uint64
	RawBytes   uint64 // payload before compression
	FileBytes  int64
}

// SnapshotWriter writes one snapshot beside those that exist. It gets its name
// only when it is whole and durable. It is used by one goroutine, which ends it
// with Commit or Abort.
type SnapshotWriter struct {
	o    SnapshotOptions
	temp string
	file File
	err  error
	done bool

	raw      []byte // payload of the block being filled
	packed   []byte // block as it goes to the file
	count    uint32 // records in the block
	sum      uint32 // CRC of the last block, or of the header
	unsynced int64
	unmoved  int64 // bytes at the end that were not written back
	info     SnapshotInfo
	zstd     *zstd.Encoder
}

// CreateSnapshot begins a snapshot.
func CreateSnapshot(o SnapshotOptions) (*SnapshotWriter, error) {
	if o.FS == nil || o.Dir == "" || o.DatabaseID == 0 {
		return nil, errors.New("snapshot options: FS, Dir and DatabaseID are needed")
	}
	if o.BlockBytes <= 0 {
		o.BlockBytes = DefaultBlockBytes
	}
	if o.SyncBytes <= 0 {
		o.SyncBytes = 4 << 20
	}
	if o.WriteBackBytes <= 0 {
		o.WriteBackBytes = 256 << 10
	}
	name := path.Join(o.Dir, snapshotName(o.Zxid))
	w := &SnapshotWriter{o: o, temp: name + tempSuffix}
	w.info = SnapshotInfo{Path: name, Zxid: o.Zxid, DatabaseID: o.DatabaseID, Compressed: o.Compress}
	if o.Compress {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithSingleSegment(true))
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", name, err)
		}
		w.zstd = enc
	}
	f, err := createFresh(o.FS, w.temp)
	if err != nil {
		return nil, err
	}
	w.file = f
	header := encodeSnapshotHeader(o)
	w.sum = crc32.Checksum(header, castagnoli)
	if err := w.write(header); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

func encodeSnapshotHeader(o SnapshotOptions) []byte {
	b := make([]byte, snapshotHeaderSize)
	copy(b, snapshotMagic)
	binary.BigEndian.PutUint32(b[8:], snapshotVersion)
	if o.Compress {
		b[12] = compressionZstd
	}
	binary.BigEndian.PutUint64(b[16:], o.DatabaseID)
	binary.BigEndian.PutUint64(b[24:], o.Zxid)
	binary.BigEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// Append adds a record; kind is the caller's and the bytes are copied. After an
// error every later call returns the same, and only Abort is left to do.
func (w *SnapshotWriter) Append(kind byte, record []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(record) > MaxSnapshotRecord {
		return w.fail(fmt.Errorf("snapshot %s: record of %d bytes, at most %d are allowed", w.temp, len(record), MaxSnapshotRecord))
	}
	w.raw = append(w.raw, kind)
	w.raw = binary.AppendUvarint(w.raw, uint64(len(record)))
	w.raw = append(w.raw, record...)
	w.count++
	if len(w.raw) >= w.o.BlockBytes {
		return w.endBlock()
	}
	return nil
}

// endBlock writes the block. Each block's checksum begins with that of the block
// before it, so blocks cannot be lost, repeated or swapped unnoticed, and the last
// one covers the whole file.
func (w *SnapshotWriter) endBlock() error {
	if w.count == 0 {
		return nil
	}
	b := append(w.packed[:0], make([]byte, blockHeaderSize)...)
	if w.zstd != nil {
		b = w.zstd.EncodeAll(w.raw, b)
	} else {
		b = append(b, w.raw...)
	}
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-blockHeaderSize))
	binary.BigEndian.PutUint32(b[8:], uint32(len(w.raw)))
	binary.BigEndian.PutUint32(b[12:], w.count)
	w.sum = crc32.Update(w.sum, castagnoli, b[4:])
	binary.BigEndian.PutUint32(b, w.sum)
	w.info.Records += uint64(w.count)
	w.info.RawBytes += uint64(len(w.raw))
	w.packed, w.raw, w.count = b, w.raw[:0], 0
	return w.write(b)
}

func (w *SnapshotWriter) write(b []byte) error {
	n, err := w.file.Write(b)
	w.info.FileBytes += int64(n)
	if err != nil || n != len(b) {
		return w.fail(fmt.Errorf("write snapshot %s at byte %d: %w", w.temp, w.info.FileBytes, shortWrite(err)))
	}
	w.unmoved += int64(n)
	if w.unsynced += int64(n); w.unsynced >= w.o.SyncBytes {
		return w.sync()
	}
	if w.unmoved < w.o.WriteBackBytes {
		return nil
	}
	if err := w.file.WriteBack(w.info.FileBytes-w.unmoved, w.unmoved); err != nil {
		return w.fail(fmt.Errorf("write back snapshot %s: %w", w.temp, err))
	}
	w.unmoved = 0
	return nil
}

func (w *SnapshotWriter) sync() error {
	if err := w.file.Sync(); err != nil {
		return w.fail(fmt.Errorf("sync snapshot %s: %w", w.temp, err))
	}
	w.unsynced, w.unmoved = 0, 0
	return nil
}

func (w *SnapshotWriter) fail(err error) error {
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// Commit ends the snapshot and gives it its name. When it returns without error
// the snapshot is durable; with one it is not, and no half of it is ever visible.
func (w *SnapshotWriter) Commit() (SnapshotInfo, error) {
	if w.done {
		return SnapshotInfo{}, fmt.Errorf("snapshot %s: already ended", w.temp)
	}
	if err := w.finish(); err != nil {
		w.Abort()
		return SnapshotInfo{}, err
	}
	w.end()
	if err := publish(w.o.FS, w.temp, w.info.Path); err != nil {
		_ = w.o.FS.Remove(w.temp)
		return SnapshotInfo{}, err
	}
	return w.info, nil
}

func (w *SnapshotWriter) finish() error {
	if w.err != nil {
		return w.err
	}
	if err := w.endBlock(); err != nil {
		return err
	}
	b := make([]byte, snapshotTrailerSize)
	binary.BigEndian.PutUint64(b[8:], w.info.Records)
	binary.BigEndian.PutUint64(b[16:], w.info.RawBytes)
	copy(b[24:], snapshotEnd)
	binary.BigEndian.PutUint32(b, crc32.Update(w.sum, castagnoli, b[4:]))
	if err := w.write(b); err != nil {
		return err
	}
	if err := w.sync(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("close snapshot %s: %w", w.temp, err)
	}
	return nil
}

// Abort drops an unfinished snapshot and leaves no file behind. After Commit it
// does nothing, so it can be deferred.
func (w *SnapshotWriter) Abort() {
	if w.done {
		return
	}
	w.end()
	discard(w.o.FS, w.file, w.temp)
}

func (w *SnapshotWriter) end() {
	w.done = true
	_ = w.fail(fmt.Errorf("snapshot %s: already ended", w.temp))
	w.raw, w.packed = nil, nil
	if w.zstd != nil {
		_ = w.zstd.Close()
	}
}

func snapshotName(zxid uint64) string { return fmt.Sprintf("%s%016x", snapshotPrefix, zxid) }
