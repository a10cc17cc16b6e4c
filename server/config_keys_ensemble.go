package server

import "github.com/troupekeeper/troupe/messages"

var ensembleGroup = &configGroup{
	title: "Ensemble: members",
	intro: "Several servers that agree. One server.N line and standaloneEnabled=true, or none, is a standalone server.",
	keys: []*configKey{
		keyFamily("server.", "<id>", "host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort]; "+
			"several addresses with |, IPv6 in brackets."),
		keyFamily("group.", "<group>", "Ids of the servers of a group, as 1:2:3; a majority of groups must have a majority inside."),
		keyFamily("weight.", "<id>", "Voting weight of a server inside its group; 1 unless set."),
		keyMeasure("myid", "0", valueUnit{}, 0, func(c *Config) any { return &c.Ensemble.MyID },
			"This server's id, if the file dataDir/myid does not say it.").upTo(messages.MaxServerID).ours().
			env("MY_ID", "SERVER_ID").means("the file myid"),
		keyText("dynamicConfigFile", "", func(c *Config) any { return &c.Ensemble.DynamicFile },
			"File that holds the server, group and weight lines instead of this one."),
		keyBool("standaloneEnabled", "true", func(c *Config) any { return &c.Ensemble.StandaloneEnabled },
			"One server in the configuration runs standalone, and changes of members must leave two voters; with false one is an "+
				"ensemble, to which others can be added."),
		keyBool("reconfigEnabled", "false", func(c *Config) any { return &c.Ensemble.ReconfigEnabled },
			"Let clients change the members, which needs WRITE on /zookeeper/config. The data folder keeps who they are, and this file "+
				"follows. The same on all members."),
		keyWord("peerType", "participant", []string{"participant", "observer"}, nil,
			"What this server is; its server.N line must say the same."),
	},
}

