// The main things in Node's two modules for SQLite, better-sqlite3 and its own node:sqlite, as a program
// does them. tests/versions/node.sh has both from npm and runs this.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const library = path.resolve(process.argv[2] ?? 'ext/mmap0.so');
const before = 'Hello, world\n';

// Each opens a database in memory that has loaded the library.
const modules = {
  'better-sqlite3': () => {
    const Database = require('better-sqlite3');
    const db = new Database(':memory:');
    db.loadExtension(library);
    return db;
  },
  'node:sqlite': () => {
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension(library);
    return db;
  },
};

function content() {
  return fs.readFileSync('f', 'latin1');
}

function reads(db) {
  const row = db.prepare("SELECT mmap_get('f', 0) AS a, CAST(mmap_slice('f', 7, 12) AS TEXT) AS b,"
    + " mmap_find('f', ?) AS c").get(Buffer.from('o'));
  assert.deepStrictEqual({ ...row }, { a: 72, b: 'world', c: 4 });
  const bytes = [];
  for (const { byte } of db.prepare('SELECT byte FROM mmap(?) WHERE offset < 3').iterate('f')) {
    bytes.push(byte);
  }
  assert.deepStrictEqual(bytes, [72, 101, 108]);
}

function writes(db) {
  db.exec('BEGIN');
  const patched = db.prepare("SELECT mmap_patch('f', 0, ?) AS n").get(Buffer.from([255, 0]));
  assert.strictEqual(patched.n, 2);
  const change = db.prepare('SELECT offset, old, new FROM mmap_changes').get();
  assert.strictEqual(change.offset, 0);
  assert.deepStrictEqual([...change.old, ...change.new], [72, 101, 255, 0]);
  assert.strictEqual(content(), before);
  db.exec('ROLLBACK');
  assert.strictEqual(content(), before);
  db.exec('BEGIN');
  const update = db.prepare("UPDATE mmap SET byte = ? WHERE file = 'f' AND offset = 0").run(74);
  assert.strictEqual(Number(update.changes), 1);
  db.exec('COMMIT');
  assert.strictEqual(content(), 'Jello, world\n');
  assert.ok(!fs.existsSync('f-mmap-journal'));
}

function readsMuch(db) {
  const big = crypto.randomBytes(1 << 20);
  fs.writeFileSync('big', big);
  const { slice } = db.prepare("SELECT mmap_slice('big', 4) AS slice").get();
  assert.ok(Buffer.from(slice).equals(big.subarray(4)));
}

function fails(db) {
  assert.throws(() => db.prepare("SELECT mmap_get('f', 13)").get(),
    { message: "mmap_get: offset 13 is outside 'f' (13 bytes)" });
}

// Two copies of SQLite in one process: the second one to load the library is refused.
function main(name) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'client_node.'));
  process.chdir(directory);
  try {
    fs.writeFileSync('f', before);
    const db = modules[name]();
    for (const test of [reads, writes, readsMuch, fails]) test(db);
    const { version } = db.prepare('SELECT sqlite_version() AS version').get();
    for (const other of Object.keys(modules).filter((key) => key !== name)) {
      assert.throws(modules[other],
        { message: new RegExp(`another SQLite of this process, ${version}, has loaded it already`) });
    }
    assert.strictEqual(db.prepare("SELECT mmap_get('f', 0) AS first").get().first, 74);
    db.close();
    console.log(`${name}, SQLite ${version}: ok`);
  } finally {
    process.chdir('/');
    fs.rmSync(directory, { recursive: true });
  }
}

main(process.argv[3] ?? 'better-sqlite3');
