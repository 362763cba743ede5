-- RIFF: what a WAV, AVI or WebP file is made of; of WAV, how it sounds: channels, rate, duration.
--
--     .read sql/formats/wav.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.wav');
--     SELECT path, format, channels, rate, bits, round(seconds, 3) AS seconds, error FROM wav_format;
--     SELECT path, printf('%.*c%s', depth * 2, ' ', id) AS id, form, offset, length FROM riff_chunk;
--
--     riff_chunk  every chunk of any RIFF file, those inside RIFF and LIST included: offset, length, id, depth
--     wav_format  a row for each WAV file: its `fmt ` chunk, and where the samples are
--
-- RIFX, whose numbers are big endian, and RF64 and BW64, whose lengths beyond 4 GiB are in a chunk ds64, are
-- understood, too; so are files that were written to a pipe, whose lengths are 0 or 0xffffffff for "up to the
-- end", chunks of odd length without the byte that should follow them, and headers of 14 bytes, which do not say
-- how many bits a sample has. A file that is no RIFF has no rows. The walk leaves a list at the first chunk that
-- is none, and ends after four million chunks; what reaches past the end of what it lies in is cut there, and has
-- an `error`. U+FFFD stands for each byte of an id that is no printable ASCII.
--
-- Not covered: Sony's Wave64, the samples themselves, what other chunks say.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS riff_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- `wide`: there is a ds64. Its 64-bit numbers are the length of the RF64, of `data` and the count of samples; then
-- a table of other chunks, (id, length), behind how many there are.
CREATE TEMP VIEW IF NOT EXISTS riff_file_ AS
  SELECT DISTINCT path, file_size, iif(mmap_get(path, 3) = 0x58, 'u16be', 'u16le') AS u16,
         iif(mmap_get(path, 3) = 0x58, 'u32be', 'u32le') AS u32,
         CASE WHEN mmap_get(path, 0, 'u32be') IN (0x52463634, 0x42573634) AND file_size >= 48
              THEN mmap_get(path, 12, 'u32be') = 0x64733634 ELSE 0 END AS wide
    FROM riff_size_
   WHERE CASE WHEN file_size < 12 THEN 0
              ELSE mmap_get(path, 0, 'u32be') IN (0x52494646, 0x52494658, 0x52463634, 0x42573634) END;

