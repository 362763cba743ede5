#!/bin/sh
# The main things in Java's JDBC: client_java.java beside this, compiled as it starts.
set -eu

library=$(readlink -f "${1:-ext/mmap0.so}")
program=$(dirname "$0")/client_java.java
[ -e "$program" ] || program=tests/clients/client_java.java
exec java -cp /usr/share/java/sqlite-jdbc.jar "$program" "$library"
