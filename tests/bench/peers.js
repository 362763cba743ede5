// Kaitai Struct's side of the benchmark: reads a call a line, ["chain", path, size], prints its value a line. It needs
// the packages kaitai-struct and kaitai-struct-compiler where node finds them (NODE_PATH).
"use strict";
const fs = require("fs");
const readline = require("readline");
const compiler = require("kaitai-struct-compiler");
const KaitaiStream = require("kaitai-struct/KaitaiStream");

// Written here, for its compiler: records of a size and as many bytes.
const chainFormat = {
  meta: { id: "chain", endian: "le" },
  seq: [{ id: "records", type: "record", repeat: "eos" }],
  types: { record: { seq: [{ id: "n", type: "u1" }, { id: "d", size: "n" }] } },
};

const parsers = {};

// The class that the compiler makes of a format, made once.
async function parserOf(format) {
  const id = format.meta.id;
  if (!parsers[id]) {
    const files = await compiler.compile("javascript", format, null, false);
    const module = { exports: {} };
    const load = (name) => (name === "kaitai-struct/KaitaiStream" ? KaitaiStream : require(name));
    new Function("module", "exports", "require", Object.values(files)[0])(module, module.exports, load);
    const made = module.exports;
    parsers[id] = typeof made === "function" ? made : Object.values(made)[0];
  }
  return parsers[id];
}

// How many records there are in so many bytes, and the sum of their sizes.
async function chain(path, size) {
  const Parser = await parserOf(chainFormat);
  const bytes = Buffer.alloc(size);
  const file = fs.openSync(path, "r");
  fs.readSync(file, bytes, 0, size, 0);
  fs.closeSync(file);
  const records = new Parser(new KaitaiStream(bytes)).records;
  let sum = 0;
  for (const record of records) sum += record.n;
  return `${records.length}|${sum}`;
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [name, ...values] = JSON.parse(line);
    console.log(await { chain }[name](...values));
  }
})();
