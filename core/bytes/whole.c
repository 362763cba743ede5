#include "core/bytes/whole.h"

#include "core/bytes/decimal.h"
#include "core/common/system.h"

static mm_whole whole_from(int64_t integer) {
  bool negative = integer < 0;
  return (mm_whole){negative, negative ? 0 - (uint64_t)integer : (uint64_t)integer};
}

uint64_t mm_whole_bits(mm_whole w) {
  return w.negative ? 0 - w.magnitude : w.magnitude;
}

static bool whole_of_real(double real, mm_whole *w) {
  double size = fabs(real);
  if (!(size < 0x1p64)) return false; /* nor NaN */
  w->magnitude = (uint64_t)size;
  w->negative = real < 0;
  return (double)w->magnitude == size;
}

bool mm_whole_of(const mm_value *value, mm_whole *w) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      *w = whole_from(value->integer);
      return true;
    case MM_VALUE_REAL:
      return whole_of_real(value->real, w);
    case MM_VALUE_TEXT:
      return mm_text_whole(value->data, value->size, w);
    default:
      return false;
  }
}

/* `bits` wide, two's complement. */
static bool whole_fits_signed(mm_whole w, unsigned bits) {
  uint64_t limit = UINT64_C(1) << (bits - 1);
  return w.magnitude < limit || (w.negative && w.magnitude == limit);
}

bool mm_whole_fits(mm_whole w, unsigned bits, bool is_signed) {
  if (is_signed) return whole_fits_signed(w, bits);
  if (bits == 64) return !w.negative || whole_fits_signed(w, 64);
  return !w.negative && w.magnitude >> bits == 0;
}

bool mm_value_integer(const mm_value *value, int64_t *integer) {
  mm_whole w;
  if (!mm_whole_of(value, &w) || !whole_fits_signed(w, 64)) return false;
  *integer = (int64_t)mm_whole_bits(w);
  return true;
}
