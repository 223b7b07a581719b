# What can be done here; `make` alone lists it.

PREFIX = /usr/local
DESTDIR =
CARGO = cargo
FOLDER = $(or $(CARGO_TARGET_DIR),target)
BINARY = $(FOLDER)/release/restic-123pan

.PHONY: help build demo test check bench conformance clients dist dist-test dist-check install
.PHONY: uninstall clean

help:  ## list the targets (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build:  ## build target/release/restic-123pan
	$(CARGO) build --release --locked --bin restic-123pan

demo:  ## see a real restic back up and restore, without an account
	$(CARGO) build --release --locked --bin restic-123pan --example fake123pan
	TARGET='$(FOLDER)' tests/demo.sh

test: clients  ## run all tests, with the real restic and rustic where they can be had
	$(CARGO) test --locked

check:  ## formatting and lints
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

bench:  ## print memory, size, speed and CPU time
	$(CARGO) build --release --locked --bin restic-123pan --example fake123pan
	$(CARGO) bench --locked --bench bench
	FOLDER='$(FOLDER)' tests/dist/sizes.sh

conformance:  ## run restic's own backend tests against the server (needs Go)
	$(CARGO) build --release --locked --bin restic-123pan --example fake123pan
	TARGET='$(FOLDER)' tests/conformance.sh

clients:  ## fetch restic and rustic for the tests, once, into ~/.cache
	tests/clients.sh

dist:  ## build static programs and archives for other devices; TARGET=aarch64 for one
	FOLDER='$(FOLDER)' tests/dist/build.sh $(TARGET)

dist-test:  ## run them under qemu: restic, memory; TARGET=aarch64 for one
	$(CARGO) build --release --locked --example fake123pan
	FOLDER='$(FOLDER)' tests/dist/run.sh $(TARGET)

dist-check:  ## build one twice, in two places, and compare the bytes; TARGET=aarch64 for another
	FOLDER='$(FOLDER)' tests/dist/twice.sh $(or $(TARGET),x86_64)

install:  ## copy the built program to $(DESTDIR)$(PREFIX)/bin
	@test -x '$(BINARY)' || { echo 'run "make build" first'; exit 1; }
	install -D -m 755 '$(BINARY)' '$(DESTDIR)$(PREFIX)/bin/restic-123pan'

uninstall:  ## remove it from there
	rm -f '$(DESTDIR)$(PREFIX)/bin/restic-123pan'

clean:  ## remove everything that was built here
	$(CARGO) clean
