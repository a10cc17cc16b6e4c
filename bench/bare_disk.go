//go:build unix

package bench

import (
	"errors"
	"fmt"
	"os"
)

// bareDisk is the part that the disk has in a set: the bytes of all requests of
// a batch go into space that was written before, and one sync follows. When the
// space is used up they go to its start again.
type bareDisk struct {
	file   *os.File
	fd     int
	batch  []byte
	offset int
}

func newBareDisk(dir string) (*bareDisk, error) {
	f, err := os.CreateTemp(dir, "bare-*")
	if err != nil {
		return nil, fmt.Errorf("make a file for sets: %w", err)
	}
	d := &bareDisk{file: f, fd: int(f.Fd())}
	if _, err = f.Write(make([]byte, syncFileBytes)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		d.close()
		return nil, fmt.Errorf("prepare the file for sets: %w", err)
	}
	return d, nil
}

// add takes a request into the batch.
func (d *bareDisk) add(request []byte) { d.batch = append(d.batch, request...) }

// commit makes the batch durable, if there is one.
func (d *bareDisk) commit() error {
	if len(d.batch) == 0 {
		return nil
	}
	for rest := d.batch; len(rest) > 0; {
		n := min(len(rest), syncFileBytes-d.offset)
		if _, err := d.file.WriteAt(rest[:n], int64(d.offset)); err != nil {
			return fmt.Errorf("write sets: %w", err)
		}
		rest, d.offset = rest[n:], (d.offset+n)%syncFileBytes
	}
	d.batch = d.batch[:0]
	if err := syncQuietly(d.fd); err != nil {
		return fmt.Errorf("sync sets: %w", err)
	}
	return nil
}

func (d *bareDisk) close() {
	_ = errors.Join(d.file.Close(), os.Remove(d.file.Name()))
}
