//go:build unix

package bench

import (
	"errors"
	"fmt"
	"io"
)

// What the bare server makes of requests.

// receive answers every request that has arrived on a connection. io.EOF says
// that the client is gone.
func (b *bareServer) receive(c *bareConn) error {
	n, err := readSocket(c.fd, b.input)
	if errors.Is(err, errAgain) {
		return nil
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	rest := b.input[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, rest...)
		rest = c.in
	}
	for {
		body, next, need, err := nextFrame(rest)
		if err != nil {
			return err
		}
		if need > 0 {
			c.in = append(c.in[:0], rest...)
			return nil
		}
		rest = next
		b.touch(c)
		if err := b.answer(c, body); err != nil {
			return err
		}
	}
}

// answer appends the answer to one request.
func (b *bareServer) answer(c *bareConn, body []byte) error {
	if !c.greeted {
		c.greeted = true
		c.out = append(c.out, echoGreeting()...)
		return nil
	}
	const header = 4 + 4
	if len(body) < header {
		return fmt.Errorf("%w: %d bytes", errBareRequest, len(body))
	}
	xid, code, record := be.Uint32(body), int32(be.Uint32(body[4:])), body[header:]
	if code == opCodes[OpClose] {
		c.closing = true
		c.out = b.appendReply(c.out, xid, 0)
		return nil
	}
	path, record, ok := cutBuffer(record)
	key, isKey := b.keys.keyOf(path)
	if !ok || !isKey || int(key) >= len(b.values) {
		return fmt.Errorf("%w: code %d for %q", errBareRequest, code, path)
	}
	switch code {
	case opCodes[OpGet]:
		if len(record) != 1 {
			return fmt.Errorf("%w: get with %d bytes more", errBareRequest, len(record))
		}
		b.get(c, xid, key, record[0] != 0)
	case opCodes[OpCreate]: // of a key that nobody will ask for
		b.disk.add(body)
		c.waits = true
		c.out = append(be.AppendUint32(b.appendReply(c.out, xid, 4+len(path)), uint32(len(path))), path...)
	case opCodes[OpSet]:
		value, _, ok := cutBuffer(record)
		if !ok {
			return fmt.Errorf("%w: set without a value", errBareRequest)
		}
		b.disk.add(body)
		b.set(c, xid, key, value)
	default:
		return fmt.Errorf("%w: code %d", errBareRequest, code)
	}
	return nil
}

// get answers with the value that the key has, and notes a watch.
func (b *bareServer) get(c *bareConn, xid, key uint32, watch bool) {
	if b.values[key] == nil {
		b.values[key] = appendValue(nil, key, 0, b.keys.ValueBytes)
	}
	value := b.values[key]
	c.out = b.appendReply(c.out, xid, 4+len(value)+statBytes)
	c.out = append(be.AppendUint32(c.out, uint32(len(value))), value...)
	c.out = appendBareStat(c.out, len(value))
	if watch {
		b.watchers[key] = append(b.watchers[key], c)
	}
}

// set keeps the value, and tells who watches the key. Nothing of this is sent
// before the disk has the request.
func (b *bareServer) set(c *bareConn, xid, key uint32, value []byte) {
	b.zxid++
	b.values[key] = append(b.values[key][:0], value...)
	c.out = appendBareStat(b.appendReply(c.out, xid, statBytes), len(value))
	c.waits = true
	if len(b.watchers) == 0 {
		return
	}
	for _, w := range b.watchers[key] {
		if w.fd >= 0 {
			w.out = b.appendEvent(w.out, key)
			w.waits = true
			b.touch(w)
		}
	}
	delete(b.watchers, key)
}

// appendReply starts the frame of a successful answer with so many bytes behind
// its header.
func (b *bareServer) appendReply(out []byte, xid uint32, bytes int) []byte {
	out = be.AppendUint32(out, uint32(replyHeaderBytes+bytes))
	out = be.AppendUint32(out, xid)
	out = be.AppendUint64(out, b.zxid)
	return be.AppendUint32(out, codeOK)
}

// appendEvent appends the event that the data of a key changed.
func (b *bareServer) appendEvent(out []byte, key uint32) []byte {
	const fixed = 4 + 4 + 4
	path := b.keys.pathBytes()
	xid := int32(watchXid)
	out = b.appendReply(out, uint32(xid), fixed+path)
	out = be.AppendUint32(out, eventDataChanged)
	out = be.AppendUint32(out, eventStateConnected)
	return b.keys.appendPath(be.AppendUint32(out, uint32(path)), key)
}

// appendBareStat appends a Stat that tells the length of the data only.
func appendBareStat(out []byte, length int) []byte {
	var stat [statBytes]byte
	be.PutUint32(stat[statDataLengthOffset:], uint32(length))
	return append(out, stat[:]...)
}

// cutBuffer splits off bytes that their length precedes.
func cutBuffer(b []byte) (buffer, rest []byte, ok bool) {
	if len(b) < 4 || uint64(be.Uint32(b)) > uint64(len(b)-4) {
		return nil, b, false
	}
	end := 4 + int(be.Uint32(b))
	return b[4:end], b[end:], true
}
