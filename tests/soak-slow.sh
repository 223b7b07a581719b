#!/bin/sh
# A backup, a check of all data and a restore over a slow line to the cloud, and by a slow client:
# seconds, repetitions, what was sent twice. Takes half an hour, and isn't part of `make test`.
#
#   tests/soak-slow.sh [BYTES A SECOND TO THE CLOUD] [MIB] [KIB OF THE SLOW CLIENT'S]
#
# The line is the emulator's; 64000 is 512 kbit/s. restic itself goes slowly in the second half, each
# of whose three steps takes a tenth of a second a KiB. 64000 4 1536 takes nine minutes.
set -eu

rate=${1:-64000}
size=${2:-40}
small=${3:-4096}
target=${TARGET:-target}
restic=${RESTIC:-${XDG_CACHE_HOME:-$HOME/.cache}/restic-123pan/clients/restic-0.19.1}
port=12480
dir=$(mktemp -d)
started=
trap 'for pid in $started; do kill "$pid" 2>/dev/null || :; done; rm -rf "$dir"' EXIT INT TERM

export RESTIC_PASSWORD=secret RESTIC_CACHE_DIR="$dir/cache"
export PAN123_CLIENT_ID=demo PAN123_CLIENT_SECRET=demo PAN123_STATE_DIR="$dir/state"

# serve UPLINK: an emulator with such a line, and a server over it.
serve() {
	"$target/release/examples/fake123pan" --listen 127.0.0.1:$port --uplink "$1" >"$dir/cloud.log" &
	started="$started $!"
	sleep 1
	"$target/release/restic-123pan" --listen 127.0.0.1:$((port + 10)) --tier vip --allow-http-upload \
		--api-url http://127.0.0.1:$port 2>>"$dir/log" &
	started="$started $!"
	sleep 1
	export RESTIC_REPOSITORY="rest:http://127.0.0.1:$((port + 10))/"
	port=$((port + 20))
}

# step NAME WORDS: runs restic, and tells how long it took and what it repeated.
step() {
	name=$1
	shift
	before=$(date +%s)
	"$restic" "$@" >"$dir/out" 2>"$dir/said" || { cat "$dir/said" "$dir/log"; exit 1; }
	echo "$name: $(($(date +%s) - before)) s, $(grep -c retrying "$dir/said" || :) repetitions"
}

# sent: packs that were POSTed, and how many of them more than once; DELETEs of packs.
sent() {
	posts=$(grep -o 'POST /data/[0-9a-f]*' "$dir/log" | sort)
	twice=$(echo "$posts" | uniq -d | grep -c . || :)
	echo "$1: $(echo "$posts" | grep -c .) packs sent, $twice of them more than once;" \
		"$(grep -c 'DELETE /data/' "$dir/log" || :) DELETEs"
	: >"$dir/log"
	[ "$twice" = 0 ]
}

mkdir "$dir/files" "$dir/state"
head -c "${size}M" /dev/urandom >"$dir/files/random"

serve "$rate"
step "init" init
step "backup over $rate B/s" backup "$dir/files"
step "check --read-data" check --read-data
step "restore" restore latest --target "$dir/restored"
cmp "$dir/files/random" "$dir/restored/$dir/files/random"
sent "slow cloud"

serve 0
head -c "${small}K" "$dir/files/random" >"$dir/files/small"
rm "$dir/files/random"
step "init" init
step "backup by a client of 10 KiB/s" backup --limit-upload 10 "$dir/files"
step "check --read-data at 10 KiB/s" check --read-data --limit-download 10
step "restore at 10 KiB/s" restore latest --limit-download 10 --target "$dir/again"
cmp "$dir/files/small" "$dir/again/$dir/files/small"
sent "slow client"
