#!/usr/bin/env bash
# Runs each built program, under qemu-user where it isn't this machine's own: its version, then a
# backup and a restore by a real restic over the emulated 123pan, compared byte for byte. Prints the
# table that stands in README; fails if anything did. The arguments name devices; without any all
# that are built are run.
#
# Busy includes up to 32 MiB of held uploads, the default of --memory. Under qemu both include qemu's
# own memory: its code, tables and translations. `make dist-test` starts this, having built the
# emulator of 123pan.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/dist/lib.sh

# The size of what is backed up: most of it in files of 4 MiB, so that packs fill.
LARGE=8
ROWS=()

# runner NAME: prints what runs a device's programs here, one word a line; nothing for itself.
runner() {
    local qemu cpu
    # Some processors run several.
    if "$(program "$1")" --version >/dev/null 2>&1; then return; fi
    IFS=, read -r qemu cpu < <(field "$1" qemu)
    find_qemu "$qemu" || return 1
    [ -z "$cpu" ] || printf '%s\n' -cpu "$cpu"
}

find_qemu() {
    local place
    for place in "$1-static" "$1" "$CACHE/debian/usr/bin/$1-static"; do
        command -v "$place" && return
    done
    unpack qemu-user-static && command -v "$CACHE/debian/usr/bin/$1-static"
}

find_restic() {
    local clients=$CACHE/clients program
    for program in "$clients/restic-0.19.1" "$(command -v restic)" "$clients/restic-debian"; do
        if [ -n "$program" ] && [ -x "$program" ]; then
            echo "$program"
            return
        fi
    done
    return 1
}

grow() {
    local n
    mkdir -p "$1/照片"
    for ((n = 0; n < LARGE; n++)); do head -c 4194304 /dev/urandom >"$1/照片/$n.jpg"; done
    for ((n = 0; n < 50; n++)); do head -c $((n * 777)) /dev/urandom >"$1/note $n"; done
}

# mebibytes PID LINE: what the kernel says in this line of the process's status.
mebibytes() { awk -v line="$2:" '$1 == line { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }

# cycle NAME RESTIC: everything with one program; prints its row of the table. In a shell of its
# own, as rig.sh ends what it starts at its shell's end.
cycle() (
    set -e
    name=$1 restic=$2
    TARGET=$FOLDER
    . tests/rig.sh
    prefix=$(runner "$name")
    [ -z "$prefix" ] || mapfile -t prefix <<<"$prefix"
    SERVER=(${prefix:+"${prefix[@]}"} "$(program "$name")")
    [ "$("${SERVER[@]}" --version)" = "restic-123pan $(version)" ]
    start_rig vip
    sleep 1
    server=${RUNNING[1]}
    idle=$(mebibytes "$server" VmRSS)
    grow "$DIR/files"
    export RESTIC_REPOSITORY="rest:http://127.0.0.1:$PORT/" RESTIC_PASSWORD=x
    export RESTIC_CACHE_DIR="$DIR/cache"
    for step in init "backup $DIR/files" "check --read-data" "restore latest --target $DIR/restored"; do
        # shellcheck disable=SC2086
        "$restic" -q $step >&2
    done
    diff -r "$DIR/files" "$DIR/restored$DIR/files" >&2
    if grep -E '^.{0,40}(ERROR|panicked)' "$DIR/log" >&2; then exit 1; fi
    size=$(stat -c %s "$(program "$name")")
    row "$name" "$(awk "BEGIN { printf \"%.2f\", $size / 1e6 }")" "$idle" \
        "$(mebibytes "$server" VmHWM)" ok "${prefix:+${prefix[*]##*/}}" >"$DIST/.row"
)

row() { printf '| %s | %s | %s | %s | %s | %s |\n' "$@"; }

restic=$(find_restic) || tests/clients.sh restic debian
restic=${restic:-$(find_restic)} || fail "there is no restic; the lines above say why"
say "with $("$restic" version)"
wanted=$(chosen "$@")
failed=()
for name in $wanted; do
    if ! [ -x "$(program "$name")" ]; then
        ROWS+=("$(row "$name" - - - "" "not built: make dist TARGET=$name")")
        [ $# = 0 ] || failed+=("$name")
        continue
    fi
    say "$name"
    # Not in a condition, where -e would not hold within.
    set +e
    cycle "$name" "$restic"
    status=$?
    set -e
    if [ "$status" = 0 ]; then
        ROWS+=("$(cat "$DIST/.row")")
    else
        failed+=("$name")
        ROWS+=("$(row "$name" - - - FAILED "")")
    fi
done
rm -f "$DIST/.row"
echo
row Device "Size, MB" "Idle, MiB" "Busy, MiB" restic "Run by"
echo '|---|---|---|---|---|---|'
printf '%s\n' "${ROWS[@]}"
[ ${#failed[@]} = 0 ] || fail "not as it should be: ${failed[*]}"
