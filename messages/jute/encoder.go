package jute

import "encoding/binary"

// AppendInt appends a 32-bit integer.
func AppendInt(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }

// AppendLong appends a 64-bit integer.
func AppendLong(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

// AppendBool appends one byte.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendBuffer appends a buffer; nil becomes null.
func AppendBuffer(dst, v []byte) []byte {
	if v == nil {
		return AppendInt(dst, -1)
	}
	return append(AppendInt(dst, int32(len(v))), v...)
}

// AppendString appends a string.
func AppendString(dst []byte, v string) []byte { return append(AppendInt(dst, int32(len(v))), v...) }

// AppendStrings appends a vector of strings; nil becomes null.
func AppendStrings(dst []byte, v []string) []byte {
	if v == nil {
		return AppendInt(dst, -1)
	}
	dst = AppendInt(dst, int32(len(v)))
	for _, s := range v {
		dst = AppendString(dst, s)
	}
	return dst
}

// BeginFrame reserves the length prefix of a frame and returns where it starts.
func BeginFrame(dst []byte) (buf []byte, start int) { return append(dst, 0, 0, 0, 0), len(dst) }

// EndFrame fills in the length of the frame that starts there.
func EndFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}
