#!/bin/bash
# archive.sh ARCHIVE: unpacked anywhere, a program is compiled with it by pkg-config's words, and the main job runs;
# likewise in the shell, by the path that pkg-config knows.
set -eu
. tests/dist/job.sh

tar -x -z -C "$scratch" -f "$1"
top_of_it=$scratch/$(basename "$1" .tar.gz)
cd "$scratch"
export PKG_CONFIG_PATH=$top_of_it/lib/pkgconfig
# shellcheck disable=SC2046 # words
cc -Wall -Wextra -Werror "$top/tests/dist/job.c" $(pkg-config --cflags --libs mmap0) -o program
mkdir here
(cd here && ../program "$job") || fail 'the program'
[ "$(stat -c %s here/pet.bin)" = 36 ] || fail 'the program has not done its job'
library=$(pkg-config --variable=loadable mmap0)
run_job "$library" "${library%0}ro" sqlite3
[ "$(sqlite3 :memory: ".load $library" 'SELECT mmap_version()')" = "$(pkg-config --modversion mmap0)" ] || fail 'the version'
for file in CHANGELOG.md share/man/man3/mmap0.3 licences/{LICENSE,pcre2.txt,Apache-2.0.txt}; do
  [ -s "$top_of_it/$file" ] || fail "$file is missing"
done
