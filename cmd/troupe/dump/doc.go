// Package dump shows and checks what a server has on disk: the work of `troupe log` and `troupe snapshot`.
//
// What enters is a path as an operator writes it (a data folder, its troupe folder, one file) and options; what leaves
// is text for a person, or JSON for a program. What must always hold:
//
//   - Nothing but Cut writes to the folder, or takes its lock: dumps and checks run beside a server that works.
//   - Whatever can be read is shown before damage is reported; damage is never taken for the end.
//   - Output is written as the files are read, so a log larger than memory can be dumped. Sorting is the exception.
//   - Passwords of sessions are shown only on request. Text from nodes can't send control characters to a terminal.
//
// The map:
//
//	place.go                        from a path to a folder of segments or snapshots
//	logscan.go filter.go            reading a log past a damaged header; which transactions to show
//	log.go logtext.go logjson.go    the dump of a log
//	logcheck.go logcut.go           its check and its repair
//	snapshot.go snapshot*.go        the same for snapshots; paths, lines, JSON, the largest nodes, the check
//	format.go                       how times, paths, data, owners and ACLs are written
package dump
