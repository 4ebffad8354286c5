CARGO ?= cargo
# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)
REALMWRIGHT ?= $(TARGET)/debug/realmwright

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables of keycloak-dev/keycloak --help can be given: make keycloak KEYCLOAK_PORT=9090"

.PHONY: build
build: ## Build target/debug/realmwright
	$(CARGO) build --locked

.PHONY: demo
demo: ## Start a real Keycloak and put a distributor's whole network on it
	$(CARGO) build --locked --quiet
	@REALMWRIGHT="$(REALMWRIGHT)" keycloak-dev/demo

.PHONY: serve
serve: ## Serve the token broker on the network of the demonstration, which `make demo` has put there
	$(CARGO) build --locked --quiet
	@REALMWRIGHT="$(REALMWRIGHT)" keycloak-dev/serve

.PHONY: test
test: ## Run every test, those against a real Keycloak included
	$(CARGO) test --locked

.PHONY: test-live
test-live: ## Run the tests against a real Keycloak only; KEYCLOAK_VERSION=26.4.7 takes another version
	$(CARGO) test --locked --test live

.PHONY: test-cluster
test-cluster: ## Kill a node of a cluster in a bulk run; beside `make test`, as that has no room for two more servers
	$(CARGO) test --locked --test live -- --ignored bulk::

.PHONY: test-fast
test-fast: ## Run the offline tests
	$(CARGO) test --locked --lib --test it

.PHONY: fuzz
fuzz: ## Hand broken licence files, tokens, sets of keys, serials and ledgers over, each for FUZZ_SECONDS=60
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) $(CARGO) test --locked --test it fuzz:: -- --test-threads=1

.PHONY: bench
bench: ## Measure: pure phases; accounts and ledger; the broker; bulk work on a real Keycloak, each beside its floor. BENCH_N="10 100"
	$(CARGO) bench --locked --bench phases
	$(CARGO) bench --locked --bench accounts
	$(CARGO) bench --locked --bench broker
	$(CARGO) bench --locked --bench bulk

.PHONY: bench-large
bench-large: ## Measure bulk work up to 5,000 realms; takes hours
	BENCH_N="$(or $(BENCH_N),10 100 1000 5000)" $(CARGO) bench --locked --bench bulk

.PHONY: lint
lint: ## Check formatting, clippy and rustdoc; warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --locked --no-deps --document-private-items

.PHONY: audit
audit: ## Check dependencies against known advisories; needs cargo-deny
	$(CARGO) deny --locked check

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt

.PHONY: docs
docs: ## Write the generated documents anew
	UPDATE_DOCS=1 $(CARGO) test --locked --test it generated

.PHONY: defaults
defaults: ## Record anew what a bare realm contains, for import
	UPDATE_DEFAULTS=1 $(CARGO) test --locked --test live the_recorded_defaults_are_current

.PHONY: keycloak
keycloak: ## Start a Keycloak, and say where it is
	@keycloak-dev/keycloak start

.PHONY: keycloak-stop
keycloak-stop: ## Stop that Keycloak; its data stay
	@keycloak-dev/keycloak stop

.PHONY: keycloak-status
keycloak-status: ## Say whether it runs, and where
	@keycloak-dev/keycloak status || true

.PHONY: keycloak-cluster
keycloak-cluster: ## Start a cluster of two Keycloak nodes on one PostgreSQL, and say where they are
	@keycloak-dev/cluster start

.PHONY: keycloak-cluster-stop
keycloak-cluster-stop: ## Stop that cluster; its data stay
	@keycloak-dev/cluster stop

.PHONY: clean
clean: ## Stop Keycloak, remove its data and everything built
	env -u KEYCLOAK_URL -u KEYCLOAK_STATE keycloak-dev/keycloak stop --purge
	env -u KEYCLOAK_URL -u KEYCLOAK_STATE keycloak-dev/cluster stop --purge
	rm -rf .keycloak
	$(CARGO) clean
