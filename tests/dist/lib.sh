# Sourced by the scripts beside it: the table of devices, where things lie, how to say things.
# shellcheck shell=bash

# Cargo's target folder, as an absolute path.
FOLDER=$(mkdir -p "${FOLDER:-target}" && cd "${FOLDER:-target}" && pwd)
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/restic-123pan"
# Archives and, in a folder for each device, programs.
DIST=$FOLDER/dist

say() { echo "dist: $*"; }

fail() {
    say "$*" >&2
    exit 1
}

# has PROGRAM...: whether all of them are here.
has() {
    local program
    for program in "$@"; do command -v "$program" >/dev/null || return; done
}

# names: every device of the table.
names() { awk '!/^#/ && NF { print $1 }' tests/dist/targets; }

# field NAME COLUMN: a device's entry in a column of the table, - being nothing.
field() {
    awk -v name="$1" -v column="$2" '
        /^# name  triple/ { for (i = 2; i <= NF; i++) at[$i] = i - 1 }
        $1 == name { text = $at[column]; if (text != "-") print text }' tests/dist/targets
}

# chosen NAME...: the devices asked for, all of them for none; fails for one that isn't there.
chosen() {
    local name all
    mapfile -t all < <(names)
    [ $# = 0 ] || all=("$@")
    for name in "${all[@]}"; do
        [ -n "$(field "$name" triple)" ] ||
            fail "there is no device called $name; there are: $(names | tr '\n' ' ')"
        echo "$name"
    done
}

# program NAME: where a device's built program lies.
program() { echo "$DIST/$1/restic-123pan"; }

version() { sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1; }

# unpack PACKAGE...: brings Debian packages, with those of their dependencies that this system
# lacks, into $CACHE/debian; nothing is installed. Fails, with a reason, where that can't be.
unpack() {
    local work status=0
    if ! has apt-get dpkg-deb; then
        say "this system has no apt-get" >&2
        return 1
    fi
    if ! apt-cache show "$@" >/dev/null 2>&1; then
        [ "$(id -u)" = 0 ] || {
            say "apt doesn't know $*: run apt-get update as root" >&2
            return 1
        }
        apt-get -q update >&2 || return 1
    fi
    mkdir -p "$CACHE" && work=$(mktemp -d "$CACHE/.unpack.XXXXXX") || return 1
    say "fetching $* from Debian, with what they need" >&2
    unpack_into "$work" "$@" >&2 || status=1
    rm -rf "$work"
    return "$status"
}

unpack_into() {
    local work=$1 all package
    shift
    # Those named here may be installed in another version or not; all others that would be new.
    all=$(apt-get -s install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    mkdir "$work/deb" "$work/tree"
    # shellcheck disable=SC2086
    (cd "$work/deb" && apt-get -q -o APT::Sandbox::User=root download $all) || return 1
    for package in "$work"/deb/*.deb; do
        dpkg-deb -x "$package" "$work/tree" || return 1
    done
    mkdir -p "$CACHE/debian" && cp -a "$work/tree/." "$CACHE/debian/"
}