var ensembleTimingGroup = &configGroup{
	title: "Ensemble: timing and ports",
	keys: []*configKey{
		keyMeasure("initLimit", "0", unitTicks, 0, func(c *Config) any { return &c.Ensemble.InitLimit },
			"Time for a follower to connect to the leader and catch up.").means("must be set in an ensemble"),
		keyMeasure("syncLimit", "0", unitTicks, 0, func(c *Config) any { return &c.Ensemble.SyncLimit },
			"Time that a follower may be silent or behind.").means("must be set in an ensemble"),
		keyMeasure("connectToLearnerMasterLimit", "0", unitTicks, 0, func(c *Config) any { return &c.Ensemble.ConnectLimit },
			"Time to connect to the leader.").means("initLimit"),
		keyMeasure("electionAlg", "3", valueUnit{}, 3, func(c *Config) any { return &c.Ensemble.ElectionAlg },
			"Kind of election; there is only one.").upTo(3),
		keyBool("leaderServes", "yes", func(c *Config) any { return &c.Ensemble.LeaderServes },
			"The leader accepts clients; with no it answers four-letter words only."),
		keyBool("localSessionsEnabled", "false", func(c *Config) any { return &c.Session.LocalEnabled },
			"New sessions are known to their server alone: nothing is replicated, they can't own ephemeral nodes, and they end "+
				"when their client goes to another server or their server restarts."),
		keyBool("localSessionsUpgradingEnabled", "false", func(c *Config) any { return &c.Session.LocalUpgrading },
			"Turn a local session into a global one when it asks for its first ephemeral node; without it that is refused (-120)."),
		keyBool("readonlymode.enabled", "false", func(c *Config) any { return &c.Session.ReadOnlyMode },
			"A member that has looked for a leader for 2 s, or a tick if that is longer, serves reads of what it has to clients "+
				"that accept it. What they see may be old, and may yet be undone."),
		keyBool("reads.linearizable", "false", func(c *Config) any { return &c.Session.FreshReads },
			"Each read sees all that was acknowledged before it came, at whichever server: it waits until the leader has proved to a "+
				"majority that it still leads. A client can have that for itself with addAuth troupe reads=fresh, or not with "+
				"reads=local. In read-only mode such reads are refused (-119).").ours(),
		keyBool("quorumListenOnAllIPs", "false", func(c *Config) any { return &c.Ensemble.ListenOnAllIPs },
			"Listen for other servers on all interfaces."),
		keyPort("observerMasterPort", "0", 0, func(c *Config) any { return &c.Ensemble.ObserverMasterPort },
			"Followers serve observers at this port; 0 turns it off."),
		keyBool("syncEnabled", "true", func(c *Config) any { return &c.Ensemble.SyncEnabled },
			"Observers write what they hear to log and snapshots. With false only what a synchronisation brings is on disk; after a "+
				"restart, or a change of leaders, they get the rest from the leader."),
		keyCount("commitLogCount", "500", 0, func(c *Config) any { return &c.Data.CommitLogCount },
			"Committed transactions kept in memory to feed followers that come back."),
		keyFloat("snapshotSizeFactor", "0.33", func(c *Config) any { return &c.Data.SnapshotSizeFactor },
			"Largest log to feed from disk, relative to the snapshot; below 0 always sends the snapshot."),
		keyCount("leader.maxConcurrentSnapSyncs", "10", 1, func(c *Config) any { return &c.Ensemble.MaxSnapSyncs },
			"Followers and observers that a leader sends a snapshot at a time; the others wait.").also("leader.maxConcurrentSnapshots"),
		keyCount("leader.maxConcurrentDiffSyncs", "100", 1, func(c *Config) any { return &c.Ensemble.MaxDiffSyncs },
			"The same for those that are sent a part of the log. Before there is a quorum no follower waits."),
		keyMeasure("fastleader.minNotificationInterval", "200", unitMillis, 1,
			func(c *Config) any { return &c.Ensemble.NotificationMin }, "First wait for votes in an election."),
		keyMeasure("fastleader.maxNotificationInterval", "60000", unitMillis, 1,
			func(c *Config) any { return &c.Ensemble.NotificationMax }, "Longest wait for votes in an election."),
		keyMeasure("cnxTimeout", "5000", unitMillis, 1, func(c *Config) any { return &c.Ensemble.ConnectTimeout },
			"Time to open a connection for elections."),
		keyMeasure("quorumCnxnTimeoutMs", "-1", unitMillis, -1,
			func(c *Config) any { return &c.Ensemble.QuorumConnTimeout },
			"Read timeout of connections for elections.").means("syncLimit ticks"),
		keyCount("electionPortBindRetry", "3", 0, func(c *Config) any { return &c.Ensemble.ElectionBindRetry },
			"Attempts to open the election port; 0 tries for ever."),
		keyBool("tcpKeepAlive", "false", func(c *Config) any { return &c.Ensemble.TCPKeepAlive },
			"TCP keep-alive between servers."),
		keyMeasure("observer.reconnectDelayMs", "0", unitMillis, 0,
			func(c *Config) any { return &c.Ensemble.ObserverReconnectDelay },
			"An observer that has lost its leader waits a random time up to this before it connects again."),
		keyMeasure("observer.election.DelayMs", "200", unitMillis, 0,
			func(c *Config) any { return &c.Ensemble.ObserverElectionDelay },
			"An observer that has lost its leader waits a random time up to this before it asks who leads, in addition."),
		keyMeasure("leader.maxTimeToWaitForEpoch", "-1", unitMillis, -1,
			func(c *Config) any { return &c.Ensemble.EpochWaitMax },
			"A new leader waits so long for its followers' epochs.").also("leader.maxTimeToWaitForEpochMs").means("initLimit ticks"),
		keyBool("multiAddress.enabled", "false", func(c *Config) any { return &c.Ensemble.MultiAddress },
			"Allow several addresses a server."),
		keyBool("multiAddress.reachabilityCheckEnabled", "true",
			func(c *Config) any { return &c.Ensemble.ReachabilityCheck }, "Prefer addresses that answer."),
		keyMeasure("multiAddress.reachabilityCheckTimeoutMs", "1000", unitMillis, 1,
			func(c *Config) any { return &c.Ensemble.ReachabilityTimeout }, "Time for such an answer."),
	},
}
