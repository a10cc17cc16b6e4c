package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Keyspace names the znodes of a run and what they hold.
//
// Key k is the node Root/dddd/kkkkkkkk with dddd = k/1000, so no directory has
// more than 1000 children, unless PerDir says so, and a path has the same length for every key.
type Keyspace struct {
	// Root is the parent of everything that the generator creates, "/bench" by
	// default. It must be an absolute path without a slash at its end.
	Root string
	// Count is the number of keys, 1 to KeysMax.
	Count int
	// ValueBytes is the size of each value.
	ValueBytes int
	// PerDir is how many keys a directory holds, 0 for 1000.
	PerDir int
}

const (
	// KeysMax is the largest Count: four digits of directory.
	KeysMax = keysPerDir * 10000
	// ValueBytesMax is the largest ValueBytes.
	ValueBytesMax = 16 << 20

	keysPerDir = 1000
	dirDigits  = 4
	keyDigits  = 8
	// keySuffixBytes is the length of "/dddd/kkkkkkkk".
	keySuffixBytes = 1 + dirDigits + 1 + keyDigits
)

// Validate returns an error that names the field and its allowed range.
func (k Keyspace) Validate() error {
	switch {
	case len(k.Root) < 2 || k.Root[0] != '/' || k.Root[len(k.Root)-1] == '/':
		return fmt.Errorf("root %q: want an absolute path below /, such as /bench", k.Root)
	case k.Count < 1 || k.Count > KeysMax:
		return fmt.Errorf("keys %d: want 1 to %d", k.Count, KeysMax)
	case k.PerDir != 0 && (k.PerDir < keysPerDir || k.PerDir > KeysMax):
		return fmt.Errorf("keys per directory %d: want %d to %d, or 0", k.PerDir, keysPerDir, KeysMax)
	case k.ValueBytes < 0 || k.ValueBytes > ValueBytesMax:
		return fmt.Errorf("value size %d: want 0 to %d bytes", k.ValueBytes, ValueBytesMax)
	}
	return nil
}

// Dirs returns the number of directories that hold the keys.
func (k Keyspace) Dirs() int { return (k.Count + k.perDir() - 1) / k.perDir() }

func (k Keyspace) perDir() int {
	if k.PerDir == 0 {
		return keysPerDir
	}
	return k.PerDir
}

// inDir returns the first key of a directory and how many keys it holds.
func (k Keyspace) inDir(dir uint32) (first uint32, count int) {
	first = dir * uint32(k.perDir())
	return first, min(k.perDir(), k.Count-int(first))
}

// dirBytes is the length of every directory's path.
func (k Keyspace) dirBytes() int { return len(k.Root) + 1 + dirDigits }

// appendDir appends the path of a directory, without a length.
func (k Keyspace) appendDir(b []byte, dir uint32) []byte {
	return appendDigits(append(append(b, k.Root...), '/'), dir, dirDigits)
}

// numberedDir is the parent of all sequential nodes.
func (k Keyspace) numberedDir() string { return k.Root + "/numbered" }

// numberedPrefix is what the server appends the number of a sequential node to.
func (k Keyspace) numberedPrefix(key uint32) string {
	return string(append(appendDigits([]byte(k.numberedDir()+"/"), key, keyDigits), '-'))
}

// Dir returns the path of directory d.
func (k Keyspace) Dir(d int) string { return string(k.appendDir(nil, uint32(d))) }

// Path returns the path of a key.
func (k Keyspace) Path(key uint32) string {
	return string(k.appendPath(nil, key))
}

// pathBytes is the length of every key's path.
func (k *Keyspace) pathBytes() int { return len(k.Root) + keySuffixBytes }

// appendPath appends the path itself, without a length.
func (k *Keyspace) appendPath(b []byte, key uint32) []byte {
	dir := key / keysPerDir
	if k.PerDir != 0 {
		dir = key / uint32(k.PerDir)
	}
	b = append(b, k.Root...)
	b = append(b, '/')
	b = appendDigits(b, dir, dirDigits)
	b = append(b, '/')
	return appendDigits(b, key, keyDigits)
}

// keyOf finds the key whose path this is.
func (k *Keyspace) keyOf(path []byte) (key uint32, ok bool) {
	if len(path) != k.pathBytes() {
		return 0, false
	}
	key, ok = parseDigits(path[len(path)-keyDigits:])
	var buf [128]byte
	return key, ok && string(k.appendPath(buf[:0], key)) == string(path)
}

// appendDigits appends v with exactly n decimal digits.
func appendDigits(b []byte, v uint32, n int) []byte {
	for range n {
		b = append(b, '0')
	}
	for i := len(b) - 1; v > 0 && i >= len(b)-n; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b
}

// A value names its key and the write that made it, and the rest follows from
// the latter: a stale, torn or mixed-up value shows without a table of what was
// written last.
const (
	valueKeyBytes  = 8
	valueHeadBytes = valueKeyBytes + 8
	patternPeriod  = 256
	patternBytes   = 64 << 10
)

var pattern = func() []byte {
	b := make([]byte, patternBytes+patternPeriod)
	x := uint64(0x9E3779B97F4A7C15)
	for i := range patternPeriod {
		x = xorshift(x)
		b[i] = byte(x >> 32)
	}
	for i := patternPeriod; i < len(b); i++ {
		b[i] = b[i-patternPeriod]
	}
	return b
}()

// appendValue appends the value of size bytes that write number seq gives to
// the key. Values shorter than the head carry a part of it.
func appendValue(b []byte, key uint32, seq uint64, size int) []byte {
	var head [valueHeadBytes]byte
	binary.LittleEndian.PutUint64(head[:], uint64(key))
	binary.LittleEndian.PutUint64(head[valueKeyBytes:], seq)
	b = append(b, head[:min(size, valueHeadBytes)]...)
	offset := int(seq % patternPeriod)
	for left := size - valueHeadBytes; left > 0; left -= patternBytes {
		b = append(b, pattern[offset:offset+min(left, patternBytes)]...)
	}
	return b
}

// checkValue returns an error when v is not a value of that key and size.
func checkValue(v []byte, key uint32, size int) error {
	if len(v) != size {
		return fmt.Errorf("data has %d bytes, want %d", len(v), size)
	}
	if size < valueHeadBytes {
		var head [valueKeyBytes]byte
		binary.LittleEndian.PutUint64(head[:], uint64(key))
		if n := min(size, valueKeyBytes); !bytes.Equal(v[:n], head[:n]) {
			return fmt.Errorf("data belongs to another key than %d", key)
		}
		return nil
	}
	if got := binary.LittleEndian.Uint64(v); got != uint64(key) {
		return fmt.Errorf("data belongs to key %d, want %d", got, key)
	}
	offset := int(binary.LittleEndian.Uint64(v[valueKeyBytes:]) % patternPeriod)
	for v = v[valueHeadBytes:]; len(v) > 0; {
		n := min(len(v), patternBytes)
		if !bytes.Equal(v[:n], pattern[offset:offset+n]) {
			return fmt.Errorf("data of key %d is not what any write stored", key)
		}
		v = v[n:]
	}
	return nil
}

// xorshift is a step of a small random generator; x must not be 0.
func xorshift(x uint64) uint64 {
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	return x
}
