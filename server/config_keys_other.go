package server

// laterGroup holds what ZooKeeper has and this version has not, where a user would rely on it: protection that is asked
// for and not given must not pass in silence. A key leaves this group when it is built.
var laterGroup = &configGroup{
	title: "Not used by this version",
	intro: "Read and checked; a value that asks for something makes a warning at the start.",
	keys: []*configKey{
		keyPort("secureClientPort", "", 0, func(c *Config) any { return &c.Client.SecurePort },
			"Port for clients over TLS.").later("TLS for clients is not built yet, no TLS port is opened"),
		keyText("secureClientPortAddress", "", func(c *Config) any { return &c.Client.SecureAddress },
			"Address of the TLS port.").later("TLS for clients is not built yet"),
		keyBool("client.portUnification", "false", nil, "TLS and plaintext at one port.").
			later("TLS for clients is not built yet, the port is plaintext only"),
		tlsFamily,
		keyBool("client.certReload", "false", nil, "Read certificates again when they change.").later("TLS for clients is not built yet"),
		keyFamily("authProvider.", "<name>", "Authentication by a class; digest and ip are built in.").
			later("only the schemes digest and ip exist; clients that authenticate otherwise are refused"),
		keyBool("sessionRequireClientSASLAuth", "false", func(c *Config) any { return &c.Access.RequireClientSASL },
			"Refuse clients without SASL.").later("SASL is not built yet, and clients without it are NOT refused"),
		keyBool("allowSaslFailedClients", "false", nil, "Let clients in whose SASL failed.").later("SASL is not built yet"),
		keyText("superUser", "", nil, "SASL name of a super user.").later("SASL is not built yet"),
		keyText("X509AuthenticationProvider.superUser", "", nil, "TLS name of a super user.").later("TLS for clients is not built yet"),
		keyText("java.security.auth.login.config", "", nil, "File of SASL rules.").later("SASL is not built yet"),
		keyText("DigestAuthenticationProvider.digestAlg", "SHA1",
			func(c *Config) any { return &c.Access.DigestAlgorithm }, "Hash of digest ids.").
			later("digests are made with SHA1, ids made with another hash won't match"),
		keyBool("quorum.auth.enableSasl", "false", nil, "SASL between servers.").
			later("servers don't authenticate each other yet"),
		keyBool("quorum.auth.serverRequireSasl", "false", nil, "Refuse servers without SASL.").
			later("servers don't authenticate each other yet"),
		keyBool("quorum.auth.learnerRequireSasl", "false", nil, "Refuse leaders without SASL.").
			later("servers don't authenticate each other yet"),
		keyText("quorum.auth.server.saslLoginContext", "QuorumServer", nil, "SASL context of the accepting side.").
			also("quorum.auth.server.loginContext").later("servers don't authenticate each other yet"),
		keyText("quorum.auth.learner.saslLoginContext", "QuorumLearner", nil, "SASL context of the connecting side.").
			also("quorum.auth.learner.loginContext").later("servers don't authenticate each other yet"),
		keyText("quorum.auth.kerberos.servicePrincipal", "zkquorum/localhost", nil, "Kerberos name of the servers.").
			later("servers don't authenticate each other yet"),
		keyBool("emulate353TTLNodes", "false", func(c *Config) any { return &c.Nodes.Emulate353TTL },
			"TTL nodes in the encoding of ZooKeeper 3.5.3.").later("data of ZooKeeper 3.5.3 is not read"),
		keyText("oraclePath", "", nil, "File by which an outsider decides for two servers.").
			later("two servers still need both of them"),
		keyBool("admin.portUnification", "false", nil, "TLS at the admin port.").later("the admin port is plaintext only"),
		keyBool("admin.forceHttps", "false", nil, "Only TLS at the admin port.").later("the admin port is plaintext only"),
		keyBool("admin.needClientAuth", "false", nil, "Only known certificates at the admin port.").
			later("the admin port asks for no certificate"),
		keyPort("metricsProvider.httpsPort", "", 0, nil, "Port for metrics over TLS.").later("metrics are served over plaintext only"),
	},
}

// tlsFamily is all ssl. keys but those of ssl.quorum.
var tlsFamily = keyFamily("ssl.", "<name>", "Keys, trust and rules of TLS for clients.").
	later("TLS for clients is not built yet (this goes for all ssl. keys but ssl.quorum.)")

