/*
** find_tables.h: sets of bytes and heads of literals, in tables of 16 bytes, for instruction sets that
** look so many up at once.
**
** Included as find_vector.h is, and before it, by a file that defines of that file's list load(),
** splat() and set_test() itself, and besides:
**
**   table(bytes)         16 bytes, as often as a vector has room for them
**   pick(vec, vec)       for each byte of the second, which is less than 16, that byte of the first,
**                        a table; 0 where its top bit is set
**   high_halves(vec)     the upper four bits of each byte, as a number
**   common(vec, vec)     the bits that both have
*/

typedef struct set_vec {
  vec low, high, bit;
} set_vec;

INLINE set_vec set_load(const mm_byte_set *set) {
  static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return (set_vec){table(set->low), table(set->high), table(bit)};
}

typedef struct head_vecs {
  vec low[MM_FIND_HEADS], high[MM_FIND_HEADS];
} head_vecs;

/* Loops would not be unrolled where the compiler minds the size, and would keep the tables in memory. */
_Static_assert(MM_FIND_HEADS == 4, "each byte of a head is written out");

INLINE head_vecs heads_load(const mm_heads_table *heads) {
  return (head_vecs){
      {table(heads->low[0]), table(heads->low[1]), table(heads->low[2]), table(heads->low[3])},
      {table(heads->high[0]), table(heads->high[1]), table(heads->high[2]), table(heads->high[3])}};
}

/* The buckets that may have the byte k places on. */
INLINE vec head_byte(const head_vecs *h, int k, const uint8_t *p) {
  vec v = load(p + k);
  return common(pick(h->low[k], common(v, splat(0x0f))), pick(h->high[k], high_halves(v)));
}

INLINE vec heads_test(const head_vecs *h, const uint8_t *p) {
  return common(common(head_byte(h, 0, p), head_byte(h, 1, p)),
                common(head_byte(h, 2, p), head_byte(h, 3, p)));
}
