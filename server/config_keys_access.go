package server

var nodesGroup = &configGroup{
	title: "Nodes and quotas",
	keys: []*configKey{
		keyBool("extendedTypesEnabled", "true", func(c *Config) any { return &c.Nodes.ExtendedTypes },
			"TTL nodes (off in ZooKeeper). Server ids go up to 254 then."),
		keyMeasure("znode.container.checkIntervalMs", "60000", unitMillis, 1,
			func(c *Config) any { return &c.Nodes.ContainerInterval },
			"Time between looks for containers and TTL nodes to remove."),
		keyCount("znode.container.maxPerMinute", "10000", 1,
			func(c *Config) any { return &c.Nodes.ContainerMaxPerMinute }, "Such removals a minute at most."),
		keyMeasure("znode.container.maxNeverUsedIntervalMs", "0", unitMillis, 0,
			func(c *Config) any { return &c.Nodes.ContainerNeverUsedMax },
			"Remove containers that never had a child after it; 0 keeps them."),
		keyBool("enforceQuota", "false", func(c *Config) any { return &c.Nodes.EnforceQuota },
			"Refuse writes beyond a hard quota limit; soft limits are only logged."),
	},
}

var accessGroup = &configGroup{
	title: "Access",
	keys: []*configKey{
		keyBool("skipACL", "no", func(c *Config) any { return &c.Access.SkipACL },
			"Check no ACL at all: everyone may do everything."),
		keyText("DigestAuthenticationProvider.superDigest", "", func(c *Config) any { return &c.Access.SuperDigest },
			"super:<base64 hash> of a user to whom no ACL applies; empty means that there is none.").hidden(),
		keyBool("DigestAuthenticationProvider.enabled", "true", func(c *Config) any { return &c.Access.DigestEnabled },
			"Accept user and password with the scheme digest."),
		keyBool("enforce.auth.enabled", "false", func(c *Config) any { return &c.Access.EnforceAuth },
			"Refuse requests of clients that did not authenticate with one of the schemes below."),
		keyList("enforce.auth.schemes", "", func(c *Config) any { return &c.Access.EnforceSchemes },
			"Schemes that satisfy enforce.auth.enabled, separated by commas."),
	},
}
