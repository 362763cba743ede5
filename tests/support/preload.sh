#!/bin/sh
# preload.sh PROGRAM [ARG…]: runs it with ASAN and UBSAN in it, and in all that it runs. A host that was
# built without them can load a library with them if they are there first.
#
# Their names are those of gcc 12.
#
# What a host leaks is its own; its tests expect the signals.
export ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_sigbus=0:verify_asan_link_order=0
LD_PRELOAD=libasan.so.8:libubsan.so.1 exec "$@"
