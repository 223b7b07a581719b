# Sourced by demo.sh, conformance.sh and dist/: starts a cloud and the server on free ports in a
# temporary folder, and ends both whatever happens. Sets DIR, API (empty if no emulator) and PORT.
# shellcheck shell=bash

TARGET=${TARGET:-target}
# shellcheck disable=SC2034
CLIENTS="${XDG_CACHE_HOME:-$HOME/.cache}/restic-123pan/clients"
DIR=$(mktemp -d "${TMPDIR:-/tmp}/restic-123pan.XXXXXX")
RUNNING=()
# What is started as the server; another program, with its emulator before it, may be put here.
SERVER=("$TARGET/release/restic-123pan")

finish() {
    local status=$?
    trap - EXIT INT TERM
    if [ "$status" != 0 ] && [ "$status" != 130 ] && [ -e "$DIR/log" ]; then
        echo "This ended with an error; the end of the server's log:"
        tail -n 20 "$DIR/log"
    fi
    for pid in "${RUNNING[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    rm -rf "$DIR"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# wait_for FILE PATTERN: prints the first part of a file that fits the pattern, once it is there.
wait_for() {
    local found i
    for ((i = 0; i < 200; i++)); do
        found=$(grep -o -m 1 -E "$2" "$1" 2>/dev/null) && echo "$found" && return
        sleep 0.05
    done
    echo "waited in vain for $2 in $1:" >&2
    cat "$1" >&2
    return 1
}

# start_rig TIER: the cloud that CLOUD names, with 123pan's rates of that tier (off: none), and the
# server over it.
start_rig() {
    local account=()
    # Groups of their own, so that a Ctrl-C doesn't reach them before restic has removed its lock.
    set -m
    case "${CLOUD:-123pan}" in
        123pan) start_123pan "$1" ;;
        smh) start_smh "$1" ;;
        kdocs) start_kdocs ;;
        local) start_local ;;
        *) echo "CLOUD=$CLOUD: there are 123pan, smh, kdocs and local" && return 1 ;;
    esac
    RUST_LOG=info "${SERVER[@]}" --listen 127.0.0.1:0 "${account[@]}" \
        --state-dir "$DIR/state" 2>"$DIR/log" &
    RUNNING+=($!)
    set +m
    PORT=$(wait_for "$DIR/log" 'listening on 127\.0\.0\.1:[0-9]+')
    PORT=${PORT##*:}
}

# start_123pan TIER: the emulator; sets API, and `account` to what the server is told.
start_123pan() {
    local tier=$1
    "$TARGET/release/examples/fake123pan" --listen 127.0.0.1:0 --tier "$tier" >"$DIR/fake" 2>&1 &
    RUNNING+=($!)
    API=$(wait_for "$DIR/fake" 'http://127\.0\.0\.1:[0-9]+')
    [ "$tier" != off ] || tier=vip
    export PAN123_CLIENT_ID=demo PAN123_CLIENT_SECRET=demo
    account=(--api-url "$API" --tier "$tier" --allow-http-upload)
}

# start_smh TIER: the emulator of Tencent SMH, with 20 calls a second for any tier but off; likewise.
start_smh() {
    local library=smhdemo0123456789 rate=(--rate 20)
    [ "$1" != off ] || rate=()
    "$TARGET/release/examples/fake123pan" --cloud smh --listen 127.0.0.1:0 --library "$library" \
        "${rate[@]}" >"$DIR/fake" 2>&1 &
    RUNNING+=($!)
    API=$(wait_for "$DIR/fake" 'http://127\.0\.0\.1:[0-9]+')
    export PAN123_SMH_LIBRARY_SECRET=demo
    account=(--cloud smh --smh-host "$API" --smh-library "$library" --smh-space - --allow-http-upload)
}

# start_kdocs: the emulator of WPS Kdocs with the budgets of a formal app, tried out; likewise.
start_kdocs() {
    local grant
    "$TARGET/release/examples/fake123pan" --cloud kdocs --listen 127.0.0.1:0 --app formal \
        >"$DIR/fake" 2>&1 &
    RUNNING+=($!)
    API=$(wait_for "$DIR/fake" 'http://127\.0\.0\.1:[0-9]+')
    grant=$(wait_for "$DIR/fake" 'refresh-token [A-Z0-9]+')
    mkdir -p -m 700 "$DIR/state"
    (umask 077 && echo "${grant#* }" >"$DIR/state/kdocs-token.json")
    export PAN123_KDOCS_APP_KEY=demo
    account=(--cloud kdocs --kdocs-host "$API" --kdocs-app-id AKdemo --kdocs-app formal)
    "${SERVER[@]}" doctor --probe "${account[@]}" --state-dir "$DIR/state"
}

# A folder, which is all that there is: no emulator, no account.
start_local() {
    API=''
    mkdir "$DIR/disk"
    account=(--cloud local --local-dir "$DIR/disk")
}

# The emulator's counters, as JSON. No curl: a new machine may have none.
counters() {
    local host=${API#http://}
    exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
    printf 'GET /__fake/calls HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$host" >&3
    sed '1,/^\r*$/d' <&3
    exec 3>&-
}