// noUseGroup holds knobs of a machine room that does not exist here: threads, caches and buffers of the Java server.
var noUseGroup = &configGroup{
	title: "Accepted without effect",
	intro: "They tune the inside of the Java server; nothing here corresponds to them.",
	keys: []*configKey{
		keyCount("nio.numSelectorThreads", "1", 0, nil, "Threads that wait for sockets."),
		keyCount("nio.numWorkerThreads", "0", 0, nil, "Threads that read and write sockets."),
		keyCount("nio.directBufferBytes", "65536", 0, nil, "Buffer for writes."),
		keyCount("nio.shutdownTimeout", "5000", 0, nil, "Wait for threads at the end."),
		keyCount("commitProcessor.numWorkerThreads", "0", -1, nil, "Threads that apply requests."),
		keyCount("commitProcessor.shutdownTimeout", "5000", 0, nil, "Wait for threads at the end."),
		keyCount("commitProcessor.maxReadBatchSize", "-1", -1, nil, "Reads between writes."),
		keyCount("commitProcessor.maxCommitBatchSize", "1", 0, nil, "Writes between reads."),
		keyText("serverCnxnFactory", "", nil, "Class that serves sockets."),
		keyFamily("netty.", "<name>", "Settings of another class that serves sockets."),
		keyCount("quorum.cnxn.threads.size", "20", 0, nil, "Threads for connections between servers."),
		keyBool("jvm.pause.monitor", "false", nil, "Watch pauses of the Java machine.").also("jvmPauseMonitor"),
		keyCount("jvm.pause.info-threshold.ms", "1000", 0, nil, "Pauses to log."),
		keyCount("jvm.pause.warn-threshold.ms", "10000", 0, nil, "Pauses to warn about."),
		keyCount("jvm.pause.sleep.time.ms", "500", 0, nil, "How often to look for pauses."),
		keyBool("metricsProvider.exportJvmInfo", "true", nil, "Metrics of the Java machine."),
		keyCount("metricsProvider.numWorkerThreads", "10", 1, nil, "Threads for metrics."),
		keyCount("metricsProvider.maxQueueSize", "1000000", 1, nil, "Queue for metrics."),
		keyCount("metricsProvider.workerShutdownTimeoutMs", "1000", 0, nil, "Wait for threads at the end."),
		keyCount("maxResponseCacheSize", "400", -1, nil, "Cached replies; reads are served from memory."),
		keyCount("maxGetChildrenResponseCacheSize", "400", -1, nil, "Cached lists of children."),
		keyText("watchManagerName", "", nil, "Class that keeps watches."),
		keyCount("watcherCleanThreadsNum", "2", 1, nil, "Threads that remove dead watches."),
		keyCount("watcherCleanThreshold", "1000", 0, nil, "Dead watches that start a removal."),
		keyCount("watcherCleanIntervalInSeconds", "600", 0, nil, "Time between removals of dead watches."),
		keyCount("maxInProcessingDeadWatchers", "-1", -1, nil, "Dead watches in work at once."),
		keyCount("bitHashCacheSize", "10", 0, nil, "Cache of a class that keeps watches."),
		keyCount("intBufferStartingSizeBytes", "1024", 32, nil, "Size of a buffer."),
		keyBool("closeSessionTxn.enabled", "true", nil, "Name ephemeral nodes in the log; always done here."),
		keyBool("serializeLastProcessedZxid.enabled", "true", nil, "Note the zxid in snapshots; always done here."),
		keyBool("learner.asyncSending", "false", nil, "Send to the leader without waiting; always done here."),
		keyBool("learner.closeSocketAsync", "false", nil, "Close sockets without waiting."),
		keyBool("leader.closeSocketAsync", "false", nil, "Close sockets without waiting."),
		keyBool("db.autocreate", "true", nil, "Begin with an empty tree where there is none."),
		keyText("log.dir", "", nil, "Folder for the log of the Java server; see log.file."),
		keyText("zookeeper.log.file", "", nil, "File for the log of the Java server; see log.file."),
		keyText("root.logger", "", nil, "Log rules of the Java server; see log.level."),
		keyText("console.threshold", "", nil, "Log rules of the Java server; see log.level."),
		keyBool("jmx.log4j.disable", "false", nil, "Log control over JMX."),
	},
}

func init() {
	for _, key := range noUseGroup.keys {
		key.status = statusNoUse
	}
}
