# Sourced by make.sh: images of the static programs, as the Open Container Initiative has them,
# made by tar and sha256sum alone, without a network and without Docker. What an image holds and
# how it runs, the program's own Containerfile says.
# shellcheck shell=bash
# shellcheck disable=SC2154
#
#   restic-123pan-VERSION-ARCH.image.tar  one machine's: docker load, podman load
#   restic-123pan-VERSION.oci.tar         all of them: skopeo copy oci-archive:FILE docker://…

# The user in the images; the Containerfile has the same.
NOBODY=65532
# Where all images' parts gather, and their descriptors.
BLOBS=$dir/image/blobs/sha256
IMAGES=
mkdir -p "$BLOBS"

stamp=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

# blob TYPE: keeps standard input under its own hash; answers its descriptor.
blob() {
    local part hash
    part=$(mktemp "$dir/blob.XXXXXX")
    cat >"$part"
    hash=$(sha256sum <"$part" | cut -d' ' -f1)
    chmod 644 "$part"
    mv "$part" "$BLOBS/$hash"
    printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' \
        "$1" "$hash" "$(stat -c %s "$BLOBS/$hash")"
}

# digest DESCRIPTOR: the hash in it.
digest() {
    local rest=${1#*sha256:}
    echo "${rest%%\"*}"
}

# plain FOLDER NAME...: an archive as `archive` makes them, not compressed.
plain() { archive "$@" | gzip -dc; }

# layer BINARY: what the image holds: the program, and a folder for its state.
layer() {
    local root
    root=$(mktemp -d "$dir/layer.XXXXXX")
    put 755 "$root/restic-123pan" <"$1"
    mkdir -m 700 "$root/state"
    plain "$root" restic-123pan >"$dir/layer.tar"
    tar -C "$root" --mtime="@$SOURCE_DATE_EPOCH" --owner=$NOBODY --group=$NOBODY --numeric-owner \
        --format=gnu -rf "$dir/layer.tar" state
}

# list WORD...: strings in JSON; what they hold needs no escapes.
list() {
    local word all=
    for word; do all+=",\"$word\""; done
    printf '[%s]' "${all#,}"
}

# nanoseconds OPTION WORD...: an option of HEALTHCHECK's, in its seconds.
nanoseconds() {
    local word name=$1
    shift
    for word; do [[ $word != "--$name="* ]] || echo "$((${word//[!0-9]/} * 1000000000))"; done
}

# settings: how the image runs, in JSON, from the instructions in the Containerfile.
settings() {
    local word rest words all="\"Labels\":{\"org.opencontainers.image.version\":\"$version\"}"
    while read -r word rest; do
        read -ra words <<<"$rest"
        case $word in
            ENV) all+=",\"Env\":$(list "${words[@]}")" ;;
            USER) all+=",\"User\":\"$rest\"" ;;
            VOLUME) all+=",\"Volumes\":{\"$rest\":{}}" ;;
            EXPOSE) all+=",\"ExposedPorts\":{\"$rest/tcp\":{}}" ;;
            STOPSIGNAL) all+=",\"StopSignal\":\"$rest\"" ;;
            ENTRYPOINT) all+=",\"Entrypoint\":$rest" ;;
            CMD) all+=",\"Cmd\":$rest" ;;
            HEALTHCHECK)
                all+=",\"Healthcheck\":{\"Test\":[\"CMD\",${rest#*CMD [}"
                all+=",\"Interval\":$(nanoseconds interval "${words[@]}")"
                all+=",\"Timeout\":$(nanoseconds timeout "${words[@]}")"
                all+=",\"StartPeriod\":$(nanoseconds start-period "${words[@]}")}"
                ;;
            FROM | COPY) ;;
            *) fail "image: what is $word in the Containerfile?" ;;
        esac
    done < <("$printer" service container --program /restic-123pan |
        sed -e '/^#/d' -e ':a' -e '/\\$/{N;s/\\\n */ /;ba}')
    printf '{%s}' "$all"
}

# layout FOLDER DESCRIPTOR NAME: a folder's blobs become an image archive with this root.
layout() {
    echo '{"imageLayoutVersion":"1.0.0"}' | put 644 "$1/oci-layout"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{%s,"annotations":{"org.opencontainers.image.ref.name":"%s","io.containerd.image.name":"docker.io/library/restic-123pan:%s"}}]}' \
        "$2" "$version" "$version" | put 644 "$1/index.json"
    # shellcheck disable=SC2046
    plain "$1" $(ls "$1") >"$out/$3"
}

# image NAME BINARY: the image of a device, and its archive.
image() {
    local oci arch variant platform diff layer config manifest root part hash
    oci=$(field "$1" oci)
    arch=${oci%%/*}
    variant=$(sed -n 's|.*/||p' <<<"$oci")
    platform="\"architecture\":\"$arch\",\"os\":\"linux\"${variant:+,\"variant\":\"$variant\"}"
    layer "$2"
    diff=$(sha256sum <"$dir/layer.tar" | cut -d' ' -f1)
    layer=$(gzip -9n <"$dir/layer.tar" | blob layer.v1.tar+gzip)
    config=$(printf '{"created":"%s",%s,"config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"%s","created_by":"restic-123pan %s"}]}' \
        "$stamp" "$platform" "$(settings)" "$diff" "$stamp" "$version" | blob config.v1+json)
    manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}]}' \
        "$config" "$layer" | blob manifest.v1+json)
    manifest+=",\"platform\":{$platform}"
    IMAGES+=",{$manifest}"
    root=$(mktemp -d "$dir/one.XXXXXX")
    for part in "$layer" "$config" "$manifest"; do
        hash=$(digest "$part")
        put 644 "$root/blobs/sha256/$hash" <"$BLOBS/$hash"
    done
    # What Docker before version 25 reads instead.
    printf '[{"Config":"blobs/sha256/%s","RepoTags":["restic-123pan:%s"],"Layers":["blobs/sha256/%s"]}]' \
        "$(digest "$config")" "$version" "$(digest "$layer")" | put 644 "$root/manifest.json"
    layout "$root" "$manifest" "restic-123pan-$version-${oci//\//}.image.tar"
}

# images: one archive with those of all devices.
images() {
    local index
    index=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' \
        "${IMAGES#,}" | blob index.v1+json)
    layout "$dir/image" "$index" "restic-123pan-$version.oci.tar"
}
