#!/usr/bin/env python3
"""report.py COVERAGE.info FILE …: the table of an lcov tracefile, then each branch of FILE not taken.

A branch that no test so much as reached is listed as "never" for its line."""

import os
import sys


class File:
    def __init__(self):
        self.lines = {}     # line: times
        self.branches = {}  # (line, block, branch): times; None: the line was not reached


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
    return files


def percent(reached, all):
    return '     -' if all == 0 else f'{100 * reached / all:6.2f}'


def row(name, files):
    lines = [times for file in files for times in file.lines.values()]
    branches = [times for file in files for times in file.branches.values()]
    hit, taken = sum(t > 0 for t in lines), sum(bool(t) for t in branches)
    print(f'{name:28} {hit:5}/{len(lines):5} {percent(hit, len(lines))}'
          f' {taken:6}/{len(branches):5} {percent(taken, len(branches))}')


def main():
    files = read(sys.argv[1])
    print(f'{"file":28} {"lines":>11} {"%":>6} {"branches":>12} {"%":>6}')
    for name in sorted(files):
        row(name, [files[name]])
    for directory in ('core', 'ext'):
        row(f'all of {directory}/',
            [file for name, file in files.items() if name.startswith(directory)])
    missing = 0
    for name in sys.argv[2:]:
        source = open(name).read().split('\n')
        found = {}
        for (line, _, branch), times in files[name].branches.items() if name in files else ():
            if not times:
                found.setdefault(line, []).append('never' if times is None else branch)
        for line in sorted(found):
            print(f'{name}:{line}: branch {" ".join(found[line])}: {source[line - 1].strip()}')
            missing += len(found[line])
    print(f'{missing} branches not taken in {" ".join(sys.argv[2:])}')


main()
