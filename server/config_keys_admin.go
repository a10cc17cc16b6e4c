package server

var adminGroup = &configGroup{
	title: "Administration and metrics",
	intro: "HTTP commands, four-letter words, Prometheus.",
	keys: []*configKey{
		keyBool("admin.enableServer", "true", func(c *Config) any { return &c.Admin.Enabled },
			"Run the HTTP admin server.").env("ADMINSERVER_ENABLED"),
		keyPort("admin.serverPort", "8080", 0, func(c *Config) any { return &c.Admin.Port },
			"Port of the admin server; 0 takes any free one."),
		keyText("admin.serverAddress", "127.0.0.1", func(c *Config) any { return &c.Admin.Address },
			"Address of the admin server; 0.0.0.0 (ZooKeeper's default) opens it to the network."),
		keyText("admin.commandURL", "/commands", func(c *Config) any { return &c.Admin.CommandURL },
			"Path of the commands."),
		keyMeasure("admin.idleTimeout", "30000", unitMillis, 1, func(c *Config) any { return &c.Admin.IdleTimeout },
			"An idle HTTP connection is closed."),
		keyBool("admin.enableMetrics", "true", func(c *Config) any { return &c.Admin.Metrics },
			"Serve /metrics for Prometheus at the admin port too.").ours(),
		keyBool("admin.snapshot.enabled", "true", func(c *Config) any { return &c.Admin.SnapshotEnabled },
			"Allow the snapshot command."),
		keyBool("admin.restore.enabled", "true", func(c *Config) any { return &c.Admin.RestoreEnabled },
			"Allow the restore command."),
		keyMeasure("admin.rateLimiterIntervalInMS", "300000", unitMillis, 0,
			func(c *Config) any { return &c.Admin.RateInterval }, "Time between two uses of snapshot or restore."),
		keyList("4lw.commands.whitelist", "srvr", func(c *Config) any { return &c.Admin.FourLetterWhitelist },
			"Four-letter words to answer, separated by commas; * means all. readonlymode.enabled adds isro."),
		keyText("metricsProvider.className", "", func(c *Config) any { return &c.Metrics.ClassName },
			"prometheus, or ZooKeeper's class name of it, serves /metrics at a port of its own; empty does not."),
		keyText("metricsProvider.httpHost", "0.0.0.0", func(c *Config) any { return &c.Metrics.Host },
			"Address of that port."),
		keyPort("metricsProvider.httpPort", "7000", 0, func(c *Config) any { return &c.Metrics.Port },
			"That port; 0 takes any free one."),
	},
}

var loggingGroup = &configGroup{
	title: "Logging",
	keys: []*configKey{
		keyWord("log.level", "info", []string{"trace", "debug", "info", "warn", "error"},
			func(c *Config) any { return &c.Logging.Level }, "Least important lines to log.").ours(),
		keyWord("log.format", "auto", []string{"auto", "console", "json"},
			func(c *Config) any { return &c.Logging.Format },
			"console is for people, json for machines; auto is console on a terminal and json elsewhere.").ours(),
		keyText("log.file", "", func(c *Config) any { return &c.Logging.File },
			"File to append the log to; empty means standard error.").ours(),
	},
}
