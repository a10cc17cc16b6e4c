package persistence

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// withChecksums returns a copy of a would-be snapshot in which every checksum is
// right as far as lengths lead, so that fuzzing reaches what lies behind them.
func withChecksums(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) < snapshotHeaderSize {
		return b
	}
	copy(b, snapshotMagic)
	binary.BigEndian.PutUint32(b[8:], snapshotVersion)
	b[12] &= 1
	binary.BigEndian.PutUint64(b[24:], 7)
	binary.BigEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	sum := crc32.Checksum(b[:snapshotHeaderSize], castagnoli)
	for at := snapshotHeaderSize; at+blockHeaderSize <= len(b); {
		end := at + snapshotTrailerSize
		stored := int(binary.BigEndian.Uint32(b[at+4:]))
		if stored > 0 {
			end = at + blockHeaderSize + stored
		}
		if end > len(b) {
			return b
		}
		sum = crc32.Update(sum, castagnoli, b[at+4:end])
		binary.BigEndian.PutUint32(b[at:], sum)
		at = end
	}
	return b
}

// withRecordChecksums does the same for a would-be log segment.
func withRecordChecksums(b []byte, first uint64) []byte {
	b = bytes.Clone(b)
	if len(b) < logHeaderSize {
		return b
	}
	copy(b, encodeSegmentHeader(testDatabase, first, first-1, first-1))
	seed := segmentSeed(b)
	for at := logHeaderSize; at+recordHeaderSize <= len(b); {
		end := at + int(padded(int64(binary.BigEndian.Uint32(b[at+4:]))))
		if end <= at || end > len(b) {
			return b
		}
		binary.BigEndian.PutUint32(b[at:], recordChecksum(seed, int64(at), b[at:end]))
		at = end
	}
	return b
}