-- Four steps for each chunk: 0 finds its size, 1 where the next one beside it begins, 2 goes there, and 3, of RIFF
-- and LIST, to the first one inside. Both must lie before `stop`, the end of what they lie in; so no byte is met
-- twice. ORDER BY takes the lowest offset first, which is the order in the file. One file at a time is walked, as
-- the recursion stands in a subquery that is evaluated for each; json_each makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS riff_list_ AS
  SELECT DISTINCT f.path, file_size, u16, u32, (
           WITH RECURSIVE chunk(at, stop, depth, parent, size, next) AS (
             SELECT 0, file_size, 0, NULL, NULL, NULL
             UNION ALL
             SELECT CASE step WHEN 2 THEN next WHEN 3 THEN at + 12 ELSE at END,
                    iif(step = 3, min(stop, at + 8 + size), stop), depth + (step = 3), iif(step = 3, at, parent),
                    CASE step
                      WHEN 0 THEN
                        (SELECT CASE
                                  WHEN said IS NULL OR said < 0 OR depth = 0 AND said < 4 THEN stop - at - 8
                                  -- RIFF is all of the file, unless there is a chunk behind it, and one that may be
                                  -- there: no `fmt ` or `data`.
                                  WHEN depth = 0 AND at + 16 + said + said % 2 <= stop
                                  THEN iif(mmap_get(f.path, at + 8 + said + said % 2, 'text(4)')
                                             GLOB '[ -~][ -~][ -~][ -~]'
                                           AND mmap_get(f.path, at + 8 + said + said % 2, 'u32be')
                                               NOT IN (0x666d7420, 0x64617461), said, stop - at - 8)
                                  -- So is `data` of length 0, unless there is one behind it that fits.
                                  WHEN said = 0 AND mmap_get(f.path, at, 'u32be') = 0x64617461
                                  THEN CASE WHEN at + 16 > stop THEN stop - at - 8
                                            WHEN mmap_get(f.path, at + 8, 'text(4)') GLOB '[ -~][ -~][ -~][ -~]'
                                                 AND at + 16 + mmap_get(f.path, at + 12, u32) <= stop THEN 0
                                            ELSE stop - at - 8 END
                                  ELSE said END
                           FROM (SELECT CASE
                                          WHEN mmap_get(f.path, at + 4, u32) <> 0xffffffff
                                          THEN mmap_get(f.path, at + 4, u32)
                                          WHEN wide AND depth = 0 THEN mmap_get(f.path, 20, 'u64le')
                                          WHEN wide AND mmap_get(f.path, at, 'u32be') = 0x64617461
                                          THEN mmap_get(f.path, 28, 'u64le')
                                          WHEN wide
                                          THEN (SELECT mmap_get(f.path, 52 + 12 * i.offset, 'u64le')
                                                  FROM mmap(f.path) AS i
                                                 WHERE i.offset < min(mmap_get(f.path, 44, 'u32le'), 1000,
                                                                      (file_size - 48) / 12)
                                                   AND mmap_get(f.path, 48 + 12 * i.offset, 'u32be')
                                                       = mmap_get(f.path, at, 'u32be') LIMIT 1) END AS said))
                      WHEN 1 THEN size END,
                    -- A byte makes an odd length even; some forget it. That is so where a chunk that fits begins at
                    -- once, and either none behind the byte, or the one at once is among the usual ones.
                    CASE WHEN step <> 1 THEN NULL
                         WHEN size % 2 = 0 THEN at + 8 + size
                         WHEN at + 16 + size > stop THEN at + 9 + size
                         WHEN mmap_get(f.path, at + 8 + size, 'text(4)') GLOB '[ -~][ -~][ -~][ -~]'
                              AND at + 16 + size + mmap_get(f.path, at + 12 + size, u32) <= stop
                              AND CASE WHEN at + 17 + size > stop OR mmap_get(f.path, at + 8 + size, 'u32be')
                                            IN (0x666d7420, 0x64617461, 0x66616374, 0x4c495354) THEN 1
                                       WHEN mmap_get(f.path, at + 9 + size, 'text(4)') GLOB '[ -~][ -~][ -~][ -~]'
                                       THEN at + 17 + size + mmap_get(f.path, at + 13 + size, u32) > stop
                                       ELSE 1 END THEN at + 8 + size
                         ELSE at + 9 + size END
               FROM chunk CROSS JOIN (SELECT 0 AS step UNION ALL VALUES (1), (2), (3))
              WHERE CASE step WHEN 0 THEN size IS NULL
                              WHEN 1 THEN size IS NOT NULL AND next IS NULL
                              WHEN 2 THEN next + 8 <= stop
                                          AND mmap_get(f.path, at, 'text(4)') GLOB '[ -~][ -~][ -~][ -~]'
                              ELSE next IS NOT NULL AND at + 20 <= min(stop, at + 8 + size)
                                   AND mmap_get(f.path, at, 'u32be') IN
                                       (0x52494646, 0x52494658, 0x52463634, 0x42573634, 0x4c495354) END
              ORDER BY 1 LIMIT 12000000)
           SELECT json_group_array(json_array(at, stop, depth, parent, size, next))
             FROM chunk WHERE next IS NOT NULL) AS chunks
    FROM riff_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS riff_walk_ AS
  SELECT DISTINCT f.path, c.key AS number, json_extract(c.value, '$[0]') AS offset,
         json_extract(c.value, '$[1]') AS stop, json_extract(c.value, '$[2]') AS depth,
         json_extract(c.value, '$[3]') AS parent, json_extract(c.value, '$[4]') AS size,
         json_extract(c.value, '$[5]') AS next,
         mmap_get(f.path, json_extract(c.value, '$[0]'), 'u32be') AS code,
         mmap_get(f.path, json_extract(c.value, '$[0]'), 'text(4)') GLOB '[ -~][ -~][ -~][ -~]' AS is_chunk
    FROM riff_list_ AS f CROSS JOIN json_each(f.chunks) AS c;

CREATE TEMP VIEW IF NOT EXISTS riff_id_ AS
  SELECT path, offset, iif(byte BETWEEN 0x20 AND 0x7e, char(byte), char(0xfffd)) AS character
    FROM target CROSS JOIN mmap(path);

