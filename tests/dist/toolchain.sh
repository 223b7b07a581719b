# Sourced by build.sh: finds a Rust compiler with the sources of its standard library, and a C
# compiler and linker for every device, which is zig. Two ways to the first:
#
#   own      the Rust that is here, with rustup's component rust-src or the distribution's
#   debian   Debian's rustc-web, cargo-web and rust-web-src, unpacked below ~/.cache
#
# The standard library is built along, without what turns addresses into names: a stripped program
# has no names, and that code takes 200 KB. It also makes devices possible for which nobody offers
# a built one (MIPS). Cargo calls this unstable, hence RUSTC_BOOTSTRAP in build.sh.
# shellcheck shell=bash

# Versions of the tools, so that two builds give the same bytes.
ZIG=0.17.1
ZIGBUILD=0.24.0

has_sources() { [ -e "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/std/Cargo.toml" ]; }

own_rust() {
    if ! has cargo rustc; then
        say "there is no Rust on the PATH"
        return 1
    fi
    has_sources rustc && return
    if ! has rustup; then
        say "this Rust has no sources of its standard library, and there is no rustup to get them"
        return 1
    fi
    say "rustup component add rust-src"
    rustup component add rust-src && has_sources rustc
}

debian_rust() {
    local root=$CACHE/debian
    if ! [ -x "$root/usr/bin/rustc" ]; then
        unpack rustc-web cargo-web rust-web-src || return 1
    fi
    [ -x "$root/usr/bin/rustc" ] || root=
    LD_LIBRARY_PATH=$(libraries "$root")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    RUSTC=$root/usr/bin/rustc
    CARGO=$root/usr/bin/cargo
    export LD_LIBRARY_PATH RUSTC CARGO
    unset RUSTC_WRAPPER RUSTUP_TOOLCHAIN
    has_sources "$RUSTC"
}

# libraries ROOT: the folders of shared libraries below it.
libraries() { find "$1"/usr/lib -maxdepth 1 -type d -name '*-linux-gnu*' -printf '%p:' | sed 's/:$//'; }

find_rust() {
    case ${WAY:-} in
    own) own_rust || fail "WAY=own doesn't work here" ;;
    debian) debian_rust || fail "WAY=debian doesn't work here" ;;
    '') if own_rust; then WAY=own; elif debian_rust; then WAY=debian; else no_rust; fi ;;
    *) fail "WAY is own or debian" ;;
    esac
    RUSTC=${RUSTC:-rustc}
    say "way: $WAY, $("$RUSTC" --version)"
}

no_rust() {
    fail "no Rust with its library's sources can be had. Either install rustup (https://rustup.rs) \
and run: rustup component add rust-src; or use a Debian with the packages rustc-web, cargo-web and \
rust-web-src"
}

find_zig() {
    local venv=$CACHE/zig-$ZIG
    if ! [ -x "$venv/bin/cargo-zigbuild" ]; then
        get_zig "$venv" || fail "zig can't be had; it comes from PyPI, as the lines above tried"
    fi
    PATH=$venv/bin:$PATH
    say "C compiler and linker: zig $ZIG by cargo-zigbuild $ZIGBUILD"
}

get_zig() {
    local venv=$1
    if ! has python3; then
        say "there is no python3, by which zig comes"
        return 1
    fi
    say "fetching zig and cargo-zigbuild from PyPI into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv" || {
        say "python3 lacks venv: on Debian, apt-get install python3-venv"
        return 1
    }
    if ! "$venv/bin/pip" install -q "ziglang==$ZIG" "cargo-zigbuild==$ZIGBUILD"; then
        rm -rf "$venv"
        return 1
    fi
}
