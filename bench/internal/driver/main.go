//go:build unix

package main

import (
	"fmt"
	"os"

	"github.com/troupekeeper/troupe/bench/cli"
)

func main() {
	c := cli.New()
	c.SilenceErrors = true
	if err := c.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
