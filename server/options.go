package server

import (
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
)

// actorOptions translates the configuration into the actors' words.
func actorOptions(c *Config, words []string) actors.Options {
	o := actors.DefaultOptions()
	o.Conn = connOptions(c, words)
	o.Prep = actors.PrepOptions{
		ExtendedTypes:   c.Nodes.ExtendedTypes,
		EnforceQuota:    c.Nodes.EnforceQuota,
		ReconfigEnabled: c.Ensemble.ReconfigEnabled,
		Change: messages.ChangeRules{
			StandaloneEnabled: c.Ensemble.StandaloneEnabled,
			MultiAddress:      c.Ensemble.MultiAddress,
			ExtendedTypes:     c.Nodes.ExtendedTypes,
		},
	}
	o.Sweep = actors.SweepOptions{
		Interval:  c.Nodes.ContainerInterval,
		PerMinute: c.Nodes.ContainerMaxPerMinute,
		NeverUsed: c.Nodes.ContainerNeverUsedMax,
	}
	o.SnapCount = c.Data.SnapCount
	if c.Data.SnapSizeLimit > 0 {
		o.SnapSizeLimit = c.Data.SnapSizeLimit
	}
	o.SnapRetain = 0
	if c.Purge.Interval > 0 {
		o.SnapRetain = c.Purge.RetainCount
	}
	o.FsyncWarning = c.Log.SyncWarning
	if c.Ensemble.Distributed() {
		o.LocalSessions = c.Session.LocalEnabled
		o.LocalUpgrading = c.Session.LocalUpgrading
		o.Conn.FreshReads = c.Session.FreshReads
	}
	if c.Ensemble.HasID {
		o.SessionServer = messages.ServerID(c.Ensemble.MyID)
	}
	return o
}

func connOptions(c *Config, words []string) actors.ConnOptions {
	o := actors.DefaultConnOptions()
	o.MaxFrame = int(c.Limits.FrameMax)
	o.MinTimeout = int32(c.Session.MinTimeout.Milliseconds())
	o.MaxTimeout = int32(c.Session.MaxTimeout.Milliseconds())
	o.TickMs = c.Session.Tick.Milliseconds()
	o.OutstandingLimit = int64(c.Limits.OutstandingRequests)
	o.HandshakeTimeout = c.Client.SessionlessTimeout
	o.Words = map[string]bool{}
	for _, w := range words {
		o.Words[w] = true
	}
	if c.Access.EnforceAuth {
		o.RequireScheme = slices.Clone(c.Access.EnforceSchemes)
	}
	return o
}

// authRegistry makes the providers that the configuration asks for.
func authRegistry(c *Config, more ...auth.Provider) (*auth.Registry, error) {
	providers := []auth.Provider{auth.IP{}}
	if c.Access.DigestEnabled {
		d, err := auth.NewDigest(strings.TrimSpace(c.Access.SuperDigest), c.Access.DigestAlgorithm)
		if err != nil {
			return nil, err
		}
		providers = append(providers, d)
	}
	r, err := auth.NewRegistry(append(providers, more...)...)
	if err != nil {
		return nil, err
	}
	r.SkipACL(c.Access.SkipACL)
	return r, nil
}
