package persistence

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Errors of the log. ErrDiskFull, from fs.go, is the only one after which the log
// still works.
var (
	// ErrLogFailed marks the error of a log that has met a failed write or fsync.
	// Every later call returns it: what is on disk is no longer known, and only a
	// new start, which reads what is there, can find out.
	ErrLogFailed = errors.New("the transaction log has failed and takes no more records")
	// ErrLogOrder says that a record does not follow the one before it; a bug.
	ErrLogOrder = errors.New("zxid out of order")
	// ErrLogClosed says that the log was closed.
	ErrLogClosed = errors.New("the transaction log is closed")
)

// LogOptions describes a transaction log.
type LogOptions struct {
	FS         FS
	Dir        string // folder of the segments; it must exist
	DatabaseID uint64 // written into each segment; must match those that exist
	// SegmentBytes is preallocated for each segment and is where the log rolls to
	// the next one. Two segments are reserved at a time. ZooKeeper calls it
	// preAllocSize. A record that is larger gets a segment of its own size.
	SegmentBytes int64
	// MinFreeBytes must stay free on the disk behind a preallocation, as room for
	// snapshots and for the system.
	MinFreeBytes int64
	// ZeroAheadBytes of zeros are written ahead of the records while batches are
	// small. The first write to a preallocated block makes the file system note in its
	// journal that the block is in use; a block that holds zeros already is spared
	// that, which takes a third off the time of an fsync. 0 turns it off.
	ZeroAheadBytes int64
	// Covered is the zxid of a snapshot that was found to be whole, 0 for none. Damage
	// to records that are in it as well does not stop the log from being opened.
	Covered uint64
	// NoSync skips the fsync of each batch (ZooKeeper's forceSync=no): a power cut
	// then loses acknowledged writes. Rolling still syncs.
	NoSync bool
}

// Limits of LogOptions.SegmentBytes. The upper one keeps every offset in the 32
// bits that a record has for it.
const (
	MinSegmentBytes = 4 << 10
	MaxSegmentBytes = 2 << 30
	// MaxZeroAheadBytes is the upper limit of LogOptions.ZeroAheadBytes.
	MaxZeroAheadBytes = 16 << 20
	// MaxRecordBytes is the largest body that Append takes.
	MaxRecordBytes = 1 << 30
)

// DefaultLogOptions returns the defaults; FS, Dir and DatabaseID are the caller's.
func DefaultLogOptions() LogOptions {
	return LogOptions{SegmentBytes: 64 << 20, MinFreeBytes: 16 << 20, ZeroAheadBytes: 1 << 20}
}

// Validate reports the first option that is out of range.
func (o LogOptions) Validate() error {
	switch {
	case o.FS == nil:
		return errors.New("log options: FS is missing")
	case o.Dir == "":
		return errors.New("log options: Dir is missing")
	case o.DatabaseID == 0:
		return errors.New("log options: DatabaseID must not be 0")
	case o.SegmentBytes < MinSegmentBytes || o.SegmentBytes > MaxSegmentBytes:
		return fmt.Errorf("log options: SegmentBytes is %d, allowed are %d to %d", o.SegmentBytes, MinSegmentBytes, int64(MaxSegmentBytes))
	case o.MinFreeBytes < 0:
		return fmt.Errorf("log options: MinFreeBytes is %d, it must not be negative", o.MinFreeBytes)
	case o.ZeroAheadBytes < 0 || o.ZeroAheadBytes > MaxZeroAheadBytes:
		return fmt.Errorf("log options: ZeroAheadBytes is %d, allowed are 0 to %d", o.ZeroAheadBytes, MaxZeroAheadBytes)
	}
	return nil
}

// Log is the transaction log, open for appending. It has one owner: all methods
// must be called by one goroutine at a time, except LastZxid, SyncedZxid and
// AppendedBytes, which any goroutine may call at any time.
//
// The owner appends as many records as it has at hand, which costs no system call,
// then calls Sync, which writes them with one write and one fdatasync, then
// acknowledges them.
type Log struct {
	o   LogOptions
	err error // once set, returned by everything

	cur      File // segment being written; nil before the first record and after a roll
	curPath  string
	curFirst uint64
	seed     uint32
	chain    uint64 // zxid of the last record in the log; LastZxid is beyond it after StartAfter
	alloc    int64  // size reserved for cur
	off      int64  // where buf goes
	durable  int64  // bytes of cur that an fsync has covered; what records attest
	buf      []byte // encoded records, not yet written
	zeroed   int64  // bytes of cur that hold records or written zeros
	zeros    []byte

	empty *Segment // a segment without records that a crash left; beginSegment replaces it

	next      File // reserved space for the segment after cur
	nextAlloc int64
	fullErr   error // why next could not be reserved, nil if it was not tried or succeeded

	last     atomic.Uint64 // zxid of the last appended record
	synced   atomic.Uint64 // zxid of the last durable record
	appended atomic.Int64
}

// flushBytes bounds the buffer: a batch that grows beyond it is written early,
// though not yet synced.
const flushBytes = 4 << 20

