# `make check` is what CI runs after .ci/tools, `make e2e` the part of it on a real control plane; everything else is cargo.
.PHONY: check compare docs e2e e2e-long fields fuzz image limits night pin quick release siege siege-server
check:
	bash .ci/check

# Before a commit: formats, lints and every test but those on a control plane.
quick:
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

# KUBERNETES names the release (`make e2e KUBERNETES=1.36.3`), the newest pinned one if it is not set.
# KUBEBUILDER_ASSETS, if set, is a folder with a control plane instead. ARGS go to the suite: `make e2e ARGS=guide`.
e2e:
	assets=$$(tests/e2e/control-plane $(KUBERNETES)) && KUBEBUILDER_ASSETS=$$assets cargo test --locked $(PROFILE) --test e2e -- $(ARGS)

# The cases of the end-to-end suite that take minutes. NEXT is a later version with a webhook and a field more, to which
# a cluster is upgraded.
NEXT = target/next
e2e-long:
	cargo build --locked --release --features next --bin partywall --target-dir $(NEXT)
	PARTYWALL_NEXT=$(abspath $(NEXT))/release/partywall $(MAKE) e2e ARGS=--ignored PROFILE=--release

# Each siege of the end-to-end suite for SIEGE seconds by 16 clients, and as long by 64; it prints the figures.
SIEGE = 300
siege:
	PARTYWALL_SIEGE_SECONDS=$(SIEGE) PARTYWALL_SIEGE_CLIENTS=16,64 $(MAKE) e2e ARGS=sieges PROFILE=--release

# Pins what a release of Kubernetes is built from: `make pin KUBERNETES=1.38.0`. CI runs the suite on all pinned ones.
pin:
	tests/e2e/control-plane --pin $(KUBERNETES)

# Records the kinds and fields of a release for tests/fields: `make fields KUBERNETES=1.38.0`. CONTRIBUTING.md goes on.
fields:
	tests/fields/record $(KUBERNETES)

# Each target for TIME seconds; fuzz/README.md says what they hold and what to do with a finding.
TIME = 1200
TARGETS = codec hosts admit
fuzz:
	for target in $(TARGETS); do \
	  mkdir -p fuzz/corpus/$$target && \
	  seeds=$$([ $$target = hosts ] || echo tests/fixtures/reviews) && \
	  cargo fuzz run --sanitizer none $$target fuzz/corpus/$$target $$seeds -- \
	    -max_total_time=$(TIME) -max_len=16384 -timeout=10 -dict=fuzz/dictionary.txt || exit 1; \
	done

# After a change that is meant to cost more, or less: what a review's instructions and allocations may be from now on.
limits:
	bash .ci/limits

# Floods the server with 10,000 connections of every kind, for SECONDS each, and measures honest clients beside them.
SECONDS = 60
siege-server:
	cargo build --locked --profile dist --features jemalloc --bin partywall
	cargo bench --locked -p partywall-benches --bench crowd -- --seconds $(SECONDS)

# Measures partywall beside Gatekeeper, on one control plane; the first time it builds both. `ARGS=--quick` only tries it.
compare:
	cargo build --locked --profile dist --features jemalloc --bin partywall
	assets=$$(tests/e2e/control-plane $(KUBERNETES)) && gatekeeper=$$(benches/compare/gatekeeper/build) && \
	  KUBEBUILDER_ASSETS=$$assets GATEKEEPER_ASSETS=$$gatekeeper \
	  cargo bench --locked -p partywall-benches --features compare --bench compare -- $(ARGS)

# What takes a night: growth, the isolation theorem over CASES random cases, and every target of the fuzzers.
CASES = 5000000
night:
	cargo bench --locked -p partywall-benches --bench scale
	PARTYWALL_ISOLATION_CASES=$(CASES) cargo test --locked --release --test isolation theorem -- --nocapture
	$(MAKE) fuzz TIME=7200

# All pages as a site with a search, in target/book. The first time it builds this release of mdBook, which takes minutes.
MDBOOK = 0.5.4
docs:
	bash docs/build $(MDBOOK)

# What a release ships for TARGET, in dist. `bash release/tools` installs what it needs; docs/RELEASE.md has the rest.
TARGET = $(shell uname -m)-unknown-linux-musl
release:
	release/build $(TARGET)
	release/try-archive $(TARGET)

# The image of the same program, in dist/image-TARGET: built twice, and tried. It may have 15 MiB.
image:
	release/build $(TARGET)
	release/try-image dist/$(TARGET)/partywall dist/image-$(TARGET) 15
