#!/usr/bin/python3
"""What holds for every recipe in sql/formats: its examples run, and it stands beside the others."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import ask, in_directory, same, write


@in_directory
def a_condition_on_path_keeps_other_files_shut(directory):
    for recipe, data in support.samples().items():
        path, missing = write(directory, recipe + ".sample", data[0]), os.path.join(directory,
                                                                                    "missing")
        queries = [f"SELECT count(*) AS n FROM {view} WHERE path {condition}"
                   for view in support.views(recipe)
                   for condition in (f"= '{path}'", f"IN ('{path}', '{__file__}')",
                                     f"LIKE '%.sample'")]
        for query, rows in zip(queries, ask(recipe, [missing, path, __file__], *queries)):
            assert rows[0]["n"] > 0 or "bmp_color" in query or "mp4_item" in query, query


@in_directory
def recipes_share_target_and_can_be_read_twice(directory):
    paths = [write(directory, f"{i}", data) for i,
             data in enumerate(sum(support.samples().values(), []))]
    reads = [f".read sql/formats/{recipe}" for recipe in support.recipes()] * 2
    inserts = [f"INSERT INTO target VALUES ('{path}');" for path in paths]
    counts = ["SELECT " + ", ".join(f"(SELECT count(DISTINCT path) FROM {view}) AS {view}"
                                    for recipe in support.recipes()
                                    for view in support.views(recipe)) + ";"]
    results = support.shell(reads + inserts + counts)
    same([error for _, error in results], [None] * len(results))
    expected = {}
    for recipe, data in support.samples().items():
        expected.update({view: len(data) for view in support.views(recipe)})
    expected.update(bmp_color=1, wav_format=1, mp4_movie=1, mp4_track=1, mp4_item=1, jpeg_header=2, jpeg_segment=2, jpeg_comment=2,  # one with EXIF
                    mbr_partition=2)  # the disk with a GPT has an MBR, too
    for view in ("elf_header", "elf_section"):
        expected[view] += len(support.samples()["dwarf.sql"])  # which are ELF
    same(results[-1][0],
         [{view: expected[view] for recipe in support.recipes() for view in support.views(recipe)}])


def examples(path):
    """What stands after four blanks more than the comment needs."""
    lines = open(path, encoding="utf-8").read().split("\n")
    return [line[7:] for line in lines if re.match(r"--     (\.read|INSERT|SELECT)", line)]


@in_directory
def examples_in_the_comments_run(directory):
    os.symlink(os.path.abspath("sql"), os.path.join(directory, "sql"))
    kinds = {"wav.sql": ["a.wav"], "bmp.sql": ["a.bmp"], "mbr.sql": ["mbr.img"],
             "gpt.sql": ["gpt.img"], "fat.sql": ["a.img"], "ext4.sql": ["a.ext4"], "iso9660.sql": ["a.iso"], "squashfs.sql": ["a.squashfs"], "cpio.sql": ["a.cpio"],
             "pcap.sql": ["a.pcap"]}
    for recipe, names in kinds.items():
        for name, data in zip(names, support.samples()[recipe]):
            write(directory, name, data)
    for source in [f"sql/formats/{recipe}" for recipe in support.recipes()]:
        lines = examples(source)
        assert len(lines) >= 4, f"{source}: {lines}"
        for line, (rows, error) in zip(lines, support.shell(lines, directory)):
            assert error is None, f"{source}: {line}\n  {error}"
            asked = line.startswith("SELECT") and os.path.basename(source) in kinds
            assert rows or not asked or "error IS NOT NULL" in line, f"{source}: no rows: {line}"


def every_recipe_is_in_the_index():
    index = open("sql/README.md", encoding="utf-8").read()
    for recipe in support.recipes():
        assert f"(formats/{recipe})" in index, recipe


TESTS = [a_condition_on_path_keeps_other_files_shut, recipes_share_target_and_can_be_read_twice,
         examples_in_the_comments_run, every_recipe_is_in_the_index]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
