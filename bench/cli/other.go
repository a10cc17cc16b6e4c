//go:build !unix

package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// New returns a command that says what is missing here.
func New() *cobra.Command {
	return &cobra.Command{
		Use:   "bench",
		Short: "Load a server that speaks ZooKeeper's protocol (on Unix systems only)",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("the load generator needs a Unix system: Linux for all figures, others without those of the server")
		},
	}
}
