//go:build unix

package bench

import (
	"fmt"
	"strconv"
)

// Requests beyond get, set, create and delete of a key, and how their answers
// are judged.

// numberDigits is how many digits a server appends to the name of a sequential
// node.
const numberDigits = 10

// Exists asks for the Stat of a key, without a watch.
func (s *Session) Exists(key uint32) {
	if b, start, ok := s.begin(OpExists, key); ok {
		s.out = endFrame(append(s.appendKey(b, key), 0), start)
	}
}

// Children lists a directory of the keyspace, without a watch.
func (s *Session) Children(dir uint32) {
	b, start, ok := s.begin(OpChildren, dir)
	if !ok {
		return
	}
	k := &s.loop.keys
	b = be.AppendUint32(b, uint32(k.dirBytes()))
	s.out = endFrame(append(k.appendDir(b, dir), 0), start)
}

// Multi sets several keys to new values in one transaction.
func (s *Session) Multi(keys ...uint32) {
	b, start, ok := s.begin(OpMulti, uint32(len(keys)))
	if !ok {
		return
	}
	for _, key := range keys {
		b = appendMultiHeader(b, opCodes[OpSet], false)
		b = s.appendNewValue(s.appendKey(b, key), key)
		b = be.AppendUint32(b, ^uint32(0))
	}
	s.out = endFrame(appendMultiHeader(b, -1, true), start)
}

// appendMultiHeader appends what precedes each operation of a multi, and ends it.
func appendMultiHeader(b []byte, code int32, done bool) []byte {
	b = be.AppendUint32(b, uint32(code))
	if done {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return be.AppendUint32(b, ^uint32(0))
}

// CreateAs creates the node of a key as that kind of node. A sequential one goes
// below the keyspace's directory for them, and [Session.Number] tells its number
// when it is answered.
func (s *Session) CreateAs(key uint32, kind CreateKind) {
	op := OpCreate
	if kind.numbered() {
		op = OpCreateSequential
	}
	b, start, ok := s.begin(op, key)
	if !ok {
		return
	}
	if kind.numbered() {
		b = appendString(b, s.loop.keys.numberedPrefix(key))
	} else {
		b = s.appendKey(b, key)
	}
	b = append(s.appendNewValue(b, key), openACL...)
	s.out = endFrame(be.AppendUint32(b, uint32(kind)), start)
}

// DeleteNumbered deletes a sequential node.
func (s *Session) DeleteNumbered(key uint32, number int32) {
	if b, start, ok := s.begin(OpDelete, key); ok {
		b = appendString(b, fmt.Sprintf("%s%0*d", s.loop.keys.numberedPrefix(key), numberDigits, number))
		s.out = endFrame(be.AppendUint32(b, ^uint32(0)), start)
	}
}

// Number is that of the sequential node whose creation was answered last.
func (s *Session) Number() int32 { return s.number }

// checkNode judges the record of an answer by what it was asked for.
func (s *Session) checkNode(p outstanding, record []byte) error {
	keys := &s.loop.keys
	switch p.op {
	case OpExists:
		return checkStat(record, keys.ValueBytes)
	case OpChildren:
		return checkChildren(record, keys, p.key)
	case OpMulti:
		return checkMulti(record, int(p.key), keys.ValueBytes)
	case OpCreateSequential:
		number, err := checkNumbered(record, keys.numberedPrefix(p.key))
		if err == nil && number <= s.number {
			err = fmt.Errorf("sequential node of key %d got number %d after %d", p.key, number, s.number)
		}
		s.number = number
		return err
	case OpRecipe:
		s.record = record // what it must hold, the recipe knows
		return nil
	}
	if len(record) != 0 {
		return fmt.Errorf("answer to %s carries %d bytes, want 0", p.op, len(record))
	}
	return nil
}

// checkChildren wants every key of the directory once, and nothing else.
func checkChildren(record []byte, keys *Keyspace, dir uint32) error {
	first, count := keys.inDir(dir)
	if len(record) < 4 || int(be.Uint32(record)) != count {
		return fmt.Errorf("list of directory %d is in %d bytes, want %d names", dir, len(record), count)
	}
	seen := make([]uint64, (count+63)/64)
	rest := record[4:]
	for range count {
		if len(rest) < 4+keyDigits || be.Uint32(rest) != keyDigits {
			return fmt.Errorf("list of directory %d holds a name that no key has", dir)
		}
		name := rest[4 : 4+keyDigits]
		rest = rest[4+keyDigits:]
		key, ok := parseDigits(name)
		at := key - first
		if !ok || key < first || int(at) >= count || seen[at/64]&(1<<(at%64)) != 0 {
			return fmt.Errorf("list of directory %d holds %q, which is no key there or twice", dir, name)
		}
		seen[at/64] |= 1 << (at % 64)
	}
	if len(rest) != statBytes {
		return fmt.Errorf("list of directory %d: stat has %d bytes, want %d", dir, len(rest), statBytes)
	}
	if got := int(be.Uint32(rest[statChildrenOffset:])); got != count {
		return fmt.Errorf("list of directory %d: stat says %d children, want %d", dir, got, count)
	}
	return nil
}

// checkMulti wants a Stat for each set.
func checkMulti(record []byte, count, size int) error {
	const headerBytes = 4 + 1 + 4
	if want := count*(headerBytes+statBytes) + headerBytes; len(record) != want {
		return fmt.Errorf("answer to a multi of %d sets has %d bytes, want %d", count, len(record), want)
	}
	for i := range count {
		if code := int32(be.Uint32(record)); code != opCodes[OpSet] || record[4] != 0 {
			return fmt.Errorf("answer to a multi holds a result of type %d, want %d", code, opCodes[OpSet])
		}
		if err := checkStat(record[headerBytes:headerBytes+statBytes], size); err != nil {
			return fmt.Errorf("set %d of a multi: %w", i, err)
		}
		record = record[headerBytes+statBytes:]
	}
	if record[4] != 1 {
		return fmt.Errorf("answer to a multi has no end after %d results", count)
	}
	return nil
}

// checkNumbered judges the path of a sequential node and returns its number.
func checkNumbered(record []byte, prefix string) (int32, error) {
	want := len(prefix) + numberDigits
	if len(record) != 4+want || int(be.Uint32(record)) != want || string(record[4:4+len(prefix)]) != prefix {
		return 0, fmt.Errorf("create of %s with a number was answered with another path", prefix)
	}
	number, err := strconv.ParseInt(string(record[4+len(prefix):]), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("create of %s with a number: %w", prefix, err)
	}
	return int32(number), nil
}

// parseDigits reads a decimal number of at most nine digits.
func parseDigits(b []byte) (n uint32, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint32(c-'0')
	}
	return n, len(b) > 0 && len(b) <= 9
}
