package persistence

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path"
	"strconv"
	"strings"
)

// The byte layout of the transaction log; DESIGN.md explains why it is so. All
// numbers are big-endian.
//
//	segment: header (64 bytes), records, zeros up to the preallocated size
//
//	header:   0  magic "TRPELOG\n"
//	          8  format version          uint32
//	         12  header size             uint32
//	         16  database id             uint64
//	         24  zxid of first record    uint64
//	         32  zxid before the first   uint64, of the tree
//	         40  zxid before the first   uint64, of the log: smaller if a snapshot from
//	                                     elsewhere made the log jump, 0 if there was no log
//	         48  zeros
//	         60  CRC32C of bytes 0..59   uint32
//
//	record:   0  CRC32C of bytes 4..end  uint32, begun with the segment's seed and the offset
//	          4  length                  uint32, header and body, without padding
//	          8  zxid                    uint64
//	         16  synced                  uint32, bytes of this segment durable when this was written
//	         20  kind                    uint8, then three zeros
//	         24  body, then zeros up to a multiple of 8
const (
	logMagic         = "TRPELOG\n"
	logVersion       = 1
	logHeaderSize    = 64
	recordHeaderSize = 24
	recordAlign      = 8
	logPrefix        = "log."

	recordTxn  byte = 1 // a transaction
	recordMark byte = 2 // no body; says by its synced field that all before it is durable
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentHeader is a decoded segment header.
type segmentHeader struct {
	databaseID uint64
	first      uint64 // zxid of the first record; also in the file's name
	prev       uint64 // zxid after which the segment goes on
	chain      uint64 // zxid of the last record in the segment before it; 0 if none
	seed       uint32 // begins every record checksum of this segment
}

func encodeSegmentHeader(databaseID, first, prev, chain uint64) []byte {
	b := make([]byte, logHeaderSize)
	copy(b, logMagic)
	binary.BigEndian.PutUint32(b[8:], logVersion)
	binary.BigEndian.PutUint32(b[12:], logHeaderSize)
	binary.BigEndian.PutUint64(b[16:], databaseID)
	binary.BigEndian.PutUint64(b[24:], first)
	binary.BigEndian.PutUint64(b[32:], prev)
	binary.BigEndian.PutUint64(b[40:], chain)
	binary.BigEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// decodeSegmentHeader returns the header, or the words for what is wrong with it.
func decodeSegmentHeader(b []byte) (h segmentHeader, what string) {
	if len(b) < logHeaderSize {
		return h, fmt.Sprintf("segment header needs %d bytes, the file has %d", logHeaderSize, len(b))
	}
	b = b[:logHeaderSize]
	if string(b[:8]) != logMagic {
		return h, "segment header does not begin with the log's magic bytes"
	}
	if sum := crc32.Checksum(b[:60], castagnoli); sum != binary.BigEndian.Uint32(b[60:]) {
		return h, "segment header fails its checksum"
	}
	// Every version keeps these 64 bytes and their checksum in place, so a version
	// read here is one that was written, not damage.
	if v := binary.BigEndian.Uint32(b[8:]); v != logVersion {
		return h, fmt.Sprintf("log format version is %d, this program knows %d", v, logVersion)
	}
	h = segmentHeader{
		databaseID: binary.BigEndian.Uint64(b[16:]),
		first:      binary.BigEndian.Uint64(b[24:]),
		prev:       binary.BigEndian.Uint64(b[32:]),
		chain:      binary.BigEndian.Uint64(b[40:]),
		seed:       segmentSeed(b),
	}
	if !zxidFollows(h.prev, h.first) || h.chain > h.prev {
		return h, fmt.Sprintf("segment header: zxids %s, %s and %s are not in order",
			zxidString(h.chain), zxidString(h.prev), zxidString(h.first))
	}
	return h, ""
}

// segmentSeed binds the checksums of a segment's records to its header, so that a
// record is valid in this segment of this database only.
func segmentSeed(header []byte) uint32 { return crc32.Checksum(header[:logHeaderSize], castagnoli) }

// padded rounds a record length up to the alignment.
func padded(n int64) int64 { return (n + recordAlign - 1) &^ (recordAlign - 1) }

// recordSize is the room that a record takes in the file.
func recordSize(body int) int64 { return padded(recordHeaderSize + int64(body)) }

// appendRecord encodes a record that will stand at offset off and returns the
// longer buffer. It allocates only when the buffer must grow.
func appendRecord(buf []byte, seed uint32, off int64, kind byte, zxid uint64, synced int64, body []byte) []byte {
	start := len(buf)
	length := uint32(recordHeaderSize + len(body))
	buf = binary.BigEndian.AppendUint32(buf, 0)
	buf = binary.BigEndian.AppendUint32(buf, length)
	buf = binary.BigEndian.AppendUint64(buf, zxid)
	buf = binary.BigEndian.AppendUint32(buf, uint32(synced))
	buf = append(buf, kind, 0, 0, 0)
	buf = append(buf, body...)
	for (len(buf)-start)%recordAlign != 0 {
		buf = append(buf, 0)
	}
	binary.BigEndian.PutUint32(buf[start:], recordChecksum(seed, off, buf[start:]))
	return buf
}

// recordChecksum begins with the offset as well as the seed: a copy of a record at
// another place, such as inside a body that a client stored, is never valid.
func recordChecksum(seed uint32, off int64, record []byte) uint32 {
	return crc32.Update(seed^uint32(off), castagnoli, record[4:])
}

// recordHeader is a record's header, not yet verified.
type recordHeader struct {
	length int64 // header and body
	zxid   uint64
	synced int64
	kind   byte
}

// parseRecordHeader reads a header and says whether a record of that shape could
// stand at off in a file of the given size; the checksum is the caller's.
func parseRecordHeader(b []byte, off, size int64) (h recordHeader, what string) {
	h = recordHeader{
		length: int64(binary.BigEndian.Uint32(b[4:])),
		zxid:   binary.BigEndian.Uint64(b[8:]),
		synced: int64(binary.BigEndian.Uint32(b[16:])),
		kind:   b[20],
	}
	switch {
	case h.length < recordHeaderSize:
		return h, fmt.Sprintf("record length %d is below the header's %d bytes", h.length, recordHeaderSize)
	case padded(h.length) > size-off:
		return h, fmt.Sprintf("record of %d bytes reaches beyond the end of the file", h.length)
	case h.synced < logHeaderSize || h.synced > off:
		return h, fmt.Sprintf("record claims %d durable bytes before offset %d", h.synced, off)
	case b[21]|b[22]|b[23] != 0:
		return h, "record header has bytes set that must be zero"
	}
	return h, ""
}

// zxidFollows reports whether next may come directly after prev: the next counter
// of the same epoch, or the first of a later epoch. Zxid 0 is the empty tree.
func zxidFollows(prev, next uint64) bool {
	if next>>32 == prev>>32 {
		return next == prev+1
	}
	return next>>32 > prev>>32 && uint32(next) == 1
}

// zxidString writes a zxid the way ZooKeeper's operators read it.
func zxidString(zxid uint64) string { return "0x" + strconv.FormatUint(zxid, 16) }

func segmentName(first uint64) string { return fmt.Sprintf("%s%016x", logPrefix, first) }

// parseNumbered reads names such as log.00000000000000a1. Only the exact form that
// is written counts, so that a copy such as log.a1.bak is never taken for ours.
func parseNumbered(name, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok || len(digits) != 16 || strings.ToLower(digits) != digits {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil
}

// Segment is one file of the log, as its name tells.
type Segment struct {
	Path  string
	First uint64 // zxid of the first record
}

// ListSegments returns the log's segments in a folder, oldest first.
func ListSegments(fsys FS, dir string) ([]Segment, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list log folder %s: %w", dir, err)
	}
	var list []Segment
	for _, name := range names {
		if first, ok := parseNumbered(name, logPrefix); ok {
			list = append(list, Segment{Path: path.Join(dir, name), First: first})
		}
	}
	return list, nil
}
