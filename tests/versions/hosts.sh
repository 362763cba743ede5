#!/bin/bash
# What docs/loading.md says of Go: Debian's golang-go and golang-github-mattn-go-sqlite3-dev are needed, 300 MB.
#
#     tests/versions/hosts.sh
set -euo pipefail

cd "$(dirname "$0")/../.."
[ -e /usr/share/gocode/src/github.com/mattn/go-sqlite3 ] && command -v go >/dev/null || {
  echo 'hosts.sh: apt-get install golang-go golang-github-mattn-go-sqlite3-dev' >&2
  exit 1
}
./bazelw build //ext:mmap0.so
export GOPATH=/usr/share/gocode GO111MODULE=off
tests/clients/loading.py bazel-bin/ext/mmap0.so Go
