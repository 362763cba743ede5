#!/bin/bash
# For the other scripts here, to be sourced in the directory where Bazel starts them.

top=$PWD
job=$top/tests/dist/job.sql
scratch=$(mktemp -d "${TEST_TMPDIR:-/tmp}/dist.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Runs the job in a sqlite3 shell, which is the command of the arguments and loads the library by the first; and
# then that the second only reads.
run_job() {
  local library=$1 reader=$2 expected got
  shift 2
  mkdir -p "$scratch/job"
  rm -f "$scratch"/job/*
  expected=$(sed -n 's/^--> //p' "$job")
  got=$(cd "$scratch/job" && sed '/^--> /d; s/$/;/' "$job" | "$@" -init /dev/null -bail -cmd ".load $library" :memory: 2>&1) ||
    fail "$library: $got"
  [ "$got" = "$expected" ] || fail "$library: $got"
  got=$(cd "$scratch/job" && "$@" -init /dev/null -cmd ".load $reader" :memory: \
    "SELECT mmap_size('pet.bin')" "SELECT mmap_set('pet.bin', 0, 0)" 2>&1) &&
    fail "$reader writes"
  [[ $got = *36* && $got = *'no such function: mmap_set'* ]] || fail "$reader: $got"
}
