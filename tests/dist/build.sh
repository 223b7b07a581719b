#!/usr/bin/env bash
# Builds the static programs and their archives; the arguments name devices of the table in
# tests/dist/targets, without any all are built. `make dist` starts this.
#
#   FOLDER          cargo's target folder (target); the results lie in its folder dist
#   WAY             own or debian, see toolchain.sh; by default whichever works
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/dist/lib.sh
. tests/dist/toolchain.sh

# flags NAME: for rustc, each on a line. No path of this machine may get into a program.
flags() {
    local more sources
    sources=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust
    # zig brings musl. Static programs lie at a fixed address, and on MIPS they crash otherwise.
    printf '%s\n' -C link-self-contained=no -C relocation-model=static
    printf -- '--remap-path-prefix=%s\n' "$PWD=/restic-123pan" "$BUILD=/build" \
        "$sources=/rust" "$(cd -P "$sources" && pwd)=/rust"
    for more in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        printf -- '--remap-path-prefix=%s=/crates\n' "$more"
    done
    # A twelfth of the size: what a panic says without its line, which a stripped program's user
    # can't look up; frame pointers, with which the tables for unwinding say less; no such tables
    # for what can't panic; and derived Debug, also Option's, says no more than a variant's name,
    # so what users read is Display.
    printf '%s\n' -Z location-detail=none -C force-frame-pointers=yes -C force-unwind-tables=no \
        -Z fmt-debug=shallow
    for more in $(field "$1" flags | tr , ' '); do
        printf '%s\n' -C "$more"
    done
}

# build NAME: compiles for one device.
build() {
    local triple
    triple=$(field "$1" triple)
    say "$1: building for $triple"
    CC_SHELL_ESCAPED_FLAGS=1 \
        CFLAGS="-fno-asynchronous-unwind-tables -include '$PWD/tests/dist/small.h'" \
        CARGO_ENCODED_RUSTFLAGS=$(flags "$1" | paste -sd $'\037') RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_DIR=$BUILD SOURCE_DATE_EPOCH=$EPOCH \
        cargo-zigbuild zigbuild --release --locked --bin restic-123pan --target "$triple" \
        -Z build-std=std,panic_unwind -Z build-std-features=panic-unwind,optimize_for_size || return
    install -D -m 755 "$BUILD/$triple/release/restic-123pan" "$(program "$1")"
}

# speaker: prints a program that runs on this machine and can be asked for service files.
speaker() {
    local candidate
    for candidate in "$(program "$1")" "$(program x86_64)" "$FOLDER/release/restic-123pan"; do
        if "$candidate" --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# services NAME FOLDER: the service files, as the program itself prints them.
services() {
    local speaker kind
    speaker=$(speaker "$1") || return 0
    for kind in systemd options openwrt openwrt-config openrc launchd container; do
        if "$speaker" service "$kind" --program /usr/local/bin/restic-123pan \
            >"$2/$kind" 2>/dev/null; then
            mkdir -p "$2/service"
            mv "$2/$kind" "$2/service/$kind"
        fi
        rm -f "$2/$kind"
    done
}

# pack NAME: the archive; nothing in it depends on when or where it was made.
pack() {
    local name stage
    name=restic-123pan-$(version)-$1
    stage=$DIST/.stage/$name
    rm -rf "$stage" && mkdir -p "$stage"
    install -m 755 "$(program "$1")" "$stage/"
    install -m 644 README.md LICENSE "$stage/"
    services "$1" "$stage"
    chmod -R u=rwX,go=rX "$stage"
    tar -C "$DIST/.stage" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
        --mtime="@$EPOCH" -cf - "$name" | gzip -n9 >"$DIST/$name.tar.gz"
    rm -rf "$DIST/.stage"
}

sums() { (cd "$DIST" && LC_ALL=C sha256sum -- *.tar.gz >SHA256SUMS); }

# The time of the last commit stands in the archives; outside a checkout 1980 does.
EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}
wanted=$(chosen "$@")
find_rust
find_zig
# Of each compiler its own, so that they don't undo each other's work.
BUILD=$FOLDER/static/$WAY
# Before the build, as the flags name the folders that this makes.
"${CARGO:-cargo}" fetch --locked -q
failed=()
for name in $wanted; do
    if build "$name" && pack "$name"; then
        say "$name: $(stat -c %s "$(program "$name")") bytes"
    else
        failed+=("$name")
    fi
done
sums
say "archives and SHA256SUMS are in $DIST"
[ ${#failed[@]} = 0 ] || fail "these could not be built: ${failed[*]}"
