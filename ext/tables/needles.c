#include "ext/tables/needles.h"

#include "core/bytes/json.h"
#include "core/common/mem.h"

static const char needles_mark[8] = {'m', 'm', 'n', 'e', 'e', 'd', 'l', '1'};

#define NEEDLE_NUMBER_SIZE 8
#define NEEDLE_LENGTH_SIZE 4

/* ---- making --------------------------------------------------------------------------------- */

static void put_needle_sized(mm_buffer *bytes, const void *data, uint64_t size) {
  mm_buffer_put_le(bytes, size, NEEDLE_LENGTH_SIZE);
  mm_buffer_put(bytes, data, size);
}

static void put_id_real(mm_buffer *bytes, double real) {
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  mm_buffer_put_le(bytes, bits, NEEDLE_NUMBER_SIZE);
}

static void put_id(ext_needles *list, sqlite3_value *id, const void *data, uint64_t size) {
  int type = id ? sqlite3_value_type(id) : SQLITE_INTEGER;
  mm_buffer_put_byte(&list->bytes, (uint8_t)type);
  if (type == SQLITE_INTEGER) {
    sqlite3_int64 number = id ? sqlite3_value_int64(id) : list->count + 1;
    mm_buffer_put_le(&list->bytes, (uint64_t)number, NEEDLE_NUMBER_SIZE);
  } else if (type == SQLITE_FLOAT) {
    put_id_real(&list->bytes, sqlite3_value_double(id));
  } else if (type != SQLITE_NULL) {
    put_needle_sized(&list->bytes, data, size);
  }
}

int ext_needles_begin(ext_needles *list, mm_error *err) {
  if (list->bytes.size > 0) return MM_OK;
  return mm_buffer_put(&list->bytes, needles_mark, sizeof needles_mark) ? MM_OK
                                                                        : mm_fail_nomem(err);
}

static bool id_holds_bytes(sqlite3_value *id) {
  int type = id ? sqlite3_value_type(id) : SQLITE_INTEGER;
  return type == SQLITE_TEXT || type == SQLITE_BLOB;
}

int ext_needles_add(ext_needles *list, const uint8_t *data, uint64_t size, sqlite3_value *id,
                    mm_error *err) {
  const uint8_t *id_data = NULL;
  uint64_t id_size = 0;
  int rc = id_holds_bytes(id) ? ext_value_bytes(id, "id", &id_data, &id_size, err) : MM_OK;
  if (rc == MM_OK) rc = ext_needles_begin(list, err);
  if (rc) return rc;
  if (size > UINT32_MAX || id_size > UINT32_MAX) {
    return mm_fail(err, MM_TOOBIG, "a needle of more than 4 GiB");
  }
  put_id(list, id, id_data, id_size);
  put_needle_sized(&list->bytes, data, size);
  list->count++;
  return list->bytes.failed ? mm_fail_nomem(err) : MM_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct needle_reader {
  const uint8_t *at, *end;
  bool bad;
} needle_reader;

static const uint8_t *take_needle_bytes(needle_reader *r, uint64_t size) {
  const uint8_t *at = r->at;
  if (r->bad || size > (uint64_t)(r->end - r->at)) {
    r->bad = true;
    return NULL;
  }
  r->at += size;
  return at;
}

static uint64_t take_needle_number(needle_reader *r, unsigned size) {
  const uint8_t *at = take_needle_bytes(r, size);
  uint64_t number = 0;
  for (unsigned i = 0; at && i < size; i++) number |= (uint64_t)at[i] << 8 * i;
  return number;
}

static mm_bytes take_needle_sized(needle_reader *r) {
  uint64_t size = take_needle_number(r, NEEDLE_LENGTH_SIZE);
  return (mm_bytes){take_needle_bytes(r, size), size};
}

static void skip_needle_id(needle_reader *r) {
  uint64_t type = take_needle_number(r, 1);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
    (void)take_needle_bytes(r, NEEDLE_NUMBER_SIZE);
  } else if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
    (void)take_needle_sized(r);
  } else if (type != SQLITE_NULL) {
    r->bad = true;
  }
}

/* Needles as they are read; `ids` stays empty where they are counted. */
typedef struct needle_reading {
  mm_bytes *needles;
  uint64_t *ids;
  size_t count, needle_capacity, id_capacity;
} needle_reading;

static int add_read_needle(needle_reading *r, mm_bytes needle, mm_error *err) {
  void *needles = r->needles;
  if (needle.size == 0) {
    return mm_fail(err, MM_ERROR, "needle %llu is empty", (unsigned long long)r->count + 1);
  }
  if (mm_grow(&needles, r->count, &r->needle_capacity, sizeof needle)) return mm_fail_nomem(err);
  r->needles = needles;
  r->needles[r->count++] = needle;
  return MM_OK;
}

static int add_read_id(needle_reading *r, uint64_t id, mm_error *err) {
  void *ids = r->ids;
  if (mm_grow(&ids, r->count, &r->id_capacity, sizeof id)) return mm_fail_nomem(err);
  r->ids = ids;
  r->ids[r->count] = id;
  return MM_OK;
}

