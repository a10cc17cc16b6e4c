package server

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/troupekeeper/troupe/actors"
)

// TestTableDefaultsAreInEffect sets each key to its own documented default and expects nothing to change.
func TestTableDefaultsAreInEffect(t *testing.T) {
	want := DefaultConfig()
	for _, key := range configTable {
		if key.bind == nil {
			continue
		}
		c := tableDefaults(false)
		if err := key.set(c, key.fallback); err != nil {
			t.Errorf("%s: its default %q is refused: %v", key.name, key.fallback, err)
			continue
		}
		c.resolve()
		if !reflect.DeepEqual(c, want) {
			t.Errorf("%s: setting the default %q changes the configuration", key.name, key.fallback)
		}
		if key.derived != "" || key.name == "metricsProvider.className" {
			continue
		}
		if got := key.format(want); got != key.fallback && !sameSwitch(got, key.fallback) {
			t.Errorf("%s: the help says %q, DefaultConfig has %q", key.name, key.fallback, got)
		}
	}
}

func sameSwitch(a, b string) bool {
	return (a == "true" && b == "yes") || (a == "false" && b == "no")
}

// TestEveryFieldHasAKey finds fields that no key can reach: they would be zero for ever.
func TestEveryFieldHasAKey(t *testing.T) {
	c := &Config{}
	bound := map[any]bool{}
	for _, key := range configTable {
		if key.bind != nil {
			bound[key.bind(c)] = true
		}
	}
	filledOtherwise := map[string]bool{
		"AuthProviders": true, "Enabled": true, // authProvider.*; Metrics.Enabled follows the class name
		"HasID": true, "Membership": true, "Observer": true,
		"Settings": true, "Active": true, // of Stages: stage.*
	}
	root := reflect.ValueOf(c).Elem()
	for i := 0; i < root.NumField(); i++ {
		group := root.Field(i)
		if group.Kind() != reflect.Struct {
			continue
		}
		for j := 0; j < group.NumField(); j++ {
			field := group.Type().Field(j)
			if !bound[group.Field(j).Addr().Interface()] && !filledOtherwise[field.Name] {
				t.Errorf("no key fills %s.%s", root.Type().Field(i).Name, field.Name)
			}
		}
	}
}

func TestTableRowsAreWhole(t *testing.T) {
	for _, key := range configTable {
		if key.effect == "" || !strings.HasSuffix(key.effect, ".") || !unicode.IsUpper([]rune(key.effect)[0]) &&
			!strings.HasPrefix(key.effect, "super:") && !strings.HasPrefix(key.effect, "host:") &&
			!strings.HasPrefix(key.effect, "prometheus") && !strings.HasPrefix(key.effect, "console") {
			t.Errorf("%s: the effect %q is not a sentence", key.name, key.effect)
		}
		if key.status == statusUsed && key.bind == nil && !key.family && key.name != "peerType" {
			t.Errorf("%s: counts as used but reaches no field", key.name)
		}
		if key.status == statusLater && key.unused == "" {
			t.Errorf("%s: does not say what is missing", key.name)
		}
		// Each variable that the help shows must lead back to its key.
		if !key.family {
			if got := variableKey(envName(key.name)); got != key.name {
				t.Errorf("%s: the variable %s leads to %q", key.name, envName(key.name), got)
			}
		}
	}
}

func TestEnvNames(t *testing.T) {
	for key, want := range map[string]string{
		"tickTime":               "TICK_TIME",
		"4lw.commands.whitelist": "4LW_COMMANDS_WHITELIST",
		"jute.maxbuffer":         "JUTE_MAXBUFFER",
		"DigestAuthenticationProvider.superDigest": "DIGEST_AUTHENTICATION_PROVIDER_SUPER_DIGEST",
		"autopurge.snapRetainCount":                "AUTOPURGE_SNAP_RETAIN_COUNT",
		"connection_throttle_tokens":               "CONNECTION_THROTTLE_TOKENS",
	} {
		if got := envName(key); got != want {
			t.Errorf("%s: variable %s, want %s", key, got, want)
		}
	}
}

func TestHelpListsEveryKey(t *testing.T) {
	var out bytes.Buffer
	if err := WriteConfigHelp(&out); err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"[SERVER_N]", "[GROUP_N]", "[WEIGHT_N]", "[TICK_TIME]"} {
		if !strings.Contains(out.String(), variable) {
			t.Errorf("the help lacks %s", variable)
		}
	}
	lines := strings.Split(out.String(), "\n")
	head := map[string]string{} // key → its first line
	for _, line := range lines {
		if strings.HasPrefix(line, "  ") && len(line) > 2 && line[2] != ' ' {
			head[strings.Fields(line)[0]] = line
		}
		if len(line) > 120 {
			t.Errorf("line of %d characters: %q", len(line), line)
		}
	}
	for _, key := range configTable {
		name := key.name + key.param
		line, ok := head[name]
		if !ok {
			t.Errorf("the help lacks %s", name)
			continue
		}
		if !key.family && key.fallback != "" && key.derived == "" && !strings.Contains(line, "default "+key.fallback) {
			t.Errorf("%s: the default %q is not in %q", name, key.fallback, line)
		}
		for _, alias := range key.aliases {
			if !strings.Contains(out.String(), alias) {
				t.Errorf("%s: the help lacks its other name %s", name, alias)
			}
		}
	}
	want := len(configTable)
	for _, s := range actors.RegisteredStages() {
		want += len(s.AllKeys())
	}
	if len(head) != want {
		t.Errorf("the help shows %d keys, the table and the stages have %d", len(head), want)
	}
}

