# What can be done here; `make` alone lists it.

PREFIX = /usr/local
DESTDIR =
CARGO = cargo
FOLDER = $(or $(CARGO_TARGET_DIR),target)
BINARY = $(FOLDER)/release/restic-123pan

.PHONY: help build demo test soak check fuzz bench conformance clients dist dist-test dist-check
.PHONY: packages install uninstall clean

help:  ## list the targets (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build:  ## build target/release/restic-123pan
	$(CARGO) build --release --locked --bin restic-123pan

demo:  ## see a real restic back up and restore, without an account; CLOUD=local, smh or kdocs
	$(CARGO) build --release --locked --bin restic-123pan --example fake123pan
	TARGET='$(FOLDER)' tests/demo.sh

# Most tests wait, for restic, for timers, for slow lines: more of them at a time than there are cores.
TEST_THREADS = $(or $(RUST_TEST_THREADS),$(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN)))))

test: clients  ## run all tests, with the real restic and rustic where they can be had
	RUST_TEST_THREADS=$(TEST_THREADS) $(CARGO) test --locked

soak:  ## random histories against the model for half an hour; SOAK_MINUTES=5 for less
	$(CARGO) test --locked --test it -- --exact model::soak::soak --ignored --nocapture

check:  ## formatting, lints, and the links of the documentation
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path tests/fuzz/Cargo.toml
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --lib -- -D warnings -A clippy::len-without-is-empty --cfg fuzzing
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

fuzz:  ## feed nonsense to every parser, a minute each; FUZZ_SECONDS=600, TARGET=request for one
	tests/fuzz/run.sh $(TARGET)

bench:  ## print memory, size, speed, and what everything costs in calls
	$(CARGO) build --release --locked --bin restic-123pan --example fake123pan
	$(CARGO) bench --locked --bench bench
	FOLDER='$(FOLDER)' tests/dist/sizes.sh

conformance:  ## run restic's own backend tests against the server (needs Go); CLOUD=local, smh or kdocs
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

packages: build  ## make .deb, .ipk, .apk and images of what `make dist` built; TARGET=aarch64 for one
	FOLDER='$(FOLDER)' PRINTER='$(PRINTER)' tests/packages/make.sh $(TARGET)

# What `make install` puts where, and `make uninstall` removes. PRINTER is the program as it runs
# on this machine, should BINARY be another machine's.
PRINTER = $(BINARY)
UNIT_DIR = $(PREFIX)/lib/systemd/system
SHARE = $(PREFIX)/share
INSTALLED = $(PREFIX)/bin/restic-123pan \
	$(SHARE)/man/man8/restic-123pan.8 \
	$(SHARE)/bash-completion/completions/restic-123pan \
	$(SHARE)/zsh/site-functions/_restic-123pan \
	$(SHARE)/fish/vendor_completions.d/restic-123pan.fish \
	$(UNIT_DIR)/restic-123pan.service

install:  ## install the built program, its manual page, completions and unit
	@test -x '$(BINARY)' || { echo 'run "make build" first'; exit 1; }
	@set -e; put() { install -D -m "$$1" /dev/stdin "$(DESTDIR)$$2"; echo "$(DESTDIR)$$2"; }; \
	set -- $(INSTALLED); \
	put 755 "$$1" <'$(BINARY)'; \
	'$(PRINTER)' manual | put 644 "$$2"; \
	'$(PRINTER)' completions bash | put 644 "$$3"; \
	'$(PRINTER)' completions zsh | put 644 "$$4"; \
	'$(PRINTER)' completions fish | put 644 "$$5"; \
	'$(PRINTER)' service systemd --program "$$1" | put 644 "$$6"
	@case "$${LC_ALL:-$${LC_MESSAGES:-$$LANG}}" in \
	    [zZ][hH]|[zZ][hH][!a-zA-Z]*) next='下一步：'; files='，把 client id 和 client secret 分别放入其中的文件 id 和 secret' ;; \
	    *) next='Next:'; files=', and put the client id and secret into the files id and secret there' ;; \
	esac; \
	printf '%s\n' "$$next" "1. sudo install -d -m 700 /etc/restic-123pan$$files" \
	    '2. sudo systemctl daemon-reload && sudo systemctl enable --now restic-123pan' \
	    '3. sudo restic-123pan doctor' \
	    '4. restic -r rest:http://127.0.0.1:8000/laptop/ init'

uninstall:  ## remove exactly these
	rm -f $(foreach file,$(INSTALLED),'$(DESTDIR)$(file)')

clean:  ## remove everything that was built here
	$(CARGO) clean
