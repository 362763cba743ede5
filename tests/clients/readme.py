#!/usr/bin/python3
"""Runs every console example of the documentation in the sqlite3 shell and compares what it prints."""

import os
import re
import subprocess
import sys
import tempfile

PROMPT = "sqlite> "
MORE = "   ...> "


def examples(path):
    """(line number, statement, expected output) of each prompt in the ```console blocks."""
    found = []
    inside = False
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith(PROMPT):
            found.append([number, line[len(PROMPT):], []])
        elif inside and line.startswith(MORE):
            found[-1][1] += "\n" + line[len(MORE):]
        elif inside and found:
            found[-1][2].append(line)
    return found


def make_files(directory):
    """What README's first example looks at."""
    firmware = bytearray(8192)
    firmware[:4] = b"\x7fELF"
    with open(os.path.join(directory, "firmware.bin"), "wb") as file:
        file.write(firmware)


def run(library, statements, directory):
    """What each statement printed."""
    script = [".bail off"]
    for i, statement in enumerate(statements):
        if statement.startswith(".load"):
            statement = f".load '{library}'"
        script += [statement, f".print <<{i}>>"]
    shell = subprocess.run(
        ["stdbuf", "-o0", "sqlite3", "-init", "/dev/null", "-batch", ":memory:"],
        input="\n".join(script) + "\n", cwd=directory, text=True, timeout=100,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    outputs, rest = [], shell.stdout
    for i in range(len(statements)):
        output, marker, rest = rest.partition(f"<<{i}>>\n")
        if not marker:
            sys.exit(f"the shell stopped at: {statements[i]}\n{output}")
        outputs.append(re.sub(r"^(\w+ error) near line \d+:", r"\1:", output, flags=re.M))
    return outputs


def main():
    library = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    documents = sys.argv[2:] or ["README.md"]
    passed = failed = 0
    for document in documents:
        found = examples(document)
        with tempfile.TemporaryDirectory() as directory:
            make_files(directory)
            outputs = run(library, [statement for _, statement, _ in found], directory)
        for (number, statement, expected), output in zip(found, outputs):
            # An example may leave out the error's further lines, and blank lines at the end.
            got = [l for l in output.split("\n") if not re.match(r"^\s+(.*error here|\^-*|UPDATE|SELECT)", l)]
            if "\n".join(got).rstrip("\n") == "\n".join(expected).rstrip("\n"):
                passed += 1
            else:
                failed += 1
                print(f"{document}:{number}: {statement}\n  expected: {expected}\n  got:      {got}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
