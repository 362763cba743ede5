#!/bin/bash
# wheel.sh WHEEL: pip installs it into an empty environment, from no index, and the main job runs there.
set -eu
. tests/dist/job.sh

export HOME=$scratch # pip keeps things there
wheel=$(readlink -f "$1")
/usr/bin/python3 -m venv --without-pip "$scratch/venv"
# As it is packed into each environment, which would take most of the time.
pip() {
  "$scratch/venv/bin/python" "$(echo /usr/share/python-wheels/pip-*.whl)/pip" --quiet --disable-pip-version-check "$@"
}
# Bazel's files are links, whose targets have other names.
cp "$wheel" "$scratch/$(basename "$1")"
pip install --no-index "$scratch/$(basename "$1")"
cd "$scratch"
"$scratch/venv/bin/python" "$top/tests/dist/job.py" "$job"
pip uninstall --yes sqlite-mmap
[ -z "$(find venv -name '*mmap*')" ] || fail 'pip leaves something behind'