// Append adds a transaction to the current batch. Its zxid must follow the last
// one: next counter of the same epoch, or the first of a later one. The body is
// copied. The record is durable only after Sync.
//
// With ErrDiskFull the record was not accepted and the log still works; with
// ErrLogOrder likewise. Any other error means that the log has failed.
func (l *Log) Append(zxid uint64, body []byte) error {
	if l.err != nil {
		return l.err
	}
	if last := l.last.Load(); !zxidFollows(last, zxid) {
		return fmt.Errorf("append zxid %s after %s: %w", zxidString(zxid), zxidString(last), ErrLogOrder)
	}
	if len(body) > MaxRecordBytes {
		return fmt.Errorf("append zxid %s: body of %d bytes, at most %d are allowed", zxidString(zxid), len(body), MaxRecordBytes)
	}
	need := recordSize(len(body))
	// There is always room left for the mark that ends a segment.
	if l.cur == nil || l.off+int64(len(l.buf))+need+recordSize(0) > l.alloc {
		if err := l.advance(zxid, need); err != nil {
			return err
		}
	}
	at := l.off + int64(len(l.buf))
	l.buf = appendRecord(l.buf, l.seed, at, recordTxn, zxid, l.durable, body)
	l.chain = zxid
	l.last.Store(zxid)
	l.appended.Add(need)
	if len(l.buf) > flushBytes {
		return l.Flush()
	}
	return nil
}

// Flush writes the current batch with one write. The bytes survive the end of this
// process, but not a power cut.
func (l *Log) Flush() error {
	if l.err != nil {
		return l.err
	}
	if len(l.buf) == 0 {
		return nil
	}
	n, err := l.cur.WriteAt(l.buf, l.off)
	if err != nil || n != len(l.buf) {
		return l.fail(fmt.Errorf("write %d bytes at %d of log segment %s: %w", len(l.buf), l.off, l.curPath, shortWrite(err)))
	}
	l.off += int64(n)
	l.buf = l.buf[:0]
	if cap(l.buf) > 2*flushBytes {
		l.buf = nil // one huge record must not hold its memory for ever
	}
	return l.zeroAhead(n)
}

// zeroAhead writes the next stretch of zeros when half of the last one is used up.
// The fsync that follows anyway covers it. Large batches go without: for them the
// journal is a small part of the cost, and writing twice as much a large one.
func (l *Log) zeroAhead(batch int) error {
	ahead := l.o.ZeroAheadBytes
	l.zeroed = max(l.zeroed, l.off)
	if ahead == 0 || int64(batch) > ahead/8 || l.off+ahead/2 < l.zeroed || l.zeroed >= l.alloc {
		return nil
	}
	length := min(ahead, l.alloc-l.zeroed)
	if int64(len(l.zeros)) < length {
		l.zeros = make([]byte, min(ahead, l.alloc)) // segments of tests are far smaller than what is written ahead
	}
	stretch := l.zeros[:length]
	n, err := l.cur.WriteAt(stretch, l.zeroed)
	if err != nil || n != len(stretch) {
		return l.fail(fmt.Errorf("write zeros at %d of log segment %s: %w", l.zeroed, l.curPath, shortWrite(err)))
	}
	l.zeroed += int64(n)
	return nil
}

// Sync flushes and returns when every appended record is durable. Having nothing
// to sync costs nothing. A failure is final (ErrLogFailed): a second fsync after a
// failed one can succeed without the data being on disk.
func (l *Log) Sync() error {
	if err := l.syncBatch(); err != nil {
		return err
	}
	l.reserveWhenLow()
	return nil
}

func (l *Log) syncBatch() error {
	if err := l.Flush(); err != nil {
		return err
	}
	if l.synced.Load() == l.last.Load() {
		return nil
	}
	if !l.o.NoSync {
		if err := l.syncSegment(); err != nil {
			return err
		}
	}
	l.synced.Store(l.last.Load())
	return nil
}

func (l *Log) syncSegment() error {
	if l.durable == l.off {
		return nil
	}
	if err := l.cur.Sync(); err != nil {
		return l.fail(fmt.Errorf("sync log segment %s: %w", l.curPath, err))
	}
	l.durable = l.off
	return nil
}

// Mark writes a record that attests the durability of all before it. Without it,
// damage to the very last batch cannot be told from a crash while writing it. An
// owner that has gone idle may call it once after Sync; it costs a write and no
// fsync, and does nothing when there is nothing new to attest.
func (l *Log) Mark() error {
	if l.err != nil || l.cur == nil || len(l.buf) > 0 || l.durable != l.off {
		return l.err
	}
	size := recordSize(0)
	if l.off <= logHeaderSize || l.off+size > l.alloc {
		return nil
	}
	l.buf = appendRecord(l.buf, l.seed, l.off, recordMark, l.last.Load(), l.durable, nil)
	return l.Flush()
}

// LastZxid returns the zxid of the last appended record, durable or not, or the
// one after which the log begins.
func (l *Log) LastZxid() uint64 { return l.last.Load() }

// SyncedZxid returns the zxid up to which everything is durable.
func (l *Log) SyncedZxid() uint64 { return l.synced.Load() }

// AppendedBytes returns the bytes appended since the log was opened. It only
// grows; the difference to an earlier value is the log written since then.
func (l *Log) AppendedBytes() int64 { return l.appended.Load() }

// Size returns the bytes in use in the current segment, the unwritten batch
// included; 0 when no segment is open.
func (l *Log) Size() int64 {
	if l.cur == nil {
		return 0
	}
	return l.off + int64(len(l.buf))
}

// Close syncs, attests, gives back the reserved space and closes the files. A log
// that failed only closes them and returns its error.
func (l *Log) Close() error {
	if errors.Is(l.err, ErrLogClosed) {
		return nil
	}
	err := l.syncBatch()
	if err == nil {
		err = l.finishSegment()
	}
	l.dropNext()
	if l.cur != nil {
		_ = l.cur.Close()
		l.cur = nil
	}
	if l.err == nil {
		l.err = ErrLogClosed
	}
	return err
}

// fail poisons the log.
func (l *Log) fail(err error) error {
	if l.err == nil {
		l.err = fmt.Errorf("%w: %w", ErrLogFailed, err)
	}
	return l.err
}

func shortWrite(err error) error {
	if err == nil {
		return errors.New("short write")
	}
	return err
}
