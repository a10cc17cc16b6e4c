package chaostest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patience is how long anything may take before a test gives up on it: a machine with two cores may run other tests
// beside three servers.
const patience = time.Minute

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// await asks every so often until something is true. The error names what wasn't, with the reason that ok gave last.
func await(ctx context.Context, what string, every time.Duration, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w (%w)", what, err, ctx.Err())
		}
	}
}
