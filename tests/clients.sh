#!/usr/bin/env bash
# Fetches the real clients that the tests use, once, into a cache outside the clone:
#
#   restic-debian            the restic that this Debian has (0.14 in bookworm)
#   restic-0.19.1            restic 0.19.1, built with Go
#   rustic-root/bin/rustic   rustic 0.11.4, built with cargo
#   rest-0.19.1.test         restic's own tests of its REST backend (only with --conformance)
#
# Arguments name what to fetch: debian, restic, rustic, --conformance; without arguments the
# first three. Each stands for itself: one that can't be had is reported with its reason, and
# the tests that need it are skipped. So this never fails.
set -uo pipefail

RESTIC=0.19.1
RUSTIC=0.11.4
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/restic-123pan/clients"
# A fetch that takes longer is given up, so that a dead network can't hold the tests up.
LIMIT=1800

mkdir -p "$CACHE" || exit 0
WORK=$(mktemp -d "$CACHE/.work.XXXXXX") || exit 0
trap 'chmod -R u+w "$WORK" 2>/dev/null; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

# Two runs at once would build the same things twice.
exec 9>"$CACHE/.lock"
if command -v flock >/dev/null && ! flock -n 9; then
    echo "clients: another run is fetching them, waiting"
    flock 9
fi

say() { echo "clients: $*"; }

# Shows that a long build moves, without its every line; keeps all of them in a log.
progress() { tee -a "$WORK/log" | awk 'NR % 25 == 0 { print "clients:     " $0; fflush() }'; }

# get NAME FILE FUNCTION: runs FUNCTION, which leaves its work in $WORK/FILE, and moves that into
# place in one step.
get() {
    local name=$1 file=$2 build=$3 first=${2%%/*}
    if [ -e "$CACHE/$file" ]; then
        say "$name: here already"
        return
    fi
    say "$name: fetching"
    : >"$WORK/log"
    if "$build" 2>&1 | progress && [ -e "$WORK/$file" ]; then
        rm -rf "${CACHE:?}/$first"
        mv "$WORK/$first" "$CACHE/$first" && say "$name: ready"
    else
        say "$name: NOT AVAILABLE, its tests will be skipped; the reason:"
        grep -v '^ *$' "$WORK/log" | tail -n 3 | sed 's/^/clients:     /'
    fi
}

debian_restic() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        echo "this system has no apt-get"
        return 1
    fi
    if ! apt-cache show restic >/dev/null 2>&1; then
        [ "$(id -u)" = 0 ] || {
            echo "apt's lists are empty, and only root may fetch them: apt-get update"
            return 1
        }
        timeout $LIMIT apt-get -q update || return 1
    fi
    (cd "$WORK" && timeout $LIMIT apt-get -q download restic) || return 1
    dpkg-deb -x "$WORK"/restic_*.deb "$WORK/deb" && mv "$WORK/deb/usr/bin/restic" "$WORK/restic-debian"
}

# Prints the folder of restic's sources, or says why there is none.
restic_sources() {
    local go=$1 json
    json=$(cd / && timeout $LIMIT "$go" mod download -json "github.com/restic/restic@v$RESTIC") || {
        echo "$json" | sed -n 's/.*"Error": "\(.*\)".*/\1/p' >&2
        return 1
    }
    echo "$json" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p'
}

find_go() {
    local go
    for go in go /usr/local/go/bin/go /usr/lib/go/bin/go; do
        command -v "$go" && return
    done
    echo "no Go compiler found" >&2
    return 1
}

# with_go PART OUTPUT ARGUMENTS...: runs Go with the arguments in restic's sources. Only a Go that
# is here counts: GOTOOLCHAIN=local keeps it from fetching a newer one.
with_go() {
    local go dir
    export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=readonly
    go=$(find_go) && dir=$(restic_sources "$go") || return 1
    cd "$dir" && timeout $LIMIT "$go" "$@"
}

new_restic() (with_go build -o "$WORK/restic-$RESTIC" ./cmd/restic)

conformance() (with_go test -c -o "$WORK/rest-$RESTIC.test" ./internal/backend/rest)

rustic() {
    command -v cargo >/dev/null || {
        echo "no cargo found"
        return 1
    }
    echo "building takes several minutes"
    env -u RUSTFLAGS timeout $LIMIT cargo install rustic-rs --version "$RUSTIC" --locked \
        --no-default-features --root "$WORK/rustic-root" --target-dir "$WORK/target"
}

[ $# -gt 0 ] || set -- debian restic rustic
for part in "$@"; do
    case $part in
    debian) get "Debian's restic" restic-debian debian_restic ;;
    restic) get "restic $RESTIC" "restic-$RESTIC" new_restic ;;
    rustic) get "rustic $RUSTIC" rustic-root/bin/rustic rustic ;;
    --conformance) get "restic's backend tests" "rest-$RESTIC.test" conformance ;;
    *) say "there is no client called $part" ;;
    esac
done
