package main

import "github.com/spf13/cobra"

// newSnapshotCommand makes the subcommand snapshot, which reads snapshots.
func newSnapshotCommand() *cobra.Command {
	return &cobra.Command{Use: "snapshot", Short: "Print and check snapshots"}
}
