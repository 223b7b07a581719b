#!/usr/bin/env bash
# Shows a real restic at work through the server, over the emulator of 123pan, of Tencent SMH with
# CLOUD=smh, of WPS Kdocs with CLOUD=kdocs, or over a folder with CLOUD=local: no account needed.
# `make demo` builds what it starts. Ends with an error unless the restored files are identical.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/rig.sh

newest_restic() {
    local program
    for program in "$CLIENTS/restic-0.19.1" "$(command -v restic)" "$CLIENTS/restic-debian"; do
        if [ -n "$program" ] && [ -x "$program" ]; then
            echo "$program"
            return
        fi
    done
    return 1
}

find_restic() {
    newest_restic && return
    echo "There is no restic here; getting one." >&2
    tests/clients.sh restic >&2
    newest_restic && return
    tests/clients.sh debian >&2
    newest_restic
}

step() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

case "${CLOUD:-123pan}" in
    123pan) NAME=123pan WHAT="an emulated 123pan (with the rates of a VIP account)" ;;
    smh) NAME="Tencent SMH" WHAT="an emulated Tencent SMH (with 20 calls a second)" ;;
    kdocs) NAME=Kdocs WHAT="an emulated WPS Kdocs (with the budgets of a formal app)" ;;
    *) NAME=$CLOUD WHAT="--cloud $CLOUD" ;;
esac

# Says what the emulator, if there is one, was asked since the last time.
declare -A BEFORE=()
told() {
    [ -n "$API" ] || return 0
    local name count all='' sum=0
    while read -r name count; do
        local more=$((count - ${BEFORE[$name]:-0}))
        BEFORE[$name]=$count
        [ "$more" = 0 ] || all="$all, $more $name"
        sum=$((sum + more))
    done < <(counters | grep -o '"[a-z0-9_]*":{"calls":[0-9]*' | tr -d '"{' | sed 's/:calls:/ /')
    echo "   -> $sum calls to $NAME${all:+: ${all#, }}"
}

# About 300 files and 60 MB, half of them random, the names in two scripts.
grow() {
    local folder n
    for folder in "$1" "$1/my documents" "$1/照片/二〇二六年 十一月" "$1/src/deep/deeper"; do
        mkdir -p "$folder"
        for n in $(seq 1 62); do
            head -c $((n * 331)) /dev/urandom >"$folder/note $n.txt"
        done
        for n in $(seq 1 12); do
            head -c 1200000 /dev/urandom >"$folder/照片 $n.jpg"
        done
        seq -f 'line %.0f of many that look alike' 20000 >"$folder/日志.log"
    done
    : >"$1/empty file"
    ln -s "empty file" "$1/a link"
}

change() {
    head -c 3000000 /dev/urandom >"$1/新的 new.bin"
    echo "one more line" >>"$1/my documents/日志.log"
    rm "$1/note 1.txt"
    mv "$1/src/deep" "$1/src/moved"
}

restic=$(find_restic) || {
    echo "No restic could be found or fetched; see the lines above."
    exit 1
}
step "1. Starting $WHAT and the server"
start_rig vip
export RESTIC_REPOSITORY="rest:http://127.0.0.1:$PORT/laptop/" RESTIC_PASSWORD=demo
export RESTIC_CACHE_DIR="$DIR/cache"
echo "   cloud:  $NAME, ${API:-the folder $DIR/disk} (gone afterwards)"
echo "   server: http://127.0.0.1:$PORT"
echo "   client: $("$restic" version)"

files="$DIR/files"
grow "$files"
echo "   files:  $(find "$files" -type f | wc -l) files, $(du -sh "$files" | cut -f1)"

step "2. restic init: a new repository in the folder /laptop"
"$restic" init
told
step "3. restic backup: everything goes up, encrypted"
"$restic" backup "$files"
told
step "4. restic backup again, after one file was added, one changed, one removed, some moved"
change "$files"
"$restic" backup "$files"
told
step "5. restic snapshots: both backups are there"
"$restic" snapshots
told
step "6. restic check --read-data: every byte is read back and verified"
"$restic" check --read-data
told
step "7. restic restore: the newest snapshot goes into an empty folder"
"$restic" restore latest --target "$DIR/restored"
told

step "8. Comparing the restored files with the originals, byte for byte"
if ! diff -r --no-dereference "$files" "$DIR/restored$files"; then
    echo "   DIFFERENT: the restored tree is not what was backed up."
    exit 1
fi
if grep -E '^.{0,40}(WARN|ERROR)' "$DIR/log" | grep -v 'recycle bin'; then
    echo "   (these lines in the server's log were not expected)"
fi
echo "   IDENTICAL: all $(find "$DIR/restored$files" -type f | wc -l) restored files equal their originals."
