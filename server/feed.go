package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/stages"
)

// ownFeed gives this server a change feed of its own, if its stage runs.
func (s *Server) ownFeed() {
	for i := range s.options.Stages {
		if active := &s.options.Stages[i]; active.ID == stages.FeedID {
			s.feed = stages.NewFeed()
			active.New = s.feed.Stage().New
		}
	}
}

// Feed is this server's change feed, nil unless the key stages names the stage feed.
func (s *Server) Feed() *stages.Feed { return s.feed }

// The stream of the feed over HTTP.
const (
	feedIdle  = 2 * time.Second  // without a change the reader is told how far the feed has come
	feedWrite = 20 * time.Second // a reader that takes nothing for so long is left
	feedMost  = 256              // streams at once
)

// feedEvent is an event as the stream has it.
type feedEvent struct {
	Zxid    string       `json:"zxid"`
	Time    int64        `json:"time"`    // milliseconds since 1970
	Session string       `json:"session"` // whose transaction it is
	Changes []feedChange `json:"changes"`
}

type feedChange struct {
	Type      string `json:"type"` // created, changed, deleted or acl
	Path      string `json:"path"`
	Data      []byte `json:"data,omitempty"` // base64
	Ephemeral bool   `json:"ephemeral,omitempty"`
	Version   int32  `json:"version,omitempty"`
}

// feedHandler serves the changes below a path as server-sent events:
//
//	GET /feed?path=/app            from now on
//	GET /feed?path=/app&after=0x5  those behind a zxid; the header Last-Event-ID does the same and wins
//
// Each event has the zxid as its id, the name "change", and a JSON object. An id alone tells that nothing below the path has
// changed up to there. 410 Gone: the changes behind that zxid are not to be had from this server.
func (a *adminServer) feedHandler(feed *stages.Feed) http.Handler {
	ctx, cancel := context.WithCancel(context.Background())
	a.stopFeed = cancel
	places := make(chan struct{}, feedMost)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(w, r, http.MethodGet) {
			return
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			http.Error(w, fmt.Sprintf("%d streams are open, more are not served", feedMost), http.StatusServiceUnavailable)
			return
		}
		sub, err := subscribe(feed, r)
		switch {
		case errors.Is(err, stages.ErrFeedNotYet):
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		inner, done := context.WithCancel(r.Context())
		defer done()
		defer context.AfterFunc(ctx, done)()
		stream := &feedStream{w: w, control: http.NewResponseController(w), sub: sub}
		stream.run(inner)
	})
}

func subscribe(feed *stages.Feed, r *http.Request) (*stages.Subscription, error) {
	path, after := r.URL.Query().Get("path"), stages.Now
	if path == "" {
		path = messages.RootPath
	}
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("after: %q is not a zxid: write it in hexadecimal, as 0x100000005", text)
		}
		after = messages.Zxid(n)
	}
	return feed.Subscribe(path, after)
}

// feedStream is one reader.
type feedStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sub     *stages.Subscription
	begun   bool
}

func (s *feedStream) run(ctx context.Context) {
	for {
		wait, cancel := context.WithTimeout(ctx, feedIdle)
		if !s.begun {
			cancel() // what there is already, or nothing: the head must not wait for a change
		}
		event, err := s.sub.Next(wait)
		cancel()
		switch {
		case errors.Is(err, stages.ErrFeedGone) && !s.begun:
			http.Error(s.w, err.Error(), http.StatusGone)
			return
		case ctx.Err() != nil, err != nil && wait.Err() == nil:
			return // the reader comes again with the last id, and hears then what is wrong
		}
		if s.write(event) != nil {
			return
		}
	}
}

// write sends an event, or without one how far the feed has come.
func (s *feedStream) write(event *stages.Event) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(feedWrite)); err != nil {
		return err
	}
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		s.w.WriteHeader(http.StatusOK)
	}
	if event == nil {
		if _, err := fmt.Fprintf(s.w, "id: %v\n\n", s.sub.At()); err != nil {
			return err
		}
		return s.control.Flush()
	}
	body := feedEvent{Zxid: event.Zxid.String(), Time: event.Time, Session: event.Session.String(), Changes: []feedChange{}}
	for _, c := range event.Changes {
		body.Changes = append(body.Changes, feedChange{Type: c.Type, Path: c.Path, Data: c.Data, Ephemeral: c.Ephemeral, Version: c.Version})
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "id: %v\nevent: change\ndata: %s\n\n", event.Zxid, text); err != nil {
		return err
	}
	return s.control.Flush()
}
