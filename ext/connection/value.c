#include "ext/connection/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- constraints ---------------------------------------------------------------------------- */

static void bound_by_integer(int op, int64_t v, int64_t *low, int64_t *high) {
  bool none = (op == SQLITE_INDEX_CONSTRAINT_GT && v == INT64_MAX) ||
              (op == SQLITE_INDEX_CONSTRAINT_LT && v == INT64_MIN);
  if (none) {
    *low = 1;
    *high = 0;
    return;
  }
  int64_t from = op == SQLITE_INDEX_CONSTRAINT_GT ? v + 1 : v;
  int64_t to = op == SQLITE_INDEX_CONSTRAINT_LT ? v - 1 : v;
  bool above = op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
  bool below = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
  if (!below && from > *low) *low = from;
  if (!above && to < *high) *high = to;
}

/* 2^63 as a double. */
#define TWO_63 9223372036854775808.0

/* x op 2.5 over the integers: the same as with 2 or 3, or never for =. */
static void bound_by_real(int op, double v, int64_t *low, int64_t *high) {
  bool upward = op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
  bool downward = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
  if (v >= -TWO_63 && v < TWO_63) {
    int64_t whole = (int64_t)v; /* towards zero */
    if ((double)whole == v) {
      bound_by_integer(op, whole, low, high);
      return;
    }
    int64_t below = v < 0 ? whole - 1 : whole;
    if (upward && below + 1 > *low) *low = below + 1;
    if (downward && below < *high) *high = below;
    if (upward || downward) return;
  } else if ((upward && v < 0) || (downward && v > 0)) {
    return; /* all integers match */
  }
  *low = 1;
  *high = 0;
}

void ext_bound_integer(int op, sqlite3_value *value, int64_t *low, int64_t *high) {
  bool below = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
  if (op == SQLITE_INDEX_CONSTRAINT_IS) op = SQLITE_INDEX_CONSTRAINT_EQ;
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER:
      bound_by_integer(op, sqlite3_value_int64(value), low, high);
      break;
    case SQLITE_FLOAT:
      bound_by_real(op, sqlite3_value_double(value), low, high);
      break;
    case SQLITE_NULL:
      *low = 1;
      *high = 0;
      break;
    default: /* every number is less than every text and blob */
      if (!below) {
        *low = 1;
        *high = 0;
      }
  }
}
