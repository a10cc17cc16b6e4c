package shell

import "context"

func deleteCommand() *command {
	return &command{
		name: "delete", usage: "[-v version] path", least: 1, most: 1,
		about:   "deletes a node that has no children",
		example: "delete /services/mail/host1",
		options: []option{{"v", "version", "only if the data has this version (dataVersion of stat)"}},
		run:     runDelete,
	}
}

func runDelete(ctx context.Context, s *Shell, a arguments) error {
	if err := checkPath(a.rest[0]); err != nil {
		return err
	}
	version, err := a.version()
	if err != nil {
		return err
	}
	return s.client.Delete(ctx, a.rest[0], version)
}
