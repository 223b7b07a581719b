#!/usr/bin/env bash
# Runs restic's own tests of its REST backend, as built by clients.sh, against the server over the
# emulator, or over a folder with CLOUD=local. `make conformance` builds what it starts.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/rig.sh

tests/clients.sh --conformance
suite=$CLIENTS/rest-0.19.1.test
if [ ! -x "$suite" ]; then
    echo "conformance: SKIPPED, restic's tests could not be built"
    exit 0
fi
start_rig off
export RESTIC_TEST_REST_REPOSITORY="rest:http://127.0.0.1:$PORT/conformance/"
# Its tests leave their files where they are started.
cd "$DIR"
if "$suite" -test.v -test.timeout 10m -test.run '^TestBackendRESTExternalServer$' >output 2>&1 &&
    grep -q "^--- PASS" output; then
    grep -E '^ *--- ' output
    echo "conformance: PASS"
else
    cat output
    echo "conformance: FAIL"
    exit 1
fi
