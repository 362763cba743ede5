-- git's packs: which objects are in them, where, of what type and size, and which others they are made from.
--
--     .read sql/formats/git_pack.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('.git/objects/pack/pack-*') WHERE error IS NULL;
--     SELECT path, kind, version, objects, error FROM git_pack;
--     SELECT type, count(*), sum(packed) FROM git_pack_object GROUP BY type;
--     SELECT hash, size, packed FROM git_pack_object WHERE type = 'blob' ORDER BY packed DESC LIMIT 9;
--     SELECT hash, type, depth, base_offset FROM git_pack_delta WHERE depth > 9;
--     SELECT path, hash, error FROM git_pack_object WHERE error IS NOT NULL OR NOT crc_ok;
--
--     git_pack         a row for each .pack and .idx: version, how many objects
--     git_pack_object  of each object in an .idx: where it is in the pack, CRC; and, from the .pack beside it, type, size when
--                      unpacked, size in the pack, and of a delta its base
--     git_pack_delta   what git verify-pack -v says: what an object is in the end, and through how many deltas
--
-- Hashes of 20 and 32 bytes. The pack is the file of the same name with .pack instead of .idx, which need not be in target. For a delta,
-- `size` is its own. Not covered: unpacking, .idx of version 1, which have no mark, .rev, .bitmap and multi-pack indices.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_pack_head_ USING mmap(*, magic u32be, version u32be, objects u32be,
  while=(magic = 0x5041434b), count=(1), partial=yes);
