package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// FeedOptions say which change feed to follow. Only Servers is needed.
type FeedOptions struct {
	Servers []string      // admin ports of the ensemble's servers, "host:port" each
	Path    string        // changes of it and of all below it; "": of everything
	After   messages.Zxid // of the last event that has been dealt with
	Resume  bool          // After counts; otherwise the feed begins with what is committed from now on
	Client  *http.Client  // nil: one without a limit on time
	// Position hears how far the feed has come, also where nothing below the path has changed; may be nil.
	Position func(messages.Zxid)
}

// FeedEvent is one committed transaction with what it has changed below the path.
type FeedEvent struct {
	Zxid    messages.Zxid `json:"-"`
	Time    int64         `json:"time"`    // the proposer's clock, milliseconds since 1970
	Session string        `json:"session"` // whose transaction it is
	Changes []FeedChange  `json:"changes"`
}

// FeedChange is one node's change. Type is created, changed, deleted or acl.
type FeedChange struct {
	Type      string `json:"type"`
	Path      string `json:"path"`
	Data      []byte `json:"data"` // of created and changed
	Ephemeral bool   `json:"ephemeral"`
	Version   int32  `json:"version"`
}

// ErrFeedGone tells that no server has the changes behind the zxid any more: the nodes have to be read anew.
var ErrFeedGone = errors.New("the changes after that zxid are not to be had any more")

// feedPause is how long Feed waits when all servers have been tried in vain.
const feedPause = 100 * time.Millisecond

// Feed follows the changes below a path and calls f with each event, once and in order, until f or the context gives an error,
// which it returns. When a connection or a server is lost it goes on at another one.
func Feed(ctx context.Context, o FeedOptions, f func(*FeedEvent) error) error {
	if len(o.Servers) == 0 {
		return errors.New("no servers are given")
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	r := &feedReader{o: o, f: f}
	for n, gone := 0, 0; ; n++ {
		before := r.o.After
		err := r.follow(ctx, o.Servers[n%len(o.Servers)])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case r.stopped != nil:
			return r.stopped
		case errors.Is(err, ErrFeedGone):
			if gone++; gone == len(o.Servers) {
				return err
			}
		default:
			gone = 0
		}
		if r.o.After == before && (n+1)%len(o.Servers) == 0 {
			select {
			case <-time.After(feedPause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

type feedReader struct {
	o       FeedOptions
	f       func(*FeedEvent) error
	stopped error // by f
}

// feedSilence is how long a server may say nothing before another one is tried: it tells how far it is every two seconds.
const feedSilence = 10 * time.Second

// follow reads one server's stream to its end.
func (r *feedReader) follow(ctx context.Context, server string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(feedSilence, cancel)
	defer silence.Stop()
	target := url.URL{Scheme: "http", Host: server, Path: "/feed", RawQuery: url.Values{"path": {r.o.Path}}.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	if r.o.Resume {
		request.Header.Set("Last-Event-ID", r.o.After.String())
	}
	answer, err := r.o.Client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		if answer.StatusCode == http.StatusGone {
			return fmt.Errorf("%w: %s: %s", ErrFeedGone, server, strings.TrimSpace(string(text)))
		}
		return fmt.Errorf("%s: %s: %s", target.Redacted(), answer.Status, strings.TrimSpace(string(text)))
	}
	lines := bufio.NewReader(answer.Body)
	var id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err // what was begun is not whole
		}
		silence.Reset(feedSilence)
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch value = strings.TrimPrefix(value, " "); field {
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if err := r.event(id, data); err != nil {
				return err
			}
			id, data = "", ""
		}
	}
}

// event deals with one event, or with the word on how far the feed has come.
func (r *feedReader) event(id, data string) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "0x"), 16, 64)
	if err != nil {
		return fmt.Errorf("an event with id %q, which is not a zxid", id)
	}
	zxid := messages.Zxid(n)
	if data != "" && (!r.o.Resume || zxid > r.o.After) {
		e := &FeedEvent{Zxid: zxid}
		if err := json.Unmarshal([]byte(data), e); err != nil {
			return fmt.Errorf("event %v: %w", zxid, err)
		}
		if r.stopped = r.f(e); r.stopped != nil {
			return r.stopped
		}
	}
	if !r.o.Resume || zxid > r.o.After {
		r.o.After, r.o.Resume = zxid, true
		if r.o.Position != nil {
			r.o.Position(zxid)
		}
	}
	return nil
}
