package main

import (
	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/bench/cli"
)

// newBenchCommand returns `troupe bench`, the load generator for anything that speaks ZooKeeper's protocol.
func newBenchCommand() *cobra.Command { return cli.New() }
