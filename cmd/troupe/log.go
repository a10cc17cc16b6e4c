package main

import "github.com/spf13/cobra"

// newLogCommand makes the subcommand log, which reads and repairs transaction logs.
func newLogCommand() *cobra.Command {
	return &cobra.Command{Use: "log", Short: "Print, check and repair the transaction log"}
}