CREATE TEMP VIEW IF NOT EXISTS riff_chunk AS
  SELECT path, number, depth, parent, offset, size AS length,
         CASE WHEN is_chunk THEN mmap_get(path, offset, 'text(4)')
              ELSE (SELECT group_concat(character, '') FROM riff_id_ AS i
                     WHERE i.path = w.path AND i.offset BETWEEN w.offset AND w.offset + 3) END AS id,
         CASE WHEN offset + 12 <= stop
                   AND code IN (0x52494646, 0x52494658, 0x52463634, 0x42573634, 0x4c495354)
              THEN (SELECT group_concat(character, '') FROM riff_id_ AS i
                     WHERE i.path = w.path AND i.offset BETWEEN w.offset + 8 AND w.offset + 11) END AS form,
         CASE WHEN NOT is_chunk THEN 'it is no chunk'
              WHEN offset + 8 + size > stop
              THEN 'it reaches past the end of ' || iif(parent IS NULL, 'the file', 'what it lies in')
              WHEN size % 2 AND next = offset + 8 + size THEN 'the byte that makes its length even is missing'
              WHEN number = 3999999 THEN 'there may be more, which are not walked' END AS error
    FROM riff_walk_ AS w;

-- The first `fmt ` and the first `data`.
CREATE TEMP VIEW IF NOT EXISTS wav_found_ AS
  SELECT DISTINCT f.path, file_size, u16, u32,
         (SELECT c.value FROM json_each(f.chunks) AS c
           WHERE json_extract(c.value, '$[3]') = 0
             AND mmap_get(f.path, json_extract(c.value, '$[0]'), 'u32be') = 0x666d7420 LIMIT 1) AS fmt,
         (SELECT c.value FROM json_each(f.chunks) AS c
           WHERE json_extract(c.value, '$[3]') = 0
             AND mmap_get(f.path, json_extract(c.value, '$[0]'), 'u32be') = 0x64617461 LIMIT 1) AS data
    FROM riff_list_ AS f WHERE mmap_get(f.path, 8, 'u32be') = 0x57415645;

-- `fmt_size`: what of `fmt ` is there.
CREATE TEMP VIEW IF NOT EXISTS wav_place_ AS
  SELECT DISTINCT path, file_size, u16, u32, json_extract(fmt, '$[0]') + 8 AS fmt,
         min(json_extract(fmt, '$[4]'), file_size - json_extract(fmt, '$[0]') - 8) AS fmt_size,
         json_extract(data, '$[0]') + 8 AS data, json_extract(data, '$[4]') AS bytes
    FROM wav_found_;

-- 14 bytes and more; the bits a sample has are behind them. 0xfffe: the number of the format is further behind.
CREATE TEMP VIEW IF NOT EXISTS wav_format_ AS
  SELECT DISTINCT path, data, bytes AS bytes_said, min(bytes, file_size - data) AS bytes,
         CASE WHEN fmt_size < 14 THEN NULL
              WHEN fmt_size >= 26 AND mmap_get(path, fmt, u16) = 0xfffe THEN mmap_get(path, fmt + 24, u16)
              ELSE mmap_get(path, fmt, u16) END AS format,
         CASE WHEN fmt_size >= 14 THEN mmap_get(path, fmt + 2, u16) END AS channels,
         CASE WHEN fmt_size >= 14 THEN mmap_get(path, fmt + 4, u32) END AS rate,
         CASE WHEN fmt_size >= 14 THEN mmap_get(path, fmt + 8, u32) END AS byte_rate,
         CASE WHEN fmt_size >= 14 THEN mmap_get(path, fmt + 12, u16) END AS frame_bytes,
         CASE WHEN fmt_size >= 16 THEN mmap_get(path, fmt + 14, u16) END AS bits
    FROM wav_place_;

CREATE TEMP VIEW IF NOT EXISTS wav_format AS
  SELECT path, CASE format WHEN 1 THEN 'PCM' WHEN 2 THEN 'ADPCM' WHEN 3 THEN 'float' WHEN 6 THEN 'A-law'
                           WHEN 7 THEN 'mu-law' WHEN 17 THEN 'IMA ADPCM' WHEN 49 THEN 'GSM'
                           WHEN 85 THEN 'MP3' ELSE format END AS format,
         channels, rate, byte_rate, frame_bytes, bits, data AS data_offset, bytes AS data_bytes,
         CASE WHEN format IN (1, 3, 6, 7) AND frame_bytes > 0 AND rate > 0
              THEN CAST(bytes / frame_bytes AS REAL) / rate
              WHEN byte_rate > 0 THEN CAST(bytes AS REAL) / byte_rate END AS seconds,
         CASE WHEN format IS NULL THEN 'it has no format'
              WHEN data IS NULL THEN 'it has no data'
              WHEN bytes_said > bytes THEN 'the data reach past the end of the file' END AS error
    FROM wav_format_;
