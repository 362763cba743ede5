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
-- RIFX, whose numbers are big endian, is understood, too. A file that is no RIFF has no rows. The walk leaves
-- a list at the first chunk that is none, and ends after four million chunks; what reaches past the end of
-- what it lies in is cut there, and has an `error`.
--
-- Not covered: RF64 and BW64, the samples themselves, what other chunks say.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS riff_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

CREATE TEMP VIEW IF NOT EXISTS riff_file_ AS
  SELECT DISTINCT path, file_size, iif(mmap_get(path, 3) = 0x46, 'u16le', 'u16be') AS u16,
         iif(mmap_get(path, 3) = 0x46, 'u32le', 'u32be') AS u32
    FROM riff_size_
   WHERE CASE WHEN file_size < 12 THEN 0 ELSE mmap_get(path, 0, 'u32be') IN (0x52494646, 0x52494658) END;

-- Each chunk leads to the next one beside it, behind its length and a byte that makes that even, and RIFF
-- and LIST (down = 1) to the first one inside. Both must lie before `stop`, the end of what they lie in; so
-- no byte is met twice. ORDER BY takes the lowest offset first, which is the order in the file.
CREATE TEMP VIEW IF NOT EXISTS riff_walk_ AS
  SELECT DISTINCT f.path, u32, walk.key AS number, json_extract(walk.value, '$[0]') AS offset,
         json_extract(walk.value, '$[1]') AS stop, json_extract(walk.value, '$[2]') AS depth,
         json_extract(walk.value, '$[3]') AS parent
    FROM riff_file_ AS f CROSS JOIN json_each((
           WITH RECURSIVE chunk(at, stop, depth, parent) AS (
             SELECT 0, file_size, 0, NULL
             UNION ALL
             SELECT iif(down, at + 12, at + 8 + (mmap_get(f.path, at + 4, u32) + 1) / 2 * 2),
                    iif(down, min(stop, at + 8 + mmap_get(f.path, at + 4, u32)), stop),
                    depth + down, iif(down, at, parent)
               FROM chunk CROSS JOIN (SELECT 0 AS down UNION ALL SELECT 1)
              WHERE iif(down, mmap_get(f.path, at, 'u32be') IN (0x52494646, 0x52494658, 0x4c495354)
                              AND min(stop, at + 8 + mmap_get(f.path, at + 4, u32)) >= at + 20,
                        at + 16 + (mmap_get(f.path, at + 4, u32) + 1) / 2 * 2 <= stop)
                AND mmap_get(f.path, at, 'text(4)') GLOB '[ -~][ -~][ -~][ -~]'
              ORDER BY 1 LIMIT 4000000)
           SELECT json_group_array(json_array(at, stop, depth, parent)) FROM chunk)) AS walk;

CREATE TEMP VIEW IF NOT EXISTS riff_chunk AS
  SELECT path, number, depth, parent, offset, mmap_get(path, offset + 4, u32) AS length,
         mmap_get(path, offset, 'text(4)') AS id,
         CASE WHEN offset + 12 <= stop AND mmap_get(path, offset, 'u32be') IN (0x52494646, 0x52494658, 0x4c495354)
              THEN mmap_get(path, offset + 8, 'text(4)') END AS form,
         CASE WHEN mmap_get(path, offset, 'text(4)') NOT GLOB '[ -~][ -~][ -~][ -~]' THEN 'it is no chunk'
              WHEN offset + 8 + mmap_get(path, offset + 4, u32) > stop
              THEN 'it reaches past the end of ' || iif(parent IS NULL, 'the file', 'what it lies in')
              WHEN number = 3999999 THEN 'there may be more, which are not walked' END AS error
    FROM riff_walk_;

-- The first `fmt ` and the first `data`.
CREATE TEMP VIEW IF NOT EXISTS wav_found_ AS
  SELECT DISTINCT f.path, file_size, u16, u32, (
           WITH RECURSIVE chunk(at) AS (
             SELECT 12 WHERE file_size >= 20
             UNION ALL
             SELECT at + 8 + (mmap_get(f.path, at + 4, u32) + 1) / 2 * 2 FROM chunk
              WHERE at + 16 + (mmap_get(f.path, at + 4, u32) + 1) / 2 * 2 <= file_size
              LIMIT 4000000)
           SELECT json_array(min(iif(mmap_get(f.path, at, 'u32be') = 0x666d7420, at, NULL)),
                             min(iif(mmap_get(f.path, at, 'u32be') = 0x64617461, at, NULL)))
             FROM chunk) AS found
    FROM riff_file_ AS f WHERE mmap_get(f.path, 8, 'u32be') = 0x57415645;

CREATE TEMP VIEW IF NOT EXISTS wav_place_ AS
  SELECT DISTINCT path, file_size, u16, u32, json_extract(found, '$[0]') + 8 AS fmt,
         json_extract(found, '$[1]') + 8 AS data
    FROM wav_found_;

-- 0xfffe: the number of the format is further behind.
CREATE TEMP VIEW IF NOT EXISTS wav_format_ AS
  SELECT DISTINCT path, file_size, data, mmap_get(path, data - 4, u32) AS bytes_said,
         min(mmap_get(path, data - 4, u32), file_size - data) AS bytes,
         CASE WHEN fmt + 16 > file_size OR mmap_get(path, fmt - 4, u32) < 16 THEN NULL
              WHEN mmap_get(path, fmt, u16) = 0xfffe AND mmap_get(path, fmt - 4, u32) >= 26
                   AND fmt + 26 <= file_size THEN mmap_get(path, fmt + 24, u16)
              ELSE mmap_get(path, fmt, u16) END AS format,
         CASE WHEN fmt + 16 <= file_size THEN mmap_get(path, fmt + 2, u16) END AS channels,
         CASE WHEN fmt + 16 <= file_size THEN mmap_get(path, fmt + 4, u32) END AS rate,
         CASE WHEN fmt + 16 <= file_size THEN mmap_get(path, fmt + 8, u32) END AS byte_rate,
         CASE WHEN fmt + 16 <= file_size THEN mmap_get(path, fmt + 12, u16) END AS frame_bytes,
         CASE WHEN fmt + 16 <= file_size THEN mmap_get(path, fmt + 14, u16) END AS bits
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
