package server

// quorumTLSGroup is how servers of an ensemble prove to each other who they are.
var quorumTLSGroup = &configGroup{
	title: "Ensemble: TLS between servers",
	intro: "Files are PEM. They are read anew for each connection between servers, so a renewed certificate needs no restart.",
	keys: []*configKey{
		keyBool("sslQuorum", "false", func(c *Config) any { return &c.QuorumTLS.Enabled },
			"Servers talk to each other over TLS, and show each other certificates."),
		keyBool("portUnification", "false", func(c *Config) any { return &c.QuorumTLS.AcceptPlain },
			"Servers that don't speak TLS are let in too: for a running ensemble's way to TLS."),
		keyText("ssl.quorum.keyStore.location", "", func(c *Config) any { return &c.QuorumTLS.KeyStore },
			"File with this server's certificate, those between it and its authority, and its private key, which is not encrypted."),
		keyWord("ssl.quorum.keyStore.type", "", storeTypes, func(c *Config) any { return &c.QuorumTLS.KeyStoreType },
			"Kind of that file; PEM is what is read.").means("by the ending .pem"),
		keyText("ssl.quorum.keyStore.password", "", func(c *Config) any { return &c.QuorumTLS.KeyStorePassword },
			"Must not be set: encrypted keys are not read.").hidden(),
		keyText("ssl.quorum.keyStore.passwordPath", "", func(c *Config) any { return &c.QuorumTLS.KeyStorePasswordPath },
			"Must not be set: encrypted keys are not read."),
		keyText("ssl.quorum.trustStore.location", "", func(c *Config) any { return &c.QuorumTLS.TrustStore },
			"File with the certificates of the authorities that make servers' certificates, or with servers' certificates themselves."),
		keyWord("ssl.quorum.trustStore.type", "", storeTypes, func(c *Config) any { return &c.QuorumTLS.TrustStoreType },
			"Kind of that file; PEM is what is read.").means("by the ending .pem"),
		keyText("ssl.quorum.trustStore.password", "", nil, "PEM files of certificates have none.").hidden().noUse(),
		keyText("ssl.quorum.trustStore.passwordPath", "", nil, "PEM files of certificates have none.").noUse(),
		keyBool("ssl.quorum.hostnameVerification", "true", func(c *Config) any { return &c.QuorumTLS.CheckHostname },
			"The certificate of a server that is connected to must name the host of its server.N line."),
		keyBool("ssl.quorum.clientHostnameVerification", "true", func(c *Config) any { return &c.QuorumTLS.CheckClient },
			"The certificate of a server that connects must name a host of a server.N line, its address, or what that is resolved "+
				"back to. Without hostnameVerification it need not."),
		keyWord("ssl.quorum.clientAuth", "NEED", []string{"NEED", "WANT", "NONE"},
			func(c *Config) any { return &c.QuorumTLS.ClientAuth },
			"Whether a server that connects must show a certificate."),
		keyWord("ssl.quorum.protocol", "TLSv1.3", []string{"TLSv1.3", "TLSv1.2", "TLS"},
			func(c *Config) any { return &c.QuorumTLS.Protocol },
			"Newest version of TLS that is spoken, unless enabledProtocols says it."),
		keyList("ssl.quorum.enabledProtocols", "", func(c *Config) any { return &c.QuorumTLS.Protocols },
			"Versions of TLS that are spoken: TLSv1.2, TLSv1.3.").means("from TLSv1.2 to protocol"),
		keyBool("sslQuorumReloadCertFiles", "false", nil, "Read certificates again when they change; always done here.").noUse(),
		keyMeasure("ssl.quorum.handshakeDetectionTimeoutMillis", "5000", unitMillis, 1, nil,
			"Wait for the first byte of a connection; two seconds here.").noUse(),
		keyBool("ssl.quorum.crl", "false", nil, "Look for revoked certificates in lists.").later("revoked certificates are not found out"),
		keyBool("ssl.quorum.ocsp", "false", nil, "Ask for revoked certificates.").later("revoked certificates are not found out"),
		keyList("ssl.quorum.ciphersuites", "", nil, "Ciphers.").later("those of Go's library are used, without the weak ones"),
		keyFamily("ssl.quorum.", "<name>", "Other rules of TLS between servers.").later("there is nothing like it here"),
	},
}

// storeTypes are ZooKeeper's kinds of files for keys; all but PEM are refused, with the way to make PEM of them.
var storeTypes = []string{"", "PEM", "JKS", "PKCS12", "BCFKS"}
