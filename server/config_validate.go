package server

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// applyServers reads the lines of the ensemble, from the main sources or from the dynamic file, and this server's id.
func (l *configLoader) applyServers() {
	e := &l.cfg.Ensemble
	report := func(entry configEntry, text string) { l.problem(entry, nil, text) }
	lines := l.membershipLines()
	if e.DynamicFile == "" {
		e.Membership = buildMembership(lines, report)
		l.applyID()
		return
	}
	if len(lines) > 0 {
		report(lines[0].entry, "server, group and weight lines must not stand next to dynamicConfigFile; move them into "+
			e.DynamicFile)
		return
	}
	membership, warnings, err := loadDynamic(e.DynamicFile, l.in.readFile)
	l.warnings = append(l.warnings, warnings...)
	var wrong *ConfigError
	switch {
	case errors.As(err, &wrong):
		l.problems = append(l.problems, wrong.Problems...)
	case err != nil:
		report(l.entries["dynamicConfigFile"], strings.TrimPrefix(err.Error(), "configuration: "))
	default:
		e.Membership = membership
		l.applyID()
	}
}

func (l *configLoader) membershipLines() []membershipLine {
	var lines []membershipLine
	for _, name := range l.sortedNames() {
		if family, ok := isMembershipKey(name); ok {
			lines = append(lines, membershipLine{family, l.entries[name]})
		}
	}
	return lines
}

// applyID finds this server's id: in the file dataDir/myid, else in the key myid. A standalone server has none unless one is
// given. Both at once must agree, since an id that changes lets a server vote twice.
func (l *configLoader) applyID() {
	c := l.cfg
	entry, given := l.entries["myid"]
	c.Ensemble.HasID = given
	if c.Data.Dir == "" {
		return
	}
	path := filepath.Join(c.Data.Dir, "myid")
	text, err := l.in.readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		l.problems = append(l.problems, ConfigProblem{Source: path, Text: "can't be read: " + err.Error()})
		return
	}
	first, _, _ := strings.Cut(string(text), "\n")
	first = strings.TrimSpace(first)
	id, err := strconv.Atoi(first)
	switch {
	case err != nil || id < 0 || id > messages.MaxServerID:
		// A server without an ensemble does not need its id; a stray file must not keep it from starting.
		text := fmt.Sprintf("%.20q is not a server id; the first line must hold a number from 1 to %d", first, messages.MaxServerID)
		if len(c.Ensemble.Membership.Members) == 0 {
			l.warnings = append(l.warnings, Warning{Source: path + ":1", Text: text})
			return
		}
		l.problems = append(l.problems, ConfigProblem{Source: path + ":1", Text: text})
	case given && id != c.Ensemble.MyID:
		l.problem(entry, nil, fmt.Sprintf("%s says %d; the id of a server never changes, remove the wrong one", path, id))
	default:
		c.Ensemble.MyID, c.Ensemble.HasID = id, true
	}
}

// resolve replaces each "derive it" by the number it stands for.
func (c *Config) resolve() {
	s := &c.Session
	if s.MinTimeout < 0 {
		s.MinTimeout = 2 * s.Tick
	}
	if s.MaxTimeout < 0 {
		s.MaxTimeout = 20 * s.Tick
	}
	if c.Data.LogDir == "" {
		c.Data.LogDir = c.Data.Dir
	}
	if c.Log.MaxQueuePoll < 0 {
		c.Log.MaxQueuePoll = c.Log.FlushDelay / 3
	}
	const leastExtra = 1024
	if c.Limits.FrameExtra == 0 {
		c.Limits.FrameExtra = c.Limits.FrameMax
	}
	c.Limits.FrameExtra = max(c.Limits.FrameExtra, leastExtra)
	if c.Data.SnapCompression == "gz" || c.Data.SnapCompression == "snappy" {
		c.Data.SnapCompression = "zstd"
	}
	class := strings.ToLower(c.Metrics.ClassName)
	c.Metrics.Enabled = class == "prometheus" || strings.HasSuffix(class, ".prometheusmetricsprovider")
	if c.Session.ReadOnlyMode && !c.Admin.FourLetterAllowed("isro") {
		c.Admin.FourLetterWhitelist = append(c.Admin.FourLetterWhitelist, "isro")
	}
	c.Purge.RetainCount = max(c.Purge.RetainCount, leastSnapshots)
	c.Client.Address = anyAddress(c.Client.Address)
	c.Client.SecureAddress = anyAddress(c.Client.SecureAddress)
	e := &c.Ensemble
	if e.ConnectLimit == 0 {
		e.ConnectLimit = e.InitLimit
	}
	if e.QuorumConnTimeout < 0 {
		e.QuorumConnTimeout = time.Duration(e.SyncLimit) * s.Tick
	}
	if self, ok := e.Self(); ok {
		e.Observer = self.Role == messages.Observer
		c.takeClientPort(self)
	} else if len(e.Membership.Members) == 1 && e.StandaloneEnabled {
		// A lone server needs no myid to know which line is its own.
		c.takeClientPort(e.Membership.Members[0])
	}
}

// takeClientPort obeys the client port of this server's own line. A clientPort that was set stays, and validate compares both.
func (c *Config) takeClientPort(self messages.Member) {
	if self.ClientPort == 0 || c.IsSet("clientPort") {
		return
	}
	c.Client.Port = self.ClientPort
	if !c.IsSet("clientPortAddress") {
		c.Client.Address = anyAddress(self.ClientAddress)
	}
}

