package server

import "net/url"

// icfgCommand shows the configuration file as it was read.
type icfgCommand struct{}

func (icfgCommand) about() commandInfo {
	return commandInfo{
		names: []string{"initial_configuration", "icfg"},
		help:  "The configuration file as it was read at the start, without passwords.",
	}
}

type icfgResult struct {
	Text *string `json:"initial_configuration"` // null when the server was started without a file
}

func (icfgCommand) run(c *console, _ url.Values) (commandResult, error) {
	if c.config.File == "" {
		return icfgResult{}, nil
	}
	return icfgResult{&c.config.Text}, nil
}

// syspCommand shows every setting with the value in effect. In ZooKeeper these are Java's system properties, which is
// where half of its settings come from.
type syspCommand struct{}

func (syspCommand) about() commandInfo {
	return commandInfo{
		names: []string{"system_properties", "sysp"},
		help:  "Every setting with the value in effect, without passwords.",
	}
}

func (syspCommand) run(c *console, _ url.Values) (commandResult, error) {
	f := fields{}
	for _, s := range c.config.Settings() {
		f = append(f, field{s.Key, s.Value})
	}
	return f, nil
}
