#!/usr/bin/env bash
# Prints the size of each static program that has been built, and the memory that this machine's
# own takes before the first request. The limits stand in tests/it/budget.rs. `make bench` starts
# this.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/dist/lib.sh

# idle PROGRAM: mebibytes of memory, if the program runs here.
idle() (
    "$1" --version >/dev/null 2>&1 || return 0
    state=$(mktemp -d)
    PAN123_CLIENT_ID=x PAN123_CLIENT_SECRET=x "$1" --listen 127.0.0.1:0 --state-dir "$state" \
        2>/dev/null &
    trap 'kill $!; rm -rf "$state"' EXIT
    sleep 1
    awk '$1 == "VmRSS:" { printf "%.2f", $2 / 1024 }' "/proc/$!/status"
)

printf '%-28s%12s%12s\n' "static program" "size MB" "idle MiB"
for name in $(names); do
    program=$(program "$name")
    [ -x "$program" ] || continue
    size=$(awk "BEGIN { printf \"%.2f\", $(stat -c %s "$program") / 1e6 }")
    printf '%-28s%12s%12s\n' "$name" "$size" "$(idle "$program")"
done
compgen -G "$DIST/*/restic-123pan" >/dev/null || say "none is built yet: make dist"