// leastSnapshots is the smallest number of snapshots to keep: one that may be damaged, one to fall back to, one being sent.
const leastSnapshots = 3

// anyAddress gives "all interfaces" its one form.
func anyAddress(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() && ip.To4() != nil {
		return ""
	}
	return host
}

// validate checks what one value alone does not show. Rules that hold for every server come first, then those of ensembles.
func (l *configLoader) validate() {
	c := l.cfg
	if c.Data.Dir == "" {
		l.fail("dataDir", "must be set: the folder for snapshots and the transaction log")
	}
	if c.Session.MinTimeout > c.Session.MaxTimeout {
		l.fail("minSessionTimeout", fmt.Sprintf("the shortest session timeout (%d ms) is above the longest (%d ms)",
			c.Session.MinTimeout.Milliseconds(), c.Session.MaxTimeout.Milliseconds()))
	}
	if c.Session.MaxTimeout.Milliseconds() > math.MaxInt32 {
		l.fail("tickTime", fmt.Sprintf("the longest session timeout would be %d ms; at most %d fit into the protocol, "+
			"set maxSessionTimeout or a shorter tick", c.Session.MaxTimeout.Milliseconds(), math.MaxInt32))
	}
	if c.Limits.FrameMax > math.MaxInt32 {
		l.fail("jute.maxbuffer", fmt.Sprintf("out of range; allowed: 1 to %d bytes", math.MaxInt32))
	}
	if url := c.Admin.CommandURL; !strings.HasPrefix(url, "/") || len(url) < 2 {
		l.fail("admin.commandURL", "must be a path such as /commands")
	}
	if c.Access.EnforceAuth && len(c.Access.EnforceSchemes) == 0 {
		l.fail("enforce.auth.enabled", "needs enforce.auth.schemes, for example digest")
	}
	if super := c.Access.SuperDigest; super != "" && !strings.Contains(super, ":") {
		l.fail("DigestAuthenticationProvider.superDigest", "not of the form super:<base64 of the SHA1 of super:password>")
	}
	l.validateClientPort()
	l.validateEnsemble()
	l.remark()
	l.collectProviders()
}

// fail reports a problem of a key, with the place of its value if it was set.
func (l *configLoader) fail(name, text string) {
	entry, ok := l.entries[name]
	if ok {
		l.problem(entry, l.keys[name], text)
		return
	}
	l.problems = append(l.problems, ConfigProblem{Source: l.in.path, Text: name + ": " + text})
}

func (l *configLoader) validateClientPort() {
	c := l.cfg
	if c.Client.Port == noPort {
		text := "must be set: the port for clients, for example clientPort=2181"
		if c.Client.SecurePort != noPort {
			text += " (secureClientPort is not used by this version)"
		}
		l.fail("clientPort", text)
		return
	}
	self, ok := c.Ensemble.Self()
	if !ok || self.ClientPort == 0 || !c.IsSet("clientPort") {
		return
	}
	address := anyAddress(self.ClientAddress)
	if self.ClientPort != c.Client.Port || (c.Client.Address != "" && address != c.Client.Address) {
		l.fail("clientPort", fmt.Sprintf("the server.%d line tells clients %s, but this server would listen "+
			"at %s; remove one of both", self.ID, self.Client(), c.ClientListen()))
	}
}

func (l *configLoader) validateEnsemble() {
	c, e := l.cfg, &l.cfg.Ensemble
	for _, text := range checkMembership(e.Membership, e.StandaloneEnabled) {
		l.problems = append(l.problems, ConfigProblem{Source: l.membershipSource(), Text: text})
	}
	if !e.StandaloneEnabled && len(e.Membership.Members) == 0 {
		l.fail("standaloneEnabled", "with false at least one server.N line is needed")
	}
	if c.Nodes.ExtendedTypes {
		for _, s := range e.Membership.Members {
			if s.ID == messages.MaxServerID {
				l.problems = append(l.problems, ConfigProblem{Source: l.membershipSource(),
					Text: "server id 255 can't be used with TTL nodes; set extendedTypesEnabled=false or take an id up to 254"})
			}
		}
	}
	if !e.Distributed() {
		return
	}
	for _, limit := range []string{"initLimit", "syncLimit"} {
		if value := map[string]int{"initLimit": e.InitLimit, "syncLimit": e.SyncLimit}[limit]; value < 1 {
			l.fail(limit, "must be set in an ensemble; allowed: 1 or more ticks")
		}
	}
	l.validateQuorumTLS()
	myidPath := filepath.Join(c.Data.Dir, "myid")
	if !e.HasID {
		l.problems = append(l.problems, ConfigProblem{Source: myidPath,
			Text: "missing: an ensemble member needs this file with its id, the N of its server.N line"})
		return
	}
	if _, ok := e.Self(); !ok {
		text := fmt.Sprintf("this server's id is %d, but there is no server.%d line", e.MyID, e.MyID)
		if !e.ReconfigEnabled {
			l.problems = append(l.problems, ConfigProblem{Source: myidPath, Text: text})
			return
		}
		l.warnings = append(l.warnings, Warning{Source: myidPath, Text: text + "; it must be added by a reconfiguration"})
	}
}

func (l *configLoader) membershipSource() string {
	if l.cfg.Ensemble.DynamicFile != "" {
		return l.cfg.Ensemble.DynamicFile
	}
	for _, line := range l.membershipLines() {
		return line.entry.origin.String()
	}
	return l.in.path
}
