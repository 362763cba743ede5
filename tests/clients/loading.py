#!/usr/bin/python3
"""Runs the first block of each section of docs/loading.md in its host, and shows what the section says of transactions.

    loading.py [LIBRARY [HOST...]]

HOST is the heading of a section. Without any, all those of HOSTS run whose program is there; one is then left out by
name. In a block `my.db` stays, in a directory of its own, and /usr/local/lib/mmap0 is LIBRARY.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

TEXT = "Hello, world\n"
# Writes in three rows.
ROWS = "SELECT mmap_set('f', offset, 46) FROM mmap('f') WHERE offset < 3"
INSERT = "SELECT mmap_insert('f', 0, 'x')"
ALL, FIRST, NONE = "...lo, world", ".ello, world", "Hello, world"


class Host:
    """Its command, which needs a program; how its source begins; what follows the block, and prints one line for each
    expected.

    `{{ROWS}}` and `{{INSERT}}` in it are SQL; `show(…)` prints the first line of the file f and makes it anew.
    """

    def __init__(self, command, before, after, expected, name="program", needs=None):
        self.command, self.before, self.after = command, before, after
        self.expected, self.name, self.needs = expected, name, needs or command[0]


PYTHON = '''
def show():
    print(open("f").readline(), end="")
    open("f", "w").write("Hello, world\\n")
print(db.execute("SELECT mmap_get('f', 0)").fetchone()[0])
try:
    with db:
        db.execute("{{ROWS}}").fetchall()
        raise KeyError
except KeyError:
    show()
try:
    with db:
        db.execute("BEGIN")
        db.execute("{{ROWS}}").fetchall()
        raise KeyError
except KeyError:
    show()
db.execute("{{ROWS}}")
show()
'''

JAVA_BEFORE = '''
import java.nio.file.*;
import java.sql.*;
import org.sqlite.SQLiteConfig;

class program {
  static void show() throws Exception {
    System.out.println(Files.readAllLines(Path.of("f")).get(0));
    Files.writeString(Path.of("f"), "Hello, world\\n");
  }
  public static void main(String[] args) throws Exception {
'''
JAVA_AFTER = '''
    System.out.println(db.createStatement().executeQuery("SELECT mmap_get('f', 0)").getInt(1));
    db.setAutoCommit(false);
    ResultSet rows = db.createStatement().executeQuery("{{ROWS}}");
    while (rows.next()) continue;
    rows.close();
    db.rollback();
    show();
    rows = db.createStatement().executeQuery("{{ROWS}}");
    rows.next();
    rows.close();
    db.commit();
    show();
  }
}
'''

PHP = '''
function show() { echo file("f")[0]; file_put_contents("f", "Hello, world\\n"); }
echo $db->querySingle("SELECT mmap_get('f', 0)"), "\\n";
$rows = $db->query("{{INSERT}}");
while ($rows->fetchArray()) continue;
$rows->finalize();
show();
$db->exec("{{INSERT}}");
show();
$db->exec("{{ROWS}}");
show();
$db->querySingle("{{ROWS}}");
show();
'''

PERL = '''
sub show { open my $f, '<', 'f'; print scalar <$f>; open $f, '>', 'f'; print $f "Hello, world\\n"; close $f; }
print $db->selectrow_array("SELECT mmap_get('f', 0)"), "\\n";
$db->selectrow_array("{{ROWS}}");
show();
$db->do("{{ROWS}}");
show();
$db->begin_work;
$db->selectall_arrayref("{{ROWS}}");
$db->rollback;
show();
'''

TCL = '''
proc show {} {
  set f [open f]; puts [gets $f]; close $f
  set f [open f w]; puts $f "Hello, world"; close $f
}
puts [db onecolumn {SELECT mmap_get('f', 0)}]
catch {db transaction {db eval {{{ROWS}}}; error no}}
show
db onecolumn {{{ROWS}}}
show
db eval {{{ROWS}}}
show
'''

RUBY = '''
def show
  puts File.readlines('f')[0]
  File.write('f', "Hello, world\\n")
end
puts db.get_first_value("SELECT mmap_get('f', 0)")
begin
  db.transaction { db.execute("{{ROWS}}"); raise 'no' }
rescue RuntimeError
  show
end
db.get_first_value("{{ROWS}}")
show
1.times { db.transaction { db.execute("{{ROWS}}"); next } }
show
'''

GO_BEFORE = '''
package main

import (
\t"bufio"
\t"database/sql"
\t"fmt"
\t"os"

\tsqlite3 "github.com/mattn/go-sqlite3"
)

func show() {
\tf, _ := os.Open("f")
\tline, _ := bufio.NewReader(f).ReadString('\\n')
\tfmt.Print(line)
\tos.WriteFile("f", []byte("Hello, world\\n"), 0o644)
}

func main() {
'''
GO_AFTER = '''
\tvar n int
\tif err != nil { panic(err) }
\tif err := db.QueryRow("SELECT mmap_get('f', 0)").Scan(&n); err != nil { panic(err) }
\tfmt.Println(n)
\ttx, _ := db.Begin()
\ttx.Exec("{{ROWS}}")
\ttx.Rollback()
\tshow()
\tdb.QueryRow("{{ROWS}}").Scan(&n)
\tshow()
}
'''

NODE_BEFORE = "const fs = require('fs'); const Database = require(process.env.MODULE || 'better-sqlite3');\n"
NODE = '''
function show() {
  console.log(fs.readFileSync('f', 'latin1').split('\\n')[0]);
  fs.writeFileSync('f', 'Hello, world\\n');
}
console.log(db.prepare("SELECT mmap_get('f', 0) AS n").get().n);
db.prepare("{{ROWS}}").get();
show();
db.prepare("{{ROWS}}").all();
show();
'''

HOSTS = {
    "sqlite3, the shell": Host(
        ["sqlite3", "-init", "/dev/null", "-cmd", ".read program", "my.db", ".quit"], "",
        "SELECT mmap_get('f', 0);\nBEGIN;\nSELECT mmap_set('f', 0, 46), mmap_get('f', 99);\n"
        f"UPDATE mmap SET byte = 46 WHERE file = 'f' AND offset < 3;\nCOMMIT;\n.shell head -1 f\n",
        ["72", ALL]),
    "Python": Host(["/usr/bin/python3", "program"], "import sqlite3\n", PYTHON, ["72", ALL, NONE, FIRST]),
    "Java": Host(["java", "-cp", "/usr/share/java/sqlite-jdbc.jar", "program.java"], JAVA_BEFORE, JAVA_AFTER,
                 ["72", NONE, FIRST], "program.java"),
    "PHP": Host(["php8.2", "-d", "sqlite3.extension_dir=DIRECTORY", "program"], "<?php\n", PHP,
                ["72", "xxHello, world", "xHello, world", ALL, ALL]),
    "Perl": Host(["/usr/bin/perl", "program"], "use DBI;\n", PERL, ["72", "..llo, world", ALL, NONE]),
    "Tcl": Host(["tclsh", "program"], "package require sqlite3\n", TCL, ["72", NONE, FIRST, ALL]),
    "Ruby": Host(["/usr/bin/ruby", "program"], "require 'sqlite3'\n", RUBY, ["72", NONE, FIRST, ALL]),
    "sqlite-utils": Host(["sh", "program"], "cp f hello.txt\n",
                         'sqlite-utils query my.db "{{ROWS}}" --load-extension /usr/local/lib/mmap0 >/dev/null\n'
                         "head -1 f\n", ["[{\"mmap_get('hello.txt', 0)\": 72}]", ALL], needs="sqlite-utils"),
    "Node": Host(["node", "program"], NODE_BEFORE, NODE, ["72", FIRST, ALL]),
    "Go": Host(["go", "run", "program.go"], GO_BEFORE, GO_AFTER, ["72", NONE, FIRST], "program.go"),
}
# What has packages that others' tests do not need: asked for by name.
BY_NAME = {"Node", "Go"}


def blocks():
    """The first block of each section."""
    with open("docs/loading.md", encoding="utf-8") as file:
        text = file.read()
    sections = re.split(r"^## (.*)\n", text, flags=re.M)[1:]
    found = {heading: re.search(r"^```\w+\n(.*?)^```", section, re.M | re.S)
             for heading, section in zip(sections[::2], sections[1::2])}
    return {heading: match[1] for heading, match in found.items() if match}


def run(heading, block, library):
    """What a host prints."""
    host = HOSTS[heading]
    source = (host.before + block + host.after).replace("{{ROWS}}", ROWS).replace("{{INSERT}}", INSERT)
    source = source.replace("/usr/local/lib/mmap0", library.removesuffix(".so"))
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (("f", TEXT), (host.name, source)):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        command = [word.replace("DIRECTORY", os.path.dirname(library)) for word in host.command]
        done = subprocess.run(command, cwd=directory, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout.split("\n"), done.stderr


def main():
    library = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else "ext/mmap0.so")
    found, failed = blocks(), 0
    assert set(HOSTS) <= set(found), set(HOSTS) - set(found)
    for heading in sys.argv[2:] or [name for name in HOSTS if name not in BY_NAME]:
        if not shutil.which(HOSTS[heading].needs):
            print(f"{heading}: is not here")
            continue
        printed, errors = run(heading, found[heading], library)
        if printed != HOSTS[heading].expected + [""]:
            failed += 1
            print(f"{heading}: {printed}\nnot {HOSTS[heading].expected}\n{errors}")
        else:
            print(f"{heading}: ok")
    return 1 if failed else 0


sys.exit(main())
