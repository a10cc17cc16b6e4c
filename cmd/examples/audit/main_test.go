package main

import (
	"testing"

	"github.com/troupekeeper/troupe/actors/stagetest"
)

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Options{Settings: map[string]string{"file": t.TempDir() + "/audit.log"}}, stage)
}