-- An index has 256 counts, of objects whose hash begins with so much or less, the last of which is of all; then a table each of hashes in
-- their order, CRCs, places, and places that need 8 bytes, whose number stands among the others with the highest bit set.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_pack_index_ USING mmap(*, magic u32be, version u32be, objects u32be at(1028),
  hash_bytes AS (iif(size - 1032 >= 40 * objects + 64, 32, 20)), fit AS (min(objects, (size - 1032) / (hash_bytes + 8))),
  while=(magic = 0xff744f63), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_pack_entry_ USING mmap(*, offset=1032, objects u32be at_file(1028),
  hash_bytes AS (iif(size - 1032 >= 40 * objects + 64, 32, 20)), hash blob(hash_bytes) at(0),
  crc u32be at_file(1032 + objects * hash_bytes + 4 * rowid), place4 u32be at_file(1032 + objects * (hash_bytes + 4) + 4 * rowid),
  far AS (1032 + objects * (hash_bytes + 8) + 8 * (place4 & 0x7fffffff)), place8 u64be at_file(far) if(place4 >> 31 AND far <= size - 8),
  place AS (iif(place4 >> 31, place8, place4)), while=(rowid < objects), partial=yes);
-- An object has its size in 4 bits and as many bytes as it takes. The base of a delta is so many bytes before it (6), or has a hash (7),
-- of which fewer than 32 bytes may be its own. What follows is compressed.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_pack_entity_ USING mmap(*, more b1, type b3, low b4, high uleb128 if(more),
  length AS (low | (coalesce(high, 0) << 4)), back vlq1 if(type = 6), base_at AS (pos), first u8 at_file(base_at) if(type = 7),
  base blob(min(32, stop - base_at)) at(base_at - offset) if(type = 7), count=(1), partial=yes);

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. A path is not a pattern: its letters that
-- would be one stand in brackets.
CREATE TEMP VIEW IF NOT EXISTS git_pack_pair_ AS
  SELECT DISTINCT t.path, objects, hash_bytes, fit, version, i.error AS wrong,
         iif(t.path GLOB '*.idx', (SELECT g.path FROM mmap_glob(replace(replace(replace(substr(t.path, 1, length(t.path) - 4),
           '[', '[[]'), '*', '[*]'), '?', '[?]') || '.pack') AS g WHERE g.error IS NULL LIMIT 1), NULL) AS pack
    FROM target AS t CROSS JOIN git_pack_index_(t.path) AS i WHERE magic IS NOT NULL;
CREATE TEMP VIEW IF NOT EXISTS git_pack_file_ AS
  SELECT DISTINCT p.*, mmap_length(pack) - hash_bytes AS pack_end FROM git_pack_pair_ AS p;

CREATE TEMP VIEW IF NOT EXISTS git_pack AS
  SELECT path, 'pack' AS kind, version, objects,
         CASE WHEN h.error IS NOT NULL THEN 'its header reaches past the end of the file'
              WHEN version NOT IN (2, 3) THEN 'its version is not read here' END AS error
    FROM target CROSS JOIN git_pack_head_(path) AS h WHERE magic IS NOT NULL
  UNION ALL
  SELECT path, 'index', version, objects,
         CASE WHEN wrong IS NOT NULL THEN 'its header reaches past the end of the file' WHEN version <> 2 THEN 'its version is not read here'
              WHEN 1032 + objects * (hash_bytes + 8) + 2 * hash_bytes > mmap_length(path) THEN 'its tables reach past the end of the file'
              WHEN mmap_slice(path, -2 * hash_bytes, -hash_bytes) <> mmap_slice(pack, -hash_bytes) THEN 'the pack beside it is another one' END
    FROM git_pack_file_ AS f;

-- An object goes on to the next one, in the order of the pack, or to the hash at its end.
CREATE TEMP VIEW IF NOT EXISTS git_pack_place_ AS
  SELECT f.*, e.rowid AS number, hash, crc, place, lead(place, 1, pack_end) OVER (PARTITION BY f.path ORDER BY place) AS behind
    FROM git_pack_file_ AS f CROSS JOIN git_pack_entry_(path) AS e WHERE version = 2 AND wrong IS NULL AND e.rowid < fit AND crc IS NOT NULL;
CREATE TEMP VIEW IF NOT EXISTS git_pack_object AS
  SELECT path, lower(hex(hash)) AS hash, place AS offset, crc, crc = mmap_crc32(pack, iif(place BETWEEN 12 AND pack_end, place, NULL), behind) AS crc_ok,
         CASE type WHEN 1 THEN 'commit' WHEN 2 THEN 'tree' WHEN 3 THEN 'blob' WHEN 4 THEN 'tag' WHEN 6 THEN 'ofs-delta' WHEN 7 THEN 'ref-delta'
                   ELSE type END AS type, o.length AS size, iif(place BETWEEN 12 AND pack_end, behind - place, NULL) AS packed,
         place - back AS base_offset, nullif(lower(hex(substr(base, 1, hash_bytes))), '') AS base_hash,
         CASE WHEN place IS NULL THEN 'its place reaches past the end of the index' WHEN pack IS NULL THEN 'its pack is not beside the index'
              WHEN (place BETWEEN 12 AND pack_end - 1) IS NOT 1 THEN 'its place is not in the pack'
              WHEN o.error IS NOT NULL THEN 'it reaches past the end of the pack' WHEN type IN (0, 5) THEN 'it is of no type'
              WHEN back > place - 12 THEN 'its base is before the pack' END AS error
    FROM git_pack_place_ AS p LEFT JOIN git_pack_entity_(pack, iif(place BETWEEN 12 AND pack_end - 1, place, NULL), pack_end) AS o;

-- From a delta to its base, and on: a base is before it, or is looked for among the hashes with the same first byte.
CREATE TEMP VIEW IF NOT EXISTS git_pack_chain_ AS
  SELECT DISTINCT p.path, number, hash, place, pack, hash_bytes, (
           WITH RECURSIVE up(depth, at, type, under) AS (
             SELECT 0, p.place, type, iif(type = 6, p.place - back, (SELECT e.place FROM git_pack_entry_(p.path) AS e
                    WHERE type = 7 AND e.rowid >= iif(first, mmap_get(p.path, 4 + 4 * first, 'u32be'), 0)
                      AND e.rowid < min(p.fit, mmap_get(p.path, 8 + 4 * first, 'u32be')) AND e.hash = substr(base, 1, p.hash_bytes) LIMIT 1))
               FROM git_pack_entity_(p.pack, iif(p.place BETWEEN 12 AND p.pack_end - 1, p.place, NULL), p.pack_end)
             UNION ALL
             SELECT depth + 1, o.offset, o.type, iif(o.type = 6, o.offset - back, (SELECT e.place FROM git_pack_entry_(p.path) AS e
                    WHERE o.type = 7 AND e.rowid >= iif(first, mmap_get(p.path, 4 + 4 * first, 'u32be'), 0)
                      AND e.rowid < min(p.fit, mmap_get(p.path, 8 + 4 * first, 'u32be')) AND e.hash = substr(base, 1, p.hash_bytes) LIMIT 1))
               FROM up CROSS JOIN git_pack_entity_(p.pack, iif(under BETWEEN 12 AND p.pack_end - 1, under, NULL), p.pack_end) AS o LIMIT 1000)
           SELECT json_array(max(depth), type, sum(iif(depth = 1, at, NULL))) FROM up) AS found
    FROM git_pack_place_ AS p;
CREATE TEMP VIEW IF NOT EXISTS git_pack_delta AS
  SELECT path, lower(hex(hash)) AS hash, place AS offset,
         CASE json_extract(found, '$[1]') WHEN 1 THEN 'commit' WHEN 2 THEN 'tree' WHEN 3 THEN 'blob' WHEN 4 THEN 'tag' END AS type,
         json_extract(found, '$[0]') AS depth, json_extract(found, '$[2]') AS base_offset,
         CASE WHEN pack IS NULL THEN 'its pack is not beside the index' WHEN json_extract(found, '$[0]') = 999 THEN 'it is made by 999 deltas or more'
              WHEN (json_extract(found, '$[1]') BETWEEN 1 AND 4) IS NOT 1 THEN 'it, or a base of it, is not in the pack' END AS error
    FROM git_pack_chain_;
