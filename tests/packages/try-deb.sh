#!/usr/bin/env bash
# Installs, upgrades, removes and purges a .deb with the real dpkg: try-deb.sh PACKAGE.
# It works in this machine's own root under an overlay that goes with the script, so nothing of
# the machine is touched. Ends with 77 where that can't be done; needs root and Debian.
set -euo pipefail

skip() {
    echo "SKIPPED: $*"
    exit 77
}

if [ "${2:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || skip "this isn't root"
    { command -v dpkg && [ -e /var/lib/dpkg/status ]; } >/dev/null || skip "dpkg has no place here"
    unshare -m true 2>/dev/null || skip "no mount namespace can be had"
    exec unshare -m "$0" "$1" inside
fi

fail() {
    echo "FAILED: $*"
    exit 1
}

dir=$(mktemp -d)
trap 'umount -l "$dir" 2>/dev/null; rmdir "$dir"' EXIT
mount --make-rprivate / 2>/dev/null || true
mount -t tmpfs none "$dir" || skip "tmpfs can't be mounted"
mkdir "$dir/upper" "$dir/work" "$dir/machine"
mount -t overlay none -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/machine" ||
    skip "an overlay can't be mounted"
mount -t tmpfs none "$dir/machine/run"
mount -t tmpfs none "$dir/machine/tmp"
cp "$1" "$dir/machine/run/package.deb"
within() { chroot "$dir/machine" "$@"; }
there() { [ -e "$dir/machine$1" ] || [ -L "$dir/machine$1" ]; }
[ ! -e "$dir/machine/etc/restic-123pan" ] || skip "this machine has it installed"
wants=/etc/systemd/system/multi-user.target.wants/restic-123pan.service

within dpkg -i /run/package.deb
for file in /usr/bin/restic-123pan /usr/lib/systemd/system/restic-123pan.service \
    /etc/restic-123pan/options /usr/share/man/man8/restic-123pan.8.gz; do
    there "$file" || fail "$file isn't there"
done
within restic-123pan --version
within getent passwd restic-123pan || fail "there is no user"
[ "$(within stat -c '%a %U' /etc/restic-123pan)" = '700 root' ] || fail "credentials aren't safe"
if within sh -c 'command -v systemctl' >/dev/null; then
    there "$wants" || fail "it isn't enabled"
fi

echo '# mine' >>"$dir/machine/etc/restic-123pan/options"
echo secret >"$dir/machine/etc/restic-123pan/secret"
within dpkg -i /run/package.deb
grep -q '# mine' "$dir/machine/etc/restic-123pan/options" || fail "the upgrade replaced the options"

within dpkg -r restic-123pan
there /usr/bin/restic-123pan && fail "the program is still there"
there "$wants" && fail "it is still enabled"
there /etc/restic-123pan/secret || fail "removing took the credentials along"

within dpkg -P restic-123pan
there /etc/restic-123pan && fail "purging left the credentials"
within getent passwd restic-123pan && fail "purging left the user"
left=$(within dpkg -S restic-123pan 2>/dev/null) && fail "dpkg still knows $left"
echo "installed, upgraded, removed and purged"
