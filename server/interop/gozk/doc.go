// Package gozk drives a running server with go-zookeeper, a client that other people wrote.
//
// There is no code here, only tests. They need a server: its address comes in INTEROP_SERVER, as server/interop/run sets it.
// Without it they are skipped. What a test needs of the server beyond the ordinary, it asks of INTEROP_LACK.
package gozk
