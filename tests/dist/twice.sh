#!/usr/bin/env bash
# Shows that builds are reproducible: builds one device's archive twice from the last commit, each
# time in a new clone in another folder and with nothing kept from before, and compares the bytes.
# The argument names the device. `make dist-check` starts this.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/dist/lib.sh

name=$(chosen "$1")
work=$(mktemp -d "$FOLDER/twice.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
git diff --quiet HEAD || say "what isn't committed is not part of this"
for clone in one another/place; do
    say "building in $clone"
    git clone -q . "$work/$clone"
    env -u CARGO_TARGET_DIR FOLDER="$work/$clone/target" "$work/$clone/tests/dist/build.sh" "$name"
done
one=("$work"/one/target/dist/*.tar.gz)
other=("$work"/another/place/target/dist/*.tar.gz)
sha256sum "${one[0]}" "${other[0]}" | sed "s|$work/||"
cmp "${one[0]}" "${other[0]}" || fail "$name: the two archives differ"
say "$name: both archives are the same"
