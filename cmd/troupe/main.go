package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run executes one command line and returns the exit code: 0 done, 1 failed, 2 used wrongly.
func run(args []string) int {
	root := &cobra.Command{
		Use:           "troupe",
		Short:         "A coordination service for ZooKeeper's clients, made of actors",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newServeCommand(), newCLICommand(), newLogCommand(), newSnapshotCommand(), newBenchCommand(), newEnsembleCommand(),
		newVersionCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	err := root.Execute()
	var usage usageError
	var silent exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &silent):
		return int(silent)
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "troupe:", err)
		return 2
	}
	fmt.Fprintln(os.Stderr, "troupe:", err)
	return 1
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

// exitCode ends the program with a code; everything has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }
