package shell

import "context"

func printWatchesCommand() *command {
	return &command{
		name: "printwatches", usage: "on|off", most: 1, local: true,
		about:   "tells whether events of watches are printed, or switches that",
		example: "printwatches off",
		run: func(_ context.Context, s *Shell, a arguments) error {
			switch a.word(0) {
			case "on":
				s.printWatches.Store(true)
			case "off":
				s.printWatches.Store(false)
			case "":
				state := "off"
				if s.printWatches.Load() {
					state = "on"
				}
				s.printf("printwatches is %s\n", state)
			default:
				return a.cmd.misuse("%q is neither on nor off", a.word(0))
			}
			return nil
		},
	}
}
