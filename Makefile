# `make` alone lists the targets. A target is a name for a command, nothing more: CI runs .ci/run, not make.

.DEFAULT_GOAL := help
.PHONY: help check build test race tidy fuzz interop bench cover docker clean

FUZZ_SECONDS ?= 60
BENCH ?= --help
IMAGE ?= troupe:dev

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## everything that CI runs (.ci/run; `.ci/run --list` shows the steps)
	@.ci/run

build: ## the static binary, bin/troupe
	CGO_ENABLED=0 go build -trimpath -o bin/troupe ./cmd/troupe

test: ## all tests that need Go alone
	go test ./...

race: ## the same under the race detector
	go test -race ./...

tidy: ## the style rules, as a list with file and line
	@go run ./cmd/tidy

fuzz: ## every fuzz target for FUZZ_SECONDS
	@FUZZ_SECONDS=$(FUZZ_SECONDS) .ci/run fuzz

interop: ## all foreign clients against the server, the long form (installs them)
	server/interop/run

bench: build ## the load generator; BENCH="..." are its arguments
	bin/troupe bench $(BENCH)

cover: ## test coverage by package, and bin/coverage.html
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/coverage.out ./...
	go tool cover -html=bin/coverage.out -o bin/coverage.html
	@go tool cover -func=bin/coverage.out | tail -n 1

docker: ## a container image named IMAGE
	docker build -t $(IMAGE) .

clean: ## remove what the other targets made
	rm -rf bin
