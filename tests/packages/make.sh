#!/usr/bin/env bash
# Makes the packages of the static programs that `make dist` built; the arguments name devices of
# the table in tests/dist/targets, without any all that are built are packed. `make packages`
# starts this. The same programs give the same bytes.
#
#   FOLDER   cargo's target folder (target); the results lie in its folder packages
#   PRINTER  the program as it runs on this machine, which prints service files, manual page and
#            completions ($FOLDER/release/restic-123pan)
#   CONTACT  who answers for these packages, as Name <address>
#
#   .deb  Debian, Ubuntu, Raspberry Pi OS                    (dpkg-deb)
#   .ipk  OpenWrt up to 24.10, with opkg                     (tar, gzip)
#   .apk  OpenWrt 25.12 and newer, with apk; apk's format 2  (tar, gzip, sha1sum)
#   .image.tar, .oci.tar  images for Docker and Podman: image.sh
#   luci-app-restic-123pan  its pages in OpenWrt's LuCI          (perl)
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/dist/lib.sh
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1767225600}"
umask 022

printer=${PRINTER:-$FOLDER/release/restic-123pan}
version=$(version)
contact=${CONTACT:-restic-123pan packagers <packagers@restic-123pan.example>}
about='restic REST server that keeps repositories in a 123pan account'
out=$FOLDER/packages
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# put MODE FILE: writes standard input there.
put() {
    mkdir -p "$(dirname "$2")"
    cat >"$2"
    chmod "$1" "$2"
}

# print KIND MODE FILE: a service file of the program as packages install it.
print() {
    "$printer" service "$1" --program /usr/bin/restic-123pan | put "$2" "$3"
}

# bytes FOLDER: what its files hold, whatever the file system makes of it.
bytes() {
    find "$1" -type f -printf '%s\n' | awk '{sum += $1} END {print sum}'
}

# archive FOLDER NAME...: a compressed archive that depends on nothing but its content.
archive() {
    local folder=$1
    shift
    tar -C "$folder" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 \
        --numeric-owner --format=gnu -cf - "$@" | gzip -9n
}

deb() {
    local binary=$1 arch=$2 root="$dir/deb-$2" share
    share="$root/usr/share"
    put 755 "$root/usr/bin/restic-123pan" <"$binary"
    print systemd 644 "$root/usr/lib/systemd/system/restic-123pan.service"
    print options 644 "$root/etc/restic-123pan/options"
    "$printer" manual | gzip -9n | put 644 "$share/man/man8/restic-123pan.8.gz"
    "$printer" completions bash | put 644 "$share/bash-completion/completions/restic-123pan"
    "$printer" completions zsh | put 644 "$share/zsh/vendor-completions/_restic-123pan"
    "$printer" completions fish | put 644 "$share/fish/vendor_completions.d/restic-123pan.fish"
    {
        printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
        printf 'Upstream-Name: restic-123pan\n\nFiles: *\n%s\nLicense: Expat\n' \
            "$(sed -n 's/^Copyright (c)/Copyright:/p' LICENSE)"
        sed -n '/^Permission/,$s/^$/./; /^Permission/,$s/^/ /p' LICENSE
    } | put 644 "$share/doc/restic-123pan/copyright"
    printf 'restic-123pan (%s) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' "$version" \
        'Built from the sources of this version; README.md says what it does.' "$contact" \
        "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" |
        gzip -9n | put 644 "$share/doc/restic-123pan/changelog.gz"
    put 644 "$share/lintian/overrides/restic-123pan" <tests/packages/deb/overrides
    put 644 "$share/doc/restic-123pan/README.md" <README.md
    # Credentials lie here.
    chmod 700 "$root/etc/restic-123pan"
    local script
    for script in postinst prerm postrm; do
        put 755 "$root/DEBIAN/$script" <"tests/packages/deb/$script"
    done
    echo /etc/restic-123pan/options | put 644 "$root/DEBIAN/conffiles"
    (cd "$root" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) |
        put 644 "$root/DEBIAN/md5sums"
    put 644 "$root/DEBIAN/control" <<END
Package: restic-123pan
Version: $version
Architecture: $arch
Maintainer: $contact
Installed-Size: $(($(bytes "$root") / 1024))
Section: net
Priority: optional
Depends: passwd
Suggests: restic
Description: $about
 It speaks restic's REST protocol to restic and rustic, and the cloud's own to
 the cloud. It starts when there are credentials in /etc/restic-123pan.
END
    find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb -Zxz --root-owner-group --build "$root" \
        "$out/restic-123pan_${version}_$arch.deb" >/dev/null
}

# The files of both of OpenWrt's packages.
openwrt_root() {
    local binary=$1 root=$2
    put 755 "$root/usr/bin/restic-123pan" <"$binary"
    print openwrt 755 "$root/etc/init.d/restic-123pan"
    print openwrt-config 600 "$root/etc/config/restic-123pan"
    # What stays when the firmware is replaced.
    echo /etc/restic-123pan | put 644 "$root/lib/upgrade/keep.d/restic-123pan"
}

