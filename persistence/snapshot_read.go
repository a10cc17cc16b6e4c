package persistence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"sort"

	"github.com/klauspost/compress/zstd"
)

// SnapshotReader reads the records of one snapshot and verifies all of it. A user
// must not believe what it built until Next has returned io.EOF: only then has
// the trailer been seen.
type SnapshotReader struct {
	file   File
	in     *bufio.Reader
	err    error
	info   SnapshotInfo
	off    int64  // where the next block begins
	sum    uint32 // CRC of the last block, or of the header
	stored []byte
	raw    []byte
	rest   []byte // records of the block that are still to come
	left   uint32 // their number
	zstd   *zstd.Decoder
}

// OpenSnapshot opens a snapshot and checks its header. databaseID must match it; 0
// accepts any. Damage is returned as *DamageError; the next older snapshot is then
// the one to try.
func OpenSnapshot(fsys FS, name string, databaseID uint64) (*SnapshotReader, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open snapshot %s: %w", name, err)
	}
	r := &SnapshotReader{file: f, info: SnapshotInfo{Path: name}}
	if err := r.readHeader(databaseID); err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

func (r *SnapshotReader) readHeader(databaseID uint64) error {
	size, err := r.file.Size()
	if err != nil {
		return fmt.Errorf("size of snapshot %s: %w", r.info.Path, err)
	}
	r.info.FileBytes = size
	r.in = bufio.NewReaderSize(r.file, 256<<10)
	b := make([]byte, snapshotHeaderSize)
	if err := r.readFull(b, "header"); err != nil {
		return err
	}
	if string(b[:8]) != snapshotMagic {
		return r.damage("file does not begin with the snapshot's magic bytes")
	}
	if crc32.Checksum(b[:60], castagnoli) != beUint32(b[60:]) {
		return r.damage("snapshot header fails its checksum")
	}
	if v := beUint32(b[8:]); v != snapshotVersion || b[12] > compressionZstd {
		return r.damage(fmt.Sprintf("snapshot format version is %d with compression %d, this program knows version %d with 0 and 1",
			v, b[12], snapshotVersion))
	}
	r.info.Compressed = b[12] == compressionZstd
	r.info.DatabaseID = binary.BigEndian.Uint64(b[16:])
	r.info.Zxid = binary.BigEndian.Uint64(b[24:])
	if zxid, ok := parseNumbered(path.Base(r.info.Path), snapshotPrefix); ok && zxid != r.info.Zxid {
		return r.damage(fmt.Sprintf("header says zxid %s, the name says %s", zxidString(r.info.Zxid), zxidString(zxid)))
	}
	if databaseID != 0 && r.info.DatabaseID != databaseID {
		return r.damage(fmt.Sprintf("snapshot belongs to database %016x, not to %016x", r.info.DatabaseID, databaseID))
	}
	r.sum, r.off = crc32.Checksum(b, castagnoli), snapshotHeaderSize
	return nil
}

// Info returns what the header says; Records and RawBytes count what was read so
// far and are complete when Next has returned io.EOF.
func (r *SnapshotReader) Info() SnapshotInfo { return r.info }

// Progress returns how many bytes of how many in the file have been read.
func (r *SnapshotReader) Progress() (done, total int64) { return r.off, r.info.FileBytes }

// Next returns the next record, valid until the following call. io.EOF says that
// the snapshot was read whole and is valid; any other error, a *DamageError among
// them, that what was read must be thrown away.
func (r *SnapshotReader) Next() (kind byte, record []byte, err error) {
	for r.left == 0 {
		if r.err == nil {
			r.err = r.nextBlock()
		}
		if r.err != nil {
			return 0, nil, r.err
		}
	}
	kind, record, n := splitRecord(r.rest)
	if n == 0 {
		r.left, r.err = 0, r.damage("record reaches beyond its block")
		return 0, nil, r.err
	}
	r.rest = r.rest[n:]
	r.left--
	if r.left == 0 && len(r.rest) > 0 {
		r.err = r.damage("block holds more than its records")
		return 0, nil, r.err
	}
	return kind, record, nil
}

// splitRecord returns the first record of a payload and the bytes that it takes, 0
// if there is none that is whole.
func splitRecord(b []byte) (kind byte, record []byte, n int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	length, size := binary.Uvarint(b[1:])
	if size <= 0 || length > uint64(len(b)-1-size) {
		return 0, nil, 0
	}
	n = 1 + size + int(length)
	return b[0], b[1+size : n : n], n
}

// nextBlock reads and verifies the next block, or the trailer: then it returns
// io.EOF. Lengths are believed only as far as the file reaches, so that a damaged
// one cannot take more memory than the file has bytes.
func (r *SnapshotReader) nextBlock() error {
	var head [blockHeaderSize]byte
	if err := r.readFull(head[:], "block header"); err != nil {
		return err
	}
	stored, raw, count := int64(beUint32(head[4:])), int64(beUint32(head[8:])), beUint32(head[12:])
	if stored == 0 {
		return r.readTrailer(head)
	}
	if stored > r.info.FileBytes-r.off-blockHeaderSize {
		return r.damage(fmt.Sprintf("block of %d bytes reaches beyond the end of the file", stored))
	}
	r.stored = grow(r.stored, stored)
	if err := r.readFull(r.stored, "block"); err != nil {
		return err
	}
	sum := crc32.Update(crc32.Update(r.sum, castagnoli, head[4:]), castagnoli, r.stored)
	if sum != beUint32(head[:]) {
		return r.damage("block fails its checksum")
	}
	if err := r.unpack(raw); err != nil {
		return err
	}
	if count == 0 || int64(count) > raw {
		return r.damage(fmt.Sprintf("block of %d bytes claims %d records", raw, count))
	}
	r.sum, r.rest, r.left = sum, r.raw, count
	r.off += blockHeaderSize + stored
	r.info.Records += uint64(count)
	r.info.RawBytes += uint64(raw)
	return nil
}

