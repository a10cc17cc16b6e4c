package main

import (
	"testing"

	"github.com/troupekeeper/troupe/actors/stagetest"
	"github.com/troupekeeper/troupe/messages"
)

func TestStage(t *testing.T) { stagetest.Run(t, stagetest.Options{Prefix: "/config"}, stage) }

func TestRule(t *testing.T) {
	c := stagetest.New(t, stagetest.Options{}, stage).Connect()
	for _, step := range []struct {
		path, value string
		want        messages.ErrCode
	}{
		{"/config", "anything", messages.ErrOK},
		{"/config/a", "no JSON", messages.ErrBadArguments},
		{"/config/a", `{"size":1}`, messages.ErrBadArguments},
		{"/config/a", `{"owner":"me"}`, messages.ErrOK},
		{"/configured", "anything", messages.ErrOK},
	} {
		if code := c.Create(step.path, step.value); code != step.want {
			t.Errorf("create %s %s: %v, want %v", step.path, step.value, code, step.want)
		}
	}
	if code := c.Set("/config/a", "no JSON"); code != messages.ErrBadArguments {
		t.Errorf("set: %v", code)
	}
}
