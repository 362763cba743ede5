#!/usr/bin/env python3
"""report.py [--bar] COVERAGE.info FILE …: the table of an lcov tracefile, each branch of FILE not taken,
and with --bar what is below it.

A branch that no test so much as reached is listed as "never" for its line."""

import glob
import os
import sys

LINES = 95  # percent that every file has; all of the branches are for each FILE


class File:
    def __init__(self):
        self.lines = {}     # line: times
        self.branches = {}  # (line, block, branch): times; None: the line was not reached

    def reached(self):
        return sum(times > 0 for times in self.lines.values()), len(self.lines)

    def taken(self):
        return sum(bool(times) for times in self.branches.values()), len(self.branches)


def read(path):
    files, current = {}, None
    for row in open(path):
        key, _, rest = row.strip().partition(':')
        if key == 'SF':
            current = files.setdefault(os.path.relpath(rest), File())
        elif key == 'DA':
            line, times = rest.split(',')[:2]
            current.lines[int(line)] = current.lines.get(int(line), 0) + int(times)
        elif key == 'BRDA':
            line, block, branch, times = rest.split(',')
            at = (int(line), block, branch)
            times = None if times == '-' else int(times)
            before = current.branches.get(at)
            current.branches[at] = times if before is None else before + (times or 0)
    for name in glob.glob('core/**/*.c', recursive=True) + glob.glob('ext/**/*.c', recursive=True):
        files.setdefault(name, File())  # one for another processor has no line here
    return {name: files[name] for name in sorted(files) if name.startswith(('core/', 'ext/'))}


def percent(some, all):
    return '     -' if all == 0 else f'{100 * some / all:6.2f}'


def row(name, files):
    reached, lines = map(sum, zip(*(file.reached() for file in files)))
    taken, branches = map(sum, zip(*(file.taken() for file in files)))
    print(f'{name:28} {reached:5}/{lines:5} {percent(reached, lines)}'
          f' {taken:6}/{branches:5} {percent(taken, branches)}')


def print_table(files):
    print(f'{"file":28} {"lines":>11} {"%":>6} {"branches":>12} {"%":>6}')
    for name, file in files.items():
        row(name, [file])
    for directory in ('core/', 'ext/'):
        row(f'all of {directory}', [file for name, file in files.items() if name.startswith(directory)])


def print_branches(name, file):
    source = open(name).read().split('\n')
    missing = {}
    for (line, _, branch), times in file.branches.items():
        if not times:
            missing.setdefault(line, []).append('never' if times is None else branch)
    for line in sorted(missing):
        print(f'{name}:{line}: branch {" ".join(missing[line])}: {source[line - 1].strip()}')


def below(files, strict):
    for name, file in files.items():
        (reached, lines), (taken, branches) = file.reached(), file.taken()
        if name in strict and taken < branches:
            yield f'{name}: {branches - taken} branches are not taken'
        if 100 * reached < LINES * lines:
            yield f'{name}: {percent(reached, lines).strip()} % of its lines'


def main():
    bar = sys.argv[1] == '--bar'
    path, *strict = sys.argv[1 + bar:]
    files = read(path)
    print_table(files)
    for name in strict:
        print_branches(name, files[name])
    low = list(below(files, strict)) if bar else []
    if bar:
        print('below the bar: ' + ('; '.join(low) or 'none'))
    return 1 if low else 0


sys.exit(main())
