//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// syncRecordBytes is what is written before each sync: about a transaction.
	syncRecordBytes = 1 << 10
	// syncFileBytes is the space prepared for the records, which are written
	// from the start again when it is full.
	syncFileBytes = 16 << 20
)

// TimeSync tells what it costs to make a record of 1 KiB durable in the folder:
// records go one after the other into a file whose space was written before, so
// that only data has to reach the disk. No server that waits for its disk can
// acknowledge a lone write sooner. It measures for the duration given.
func TimeSync(ctx context.Context, dir string, duration time.Duration) (Latency, error) {
	return timeSyncs(ctx, dir, duration, syncFileBytes)
}

// TimeSyncGrowing does the same with records at the end of a file, so that its
// new length has to reach the disk as well.
func TimeSyncGrowing(ctx context.Context, dir string, duration time.Duration) (Latency, error) {
	return timeSyncs(ctx, dir, duration, 0)
}

// timeSyncs measures in a file of its own, of which so many bytes are written
// beforehand and used in turn.
func timeSyncs(ctx context.Context, dir string, duration time.Duration, prepared int64) (Latency, error) {
	f, err := os.CreateTemp(dir, "fdatasync-*")
	if err != nil {
		return Latency{}, fmt.Errorf("make a file to sync: %w", err)
	}
	defer os.Remove(f.Name())
	l, err := timeSync(ctx, f, duration, prepared)
	if err := errors.Join(err, f.Close()); err != nil {
		return Latency{}, fmt.Errorf("time the sync of %s: %w", f.Name(), err)
	}
	return l, nil
}

func timeSync(ctx context.Context, f *os.File, duration time.Duration, prepared int64) (Latency, error) {
	record := make([]byte, syncRecordBytes)
	for range prepared / syncRecordBytes {
		if _, err := f.Write(record); err != nil {
			return Latency{}, err
		}
	}
	if err := f.Sync(); err != nil {
		return Latency{}, err
	}
	h := newHistogram()
	began := time.Now()
	for last, offset := began, int64(0); last.Sub(began) < duration && ctx.Err() == nil; {
		record[0]++ // not what is there already
		if _, err := f.WriteAt(record, offset); err != nil {
			return Latency{}, err
		}
		if err := syncData(f); err != nil {
			return Latency{}, err
		}
		now := time.Now()
		_ = h.RecordValue(int64(min(now.Sub(last), latencyMax)))
		last, offset = now, offset+syncRecordBytes
		if prepared > 0 {
			offset %= prepared
		}
	}
	if h.TotalCount() == 0 {
		return Latency{}, errors.Join(errors.New("nothing was measured"), ctx.Err())
	}
	return summarise("fdatasync", h), nil
}
