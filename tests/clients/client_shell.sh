#!/bin/bash
# The main things in the sqlite3 shell, as a user types them: what it prints, and what the file then has.
set -u

library=$(readlink -f "${1:-ext/mmap0.so}")
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 1
printf 'Hello, world\n' >hello.txt
head -c 1000000 /dev/zero | tr '\0' 'a' >big.bin
cp hello.txt before.txt

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# Starts the shell with the library, and the statements of stdin.
run() {
  sqlite3 -init /dev/null -batch -cmd ".load $library" :memory: 2>&1
}

# Compares what statements print with what they should.
expect() {
  local got
  got=$(run <<<"$1" | sed 's/^\(.* error\) near line [0-9]*:/\1:/')
  [ "$got" = "$2" ] || fail "$1
expected: $2
got:      $got"
}

expect "SELECT mmap_get('hello.txt', 0), mmap_slice('hello.txt', 7, 12), mmap_find('hello.txt', 'o');" \
  '72|world|4'
expect "SELECT offset, char(byte) FROM mmap('hello.txt') WHERE byte BETWEEN 0x61 AND 0x65;" \
  '1|e
11|d'
expect "SELECT offset FROM mmap_find_all('hello.txt', 'o');" '4
8'

# A transaction that is taken back: seen inside it, and by nobody after it.
expect "BEGIN;
SELECT mmap_patch('hello.txt', 0, 'J');
SELECT offset, old, new FROM mmap_changes;
SELECT mmap_slice('hello.txt', 0, 5);
ROLLBACK;
SELECT count(*) FROM mmap_changes;
SELECT mmap_slice('hello.txt', 0, 5);" '1
0|H|J
Jello
0
Hello'
cmp hello.txt before.txt || fail 'ROLLBACK changed the file'

# One that is committed; one that the shell's end takes back.
expect "BEGIN;
UPDATE mmap SET byte = byte & ~0x20 WHERE file = 'hello.txt' AND offset BETWEEN 7 AND 11;
COMMIT;
BEGIN;
SELECT mmap_patch('hello.txt', 0, 'J');" '1'
[ "$(cat hello.txt)" = 'Hello, WORLD' ] || fail 'COMMIT did not change the file'
[ "$(echo hello.txt*)" = hello.txt ] || fail 'a journal is left'

# A large slice, as a value and into a file of its own.
expect "SELECT length(mmap_slice('big.bin')), typeof(mmap_slice('big.bin'));" '1000000|blob'
expect "SELECT writefile('copy.bin', mmap_slice('big.bin', 1));" '999999'
tail -c +2 big.bin | cmp - copy.bin || fail 'a large slice differs'

# Errors are the shell's: printed, and its exit status.
expect "SELECT mmap_get('hello.txt', 13);" \
  "Runtime error: mmap_get: offset 13 is outside 'hello.txt' (13 bytes)"
run <<<"SELECT mmap_get('none', 0);" >/dev/null && fail 'an error ended with status 0'

# The other entry point, for who only reads.
got=$(sqlite3 -init /dev/null -batch -cmd ".load $library sqlite3_mmap_readonly_init" :memory: \
  "SELECT mmap_get('hello.txt', 0)" "SELECT mmap_set('hello.txt', 0, 74)" 2>&1)
[[ $got = *72* && $got = *'no such function: mmap_set'* ]] || fail "read-only: $got"

echo ok
