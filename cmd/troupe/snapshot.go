package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/cmd/troupe/dump"
	"github.com/troupekeeper/troupe/persistence"
)

const snapshotDumpLong = `Prints a snapshot: its header, ACLs, sessions, then a line for each node, and a sum at the end.
An ACL is shown at its node unless it is world:anyone:cdrwa. Nothing is written, and a server may be running.

FILE|DIR is a dataDir, its troupe folder, or one snapshot; a folder means the newest one in it. Without it, the dataDir
of the configuration.

Exit code: 0 all of it was printed; 1 it is damaged, what is before the damage was printed; 2 it can't be read.

With --json: `

const snapshotCheckLong = `Verifies all snapshots of a folder, or one: every checksum, and that the records make a tree with the
digest that was written. It needs as much memory as a server does for that tree. Nothing is written, and a server may be
running.

Exit code: 0 all are whole; 1 one is damaged; 2 used wrongly, or nothing could be read.`

// newSnapshotCommand makes the subcommand snapshot, which reads snapshots.
func newSnapshotCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Print and check snapshots",
		Args:  noSubcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newSnapshotDumpCommand(), newSnapshotCheckCommand())
	return c
}

// snapshotDumpFlags are the flags of snapshot dump.
type snapshotDumpFlags struct {
	where         whereFlags
	style         styleFlags
	path, session string
	sort, summary bool
}

func newSnapshotDumpCommand() *cobra.Command {
	f := &snapshotDumpFlags{}
	c := &cobra.Command{
		Use:   "dump [FILE|DIR]",
		Short: "Print a snapshot",
		Long:  snapshotDumpLong + dump.SnapshotFields,
		Example: `  troupe snapshot dump --summary
  troupe snapshot dump --sort --path /config --data
  troupe snapshot dump --json /var/lib/troupe | jq 'select(.kind == "node") | .path'`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.where.add(c)
	f.style.add(c)
	c.Flags().StringVar(&f.path, "path", "", "only this node and those below; `PATH`* for all paths that begin so")
	c.Flags().StringVar(&f.session, "session", "", "only the session with this `ID` and its ephemerals")
	c.Flags().BoolVar(&f.sort, "sort", false, "sort nodes by path; holds all of them in memory")
	c.Flags().BoolVar(&f.summary, "summary", false, "instead of sessions and nodes, the ten largest of several kinds")
	return c
}

func (f *snapshotDumpFlags) run(cmd *cobra.Command, args []string) error {
	filter, err := (&filterFlags{path: f.path, session: f.session}).parse()
	if err != nil {
		return usageError{err}
	}
	return reading(cmd, func(ctx context.Context) (bool, error) {
		place, err := f.where.snapshots(args)
		if err != nil {
			return false, err
		}
		return dump.Snapshot(ctx, dump.SnapshotOptions{
			FS: persistence.OSFS{}, Place: place, Filter: filter, Style: f.style.style(), Sort: f.sort, Summary: f.summary,
			Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(),
		})
	})
}

func newSnapshotCheckCommand() *cobra.Command {
	var where whereFlags
	var utc bool
	c := &cobra.Command{
		Use:   "check [FILE|DIR]",
		Short: "Verify snapshots",
		Long:  snapshotCheckLong,
		Args:  atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return reading(cmd, func(ctx context.Context) (bool, error) {
				place, err := where.snapshots(args)
				if err != nil {
					return false, err
				}
				return dump.CheckSnapshots(ctx, persistence.OSFS{}, place, dump.Style{Location: location(utc)}, cmd.OutOrStdout())
			})
		},
	}
	where.add(c)
	c.Flags().BoolVar(&utc, "utc", false, "times in UTC instead of local time")
	return c
}
