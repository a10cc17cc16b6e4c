package persistence

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Names of the epoch files.
const (
	AcceptedEpochFile = "acceptedEpoch" // the newest epoch that this server has promised to follow
	CurrentEpochFile  = "currentEpoch"  // the epoch of the history that this server holds
)

// ReadEpoch returns the number in an epoch file; ok is false if the file does not
// exist, as on a server that never took part in an ensemble. A file that holds
// anything else than what WriteEpoch writes is a *DamageError: a server that
// forgets what it promised can let two leaders be elected.
func ReadEpoch(fsys FS, dir, name string) (epoch uint32, ok bool, err error) {
	file := path.Join(dir, name)
	b, err := readSmallFile(fsys, file, 64)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read epoch: %w", err)
	}
	digits, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || string(b) != checkedLine(digits) || strconv.FormatUint(n, 10) != digits {
		return 0, false, &DamageError{File: file, What: "it does not hold a decimal epoch followed by its checksum",
			Remedy: "bring the file back from a copy, or empty this server's data folder and let it join the ensemble anew"}
	}
	return uint32(n), true, nil
}

// WriteEpoch replaces an epoch file. When it returns the new value is durable; a
// crash before leaves the old one.
func WriteEpoch(fsys FS, dir, name string, epoch uint32) error {
	line := checkedLine(strconv.FormatUint(uint64(epoch), 10))
	if err := writeFileAtomic(fsys, path.Join(dir, name), []byte(line)); err != nil {
		return fmt.Errorf("write epoch %d: %w", epoch, err)
	}
	return nil
}

// checkedLine adds a checksum to a line of text, so that a person can read the file
// and a flipped bit cannot make it another number.
func checkedLine(text string) string {
	return fmt.Sprintf("%s crc32c=%08x\n", text, crc32.Checksum([]byte(text), castagnoli))
}
