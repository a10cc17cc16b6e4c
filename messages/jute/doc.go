// Package jute is ZooKeeper's client wire format: big-endian integers, length-prefixed strings, buffers and
// vectors (length -1 means null), records as their fields in order.
//
// Decoding never trusts a length: it is checked against the bytes that are there before anything is allocated.
// A Decoder remembers its first error; a caller reads all fields and asks once. Encoding appends to a slice.
//
// A Splitter cuts the stream of a connection into frames. The records are tested against frames of a real server, see
// testdata.
package jute
