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

-- A chunk is a name, a length and so many bytes; RIFF, RIFX, RF64, BW64 and LIST have a form, and chunks behind it.
--     is_chunk  the name is four printable characters: no byte is below 0x20 or above 0x7e
--     said      the length. In an RF64 or BW64 with a chunk ds64, those of 0xffffffff are there: of the file, of `data` and,
--               behind how many there are, of others by their names (the first four are looked at)
--     after     where the next chunk is if the length is right, where there is a doubt: RIFF is all of the file, unless
--               there is a chunk behind it, and one that may be there; so is `data` of length 0
--     unpadded  a byte makes an odd length even; some forget it. That is so where a chunk that fits begins at once
--               (`near`), and either none behind the byte (`far`), or the one at once is among the usual ones
CREATE VIRTUAL TABLE IF NOT EXISTS temp.riff_chunk_ USING mmap(*, rest AS (stop - offset - 8), code u32be, said32 u32,
  is_chunk AS ((code | code + 0x01010101 | ~((code | 0x80808080) - 0x20202020)) & 0x80808080 = 0),
  form u32be at_file(offset + 8) if(rest >= 4 AND code IN (0x52494646, 0x52494658, 0x52463634, 0x42573634, 0x4c495354)),
  kind u32be at_file(0), ds64 u32be at_file(12) if(size >= 48 AND kind IN (0x52463634, 0x42573634)), wide AS (ds64 = 0x64733634),
  riff64 u64le at_file(20) if(wide), data64 u64le at_file(28) if(wide), others u32le at_file(44) if(wide),
  code1 u32be at_file(48) if(others > 0 AND size >= 60), length1 u64le at_file(52) if(others > 0 AND size >= 60),
  code2 u32be at_file(60) if(others > 1 AND size >= 72), length2 u64le at_file(64) if(others > 1 AND size >= 72),
  code3 u32be at_file(72) if(others > 2 AND size >= 84), length3 u64le at_file(76) if(others > 2 AND size >= 84),
  code4 u32be at_file(84) if(others > 3 AND size >= 96), length4 u64le at_file(88) if(others > 3 AND size >= 96),
  said AS (CASE WHEN said32 <> 0xffffffff THEN said32 WHEN start = 0 THEN riff64 WHEN code = 0x64617461 THEN data64
                WHEN code = code1 THEN length1 WHEN code = code2 THEN length2 WHEN code = code3 THEN length3
                WHEN code = code4 THEN length4 END),
  after AS (CASE WHEN start = 0 AND said BETWEEN 4 AND rest - 8 - said % 2 THEN offset + 8 + said + said % 2
                 WHEN start > 0 AND said = 0 AND code = 0x64617461 AND rest >= 8 THEN offset + 8 END),
  after_code u32be at_file(after) if(after), after_length u32 at_file(after + 4) if(after),
  is_after AS ((after_code | after_code + 0x01010101 | ~((after_code | 0x80808080) - 0x20202020)) & 0x80808080 = 0),
  length AS (CASE WHEN said IS NULL OR said < 0 OR start = 0 AND said < 4 THEN rest
                  WHEN start = 0 THEN iif(after IS NULL OR is_after AND after_code NOT IN (0x666d7420, 0x64617461), said, rest)
                  WHEN said > 0 OR code <> 0x64617461 OR is_after AND after_length <= rest - 8 THEN said ELSE rest END),
  near AS (CASE WHEN length % 2 AND length <= rest - 8 THEN offset + 8 + length END),
  near_code u32be at_file(near) if(near), near_length u32 at_file(near + 4) if(near),
  is_near AS ((near_code | near_code + 0x01010101 | ~((near_code | 0x80808080) - 0x20202020)) & 0x80808080 = 0),
  far_code u32be at_file(near + 1) if(near + 9 <= stop), far_length u32 at_file(near + 5) if(near + 9 <= stop),
  is_far AS ((far_code | far_code + 0x01010101 | ~((far_code | 0x80808080) - 0x20202020)) & 0x80808080 = 0),
  unpadded AS (is_near AND near_length <= stop - near - 8
               AND (near_code IN (0x666d7420, 0x64617461, 0x66616374, 0x4c495354)
                    OR ifnull(NOT is_far OR far_length > stop - near - 9, 1))),
  record=(min(8 + min(length, rest) + iif(length % 2 AND unpadded IS NOT 1, 1, 0), stop - offset)),
  while=(rest >= 0), until=(NOT is_chunk));

