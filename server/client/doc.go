// Package client is a small client of the protocol that ZooKeeper's clients speak, made for the command line, the
// benchmarks and the tests of this project; it works against any server of that protocol.
//
// A Client holds one session. It keeps the session alive with pings at a third of the timeout, and when a
// connection breaks it goes on to the next server, takes the session up again, repeats the credentials and sets
// the watches anew. The session ends with Close, or when the server says that it has expired; then every call
// fails with ErrSessionExpired and a new Client is needed, because what the session held (ephemeral nodes, and
// with them locks) is gone.
//
// Requests go out in the order in which they are made and are answered in that order. A call that waits
// (Create, Get …) may be used by many goroutines; Send puts requests on their way without waiting, as many as one
// likes. What has been collected while the last write was under way goes out as one write.
//
// When a connection breaks, all requests that have no answer yet fail with ErrConnectionLoss: the client can't know
// whether a write among them was carried out. Requests made while there is no connection wait for the next one,
// until all servers have been tried in vain.
//
// Events are delivered in the order in which the server sent them, and before the reply to any request that the
// server answered after them: OnEvent has returned when such a call returns.
package client
