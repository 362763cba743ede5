-- TIFF and EXIF: what pictures say of themselves: directories, their entries with values, when and where they were taken.
--
--     .read sql/formats/tiff.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.jpg') WHERE error IS NULL;
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.tif*') WHERE error IS NULL;
--     SELECT path, taken, make, model, latitude, longitude FROM tiff_photo ORDER BY taken;
--     SELECT path, directory, kind, name, type, items, value FROM tiff_entry WHERE kind = 'GPS';
--     SELECT path, directory, width, height, bits, compression FROM tiff_image;
--     SELECT path, number, error FROM tiff_directory WHERE error IS NOT NULL;
--
--     tiff_header     a row for each file: order of bytes, TIFF or BigTIFF, where it starts (in a JPEG: in its APP1)
--     tiff_directory  main ones (pages, thumbnails), those in them (sub), EXIF, GPS and interop: where, how many entries
--     tiff_entry      tag, name, type, how many items, value, and where that is in the file
--     tiff_image      of main and sub directories: size, bits, compression; of a thumbnail where its JPEG is
--     tiff_photo      a row for each file: camera, when and where, exposure
--
-- TIFF, BigTIFF, the raw formats of DNG, NEF, CR2, ARW, ORF and RW2, and EXIF in a JPEG. A value of several items is JSON, at most
-- 1,000 items of it; rationals are quotients; bytes of no type (UNDEFINED) are a BLOB. Texts end at their first NUL, and are UTF-8 or,
-- if they are none, Latin-1. Of a directory the first 512 entries are read, and 10,000 directories of a file. A directory is not walked
-- twice in one role; one that is its own EXIF, say, has rows as both. Not covered: pixels, makers' notes, XMP, IPTC, EXIF in PNG, WebP and HEIF.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The segments of a JPEG, up to the one that begins with Exif and two NULs.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tiff_app1_ USING mmap(*, signature u24be at_file(0), ff u8 at(0), code u8 at_file(offset + 1),
  bare AS (code = 0x01 OR code BETWEEN 0xd0 AND 0xd9), fill AS (code = 0xff), length u16be at(2) if(NOT bare AND NOT fill),
  mark u48be if(code = 0xe1 AND length >= 8), record=(iif(fill, 1, iif(bare, 2, length + 2))),
  while=(signature = 0xffd8ff AND ff = 0xff), until=(code IN (0xd9, 0xda) OR mark = 0x457869660000), partial=yes);
