#!/usr/bin/python3
"""Runs every console example of the documentation and compares what it prints.

    documents.py [LIBRARY [DOCUMENT...]]         compare
    documents.py --write LIBRARY DOCUMENT...     put what was printed into the documents

What follows `sqlite> ` is for the sqlite3 shell, what follows `$ ` for sh, in one directory for
each document. It holds sql/, as the top of the project does, and nothing else: a document makes the
files that it needs. The library is loaded by its `.load`, or before. A command of a program that is
not installed is left out. `…` as the result stands for whatever it is, errors apart.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SQLITE = ["stdbuf", "-o0", "sqlite3"]
SQL = "sqlite> "
MORE = "   ...> "
SHELL = "$ "
# What stands for a result that is another on each machine.
ANYTHING = "…"
# What the documents call the directory, in what they print and in what they ask for.
HOME = "/home/you"
# The further lines of an error, which an example may leave out.
FURTHER = re.compile(r"^\s+(.*error here|\^-*|UPDATE|SELECT)")


class Example:
    def __init__(self, number, prompt, text):
        self.number, self.prompt, self.text = number, prompt, text
        self.last = number  # the line with the end of the prompt
        self.printed = []

    def missing(self):
        """The first program of a shell command that is not there."""
        if self.prompt == SQL:
            return None
        for part in re.split(r"\|\|?|&&|;|\n", re.sub(r"'[^']*'|\"[^\"]*\"", "x", self.text)):
            words = [word for word in part.split() if "=" not in word]
            if words and not shutil.which(words[0]):
                return words[0]
        if "numpy" in self.text and subprocess.call(["python3", "-c", "import numpy"],
                                                    stderr=subprocess.DEVNULL):
            return "numpy"
        return None


def examples(lines):
    """The prompts in the ```console blocks, and what is printed below them."""
    found = []
    inside = False
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif not inside:
            continue
        elif line.startswith((SQL, SHELL)):
            prompt = SQL if line.startswith(SQL) else SHELL
            found.append(Example(number, prompt, line[len(prompt):]))
        elif line.startswith(MORE) and found and not found[-1].printed:
            found[-1].text += "\n" + line[len(MORE):]
            found[-1].last = number
        elif found:
            found[-1].printed.append(line)
    return found


def script_of(example, library, commands, directory):
    """What the sqlite3 shell is given for an example."""
    if example.prompt == SQL:
        text = example.text.replace(HOME, os.path.realpath(directory))
        return f".load '{library}'" if text.startswith(".load") else text
    if example.text == "sqlite3":
        return ""
    # Its exit status is no part of an example, and its quotes are not for the sqlite3 shell.
    file = os.path.join(commands, str(example.number))
    with open(file, "w", encoding="utf-8") as out:
        out.write(f"{{ {example.text}\n}} 2>&1\nexit 0\n")
    return f".shell sh '{file}'"


def run(library, found, directory):
    """What each example printed."""
    script = [".bail off"]
    if not any(example.text.startswith(".load") for example in found):
        script.append(f".load '{library}'")
    with tempfile.TemporaryDirectory() as commands:
        for i, example in enumerate(found):
            script += [script_of(example, library, commands, directory), f".print <<{i}>>"]
        shell = subprocess.run(
            [*SQLITE, "-init", "/dev/null", "-batch", ":memory:"],
            input="\n".join(script) + "\n", cwd=directory, text=True, timeout=200,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    outputs, rest = [], shell.stdout
    for i, example in enumerate(found):
        output, marker, rest = rest.partition(f"<<{i}>>\n")
        if not marker:
            sys.exit(f"the shell stopped at line {example.number}: {example.text}\n{output}")
        output = re.sub(r"^(\w+ error) near line \d+:", r"\1:", output, flags=re.M)
        output = output.replace(os.path.realpath(directory), HOME)
        lines = [line.rstrip() for line in output.split("\n") if not FURTHER.match(line)]
        outputs.append("\n".join(lines).rstrip("\n"))
    return outputs


def write(document, lines, found, outputs):
    """The document with what the examples printed now."""
    for example, output in reversed(list(zip(found, outputs))):
        if example.printed == [ANYTHING]:
            continue
        kept = 0
        while len(example.printed) > kept and example.printed[-1 - kept] == "":
            kept += 1
        end = example.last + len(example.printed) - kept
        lines[example.last:end] = output.split("\n") if output else []
    with open(document, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def check(document, library, writing):
    """How many passed, failed and were left out."""
    lines = open(document, encoding="utf-8").read().rstrip("\n").split("\n")
    everything = examples(lines)
    found = [example for example in everything if not example.missing()]
    with tempfile.TemporaryDirectory() as directory:
        os.symlink(os.path.abspath("sql"), os.path.join(directory, "sql"))
        outputs = run(library, found, directory)
    if writing:
        write(document, lines, found, outputs)
        return len(found), 0, len(everything) - len(found)
    failed = 0
    for example, output in zip(found, outputs):
        expected = "\n".join(line.rstrip() for line in example.printed).rstrip("\n")
        if expected == ANYTHING and "error" not in output.lower():
            continue
        if output != expected:
            failed += 1
            print(f"{document}:{example.number}: {example.text}\n"
                  f"--- expected:\n{expected}\n--- printed:\n{output}\n---")
    return len(found) - failed, failed, len(everything) - len(found)


def main():
    arguments = sys.argv[1:]
    writing = arguments[:1] == ["--write"]
    if writing:
        del arguments[0]
    library = os.path.abspath(arguments[0] if arguments else "ext/mmap0.so")
    documents = arguments[1:] or sorted(glob.glob("*.md") + glob.glob("docs/*.md") +
                                        glob.glob("sql/*.md"))
    total = 0
    bad = False
    for document in documents:
        passed, failed, left_out = check(document, library, writing)
        print(f"{document}: {passed} passed, {failed} failed, {left_out} left out")
        total += passed
        bad = bad or failed > 0
    return 1 if bad or not total else 0


if __name__ == "__main__":
    sys.exit(main())
