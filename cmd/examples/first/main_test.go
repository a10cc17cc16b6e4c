package main

import (
	"os"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/actors/stagetest"
)

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Options{Settings: map[string]string{"path": "/stagetest-0-1"}}, frozen)
}

// The guide shows this program as it is.
func TestGuideShowsTheProgram(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+string(program)+"```") {
		t.Error("README.md doesn't show cmd/examples/first/main.go as it is")
	}
}