-- Places in a TIFF count from its start, which in a JPEG is not the file's. BigTIFF (43) has numbers of 8 bytes where TIFF has 4 or 2.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tiff_head_ USING mmap(*, mark u16be, magic u16, first4 u32 if(magic <> 43), first8 u64 at(8) if(magic = 43),
  first AS (coalesce(first4, first8)), while=(magic IN (42, 43, 85, 0x4f52, 0x5352)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tiff_directory_ USING mmap(*, magic u16 at_file(2), big AS (magic = 43),
  entries2 u16 at(0) if(NOT big), entries8 u64 at(0) if(big), entries AS (coalesce(entries2, entries8)), entries_at AS (pos),
  more4 u32 at(2 + 12 * entries) if(NOT big), more8 u64 at(8 + 20 * entries) if(big), more AS (coalesce(more4, more8)), count=(1), partial=yes);
-- A value that fits into the 4 (BigTIFF: 8) bytes of its place stands there; else that says where it is.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tiff_entry_ USING mmap(*, magic u16 at_file(2), big AS (magic = 43), tag u16 at(0), type u16,
  items4 u32 if(NOT big), items8 u64 if(big), items AS (coalesce(items4, items8)), here AS (pos), place4 u32 if(NOT big), place8 u64 if(big),
  width AS (CASE WHEN type IN (1, 2, 6, 7, 129) THEN 1 WHEN type IN (3, 8) THEN 2 WHEN type IN (4, 9, 11, 13) THEN 4
                 WHEN type IN (5, 10, 12, 16, 17, 18) THEN 8 END),
  bytes AS (iif(items BETWEEN 0 AND size, items * width, NULL)), inside AS (bytes <= iif(big, 8, 4)), place AS (coalesce(place4, place8)),
       partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tiff_ratio_ USING mmap(*, a u32, b u32, signed_a i32 at(0), signed_b i32);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tiff_string_ USING mmap(*, utf8 text(stop - start), latin1 latin1(stop - start) at(0), count=(1));

-- Where the TIFF is in the file: from `base` to `until`, which in a JPEG its segment's length says.
CREATE TEMP VIEW IF NOT EXISTS tiff_base_ AS
  SELECT DISTINCT path, CASE WHEN mmap_slice(path, 0, 2) IN (x'4949', x'4d4d') THEN 0
                             ELSE (SELECT a.offset + 10 FROM tiff_app1_(t.path) AS a WHERE mark = 0x457869660000 LIMIT 1) END AS base
    FROM target AS t;
CREATE TEMP VIEW IF NOT EXISTS tiff_place_ AS
  SELECT DISTINCT path, base, CASE base WHEN 0 THEN mmap_length(path) ELSE min(mmap_length(path), base - 8 + mmap_get(path, base - 8,
       'u16be')) END AS until,
         CASE mmap_slice(path, base, base + 2) WHEN x'4949' THEN 'le' WHEN x'4d4d' THEN 'be' END AS ord
    FROM tiff_base_ WHERE base >= 0;

-- The directories of a file, those that lie in others after them; UNION leaves out what has been there. `kind` is 0 for the chain of main
-- ones, 4 for that of sub ones (tag 014a), and 1, 2, 3 for EXIF (8769), GPS (8825) and interop (a005), which are no chains.
CREATE TEMP VIEW IF NOT EXISTS tiff_list_ AS
  SELECT DISTINCT path, base, until, ord, h.magic, h.first, h.error AS head_error, (
           WITH RECURSIVE tree(at, kind) AS (
             SELECT base + first, 0 WHERE first > 0
             UNION
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')
               FROM tree CROSS JOIN json_each((
                 SELECT json_group_array(json_array(goal, part)) FROM (
                   SELECT base + more AS goal, kind AS part FROM tiff_directory_(p.path, at, p.until, ord) WHERE more > 0 AND kind IN (0, 4)
                   UNION ALL
                   SELECT base + v.value, CASE tag WHEN 0x8769 THEN 1 WHEN 0x8825 THEN 2 WHEN 0xa005 THEN 3 ELSE 4 END
                     FROM tiff_directory_(p.path, at, p.until, ord) AS d CROSS JOIN tiff_entry_(p.path, entries_at, p.until, ord) AS e
                          CROSS JOIN json_each(CASE WHEN iif(inside, here, base + place) BETWEEN 0 AND p.until - bytes AND e.type IN (4, 13, 16, 18)
                            THEN mmap_get(p.path, iif(inside, here, base + place), iif(width = 4, 'u32', 'u64') || ord || '[' || min(items,
                                 1000) || ']')
                            END) AS v
                    WHERE e.rowid < min(entries, 512) AND tag IN (0x8769, 0x8825, 0xa005, 0x014a) AND items > 0)
                  WHERE goal > base LIMIT 1000)) LIMIT 10000)
           SELECT json_group_array(json_array(at, kind)) FROM tree) AS directories
    FROM tiff_place_ AS p CROSS JOIN tiff_head_(path, base, until, ord) AS h;

-- `last`: the last of the main ones. If more come behind it, it has been there.
CREATE TEMP VIEW IF NOT EXISTS tiff_walk_ AS
  SELECT DISTINCT l.path, base, l.until, ord, i.key AS number, json_extract(i.value, '$[0]') AS at, json_extract(i.value, '$[1]') AS part, last,
         CASE json_extract(i.value, '$[1]') WHEN 0 THEN 'main' WHEN 1 THEN 'EXIF' WHEN 2 THEN 'GPS' WHEN 3 THEN 'interop' ELSE 'sub' END AS kind
    FROM (SELECT DISTINCT l.*, (SELECT max(key) FROM json_each(directories) WHERE json_extract(value, '$[1]') = 0) AS last
            FROM tiff_list_ AS l) AS l CROSS JOIN json_each(directories) AS i;

CREATE TEMP VIEW IF NOT EXISTS tiff_header AS
  SELECT path, iif(ord = 'le', 'little', 'big') AS endian, CASE magic WHEN 42 THEN 'TIFF' WHEN 43 THEN 'BigTIFF' WHEN 85 THEN 'RW2'
       ELSE 'ORF' END AS form,
         base AS offset, first AS first_offset, json_array_length(directories) AS directories,
         CASE WHEN head_error IS NOT NULL THEN 'it is cut short' WHEN first = 0 THEN 'it has no directory'
              WHEN first < 0 THEN 'its first directory is not in the file' END AS error
    FROM tiff_list_;

CREATE TEMP VIEW IF NOT EXISTS tiff_directory AS
  SELECT path, number, kind, at AS offset, entries,
         CASE WHEN entries IS NULL THEN 'it is not in the file'
              WHEN d.error IS NOT NULL THEN 'it reaches past the end of the ' || iif(base, 'segment', 'file')
              WHEN part = 0 AND number = last AND more > 0 AND number < 9999 THEN 'the chain comes back to where it was'
              WHEN entries > 512 THEN 'the entries behind the first 512 are not read'
              WHEN number = 9999 THEN 'there may be more, which are not walked' END AS error
    FROM tiff_walk_ AS w CROSS JOIN tiff_directory_(path, at, w.until, ord) AS d;

-- What numbers stand for: 0 for any directory, 2 for GPS, 3 for interop.
CREATE TEMP VIEW IF NOT EXISTS tiff_name_ AS
  SELECT 0 AS part, column1 AS tag, column2 AS name FROM (VALUES (0x00fe, 'NewSubfileType'), (0x00ff, 'SubfileType'), (0x0100, 'ImageWidth'),
    (0x0101, 'ImageLength'), (0x0102, 'BitsPerSample'), (0x0103, 'Compression'), (0x0106, 'PhotometricInterpretation'), (0x010a, 'FillOrder'),
    (0x010d, 'DocumentName'), (0x010e, 'ImageDescription'), (0x010f, 'Make'), (0x0110, 'Model'), (0x0111, 'StripOffsets'), (0x0112, 'Orientation'),
    (0x0115, 'SamplesPerPixel'), (0x0116, 'RowsPerStrip'), (0x0117, 'StripByteCounts'), (0x0118, 'MinSampleValue'), (0x0119, 'MaxSampleValue'),
    (0x011a, 'XResolution'), (0x011b, 'YResolution'), (0x011c, 'PlanarConfiguration'), (0x011d, 'PageName'), (0x0128, 'ResolutionUnit'),
    (0x0129, 'PageNumber'), (0x012d, 'TransferFunction'), (0x0131, 'Software'), (0x0132, 'DateTime'), (0x013b, 'Artist'), (0x013c, 'HostComputer'),
    (0x013d, 'Predictor'), (0x013e, 'WhitePoint'), (0x013f, 'PrimaryChromaticities'), (0x0140, 'ColorMap'), (0x0142, 'TileWidth'), (0x0143,
         'TileLength'),
    (0x0144, 'TileOffsets'), (0x0145, 'TileByteCounts'), (0x014a, 'SubIFDs'), (0x0152, 'ExtraSamples'), (0x0153, 'SampleFormat'), (0x015b,
         'JPEGTables'),
    (0x0201, 'JPEGInterchangeFormat'), (0x0202, 'JPEGInterchangeFormatLength'), (0x0211, 'YCbCrCoefficients'), (0x0212, 'YCbCrSubSampling'),
    (0x0213, 'YCbCrPositioning'), (0x0214, 'ReferenceBlackWhite'), (0x02bc, 'XMP'), (0x4746, 'Rating'), (0x8298, 'Copyright'), (0x829a,
         'ExposureTime'),
    (0x829d, 'FNumber'), (0x830e, 'ModelPixelScale'), (0x8482, 'ModelTiepoint'), (0x83bb, 'IPTC'), (0x8649, 'PhotoshopSettings'), (0x8769, 'ExifIFD'),
    (0x8773, 'ICCProfile'), (0x87af, 'GeoKeyDirectory'), (0x87b0, 'GeoDoubleParams'), (0x87b1, 'GeoAsciiParams'), (0x8822, 'ExposureProgram'),
    (0x8824, 'SpectralSensitivity'), (0x8825, 'GPSInfo'), (0x8827, 'ISOSpeedRatings'), (0x8830, 'SensitivityType'),
    (0x8832, 'RecommendedExposureIndex'), (0x9000, 'ExifVersion'), (0x9003, 'DateTimeOriginal'), (0x9004, 'DateTimeDigitized'), (0x9010,
         'OffsetTime'),
    (0x9011, 'OffsetTimeOriginal'), (0x9012, 'OffsetTimeDigitized'), (0x9101, 'ComponentsConfiguration'), (0x9102, 'CompressedBitsPerPixel'),
    (0x9201, 'ShutterSpeedValue'), (0x9202, 'ApertureValue'), (0x9203, 'BrightnessValue'), (0x9204, 'ExposureBiasValue'), (0x9205,
         'MaxApertureValue'),
    (0x9206, 'SubjectDistance'), (0x9207, 'MeteringMode'), (0x9208, 'LightSource'), (0x9209, 'Flash'), (0x920a, 'FocalLength'), (0x9214,
         'SubjectArea'),
    (0x927c, 'MakerNote'), (0x9286, 'UserComment'), (0x9290, 'SubSecTime'), (0x9291, 'SubSecTimeOriginal'), (0x9292, 'SubSecTimeDigitized'),
    (0xa000, 'FlashpixVersion'), (0xa001, 'ColorSpace'), (0xa002, 'PixelXDimension'), (0xa003, 'PixelYDimension'), (0xa004, 'RelatedSoundFile'),
    (0xa005, 'InteropIFD'), (0xa20e, 'FocalPlaneXResolution'), (0xa20f, 'FocalPlaneYResolution'), (0xa210, 'FocalPlaneResolutionUnit'),
    (0xa215, 'ExposureIndex'), (0xa217, 'SensingMethod'), (0xa300, 'FileSource'), (0xa301, 'SceneType'), (0xa302, 'CFAPattern'),
    (0xa401, 'CustomRendered'), (0xa402, 'ExposureMode'), (0xa403, 'WhiteBalance'), (0xa404, 'DigitalZoomRatio'), (0xa405, 'FocalLengthIn35mmFilm'),
    (0xa406, 'SceneCaptureType'), (0xa407, 'GainControl'), (0xa408, 'Contrast'), (0xa409, 'Saturation'), (0xa40a, 'Sharpness'),
    (0xa40c, 'SubjectDistanceRange'), (0xa420, 'ImageUniqueID'), (0xa430, 'CameraOwnerName'), (0xa431, 'BodySerialNumber'),
    (0xa432, 'LensSpecification'), (0xa433, 'LensMake'), (0xa434, 'LensModel'), (0xa435, 'LensSerialNumber'), (0xa480, 'GDALMetadata'),
    (0xa481, 'GDALNoData'), (0xc612, 'DNGVersion'), (0xc614, 'UniqueCameraModel'), (0xc4a5, 'PrintImageMatching')) UNION ALL
  SELECT 2 AS part, column1 AS tag, 'GPS' || column2 AS name FROM (VALUES (0, 'VersionID'), (1, 'LatitudeRef'), (2, 'Latitude'), (3, 'LongitudeRef'),
    (4, 'Longitude'), (5, 'AltitudeRef'), (6, 'Altitude'), (7, 'TimeStamp'), (8, 'Satellites'), (9, 'Status'), (10, 'MeasureMode'), (11, 'DOP'),
    (12, 'SpeedRef'), (13, 'Speed'), (14, 'TrackRef'), (15, 'Track'), (16, 'ImgDirectionRef'), (17, 'ImgDirection'), (18, 'MapDatum'),
    (19, 'DestLatitudeRef'), (20, 'DestLatitude'), (21, 'DestLongitudeRef'), (22, 'DestLongitude'), (23, 'DestBearingRef'), (24, 'DestBearing'),
    (25, 'DestDistanceRef'), (26, 'DestDistance'), (27, 'ProcessingMethod'), (28, 'AreaInformation'), (29, 'DateStamp'), (30, 'Differential'),
    (31, 'HPositioningError')) UNION ALL
  SELECT 3 AS part, column1 AS tag, column2 AS name FROM (VALUES (1, 'InteropIndex'), (2, 'InteropVersion'));

-- `value_at`, if the value is inside the TIFF.
CREATE TEMP VIEW IF NOT EXISTS tiff_item_ AS
  SELECT DISTINCT w.path, number, kind, part, base, ord, e.rowid AS entry, e.offset AS entry_at, tag, type, items, width, bytes,
       e.error IS NOT NULL AS bad,
         CASE WHEN iif(inside, here, base + place) BETWEEN 0 AND w.until - bytes THEN iif(inside, here, base + place) END AS value_at
    FROM tiff_walk_ AS w CROSS JOIN tiff_directory_(path, at, w.until, ord) AS d CROSS JOIN tiff_entry_(path, entries_at, w.until, ord) AS e
   WHERE e.rowid < min(entries, 512) AND tag IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS tiff_value_ AS
  SELECT DISTINCT path, base, part, number AS directory, kind, entry AS number, tag,
         (SELECT name FROM tiff_name_ AS n WHERE n.tag = i.tag AND n.part = iif(i.part IN (2, 3), i.part, 0)) AS name,
         CASE type WHEN 1 THEN 'BYTE' WHEN 2 THEN 'ASCII' WHEN 3 THEN 'SHORT' WHEN 4 THEN 'LONG' WHEN 5 THEN 'RATIONAL' WHEN 6 THEN 'SBYTE'
                   WHEN 7 THEN 'UNDEFINED' WHEN 8 THEN 'SSHORT' WHEN 9 THEN 'SLONG' WHEN 10 THEN 'SRATIONAL' WHEN 11 THEN 'FLOAT'
                   WHEN 12 THEN 'DOUBLE' WHEN 13 THEN 'IFD' WHEN 16 THEN 'LONG8' WHEN 17 THEN 'SLONG8' WHEN 18 THEN 'IFD8' WHEN 129 THEN 'UTF-8'
                   ELSE type END AS type, items, value_at AS offset, bytes,
         CASE WHEN value_at IS NULL OR items = 0 THEN NULL
              WHEN type IN (2, 129) THEN (SELECT
                CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(path,
                  '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                        | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                        | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', value_at, value_at + bytes) >= 0
                THEN utf8 ELSE latin1 END FROM tiff_string_(path, value_at, value_at + bytes))
              WHEN type IN (5, 10) THEN (SELECT iif(items = 1, max(ratio), json_group_array(ratio)) FROM (
                SELECT iif(type = 5, 1.0 * a / nullif(b, 0), 1.0 * signed_a / nullif(signed_b, 0)) AS ratio
                  FROM tiff_ratio_(path, value_at, value_at + min(bytes, 8000), ord)))
              WHEN type = 7 THEN mmap_slice(path, value_at, value_at + min(bytes, 1000))
              ELSE mmap_get(path, value_at, CASE WHEN type = 1 THEN 'u8' WHEN type = 6 THEN 'i8' WHEN type IN (11, 12) THEN printf('f%d',
                   8 * width) || ord
                              ELSE printf(iif(type IN (8, 9, 17), 'i%d', 'u%d'), 8 * width) || ord END
                            || iif(items = 1, '', printf('[%d]', min(items, 1000)))) END AS value,
         CASE WHEN bad THEN 'the file ends within it' WHEN width IS NULL THEN 'its type is unknown'
              WHEN value_at IS NULL THEN 'its value reaches past the end of the ' || iif(base, 'segment', 'file') END AS error
    FROM tiff_item_ AS i;

CREATE TEMP VIEW IF NOT EXISTS tiff_entry AS
  SELECT path, directory, kind, number, tag, name, type, items, offset, bytes, value, error FROM tiff_value_;

CREATE TEMP VIEW IF NOT EXISTS tiff_image AS
  SELECT DISTINCT path, directory, kind, max(iif(tag = 0x0100, value, NULL)) OVER same AS width, max(iif(tag = 0x0101, value,
       NULL)) OVER same AS height,
         max(iif(tag = 0x0102, value, NULL)) OVER same AS bits,
         CASE max(iif(tag = 0x0103, value, NULL)) OVER same WHEN 1 THEN 'none' WHEN 2 THEN 'CCITT RLE' WHEN 3 THEN 'CCITT fax 3' WHEN 4
              THEN 'CCITT fax 4'
           WHEN 5 THEN 'LZW' WHEN 6 THEN 'old JPEG' WHEN 7 THEN 'JPEG' WHEN 8 THEN 'Deflate' WHEN 32946 THEN 'Deflate' WHEN 32773 THEN 'PackBits'
           WHEN 34925 THEN 'LZMA' WHEN 50000 THEN 'Zstandard' WHEN 50001 THEN 'WebP' ELSE max(iif(tag = 0x0103, value,
                NULL)) OVER same END AS compression,
         max(iif(tag = 0x0115, value, NULL)) OVER same AS samples, max(iif(tag = 0x0112, value, NULL)) OVER same AS orientation,
         max(iif(tag = 0x0201, base + value, NULL)) OVER same AS jpeg_offset, max(iif(tag = 0x0202, value, NULL)) OVER same AS jpeg_bytes
    FROM tiff_value_ WHERE part IN (0, 4) WINDOW same AS (PARTITION BY path, directory);

-- Degrees, minutes and seconds, of which some are left out; a time is YYYY:MM:DD HH:MM:SS, or blanks.
CREATE TEMP VIEW IF NOT EXISTS tiff_photo_ AS
  SELECT DISTINCT path, max(iif(directory = 0 AND tag = 0x010f, value, NULL)) OVER same AS make, max(iif(directory = 0 AND tag = 0x0110,
       value, NULL)) OVER same AS model,
         max(iif(part = 1 AND tag = 0xa434, value, NULL)) OVER same AS lens,
         coalesce(max(iif(part IN (0, 1) AND tag = 0x9003, value, NULL)) OVER same, max(iif(directory = 0 AND tag = 0x0132, value,
              NULL)) OVER same) AS taken,
         max(iif(part = 1 AND tag = 0x9011, value, NULL)) OVER same AS zone, max(iif(part = 1 AND tag = 0x829a, value, NULL)) OVER same AS exposure,
         max(iif(part = 1 AND tag = 0x829d, value, NULL)) OVER same AS f_number, max(iif(part = 1 AND tag = 0x8827, value, NULL)) OVER same AS iso,
         max(iif(part = 1 AND tag = 0x920a, value, NULL)) OVER same AS focal_length, max(iif(directory = 0 AND tag = 0x0112, value,
              NULL)) OVER same AS orientation,
         max(iif(part = 2 AND tag = 1, value, NULL)) OVER same AS north, max(iif(part = 2 AND tag = 2 AND items = 3, value,
              NULL)) OVER same AS latitude,
         max(iif(part = 2 AND tag = 3, value, NULL)) OVER same AS east, max(iif(part = 2 AND tag = 4 AND items = 3, value,
              NULL)) OVER same AS longitude,
         max(iif(part = 2 AND tag = 5, value, NULL)) OVER same AS below, max(iif(part = 2 AND tag = 6, value, NULL)) OVER same AS altitude,
         max(iif(part = 2 AND tag = 7 AND items = 3, value, NULL)) OVER same AS clock, max(iif(part = 2 AND tag = 29, value, NULL)) OVER same AS day
    FROM tiff_value_ WINDOW same AS (PARTITION BY path);

CREATE TEMP VIEW IF NOT EXISTS tiff_photo AS
  SELECT path, make, model, lens,
         CASE WHEN taken GLOB '[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9] [0-9]*'
              THEN replace(substr(taken, 1, 10), ':', '-') || substr(taken, 11) END AS taken, zone,
         exposure, f_number, CASE WHEN iso LIKE '[%' THEN json_extract(iso, '$[0]') ELSE iso END AS iso, focal_length, orientation,
         iif(north LIKE 'S%', -1, 1) * (json_extract(latitude, '$[0]') + coalesce(json_extract(latitude, '$[1]'), 0) / 60.0
           + coalesce(json_extract(latitude, '$[2]'), 0) / 3600.0) AS latitude,
         iif(east LIKE 'W%', -1, 1) * (json_extract(longitude, '$[0]') + coalesce(json_extract(longitude, '$[1]'), 0) / 60.0
           + coalesce(json_extract(longitude, '$[2]'), 0) / 3600.0) AS longitude,
         iif(below = 1, -altitude, altitude) AS altitude,
         CASE WHEN day GLOB '[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9]' THEN replace(day, ':', '-')
              || coalesce(printf(' %02d:%02d:%02d', json_extract(clock, '$[0]'), json_extract(clock, '$[1]'), json_extract(clock, '$[2]')), '') END
           AS gps_time
    FROM tiff_photo_;
