// Tidy holds the style rules of the repository as a test: `go test ./cmd/tidy` reads the whole tree and fails on the
// first change that breaks one, and `go run ./cmd/tidy` prints the same findings for a person.
//
// What enters is a Tree (every tracked-looking text file of the repository, or a handful of lines in a unit test); what
// leaves is a list of Findings, each with file, line, rule and what to do instead. A rule is one small function over
// the Tree and the Policy; the Policy is data (policy.go), so that a change of the architecture is a change of a table
// and shows as such in review. Every rule has a unit test with a tree that breaks it: a rule that can't fail is useless.
//
// Rules look at syntax alone and never at types. This keeps the whole run under a second and lets it read code that
// does not compile yet; the price is that a method is recognised by its name.
package main
