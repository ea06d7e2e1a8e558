# The project's commands; `make` alone lists them.

# Every line that builds runs in this environment; see the script.
ENV := . scripts/env.sh &&
# The same with a MongoDB for the tests, and with the release build as what they test. Half of the tests wait for a disk or a
# timeout at any moment, so there are twice as many as cores.
DATABASE = $(ENV) MONGOD=$$(scripts/mongod.sh) && export MONGOD RUST_TEST_THREADS=$$((2 * $$(nproc))) &&
# What needs no release build, but for the tests within the library: some of them measure time.
RELEASED = security deploy timing fairness faults
SUITES = $(filter-out $(RELEASED),$(basename $(notdir $(wildcard tests/*.rs))) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))
# Most of their time they wait for servers that do not answer, so they run beside the others.
WAITING = doctor mail
BUSY = $(filter-out $(WAITING),$(SUITES))
RELEASE = $(DATABASE) export REGISTRY=target/release/fpm-registry &&
ATTACKS = cargo test --features ssr --test security
# One scenario after the other, each of which prints its line.
FAULTS = cargo test --features ssr --test faults -- --nocapture --test-threads=1
headline = @printf '\n== %s  %s\n' "$$(date +%T)" "$(1)"

.DEFAULT_GOAL := help
.PHONY: help build run watch test e2e lighthouse pictures security deploy openapi faults attacks measured soak bench fuzz lint unit browser fmt clean wasm curl
# Two cargos at once would only wait for each other.
.NOTPARALLEL:

help: ## list these commands
	@sed -n 's/^\([a-z0-9]*\):[^#]*## /make \1\t/p' Makefile | expand -t 17

build: wasm ## build server and client into target/release/fpm-registry
	$(call headline,Building server and client for release)
	@$(ENV) cargo xtask build --release

run: build ## build, and serve on http://127.0.0.1:9090
	$(call headline,Serving until Ctrl-C)
	@exec target/release/fpm-registry

watch: wasm ## rebuild on every change, with cargo-leptos
	@command -v cargo-leptos >/dev/null || { echo "make watch needs cargo-leptos: cargo install --locked cargo-leptos@0.3.10"; exit 1; }
	@$(ENV) LEPTOS_HASH_FILES=false cargo leptos watch

test: lint unit attacks measured deploy e2e ## run everything that CI runs
	$(call headline,All tests passed)

e2e: build browser ## run the browser tests against the release build
	$(call headline,Testing in Chromium)
	@cd end2end && npx playwright test

pictures: build browser ## take the pictures of the README
	$(call headline,Taking pictures)
	@cd end2end && npx playwright test --config pictures.config.ts

lighthouse: build browser ## score the pages with Lighthouse, for five minutes on an idle machine
	$(call headline,Scoring the pages)
	@cd end2end && npx playwright test --config lighthouse.config.ts

security: build ## attack the release server, one test a requirement of SECURITY.md
	$(call headline,Attacking the release server)
	@$(RELEASE) $(ATTACKS)
	@$(MAKE) --no-print-directory measured

deploy: build ## start the release server as it is shipped, with what deploy/ has for it
	$(call headline,Shipping the release server)
	@$(ENV) PROXIES=$$(scripts/proxies.sh) && export PROXIES REGISTRY=target/release/fpm-registry && \
		cargo test --features ssr --test deploy

openapi: build ## hold the release server to its /openapi.json with schemathesis, two minutes
	$(call headline,Holding the release server to its description)
	@REGISTRY=target/release/fpm-registry scripts/openapi.sh

faults: build ## break stores, mail server and disk under the release server, some ten minutes
	$(call headline,Breaking what the release server stands on)
	@$(RELEASE) $(FAULTS) --include-ignored --skip soak

soak: build ## the same at random for half an hour, or SOAK_SECONDS=600
	$(call headline,Soaking the release server)
	@$(RELEASE) $(FAULTS) --ignored soak

bench: build ## measure speed and memory of the release server in one table, BENCH_SECONDS=3 for each figure
	$(call headline,Measuring the release server)
	@$(RELEASE) PROXIES=$$(scripts/proxies.sh) && export PROXIES && cargo bench --quiet --features ssr --bench speed

fuzz: ## feed random input to what reads text from outside, FUZZ_SECONDS=600 for each part
	$(call headline,Fuzzing)
	@scripts/fuzz.sh

fmt: ## format the code
	@$(ENV) cargo fmt --all
	@$(ENV) rustfmt --edition 2024 fuzz/fuzz_targets/*.rs

clean: ## remove what was built here, but not the shared cache
	rm -rf target

# --all-targets leaves out the suites that the release server is tested with, `--test '*'` all else. `embed` is left out: it
# needs a built site.
lint: wasm
	$(call headline,Checking the format)
	@$(ENV) cargo fmt --all --check
	@$(ENV) rustfmt --edition 2024 --check fuzz/fuzz_targets/*.rs
	$(call headline,Clippy: server)
	@$(ENV) cargo clippy --all-targets --features ssr -- -D warnings
	@$(ENV) cargo clippy --test '*' --features ssr -- -D warnings
	$(call headline,Clippy: client)
	@$(ENV) cargo clippy --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings
	$(call headline,Clippy: xtask and breached)
	@$(ENV) cargo clippy --all-targets --package xtask --package breached -- -D warnings
	$(call headline,Dependencies)
	@scripts/deny.sh --log-level error
	$(call headline,Documentation)
	@$(ENV) RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --lib --features ssr

unit: wasm curl
	$(call headline,Compiling all tests)
	@$(ENV) cargo test --features ssr --no-run --lib --bins --examples --test '*'
	$(call headline,Testing the library and then the whole on both stores)
	@$(ENV) cargo test --features ssr --lib --bins
	@$(ENV) cargo test --features ssr --doc
	@$(DATABASE) scripts/beside.sh "cargo test --features ssr $(BUSY:%=--test %)" "cargo test --features ssr $(WAITING:%=--test %)"
	$(call headline,Testing the filter of breached passwords)
	@$(ENV) cargo test --package breached --package xtask

# Most of their time they wait, so they run at once; but for the kills, which keep the cores busy, while round trips are
# told by the time they take.
attacks: build
	$(call headline,Attacking one release server and breaking what another stands on)
	@$(RELEASE) scripts/beside.sh "$(ATTACKS) -- --skip slow_clients && $(FAULTS) trips" "$(FAULTS) --skip trips --skip kills" "$(ATTACKS) slow_clients"
	@$(RELEASE) $(FAULTS) kills

# What measures time runs alone.
measured: build
	$(call headline,Measuring what times tell an attacker and how fairly networks share)
	@$(RELEASE) cargo test --features ssr --test timing
	@$(RELEASE) cargo test --features ssr --test fairness -- --nocapture --test-threads=1

wasm:
	@scripts/wasm.sh

# What fpm publishes with.
curl:
	@command -v curl >/dev/null || scripts/apt.sh curl

browser:
	@scripts/java.sh
	@scripts/npm.sh
	@scripts/chromium.sh
