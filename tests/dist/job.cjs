// job.cjs JOB MODULE: runs the statements of JOB, which job.py describes, in a new directory by MODULE, with the packages
// as npm has installed them here.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const mmap = require('sqlite-mmap');

const [, , job, name] = process.argv;

function open() {
  const module = require(name);
  return module.DatabaseSync ? new module.DatabaseSync(':memory:', { allowExtension: true }) : new module(':memory:');
}

// Statements and their rows.
function statements() {
  const found = [];
  for (const line of fs.readFileSync(job, 'utf8').trimEnd().split('\n')) {
    if (line.startsWith('--> ')) found.at(-1).rows.push(line.slice(4));
    else found.push({ sql: line, rows: [] });
  }
  return found;
}

function run(db) {
  for (const { sql, rows } of statements()) {
    if (!rows.length) db.exec(sql);
    else assert.deepStrictEqual(db.prepare(sql).all().map((row) => Object.values(row).join('|')), rows, sql);
  }
}

async function main() {
  assert.strictEqual((await import('sqlite-mmap')).load, mmap.load);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'job.'));
  process.chdir(directory);
  try {
    const db = open();
    mmap.load(db);
    run(db);
    const reader = open();
    mmap.load(reader, { readonly: true });
    assert.strictEqual(Object.values(reader.prepare("SELECT mmap_size('pet.bin')").get())[0], 36);
    assert.throws(() => reader.prepare("SELECT mmap_set('pet.bin', 0, 0)"), /no such function: mmap_set/);
    console.log(`${name}: ok`);
  } finally {
    process.chdir('/');
    fs.rmSync(directory, { recursive: true });
  }
}

main();
