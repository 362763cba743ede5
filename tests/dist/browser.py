#!/usr/bin/python3
"""DB Browser for SQLite with the library: a log of 300 MB and a file of records, browsed, filtered, changed and reverted.

    tests/dist/browser.py                    # in a display of its own
    tests/dist/browser.py docs/browser.png   # and that picture anew

It is driven by keys and clicks. What it shows is had by the clipboard and compared with what SQL says; what it writes is
looked for in the file. Debian's sqlitebrowser, xvfb, openbox, xdotool, xclip, imagemagick and fonts-dejavu-core are needed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEEDED = ["sqlitebrowser", "Xvfb", "openbox", "xdotool", "xclip", "convert"]
LINES = 4_000_000
CONFIG = """\
[checkversion]
enabled=false
[extensions]
list={library}
"""
TABLES = r"""
CREATE VIRTUAL TABLE log USING mmap_lines('access.log');
CREATE VIRTUAL TABLE hit USING mmap_lines('access.log', match='^(\S+) .*\[(.*?)\] "(.*?)" (\d+) (\d+)$',
    'host text', 'at text', 'request text', 'status integer', 'bytes integer');
CREATE VIRTUAL TABLE pet USING mmap('pet.bin', 'name text(8)', 'age u32le');
"""
# Where things are in a window of 1280 by 700 pixels, its docks closed: cells, and the filters above them.
ROW, FIRST_ROW, FILTERS, REVERT = 27, 202, 174, (515, 42)


def until(what, attempt, seconds=60):
    """Tries until it is true."""
    end = time.monotonic() + seconds
    while not attempt():
        if time.monotonic() > end:
            sys.exit(f"FAILED: {what}")
        time.sleep(0.2)


def sql(directory, library, statement):
    """What the shell prints, with tabs between columns as the clipboard has them."""
    return subprocess.run(["sqlite3", "-init", "/dev/null", "-separator", "\t", "-cmd", f".load '{library}'", "my.db",
                           statement], cwd=directory, check=True, text=True, stdout=subprocess.PIPE).stdout.rstrip("\n")


def make_files(directory, library):
    with open(os.path.join(directory, "access.log"), "w", encoding="utf-8") as log:
        for i in range(LINES):
            log.write(f"10.0.{i // 256 % 256}.{i % 256} - - [01/Jan/2026:{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02} "
                      f'+0000] "GET /page/{i} HTTP/1.1" {200 if i % 97 else 500} {i % 5000}\n')
    with open(os.path.join(directory, "pet.bin"), "wb") as pets:
        for i in range(1000):
            pets.write(f"pet{i}".encode().ljust(8, b"\0") + i.to_bytes(4, "little"))
    sql(directory, library, TABLES)


class Display:
    """An X server with a window manager, and what a user does there."""

    def __init__(self, directory):
        read, write = os.pipe()
        self.processes = [subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x720x24"],
                                           pass_fds=[write], stderr=subprocess.DEVNULL)]
        number = os.read(read, 10).decode().strip()
        home = os.path.join(directory, "home")
        self.environment = {**os.environ, "DISPLAY": f":{number}", "HOME": home, "XDG_RUNTIME_DIR": home,
                            "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "xcb"}
        self.environment.pop("XDG_CONFIG_HOME", None)
        self.start(["openbox"])
        until("no window manager", lambda: self.do("get_num_desktops").strip())

    def start(self, command, **kwargs):
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   **kwargs)
        self.processes.append(process)
        return process

    def do(self, *words):
        return subprocess.run(["xdotool", *map(str, words)], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def click(self, x, y):
        self.do("mousemove", x, y, "click", 1)

    def window(self):
        return self.do("search", "--onlyvisible", "--name", "DB Browser for SQLite - my.db").split()

    def wait(self, seconds):
        """… and says no to the question that comes while rows are read: whether to stop that."""
        time.sleep(seconds)
        while self.do("getwindowname", self.do("getactivewindow").strip() or 0).strip() == "DB Browser for SQLite":
            self.do("key", "alt+n")
            time.sleep(1)

    def picture(self, width, height, path):
        subprocess.run(["convert", "x:root", "-crop", f"{width}x{height}+0+0", "+repage", "+dither", "-colors", "64", "-strip",
                        "-define", "png:exclude-chunks=date,time", "png8:" + path], env=self.environment, check=True)

    def copied(self, rows, left, right):
        """The text of so many rows of cells from the first, between two places across."""
        self.wait(0)
        self.click(left, FIRST_ROW)
        self.do("keydown", "shift")
        self.click(right, FIRST_ROW + ROW * (rows - 1))
        self.do("keyup", "shift")
        self.do("key", "ctrl+c")
        time.sleep(0.3)
        try:
            return subprocess.run(["timeout", "5", "xclip", "-selection", "clipboard", "-o"], env=self.environment,
                                  text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.rstrip("\n")
        except UnicodeDecodeError:
            return ""

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class Browser:
    """DB Browser, showing a table."""

    def __init__(self, display, directory, table):
        self.display = display
        self.process = display.start(["sqlitebrowser", "-t", table, "my.db"], cwd=directory)
        until("no window", display.window)
        window = display.window()[-1]
        display.do("windowactivate", "--sync", window, "windowsize", window, 1280, 700, "windowmove", window, 0, 0)
        display.wait(4)
        display.do("key", "alt+shift+0")  # closes the docks
        display.wait(1)

    def filter(self, x, text):
        self.display.click(x, FILTERS)
        self.display.do("type", text)

    def change(self, row, text):
        """The first column of a row; the editor is then closed."""
        self.display.click(100, FIRST_ROW + ROW * row)
        time.sleep(0.5)
        self.display.do("key", "F2")
        time.sleep(0.3)
        self.display.do("key", "ctrl+a")
        self.display.do("type", text)
        self.display.do("key", "Return")
        time.sleep(1)

    def close(self):
        self.process.kill()
        self.process.wait()


def main():
    missing = [program for program in NEEDED if not shutil.which(program)]
    if missing:
        sys.exit(f"browser.py: these are missing: {' '.join(missing)}")
    subprocess.run(["./bazelw", "build", "//ext:mmap0.so"], cwd=TOP, check=True)
    library = os.path.realpath(os.path.join(TOP, "bazel-bin/ext/mmap0.so"))
    with tempfile.TemporaryDirectory() as directory:
        make_files(directory, library)
        config = os.path.join(directory, "home/.config/sqlitebrowser")
        os.makedirs(config)
        with open(os.path.join(config, "sqlitebrowser.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(library=library))
        display = Display(directory)
        try:
            browse(display, directory, library)
            change(display, directory, library)
            if sys.argv[1:]:
                show(display, directory, os.path.join(TOP, sys.argv[1]))
        finally:
            display.stop()


def browse(display, directory, library):
    """The log, whole and filtered."""
    browser = Browser(display, directory, "log")
    wanted = sql(directory, library, "SELECT number, offset, text FROM log LIMIT 5")
    until("the log is not shown", lambda: display.copied(5, 100, 300) == wanted)
    browser.filter(330, " 500 ")
    wanted = sql(directory, library, "SELECT number, offset, text FROM log WHERE text LIKE '% 500 %' LIMIT 5")
    until("the filter does not hold", lambda: display.copied(5, 100, 300) == wanted)
    browser.close()
    print("a log of", os.path.getsize(os.path.join(directory, "access.log")) // 1_000_000, "MB, browsed and filtered")


def change(display, directory, library):
    """A record, written and reverted."""
    path = os.path.join(directory, "pet.bin")

    def content():
        with open(path, "rb") as file:
            return file.read()

    before = content()
    browser = Browser(display, directory, "pet")
    wanted = sql(directory, library, "SELECT name, age FROM pet LIMIT 5")
    until("the records are not shown", lambda: display.copied(5, 100, 200) == wanted)
    browser.change(2, "Sally")
    assert content() == before, "the file has changed before Write Changes"
    display.do("key", "ctrl+s")
    wanted = before[:24] + b"Sally\0\0\0" + before[32:]
    until("Write Changes has not changed the record, or more than it", lambda: content() == wanted)
    browser.change(3, "Never")
    shown = sql(directory, library, "SELECT name, age FROM pet LIMIT 5").replace("pet3", "Never")
    until("the change is not shown", lambda: display.copied(5, 100, 200) == shown)
    display.click(*REVERT)
    time.sleep(1)
    display.do("key", "alt+y")
    shown = shown.replace("Never", "pet3")
    until("Revert Changes has not", lambda: display.copied(5, 100, 200) == shown)
    assert content() == wanted, "Revert Changes has changed the file"
    assert sorted(os.listdir(directory)) == ["access.log", "home", "my.db", "pet.bin"], os.listdir(directory)
    browser.close()
    print("records, written and reverted")


def show(display, directory, picture):
    """The log's fields, those of failed requests."""
    browser = Browser(display, directory, "hit")
    browser.filter(580, "=500")
    display.wait(8)
    display.do("windowsize", display.window()[-1], 800, 480)
    display.wait(2)
    display.picture(800, 480, picture)
    browser.close()
    print(picture, os.path.getsize(picture), "bytes")


main()
