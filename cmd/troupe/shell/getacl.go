package shell

import "context"

func getACLCommand() *command {
	return &command{
		name: "getAcl", usage: "[-s] path", least: 1, most: 1,
		about:   "prints who may do what with a node: c(reate) d(elete) r(ead) w(rite) a(dminister)",
		example: "getAcl /config",
		options: []option{{"s", "", "print the Stat as well"}},
		run:     runGetACL,
	}
}

func runGetACL(ctx context.Context, s *Shell, a arguments) error {
	if err := checkPath(a.rest[0]); err != nil {
		return err
	}
	list, stat, err := s.client.ACL(ctx, a.rest[0])
	if err != nil {
		return err
	}
	printACL(s.screen, list)
	if a.has("s") {
		printStat(s.screen, stat)
	}
	return nil
}
