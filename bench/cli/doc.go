// Package cli is the command line of package bench: `troupe bench`.
package cli
