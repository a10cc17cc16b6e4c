//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// prepareSessions and prepareWindow are how the unmeasured steps load a
	// server: fast, but no faster than any server's default limits allow.
	prepareSessions = 4
	prepareWindow   = 64
)

// Prepare makes every key exist with a value of the configured size. What is
// there already is overwritten.
func Prepare(ctx context.Context, cfg Config) error {
	if err := MakeDirs(cfg); err != nil {
		return err
	}
	for _, scenario := range []Scenario{createMissing(), setAll()} {
		if err := runUnmeasured(ctx, cfg, scenario); err != nil {
			return fmt.Errorf("prepare %d keys below %s: %w", cfg.Keys.Count, cfg.Keys.Root, err)
		}
	}
	return settle(cfg)
}

// settle waits until every server of an ensemble has applied what was written,
// since a follower may lag behind the one that acknowledged it.
func settle(cfg Config) error {
	if len(cfg.Servers) < 2 {
		return nil
	}
	for _, server := range cfg.Servers {
		c, err := dialPlain(server, cfg.ReplyTimeout)
		if err != nil {
			return err
		}
		err = c.sync(cfg.Keys.Root, cfg.ReplyTimeout)
		c.close()
		if err != nil {
			return fmt.Errorf("%s: %w", server, err)
		}
	}
	return nil
}

// MakeDirs creates the directories of the keyspace, but no key.
func MakeDirs(cfg Config) error {
	return withPlain(cfg, func(c *plainClient) error {
		for i, r := range cfg.Keys.Root {
			if i > 0 && r == '/' {
				if err := c.mkdir(cfg.Keys.Root[:i], cfg.ReplyTimeout); err != nil {
					return err
				}
			}
		}
		for _, dir := range []string{cfg.Keys.Root, cfg.Keys.numberedDir()} {
			if err := c.mkdir(dir, cfg.ReplyTimeout); err != nil {
				return err
			}
		}
		for d := range cfg.Keys.Dirs() {
			if err := c.mkdir(cfg.Keys.Dir(d), cfg.ReplyTimeout); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveKeys deletes every key of the keyspace but leaves its directories.
func RemoveKeys(ctx context.Context, cfg Config) error {
	if err := runUnmeasured(ctx, cfg, deleteAll()); err != nil {
		return fmt.Errorf("delete %d keys below %s: %w", cfg.Keys.Count, cfg.Keys.Root, err)
	}
	return nil
}

// Clean deletes the keys and the directories of the keyspace.
func Clean(ctx context.Context, cfg Config) error {
	if err := RemoveKeys(ctx, cfg); err != nil {
		return err
	}
	return withPlain(cfg, func(c *plainClient) error {
		for d := range cfg.Keys.Dirs() {
			if err := c.rmdir(cfg.Keys.Dir(d), cfg.ReplyTimeout); err != nil {
				return err
			}
		}
		for _, name := range []string{"numbered", Lock().Name, Queue().Name, Barrier().Name} {
			if err := c.removeTree(cfg.Keys.Root+"/"+name, cfg.ReplyTimeout); err != nil {
				return err
			}
		}
		for root := cfg.Keys.Root; root != ""; root = root[:strings.LastIndexByte(root, '/')] {
			if err := c.rmdir(root, cfg.ReplyTimeout); err != nil {
				return err
			}
		}
		return nil
	})
}

// withPlain lends a connection to the first server that opens a session.
func withPlain(cfg Config, use func(*plainClient) error) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	var failed error
	for _, server := range cfg.Servers {
		c := &plainClient{curious: true}
		if err := c.dial(server, cfg.ReplyTimeout); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		defer c.close()
		return use(c)
	}
	return failed
}

// runUnmeasured runs a scenario to its end and only wants it to succeed.
func runUnmeasured(ctx context.Context, cfg Config, scenario Scenario) error {
	cfg.Sessions, cfg.Window, cfg.Threads = min(prepareSessions, cfg.Sessions), prepareWindow, 1
	cfg.Warmup, cfg.Duration, cfg.ServerPIDs = 0, 0, nil
	cfg.Requests, cfg.Rate, cfg.Distribution = 0, 0, Distribution{}
	r, err := Run(ctx, cfg, scenario)
	if err != nil {
		return err
	}
	if r.Interrupted {
		return ctx.Err()
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("%w: %v", err, r.Messages)
	}
	return nil
}

// FirstRead waits until the server answers a get of the key, and returns how
// long that took. Refused connections and sessions are tried again at once;
// they are what a server that is starting up answers.
func FirstRead(ctx context.Context, cfg Config, key uint32, limit time.Duration) (time.Duration, error) {
	const retry = 2 * time.Millisecond
	began := time.Now()
	ticker := time.NewTicker(retry)
	defer ticker.Stop()
	var why error // of the last attempt that had the time to find out
	for {
		err := readOnce(cfg, key, limit-time.Since(began))
		if err == nil {
			return time.Since(began), nil
		}
		over := time.Since(began) >= limit
		if why == nil || !over {
			why = err
		}
		if over {
			return 0, fmt.Errorf("no read within %v: %w", limit, why)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
	}
}

// readOnce makes one attempt on a connection of its own.
func readOnce(cfg Config, key uint32, limit time.Duration) error {
	// A server may accept connections long before it serves them, and then
	// serve only those that came later.
	const attempt = 2 * time.Second
	limit = max(time.Millisecond, min(limit, attempt))
	c, err := dialPlain(cfg.Servers[0], limit)
	if err != nil {
		return err
	}
	err = c.get(cfg.Keys, key, limit)
	if err != nil {
		c.hangUp()
		return err
	}
	c.close()
	return nil
}
