#!/bin/sh
# The tests of core and of SQL under valgrind, which sees what the sanitizers do not: bytes that were
# never set, also those that SQLite and PCRE2 hand on. What it says of PCRE2 without cause is in
# valgrind.supp. Some of them take minutes.
#
#     apt-get install valgrind
#     tests/valgrind.sh
#     tests/valgrind.sh //tests:core/file/log_test    # some of them
set -eu
cd "$(dirname "$0")/.."

# Leaks are for --config=asan: here each forked child would be blamed for what its parent still uses.
# allregs: when SIGBUS comes, the handler finds the registers as they would be without valgrind.
valgrind='/usr/bin/valgrind -q --error-exitcode=99 --leak-check=no --child-silent-after-fork=yes '\
'--fair-sched=yes --vex-iropt-register-updates=allregs-at-mem-access '\
"--suppressions=$PWD/tests/valgrind.supp"

# Not under valgrind:
#   clients, fuzz, style, mutation, bench   scripts: it would watch the shell or Python that runs them
#   faults                                  the tests of ext again, thousands of times
#   core/file/hammer_test                   kills processes by the clock: none would get to a commit
#   ext/connection/walk_test                traces processes, and would count valgrind's calls
all='//tests:all
  -//tests:core/file/hammer_test
  -//tests:ext/connection/walk_test
  -//tests:faults/io
  -//tests:faults/io-sticky
  -//tests:faults/oom
  -//tests:faults/oom-sticky
  -//tests:mutation/fit
  -//tests:style/format'

# And of the others these:
#   TypeFloat.Of32BitsIsRoundedOnce
#       it converts 64-bit integers to float by way of double, and so rounds twice
#   Constraints, SortedTest.Answers
#       they compare 64-bit integers with floats, as SQLite does, in 80 bits, which it has not
#   Size.ResizeTakesAny, SortedTest.ALookupInATebibyte, Interrupt.StopsEveryLongScan
#       files larger than what it can map
#   Limits.AThousandConnections
#       counts mappings, and finds valgrind's own among them
#   OneThatRestoresAndRaises
#       it grows no stack for a signal that comes inside a handler
#   Processes
#       they are killed before they have loaded the library
#   MemoryThatFails
#       it takes the signal that they send for a fault of its own, and ends
filter='-TypeFloat.Of32BitsIsRoundedOnce:*/OneThatRestoresAndRaises:Processes.*:*MemoryThatFails*'\
':*/Constraints.*:SortedTest.Answers*:SortedTest.ALookupInATebibyte*:Size.ResizeTakesAny*'\
':Interrupt.StopsEveryLongScan:Limits.AThousandConnections*'

# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- $all
exec ./bazelw test --platform_suffix=-valgrind --copt=-g --strip=never \
  --run_under="$valgrind" --test_timeout=3600 --test_tag_filters=-uninstrumented-host \
  --test_env=MM_THIN=41 --test_env=GTEST_FILTER="$filter" -- "$@"
