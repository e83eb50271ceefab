# `make` alone lists the targets. Only Go is needed, except where a target says more.
#
# Settings: TIMEOUT (of one test run), CHAOS_TIMEOUT (of make chaos), FUZZTIME (for each fuzz test), STATICCHECK (its version).
# Those of make bench: BENCH and SKIP (which benchmarks, which not; regexps), COUNT (runs of each: 1; benchstat wants 6 or more),
# BENCHTIME (of each run, as of go test -benchtime: 1s). Its stdout is for benchstat; README.md says how to compare two commits.
# Those of Kafka (KAFKA_PORT, KAFKA_BROKERS, KAFKA_VERSION, KAFKA_FRESH) are described in deploy/kafka/kafka.sh.
#
# Tests against real brokers carry the build tag `real` (//go:build real at the head of the file) and get their brokers from
# internal/realbrokers. `make test` leaves them out; `make test-real` runs just them.

SHELL       := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TIMEOUT     ?= 10m
CHAOS_TIMEOUT ?= 3h
FUZZTIME    ?= 10s
BENCH       ?= .
SKIP        ?=
COUNT       ?= 1
BENCHTIME   ?= 1s
STATICCHECK ?= v0.8.2

# Packages that start goroutines or share memory: the ones worth the race detector. Pure packages have neither.
race_packages = $$(git ls-files -co --exclude-standard '*.go' | xargs grep -lE '"sync(/atomic)?"|golang.org/x/sync|^\s*go (func|[A-Za-z])' | xargs -n1 dirname | sort -u | sed 's,^,./,')

.PHONY: help build demo test test-real chaos soak sim mutants check lint race fuzz-short bench bench-peers kafka-up kafka-down

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/weir, stamped with the version from git
	go build -buildvcs=auto -trimpath -o bin/weir ./cmd/weir

demo: ## run the demo: embedded brokers, a simulated fleet, the console
	@go run ./cmd/weir demo

test: ## run all tests that need nothing but Go
	go test -timeout $(TIMEOUT) ./...

test-real: ## run the tests against real Kafka, Mosquitto, kcat and Alertmanager; installs what it can, starts and stops what it needs
	@.ci/test-real

chaos: ## break real Kafka, processes, disks and clocks under load and verify; FAULT=name or FAULTS=all, ROUNDS, SEED
	@TIMEOUT=$(CHAOS_TIMEOUT) .ci/test-real -run '^TestChaos$$'

soak: ## run weir on real brokers for half an hour and see that nothing grows; FOR=30m, RATE=20000 readings/s, DIR for all samples
	@WEIR_SOAK_FOR=$${FOR:-30m} WEIR_SOAK_RATE=$${RATE:-20000} WEIR_SOAK_DIR=$${DIR:-} TIMEOUT=$(CHAOS_TIMEOUT) .ci/test-real -run '^TestSoak$$'

check: lint ## what CI runs first: format, vet, staticcheck, architecture, no leftovers
	go test -count=1 ./internal/architecture/...
	@.ci/leftovers

lint: ## gofmt, go vet and staticcheck, over the real tests too
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; fi
	go vet -tags real ./...
	go run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) -tags real ./...

race: ## run the tests of the concurrent packages under the race detector (needs a C compiler)
	@packages="$(race_packages)"; echo go test -race $$packages; CGO_ENABLED=1 go test -race -timeout $(TIMEOUT) $$packages

fuzz-short: ## run each fuzz test for FUZZTIME (10s)
	@{ git ls-files -co --exclude-standard '*_test.go' | xargs -r grep -oHE '^func Fuzz[A-Za-z0-9_]*' || true; } | sed 's,:func , ,' | sort | \
		while read -r file name; do \
			echo "== $$name in $$(dirname $$file)"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) </dev/null; \
		done

# Nothing but what go test prints may reach stdout. The timeout is that of one package.
bench: ## run the Go benchmarks (5 min), for benchstat: BENCH=regexp, SKIP=regexp, COUNT=1, BENCHTIME=1s
	@packages=$$({ git ls-files -co --exclude-standard '*_test.go' | xargs -r grep -l '^func Benchmark' || true; } | xargs -rn1 dirname | sort -u | sed 's,^,./,'); \
		if [ -n "$$packages" ]; then go test -run '^$$' -bench '$(BENCH)' -skip '$(SKIP)' -benchmem -count $(COUNT) -benchtime $(BENCHTIME) -timeout $(COUNT)h $$packages; fi

bench-peers: ## compare weir with its peers on real Kafka, hours; BENCH_FLAGS="-quick" tries it out in minutes, "-help" lists flags
	go run ./bench $(BENCH_FLAGS)

kafka-up: ## start Apache Kafka on 127.0.0.1:9092 (needs Java 17 and Maven); KAFKA_PORT, KAFKA_BROKERS=3
	@deploy/kafka/kafka.sh up

kafka-down: ## stop the Kafka that kafka-up started, and only that
	@deploy/kafka/kafka.sh down

mutants: ## take each rule of the protocol out of the code and see a test fail (some minutes)
	go test -count=1 -v -timeout 40m -tags mutants ./internal/mutants

sim: ## simulate worlds of brokers, devices and faults: SEED=n for one, SEEDS=n for so many (1000)
	@if [ -z "$${SEED:-}" ]; then export SEEDS=$${SEEDS:-1000}; fi; \
		go test -count=1 -timeout 60m -v -run 'TestSimulation$$' ./internal/simulation