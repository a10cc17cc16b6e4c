package persistence

import (
	"fmt"
	"path"
)

// nextName is the file that holds the reserved space of the next segment. It has
// no header yet, because its first zxid is not known.
const nextName = "next" + tempSuffix

// advance makes room for a record of need bytes: it finishes the current segment
// and begins the next. When there is no space it changes nothing.
func (l *Log) advance(zxid uint64, need int64) error {
	need += logHeaderSize + recordSize(0)
	if l.next == nil || l.nextAlloc < need {
		if err := l.reserve(max(l.o.SegmentBytes, need)); err != nil {
			return fmt.Errorf("append zxid %s: %w", zxidString(zxid), err)
		}
	}
	if err := l.Roll(); err != nil {
		return err
	}
	return l.beginSegment(zxid)
}

// Roll finishes the current segment; the next record begins a new one. Everything
// appended is durable when it returns.
func (l *Log) Roll() error {
	if err := l.syncBatch(); err != nil || l.cur == nil {
		return err
	}
	if err := l.finishSegment(); err != nil {
		return err
	}
	err := l.cur.Close()
	l.cur = nil
	if err != nil {
		return l.fail(fmt.Errorf("close log segment %s: %w", l.curPath, err))
	}
	return nil
}

// finishSegment syncs the current segment, attests that it is durable as a whole
// and cuts off the unused part of its preallocation.
func (l *Log) finishSegment() error {
	if l.err != nil || l.cur == nil {
		return l.err
	}
	if err := l.syncSegment(); err != nil {
		return err
	}
	if err := l.Mark(); err != nil {
		return err
	}
	if err := l.cur.Truncate(l.off); err != nil {
		return l.fail(fmt.Errorf("truncate log segment %s to %d bytes: %w", l.curPath, l.off, err))
	}
	l.alloc = l.off
	if err := l.cur.Sync(); err != nil {
		return l.fail(fmt.Errorf("sync log segment %s: %w", l.curPath, err))
	}
	l.durable = l.off
	return nil
}

// beginSegment turns the reserved file into the segment that begins with zxid. The
// header is durable before the name is, so a named segment always has one.
func (l *Log) beginSegment(zxid uint64) error {
	header := encodeSegmentHeader(l.o.DatabaseID, zxid, l.last.Load(), l.chain)
	temp, name := path.Join(l.o.Dir, nextName), path.Join(l.o.Dir, segmentName(zxid))
	if _, err := l.next.WriteAt(header, 0); err != nil {
		return l.fail(fmt.Errorf("write header of log segment %s: %w", name, err))
	}
	if err := l.next.Sync(); err != nil {
		return l.fail(fmt.Errorf("sync header of log segment %s: %w", name, err))
	}
	// An empty segment of another name must go first, since it could come to stand
	// behind the new one. One of the same name is replaced by the rename.
	if l.empty != nil && l.empty.First != zxid {
		if err := removeSegment(l.o.FS, *l.empty); err != nil {
			return l.fail(err)
		}
	}
	l.empty = nil
	if err := publish(l.o.FS, temp, name); err != nil {
		return l.fail(err)
	}
	l.cur, l.alloc = l.next, l.nextAlloc
	l.next, l.nextAlloc = nil, 0
	l.curPath, l.curFirst, l.seed = name, zxid, segmentSeed(header)
	l.off, l.durable, l.zeroed = logHeaderSize, logHeaderSize, logHeaderSize
	return nil
}

// reserve preallocates the next segment, or enlarges the reserved one, so that a full disk is met here, where it
// harms nothing, and not in the middle of a record.
func (l *Log) reserve(size int64) error {
	if l.next == nil {
		l.fullErr = l.tryReserve(size)
		return l.fullErr
	}
	if err := l.next.Preallocate(l.nextAlloc, size-l.nextAlloc); err != nil {
		return fmt.Errorf("reserve %d bytes for the next log segment: %w", size, err)
	}
	l.nextAlloc = size
	return nil
}

func (l *Log) tryReserve(size int64) error {
	free, err := l.o.FS.Free(l.o.Dir)
	if err != nil {
		return err
	}
	if free < size+l.o.MinFreeBytes {
		return fmt.Errorf("%s: %d bytes are free, the next log segment needs %d and %d must stay: %w",
			l.o.Dir, free, size, l.o.MinFreeBytes, ErrDiskFull)
	}
	temp := path.Join(l.o.Dir, nextName)
	f, err := createFresh(l.o.FS, temp)
	if err != nil {
		return err
	}
	if err := f.Preallocate(0, size); err != nil {
		discard(l.o.FS, f, temp)
		return fmt.Errorf("reserve %d bytes for the next log segment: %w", size, err)
	}
	l.next, l.nextAlloc = f, size
	return nil
}

// Reserve sees to it that the next segment has its space. Whoever wants to Roll calls it before: a log that has
// rolled without it finds out with its next record that the disk is full, when nothing can be refused any more.
func (l *Log) Reserve() error {
	if l.err != nil || l.next != nil {
		return l.err
	}
	return l.reserve(l.o.SegmentBytes)
}

// dropNext gives the reserved space back.
func (l *Log) dropNext() {
	if l.next == nil {
		return
	}
	discard(l.o.FS, l.next, path.Join(l.o.Dir, nextName))
	l.next, l.nextAlloc = nil, 0
}

// low reports that half of the current segment is used and the next one is not
// reserved: the time to reserve it, and if that fails the time to refuse writes,
// while half a segment is left for those already under way.
func (l *Log) low() bool {
	if l.next != nil {
		return false
	}
	return l.cur == nil || 2*l.Size() > l.alloc
}

// reserveWhenLow reserves ahead of need. Its failure is kept for Headroom. It does
// not try again by itself after a failure: that would add a failing system call to
// each batch.
func (l *Log) reserveWhenLow() {
	if l.cur != nil && l.low() && l.fullErr == nil {
		_ = l.reserve(l.o.SegmentBytes)
	}
}

// Headroom returns how many bytes of records, each with 32 bytes of overhead at
// most, are sure to find reserved space. When that is running out and the next
// segment cannot be reserved, the error says why; it is ErrDiskFull when the disk
// is full. The server must then refuse new writes; those it has already accepted
// still fit if they are within the bytes returned.
//
// Each call in that state tries again, so an owner that calls it now and then
// finds out by itself that there is space again.
func (l *Log) Headroom() (bytes int64, err error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.low() {
		err = l.reserve(l.o.SegmentBytes)
	}
	if l.cur != nil {
		bytes = l.alloc - l.Size() - recordSize(0)
	}
	if l.next != nil {
		bytes += l.nextAlloc - logHeaderSize - recordSize(0)
	}
	return max(0, bytes), err
}

// removeSegment deletes a segment and makes that durable.
func removeSegment(fsys FS, seg Segment) error {
	if err := fsys.Remove(seg.Path); err != nil {
		return fmt.Errorf("remove log segment %s: %w", seg.Path, err)
	}
	if err := fsys.SyncDir(path.Dir(seg.Path)); err != nil {
		return fmt.Errorf("sync log folder %s: %w", path.Dir(seg.Path), err)
	}
	return nil
}