-- 14 bytes and more; the bits a sample has are behind them. 0xfffe: the number of the format is further behind.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.wav_fmt_ USING mmap(*, kind u16, channels u16, rate u32, byte_rate u32, frame_bytes u16,
  bits u16 if(stop - start >= 16), sub u16 at(24) if(kind = 0xfffe AND stop - start >= 26), format AS (ifnull(sub, kind)),
  count=(1), partial=yes);

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target.
CREATE TEMP VIEW IF NOT EXISTS riff_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS size FROM target;
CREATE TEMP VIEW IF NOT EXISTS riff_file_ AS
  SELECT DISTINCT path, size, iif(mmap_get(path, 3) = 0x58, 'be', 'le') AS byte_order FROM riff_size_
   WHERE CASE WHEN size >= 12 THEN mmap_get(path, 0, 'u32be') IN (0x52494646, 0x52494658, 0x52463634, 0x42573634) END;

-- One file at a time: the recursion stands in a subquery, json_each makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS riff_list_ AS
  SELECT DISTINCT f.path, size, byte_order, (
           WITH RECURSIVE tree(depth, at, stop, code, length, form, parent, good, odd) AS (
             SELECT 0, c.offset, c.stop, c.code, c.length, c.form, NULL, is_chunk, unpadded
               FROM riff_chunk_(f.path, 0, size, byte_order) AS c
             UNION ALL
             SELECT depth + 1, c.offset, c.stop, c.code, c.length, c.form, tree.at, is_chunk, unpadded
               FROM tree CROSS JOIN riff_chunk_(f.path, at + 12, min(tree.stop, at + 8 + tree.length), byte_order) AS c
              WHERE tree.form IS NOT NULL AND at + 20 <= min(tree.stop, at + 8 + tree.length) LIMIT 4000000)
           SELECT json_group_array(json_array(depth, at, stop, code, length, form, parent, good, length % 2 AND odd))
             FROM (SELECT * FROM tree ORDER BY at)) AS chunks
    FROM riff_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS riff_walk_ AS
  SELECT DISTINCT l.path, key AS number,
         json_extract(value, '$[0]') AS depth, json_extract(value, '$[1]') AS offset, json_extract(value, '$[2]') AS stop,
         json_extract(value, '$[3]') AS code, json_extract(value, '$[4]') AS length, json_extract(value, '$[5]') AS form,
         json_extract(value, '$[6]') AS parent, json_extract(value, '$[7]') AS is_chunk, json_extract(value, '$[8]') AS odd
    FROM riff_list_ AS l CROSS JOIN json_each(chunks);

CREATE TEMP VIEW IF NOT EXISTS riff_chunk AS
  SELECT path, number, depth, parent, offset, length,
         (SELECT group_concat(char(iif(code >> value & 255 BETWEEN 0x20 AND 0x7e, code >> value & 255, 0xfffd)), '')
            FROM json_each('[24,16,8,0]')) AS id,
         CASE WHEN form IS NOT NULL THEN
           (SELECT group_concat(char(iif(form >> value & 255 BETWEEN 0x20 AND 0x7e, form >> value & 255, 0xfffd)), '')
            FROM json_each('[24,16,8,0]')) END AS form,
         CASE WHEN NOT is_chunk THEN 'it is no chunk'
              WHEN offset + 8 + length > stop
              THEN 'it reaches past the end of ' || iif(parent IS NULL, 'the file', 'what it lies in')
              WHEN odd THEN 'the byte that makes its length even is missing'
              WHEN number = 3999999 THEN 'there may be more, which are not walked' END AS error
    FROM riff_walk_;

-- The first `fmt ` and the first `data`.
CREATE TEMP VIEW IF NOT EXISTS wav_place_ AS
  SELECT DISTINCT path, size, byte_order,
         (SELECT value FROM json_each(chunks)
           WHERE json_extract(value, '$[6]') = 0 AND json_extract(value, '$[3]') = 0x666d7420 LIMIT 1) AS fmt,
         (SELECT value FROM json_each(chunks)
           WHERE json_extract(value, '$[6]') = 0 AND json_extract(value, '$[3]') = 0x64617461 LIMIT 1) AS data
    FROM riff_list_ WHERE mmap_get(path, 8, 'u32be') = 0x57415645;

CREATE TEMP VIEW IF NOT EXISTS wav_format_ AS
  SELECT DISTINCT p.path, f.format, channels, rate, byte_rate, frame_bytes, bits, json_extract(data, '$[1]') + 8 AS data,
         json_extract(data, '$[4]') AS said, min(json_extract(data, '$[4]'), size - json_extract(data, '$[1]') - 8) AS bytes
    FROM wav_place_ AS p LEFT JOIN wav_fmt_(p.path, json_extract(fmt, '$[1]') + 8,
           json_extract(fmt, '$[1]') + 8 + json_extract(fmt, '$[4]'), byte_order) AS f ON f.error IS NULL;

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
              WHEN said > bytes THEN 'the data reach past the end of the file' END AS error
    FROM wav_format_;