// unpack makes r.raw the payload of the block in r.stored.
func (r *SnapshotReader) unpack(raw int64) error {
	if raw > maxBlockBytes {
		return r.damage(fmt.Sprintf("block claims %d bytes, at most %d are allowed", raw, int64(maxBlockBytes)))
	}
	if !r.info.Compressed {
		if raw != int64(len(r.stored)) {
			return r.damage("block's two lengths differ, but it is not compressed")
		}
		r.raw = r.stored
		return nil
	}
	if r.zstd == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlockBytes))
		if err != nil {
			return fmt.Errorf("snapshot %s: %w", r.info.Path, err)
		}
		r.zstd = dec
	}
	// The frame states its own size. Comparing it with the header's first means that
	// nothing larger than announced is ever unpacked.
	var frame zstd.Header
	if err := frame.Decode(r.stored); err != nil || !frame.HasFCS || frame.FrameContentSize != uint64(raw) {
		return r.damage("compressed block does not state the size in the block header")
	}
	out, err := r.zstd.DecodeAll(r.stored, r.raw[:0])
	if err != nil || int64(len(out)) != raw {
		return r.damage(fmt.Sprintf("block does not decompress to %d bytes", raw))
	}
	r.raw = out
	return nil
}

func (r *SnapshotReader) readTrailer(head [blockHeaderSize]byte) error {
	var b [snapshotTrailerSize]byte
	copy(b[:], head[:])
	if err := r.readFull(b[blockHeaderSize:], "trailer"); err != nil {
		return err
	}
	switch {
	case string(b[24:]) != snapshotEnd:
		return r.damage("trailer does not end with its magic bytes")
	case crc32.Update(r.sum, castagnoli, b[4:]) != beUint32(b[:]):
		return r.damage("trailer fails its checksum")
	case binary.BigEndian.Uint64(b[8:]) != r.info.Records || binary.BigEndian.Uint64(b[16:]) != r.info.RawBytes:
		return r.damage("trailer counts other records than the file has")
	case r.off+snapshotTrailerSize != r.info.FileBytes:
		return r.damage("there are bytes behind the trailer")
	}
	r.off += snapshotTrailerSize
	return io.EOF
}

func (r *SnapshotReader) readFull(b []byte, what string) error {
	_, err := io.ReadFull(r.in, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damage("the file ends before the end of the " + what)
	}
	if err != nil {
		return fmt.Errorf("read snapshot %s at byte %d: %w", r.info.Path, r.off, err)
	}
	return nil
}

// damage names the block, or header or trailer, in which the fault is.
func (r *SnapshotReader) damage(what string) error {
	return &DamageError{File: r.info.Path, Offset: r.off, What: what,
		Remedy: "move the file away; the next older snapshot and the log then give the same state"}
}

// Close releases the file. It may be called more than once.
func (r *SnapshotReader) Close() error {
	if r.zstd != nil {
		r.zstd.Close()
		r.zstd = nil
	}
	if r.err == nil {
		r.err = fmt.Errorf("snapshot %s: reader is closed", r.info.Path)
	}
	r.left = 0
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// ValidateSnapshot reads a snapshot to its end and returns what it holds, or what
// is wrong with it.
func ValidateSnapshot(fsys FS, name string, databaseID uint64) (SnapshotInfo, error) {
	r, err := OpenSnapshot(fsys, name, databaseID)
	if err != nil {
		return SnapshotInfo{}, err
	}
	defer r.Close()
	for {
		if _, _, err := r.Next(); errors.Is(err, io.EOF) {
			return r.Info(), nil
		} else if err != nil {
			return SnapshotInfo{}, err
		}
	}
}

// SnapshotFile is a snapshot as its name tells; it may be damaged.
type SnapshotFile struct {
	Path string
	Zxid uint64
}

// ListSnapshots returns the snapshots in a folder, newest first. Recovery takes
// the first that is valid.
func ListSnapshots(fsys FS, dir string) ([]SnapshotFile, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list snapshot folder %s: %w", dir, err)
	}
	var list []SnapshotFile
	for _, name := range names {
		if zxid, ok := parseNumbered(name, snapshotPrefix); ok {
			list = append(list, SnapshotFile{Path: path.Join(dir, name), Zxid: zxid})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Zxid > list[j].Zxid })
	return list, nil
}

// grow returns a slice of length n, reusing b's memory where it suffices.
func grow(b []byte, n int64) []byte {
	if int64(cap(b)) < n {
		return make([]byte, n)
	}
	return b[:n]
}