// TestReferenceKeysAreKnown holds the names of ZooKeeper's documentation against the table: none may be "unknown".
func TestReferenceKeysAreKnown(t *testing.T) {
	names := `tickTime dataDir dataLogDir clientPort clientPortAddress secureClientPort secureClientPortAddress
		clientPortListenBacklog maxClientCnxns maxCnxns minSessionTimeout maxSessionTimeout initLimit syncLimit
		connectToLearnerMasterLimit electionAlg server.1 group.1 weight.1 peerType leaderServes standaloneEnabled
		reconfigEnabled dynamicConfigFile localSessionsEnabled localSessionsUpgradingEnabled quorumListenOnAllIPs
		observerMasterPort syncEnabled 4lw.commands.whitelist admin.enableServer admin.serverPort admin.serverAddress
		admin.commandURL admin.idleTimeout autopurge.snapRetainCount autopurge.purgeInterval snapCount snapSizeLimitInKb
		txnLogSizeLimitInKb commitLogCount snapshot.compression.method snapshot.trust.empty preAllocSize forceSync
		fsync.warningthresholdms flushDelay maxWriteQueuePollTime maxBatchSize globalOutstandingLimit jute.maxbuffer
		jute.maxbuffer.extrasize request_throttle_max_requests request_throttle_stall_time request_throttle_drop_stale
		requestThrottleLimit throttled_op_wait_time largeRequestMaxBytes largeRequestThreshold
		connection_throttle_tokens connection_throttle_fill_time connection_throttle_fill_count
		connection_throttle_freeze_time connection_throttle_drop_increase connection_throttle_drop_decrease
		connection_throttle_decrease_ratio connection_throttle_weight_enabled connection_throttle_global_session_weight
		connection_throttle_local_session_weight connection_throttle_renew_session_weight extendedTypesEnabled
		emulate353TTLNodes znode.container.checkIntervalMs znode.container.maxPerMinute
		znode.container.maxNeverUsedIntervalMs enforceQuota skipACL DigestAuthenticationProvider.enabled
		DigestAuthenticationProvider.superDigest DigestAuthenticationProvider.digestAlg authProvider.1
		enforce.auth.enabled enforce.auth.schemes sessionRequireClientSASLAuth readonlymode.enabled digest.enabled
		leader.maxConcurrentSnapSyncs leader.maxConcurrentDiffSyncs snapshotSizeFactor
		fastleader.minNotificationInterval fastleader.maxNotificationInterval cnxTimeout quorumCnxnTimeoutMs
		electionPortBindRetry tcpKeepAlive clientTcpKeepAlive observer.reconnectDelayMs observer.election.DelayMs
		leader.maxTimeToWaitForEpoch sslQuorum portUnification sslQuorumReloadCertFiles ssl.keyStore.location
		ssl.quorum.keyStore.location quorum.auth.enableSasl quorum.auth.serverRequireSasl
		quorum.auth.learnerRequireSasl quorum.auth.server.saslLoginContext quorum.auth.learner.saslLoginContext
		quorum.auth.kerberos.servicePrincipal quorum.cnxn.threads.size metricsProvider.className
		metricsProvider.httpHost metricsProvider.httpPort metricsProvider.exportJvmInfo multiAddress.enabled
		multiAddress.reachabilityCheckEnabled multiAddress.reachabilityCheckTimeoutMs maxResponseCacheSize
		maxGetChildrenResponseCacheSize watchManagerName watcherCleanThreadsNum watcherCleanThreshold
		watcherCleanIntervalInSeconds bitHashCacheSize audit.enable nio.numSelectorThreads nio.numWorkerThreads
		nio.sessionlessCnxnTimeout commitProcessor.numWorkerThreads commitProcessor.shutdownTimeout serverCnxnFactory
		oraclePath jvm.pause.monitor jvm.pause.info-threshold.ms jvm.pause.warn-threshold.ms jvm.pause.sleep.time.ms`
	for _, name := range strings.Fields(names) {
		for _, written := range []string{name, zookeeperPrefix + name} {
			if key, _ := lookupKey(written); key == nil {
				t.Errorf("%s is unknown", written)
			}
		}
	}
}

func TestSuggestions(t *testing.T) {
	for written, want := range map[string]string{
		"ticktime": "tickTime", "zookeeper.skipAcl": "skipACL", "datadir": "dataDir", "autopurge.purgeIntervall": "autopurge.purgeInterval",
		"4lw.command.whitelist": "4lw.commands.whitelist", "x": "", "my.company.setting": "", "": "",
		strings.Repeat("k", 5000): "",
	} {
		if got := nearestKey(written); got != want {
			t.Errorf("%.20q: suggests %q, want %q", written, got, want)
		}
	}
}
