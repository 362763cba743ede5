#!/bin/bash
# In a bare Debian that has only sqlite3 and nothing of this project, apt installs the .deb and the main job runs; then
# lintian finds nothing wrong with it. Root, debootstrap, lintian and Debian's mirror are needed; a minute.
#
#     tests/dist/chroot.sh
set -euo pipefail

cd "$(dirname "$0")/../.."
. tests/dist/job.sh
for program in debootstrap lintian; do
  command -v $program >/dev/null || fail "$program is needed: apt-get install $program"
done
./bazelw build //dist:x86_64_deb
package=$(readlink -f bazel-bin/dist/libsqlite3-mod-mmap_*_amd64.deb)
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1 | tr -d ' ') || true
debootstrap --variant=minbase --include=sqlite3 bookworm "$scratch/root" "$mirror" >"$scratch/log" 2>&1 ||
  fail "debootstrap: $(tail -3 "$scratch/log")"
cp "$package" "$scratch/root/"
chroot "$scratch/root" sh -c "apt-get install -y /$(basename "$package")" >"$scratch/log" 2>&1 || fail "apt: $(cat "$scratch/log")"

# Files are opened by /proc/self/fd.
mount -t proc proc "$scratch/root/proc"
trap 'umount "$scratch/root/proc"; rm -rf "$scratch"' EXIT
# A sqlite3 shell in there, in a directory that is the job's out here.
mkdir "$scratch/root/job"
ln -s root/job "$scratch/job"
there() {
  chroot "$scratch/root" sh -c 'cd /job && exec sqlite3 "$@"' sh "$@"
}
run_job mmap0 mmapro there
chroot "$scratch/root" dpkg -P libsqlite3-mod-mmap >/dev/null
echo 'installed, used, removed'

cp "$package" "$scratch/"
said=$(lintian --allow-root --fail-on error,warning "$scratch/$(basename "$package")") || fail "$said"
[ -z "$said" ] || fail "$said"
echo 'lintian: clean'
