#!/bin/bash
# deb.sh PACKAGE: dpkg installs it into an empty root, where nothing is but what it says it depends on; the shell
# loads it from there by its name, and the main job runs. Then dpkg removes it, and nothing is left.
set -eu
. tests/dist/job.sh

export PATH=$PATH:/usr/sbin:/sbin # dpkg looks for what is there
package=$(readlink -f "$1")
root=$scratch/root
mkdir -p "$root"/var/lib/dpkg/{info,updates}
printf 'Package: libc6\nStatus: install ok installed\nVersion: 2.17\nArchitecture: amd64\nMulti-Arch: same\nMaintainer: x\nDescription: x\n' \
  >"$root/var/lib/dpkg/status"

# Files are root's: whoever is not unpacks only.
if [ "$(id -u)" = 0 ]; then
  dpkg --root="$root" --force-script-chrootless --log=/dev/null -i "$package" >"$scratch/log" 2>&1 || fail "dpkg: $(cat "$scratch/log")"
  [ -z "$(dpkg --root="$root" --verify libsqlite3-mod-mmap)" ] || fail 'files are not those of md5sums'
else
  dpkg-deb -x "$package" "$root"
fi
directory=$root/usr/lib/$(gcc -print-multiarch)
export LD_LIBRARY_PATH=$directory
run_job mmap0 mmapro sqlite3
unset LD_LIBRARY_PATH
zcat "$root/usr/share/man/man3/mmap0.3.gz" | grep -q '^\.TH MMAP0 3' || fail 'no manual page'
if [ "$(id -u)" = 0 ]; then
  dpkg --root="$root" --force-script-chrootless --log=/dev/null -P libsqlite3-mod-mmap >"$scratch/log" 2>&1 || fail "dpkg: $(cat "$scratch/log")"
  [ -z "$(find "$root/usr" -type f)" ] || fail 'dpkg leaves files'
fi