# ipk NAME ARCH ROOT SCRIPTS [NEEDED]: the package for opkg of these files, with the scripts in a
# folder, and names of packages that it needs.
ipk() {
    local name=$1 arch=$2 root=$3 parts script
    parts=$(mktemp -d "$dir/ipk.XXXXXX")
    chmod 755 "$parts"
    put 644 "$parts/control/control" <<END
Package: $name
Version: $version-1
Architecture: $arch
Maintainer: $contact
Section: net
Priority: optional
License: MIT
Installed-Size: $(bytes "$root")
${5:+Depends: ${5// /, }
}Description: $about
END
    [ ! -f "$4/conffiles" ] || put 644 "$parts/control/conffiles" <"$4/conffiles"
    for script in postinst prerm; do
        [ ! -f "$4/$script" ] || put 755 "$parts/control/$script" <"$4/$script"
    done
    archive "$parts/control" . >"$parts/control.tar.gz"
    archive "$root" . >"$parts/data.tar.gz"
    echo 2.0 >"$parts/debian-binary"
    archive "$parts" ./debian-binary ./control.tar.gz ./data.tar.gz \
        >"$out/${name}_$version-1_$arch.ipk"
}

# segment FOLDER FILE...: a part of an .apk. Its archives follow each other as one stream, so
# only the last one has an end; each file's hash stands in a header of its own.
segment() {
    local folder=$1 name pax size
    shift
    for name in "$@"; do
        # GNU tar adds a header of our own only to those that it writes anyway: the atime's.
        pax="delete=ctime,delete=mtime,exthdr.name=%d/PaxHeaders/%f"
        pax+=",exthdr.mtime=$SOURCE_DATE_EPOCH,atime:=$SOURCE_DATE_EPOCH"
        if [ -f "$folder/$name" ]; then
            pax+=",APK-TOOLS.checksum.SHA1:=$(sha1sum <"$folder/$name" | cut -d' ' -f1)"
        fi
        tar -C "$folder" --no-recursion --mtime="@$SOURCE_DATE_EPOCH" --owner=root:0 \
            --group=root:0 --format=pax --pax-option="$pax" -b1 -cf "$dir/part" "$name"
        # Without the two empty blocks at its end.
        size=$(stat -c %s "$dir/part")
        head -c $((size - 1024)) "$dir/part"
    done
}

# apk NAME ARCH ROOT SCRIPTS [NEEDED]: likewise, for apk, which calls any architecture noarch.
apk() {
    local name=$1 arch=$2 root=$3 parts names=() scripts=()
    parts=$(mktemp -d "$dir/apk.XXXXXX")
    mapfile -t names < <(cd "$root" && find . -mindepth 1 -printf '%P\n' | sort)
    { segment "$root" "${names[@]}"; head -c 1024 /dev/zero; } | gzip -9n >"$parts/data.tar.gz"
    put 644 "$parts/.PKGINFO" <<END
pkgname = $name
pkgver = $version-r1
pkgdesc = $about
url = https://www.123pan.com/developer
builddate = $SOURCE_DATE_EPOCH
packager = $contact
size = $(bytes "$root")
arch = $arch
origin = restic-123pan
license = MIT
$(for need in ${5:-}; do echo "depend = $need"; done)
datahash = $(sha256sum <"$parts/data.tar.gz" | cut -d' ' -f1)
END
    sed -i '/^$/d' "$parts/.PKGINFO"
    put 755 "$parts/.post-install" <"$4/postinst"
    scripts=(.post-install)
    if [ -f "$4/prerm" ]; then
        put 755 "$parts/.pre-deinstall" <"$4/prerm"
        scripts+=(.pre-deinstall)
    fi
    segment "$parts" .PKGINFO "${scripts[@]}" | gzip -9n >"$parts/control.tar.gz"
    cat "$parts/control.tar.gz" "$parts/data.tar.gz" >"$out/$name-$version-r1.$arch.apk"
}

# luci: the pages in the router's own administration, for every architecture.
luci() {
    local root="$dir/luci" file mode about='LuCI: status and settings of restic-123pan'
    while read -r mode file; do
        put "$mode" "$root/$file" <"tests/packages/luci/files/$file"
    done < <(cd tests/packages/luci/files && find . -type f \( -perm -100 -printf '755 %P\n' \
        -o -printf '644 %P\n' \))
    tests/packages/luci/po2lmo tests/packages/luci/po/zh_Hans.po |
        put 644 "$root/usr/lib/lua/luci/i18n/restic-123pan.zh-cn.lmo"
    ipk luci-app-restic-123pan all "$root" tests/packages/luci/scripts 'luci-base restic-123pan'
    apk luci-app-restic-123pan noarch "$root" tests/packages/luci/scripts 'luci-base restic-123pan'
}

# pack NAME: all packages of a device.
pack() {
    local binary arch root="$dir/openwrt-$1"
    binary=$(program "$1")
    [ -z "$(field "$1" oci)" ] || image "$1" "$binary"
    arch=$(field "$1" debian)
    [ -z "$arch" ] || deb "$binary" "$arch"
    openwrt_root "$binary" "$root"
    for arch in $(field "$1" openwrt | tr , ' '); do
        ipk restic-123pan "$arch" "$root" tests/packages/openwrt
        apk restic-123pan "$arch" "$root" tests/packages/openwrt
    done
}

. tests/packages/image.sh
wanted=$(chosen "$@")
rm -rf "$out"
mkdir -p "$out"
for name in $wanted; do
    if [ -x "$(program "$name")" ]; then
        pack "$name"
        say "$name: packed"
    elif [ $# != 0 ]; then
        fail "$name isn't built; run make dist TARGET=$name first"
    fi
done
[ -n "$(ls "$out")" ] || fail "nothing is built; run make dist first"
[ -z "$IMAGES" ] || images
luci
cd "$out"
sha256sum -- * >"$dir/SHA256SUMS"
mv "$dir/SHA256SUMS" .
say "packages and SHA256SUMS are in $out"
