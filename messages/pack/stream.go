package pack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const (
	readBuffer = 64 << 10
	// keepBuffer is the largest buffer that a Reader or Writer keeps for the next message.
	keepBuffer = 1 << 20
)

// Reader reads messages from a stream. It reads ahead, so nobody else may read from the stream afterwards.
type Reader struct {
	r     *bufio.Reader
	limit int
	head  [HeaderSize]byte
	buf   []byte
	err   error
}

// NewReader reads frames whose bodies have up to limit bytes; 0 means MaxBody, which more than that is cut to.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, readBuffer), limit: clampLimit(limit)}
}

// Read gives the next message, as Decode does. io.EOF tells that the stream has ended between two frames, ErrTruncated
// that it has ended within one. After ErrType and ErrBody it can be called again; all other errors stay.
func (r *Reader) Read() (any, error) {
	if r.err != nil {
		return nil, r.err
	}
	msg, err := r.read()
	if err != nil && !errors.Is(err, ErrType) && !errors.Is(err, ErrBody) {
		r.err, r.buf = err, nil
	}
	return msg, err
}

func (r *Reader) read() (any, error) {
	if n, err := io.ReadFull(r.r, r.head[:]); err != nil {
		if n == 0 && err == io.EOF {
			return nil, io.EOF
		}
		return nil, cutOff(err, "its header", n, HeaderSize)
	}
	h, err := parseHeader(r.head[:], r.limit)
	if err != nil {
		return nil, err
	}
	body, err := r.body(h)
	if err != nil {
		return nil, err
	}
	if got := checksum(r.head[:], body); got != h.sum {
		return nil, checksumError(h, got)
	}
	msg, err := h.decodeBody(body)
	if cap(r.buf) > keepBuffer {
		r.buf = nil
	}
	return msg, err
}

// body reads the body of a frame into a buffer that doubles as the bytes arrive, so a peer that announces much and
// sends little costs little.
func (r *Reader) body(h header) ([]byte, error) {
	r.buf = r.buf[:0]
	for len(r.buf) < h.length {
		have := len(r.buf)
		if have == cap(r.buf) {
			grown := make([]byte, have, min(h.length, max(2*have, readBuffer)))
			copy(grown, r.buf)
			r.buf = grown
		}
		r.buf = r.buf[:min(h.length, cap(r.buf))]
		if n, err := io.ReadFull(r.r, r.buf[have:]); err != nil {
			return nil, cutOff(err, h.code.String(), have+n, h.length)
		}
	}
	return r.buf, nil
}

// cutOff tells the end of the stream within a frame from a failed read.
func cutOff(err error, what string, have, want int) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: %d bytes of %d of %s: %w", ErrTruncated, have, want, what, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read %s: %w", what, err)
}

// Writer writes messages to a stream.
type Writer struct {
	w     io.Writer
	limit int
	buf   []byte
}

// NewWriter writes frames whose bodies have up to limit bytes; 0 means MaxBody, which more than that is cut to. It
// must not be more than the limit of the Reader at the other end.
func NewWriter(w io.Writer, limit int) *Writer { return &Writer{w: w, limit: clampLimit(limit)} }

// Write encodes messages and writes them at once, so that a batch costs one call of the system. When one of them can't
// be encoded or is too long, none is written and the stream is as it was.
func (w *Writer) Write(msgs ...any) error {
	w.buf = w.buf[:0]
	for _, msg := range msgs {
		start := len(w.buf)
		buf, err := Encode(w.buf, msg)
		if err != nil {
			return err
		}
		if n := len(buf) - start - HeaderSize; n > w.limit {
			return fmt.Errorf("%w: %T of %d bytes, the limit is %d bytes", ErrTooLong, msg, n, w.limit)
		}
		w.buf = buf
	}
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.w.Write(w.buf)
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
	if err != nil {
		return fmt.Errorf("write %d messages: %w", len(msgs), err)
	}
	return nil
}

func clampLimit(limit int) int {
	if limit <= 0 || limit > MaxBody {
		return MaxBody
	}
	return limit
}