static int fail_needles(mm_error *err) {
  return mm_fail(err, MM_ERROR,
                 "needles are neither made by mmap_needles nor a JSON array of texts");
}

static int read_needle_list(const ext_needle_set *set, needle_reading *out, mm_error *err) {
  needle_reader r = {set->source, set->source + set->source_size, false};
  const uint8_t *begin = take_needle_bytes(&r, sizeof needles_mark);
  int rc = MM_OK;
  if (!begin || memcmp(begin, needles_mark, sizeof needles_mark) != 0) return fail_needles(err);
  while (rc == MM_OK && r.at < r.end) {
    uint64_t id = (uint64_t)(r.at - set->source);
    skip_needle_id(&r);
    mm_bytes needle = take_needle_sized(&r);
    if (r.bad) return fail_needles(err);
    rc = add_read_id(out, id, err);
    if (rc == MM_OK) rc = add_read_needle(out, needle, err);
  }
  return rc;
}

/* The texts stand in the JSON: with their escapes resolved there, where they only get shorter. */
static int read_needle_json(ext_needle_set *set, needle_reading *out, mm_error *err) {
  mm_json json = {.at = set->source, .end = set->source + set->source_size};
  mm_json_item item;
  int rc = MM_OK;
  while (rc == MM_OK && mm_json_next(&json, &item)) {
    if (item.kind != MM_JSON_STRING) return fail_needles(err);
    uint8_t *text = set->source + (item.text - set->source);
    uint64_t size = item.escaped ? mm_json_unescape(&item, text) : item.size;
    set->changed |= item.escaped;
    rc = add_read_needle(out, (mm_bytes){text, size}, err);
  }
  return rc == MM_OK && json.bad ? fail_needles(err) : rc;
}

static int read_needles(ext_needle_set *set, const mm_watch *watch, mm_error *err) {
  needle_reading r = {0};
  int rc = set->source_type == SQLITE_TEXT ? read_needle_json(set, &r, err)
                                           : read_needle_list(set, &r, err);
  if (rc == MM_OK) rc = mm_many_compile(r.needles, r.count, watch, &set->many, err);
  mm_free(r.needles);
  set->ids = r.ids;
  return rc;
}

void ext_needle_set_clear(ext_needle_set *set) {
  mm_many_free(set->many);
  mm_free(set->source);
  mm_free(set->ids);
  *set = (ext_needle_set){0};
}

/* A JSON is changed where it is unescaped: then it is read anew. */
static bool is_read_from(const ext_needle_set *set, int type, const uint8_t *data, uint64_t size) {
  return set->many && !set->changed && set->source_type == type && set->source_size == size &&
         memcmp(set->source, data, (size_t)size) == 0;
}

int ext_needle_set_use(ext_needle_set *set, sqlite3_value *value, const mm_watch *watch,
                       mm_error *err) {
  const uint8_t *data;
  uint64_t size;
  int type = sqlite3_value_type(value);
  int rc = ext_value_bytes(value, "needles", &data, &size, err);
  if (rc || is_read_from(set, type, data, size)) return rc;
  ext_needle_set_clear(set);
  set->source = mm_alloc(size + 1);
  if (!set->source) return mm_fail_nomem(err);
  if (size > 0) memcpy(set->source, data, (size_t)size);
  set->source_size = size;
  set->source_type = type;
  rc = read_needles(set, watch, err);
  if (rc) ext_needle_set_clear(set);
  return rc;
}

/* ---- ids ------------------------------------------------------------------------------------ */

static void result_stored_id(sqlite3_context *context, needle_reader *r) {
  uint64_t type = take_needle_number(r, 1);
  if (type == SQLITE_INTEGER) {
    sqlite3_result_int64(context, (sqlite3_int64)take_needle_number(r, NEEDLE_NUMBER_SIZE));
  } else if (type == SQLITE_FLOAT) {
    uint64_t bits = take_needle_number(r, NEEDLE_NUMBER_SIZE);
    double real;
    memcpy(&real, &bits, sizeof real);
    sqlite3_result_double(context, real);
  } else if (type != SQLITE_NULL) {
    mm_bytes bytes = take_needle_sized(r);
    if (type == SQLITE_TEXT) {
      sqlite3_result_text64(context, (const char *)bytes.data, bytes.size, SQLITE_TRANSIENT,
                            SQLITE_UTF8);
    } else {
      ext_result_blob(context, bytes.data, bytes.size);
    }
  }
}

void ext_needle_set_result_id(const ext_needle_set *set, sqlite3_context *context, size_t needle) {
  if (set->source_type == SQLITE_TEXT) {
    sqlite3_result_int64(context, (sqlite3_int64)needle + 1);
  } else {
    needle_reader r = {set->source + set->ids[needle], set->source + set->source_size, false};
    result_stored_id(context, &r);
  }
}
