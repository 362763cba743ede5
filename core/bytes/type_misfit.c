#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/type_private.h"
#include "core/bytes/utf.h"

void mm_quote(const void *text, uint64_t size, char out[MM_QUOTED]) {
  const uint8_t *at = text;
  uint64_t left = size;
  size_t used = 0;
  out[used++] = '\'';
  while (left > 0) {
    uint32_t point = 0;
    size_t length = mm_utf8_next(at, left, &point);
    bool plain = length > 0 && point >= 0x20 && (point < 0x7f || point >= 0xa0);
    if (length == 0) length = 1;
    if (size - left + length > MM_QUOTED_MAX) break;
    if (plain) {
      memcpy(out + used, at, length);
      used += length;
    } else {
      out[used++] = '?';
    }
    at += length;
    left -= length;
  }
  (void)snprintf(out + used, MM_QUOTED - used, "%s'", left > 0 ? "…" : "");
}

void mm_describe(const mm_value *value, char out[MM_QUOTED]) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      (void)snprintf(out, MM_QUOTED, "%" PRId64, value->integer);
      break;
    case MM_VALUE_REAL:
      mm_print_real_exactly(value->real, out);
      break;
    case MM_VALUE_TEXT:
      mm_quote(value->data, value->size, out);
      break;
    default:
      (void)snprintf(out, MM_QUOTED, "%s", value->kind == MM_VALUE_BLOB ? "a blob" : "NULL");
  }
}

int mm_type_misfit(mm_type type, const mm_value *value, const char *why, mm_error *err) {
  char what[MM_QUOTED], name[MM_TYPE_NAME];
  mm_describe(value, what);
  mm_type_name(type, name);
  return mm_fail(err, MM_CONSTRAINT, "%s%s does not fit %s", what, why, name);
}

int mm_type_misfit_length(mm_type type, const mm_value *value, uint64_t bytes, mm_error *err) {
  char why[40];
  (void)snprintf(why, sizeof why, " (%" PRIu64 " bytes)", bytes);
  return mm_type_misfit(type, value, why, err);
}
