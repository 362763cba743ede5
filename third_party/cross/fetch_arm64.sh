#!/bin/sh
# fetch_arm64.sh DIRECTORY: what is linked in for arm64, from Debian's packages for it, which are unpacked there: 6 MB
# are fetched. It is there whole or not at all. bazelw runs this when something for arm64 is asked for.
set -eu

die() {
  printf 'fetch_arm64.sh: %s\n' "$*" >&2
  exit 1
}

[ $# = 1 ] || die 'DIRECTORY is missing'
[ ! -e "$1" ] || exit 0
. "$(dirname "$0")/../debian.sh"
mkdir -p "$(dirname "$1")"
cache=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$cache"' EXIT
lists deb arm64
cd "$cache"
apt download libb2-dev:arm64 libdeflate-dev:arm64 libpcre2-dev:arm64 libsqlite3-dev:arm64 libssl-dev:arm64 libxxhash-dev:arm64
for package in *.deb; do
  dpkg -x "$package" root
done
# Another may have been faster.
mv -T root "$1" 2>/dev/null || [ -e "$1" ]
