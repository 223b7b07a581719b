#!/usr/bin/env bash
# Runs each fuzz target for a minute, or for FUZZ_SECONDS, or one of them: run.sh [TARGET]. What
# it learns stays in tests/fuzz/corpus, what fails in tests/fuzz/artifacts; neither is tracked.
# Nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-60}
# Megabytes: a target that holds on to what it reads fails.
memory=${FUZZ_MEMORY:-1024}
built=$(realpath -m "${CARGO_TARGET_DIR:-target}/fuzz")

missing() {
    echo "fuzzing needs $1, which isn't here; it can be had with: $2" >&2
    exit 1
}
cargo +nightly --version >/dev/null 2>&1 ||
    missing 'a nightly toolchain' 'rustup toolchain install nightly'
cargo fuzz --version >/dev/null 2>&1 || missing 'cargo-fuzz' 'cargo install --locked cargo-fuzz'
command -v c++ >/dev/null || missing 'a C++ compiler, for libFuzzer' 'apt-get install g++'

if [ $# -gt 0 ]; then
    targets=("$@")
else
    targets=(tests/fuzz/targets/*.rs)
fi
for target in "${targets[@]}"; do
    target=$(basename "$target" .rs)
    echo "== $target, $seconds s"
    mkdir -p "tests/fuzz/corpus/$target"
    CARGO_TARGET_DIR=$built cargo +nightly fuzz run --fuzz-dir tests/fuzz "$target" \
        "tests/fuzz/corpus/$target" "tests/fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb="$memory" -timeout=10 -max_len=8192
done
