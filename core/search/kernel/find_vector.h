/*
** find_vector.h: the loops of find, written once for all instruction sets.
**
** Not a header in the usual sense: a file for one instruction set defines the following, its names
** made its own by find_names.h, and then includes this, which defines the functions of its
** mm_kernel (see find_kernel.h), and the kernel.
**
**   KERNEL         the kernel to define
**   TARGET         attributes of every function, so that the compiler may use the instructions
**   WIDTH          bytes in a vector
**   LANE_LOG       log2 of how many bits of lanes() belong to a byte
**   FULL           lanes() when all bytes are set
**   NARROWER(name) the function of a narrower kernel, for texts of less than a vector
**   vec, mask      types: a vector of bytes; a truth value for each of them
**   load(p), splat(byte), equal(vec, vec), both(mask, mask), either(mask, mask), any(mask)
**   lanes(mask)    one bit for each byte that is set, the first byte lowest
**   population(mask)  how many are set
**   store(p, vec)
**   set_vec, set_load(set), set_test(set_vec, vec)   membership in any set of bytes
**   head_vecs, heads_load(heads), heads_test(head_vecs, p)   the buckets of heads, a byte a place
*/

#define ALWAYS static inline __attribute__((always_inline)) TARGET
#define FAR static __attribute__((noinline)) TARGET

typedef enum direction { FORWARD, BACKWARD, COUNTING } direction;

ALWAYS uint64_t first_lane(uint64_t bits) {
  return (uint64_t)__builtin_ctzll(bits) >> LANE_LOG;
}

ALWAYS uint64_t last_lane(uint64_t bits) {
  return (uint64_t)(63 - __builtin_clzll(bits)) >> LANE_LOG;
}

/* The bits of the lanes below `lane`, 0 < lane < WIDTH. */
ALWAYS uint64_t lanes_below(uint64_t lane) {
  return ~(uint64_t)0 >> (64 - (lane << LANE_LOG));
}

/* Ask for the memory a little further on, where that helps. A pair or a set takes more than a load,
** and waits less so. Measured: 768 to 1024 bytes ahead are best; beyond the text it does no harm. */
ALWAYS void ahead(const uint8_t *p, direction way, bool helps) {
  if (!helps) return;
  for (uintptr_t line = 0; line < 4 * WIDTH; line += 64) {
    uintptr_t at = (uintptr_t)p + line;
    __builtin_prefetch((const void *)(way == BACKWARD ? at - 1024 : at + 1024));
  }
}

/* Two runs of bytes. */

TARGET static uint64_t kernel_same(const uint8_t *a, const uint8_t *b, uint64_t size) {
  if (size < WIDTH) return NARROWER(same)(a, b, size);
  uint64_t i = 0;
  for (; size - i >= 4 * WIDTH; i += 4 * WIDTH) {
    const uint8_t *p = a + i, *q = b + i;
    mask m0 = equal(load(p), load(q));
    mask m1 = equal(load(p + WIDTH), load(q + WIDTH));
    mask m2 = equal(load(p + 2 * WIDTH), load(q + 2 * WIDTH));
    mask m3 = equal(load(p + 3 * WIDTH), load(q + 3 * WIDTH));
    if (lanes(both(both(m0, m1), both(m2, m3))) != FULL) break;
  }
  for (; size - i >= WIDTH; i += WIDTH) {
    uint64_t bits = lanes(equal(load(a + i), load(b + i))) ^ FULL;
    if (bits) return i + first_lane(bits);
  }
  if (i == size) return size;
  i = size - WIDTH; /* some of these were compared before, and found the same */
  uint64_t bits = lanes(equal(load(a + i), load(b + i))) ^ FULL;
  return bits ? i + first_lane(bits) : size;
}

TARGET static uint64_t kernel_same_back(const uint8_t *a, const uint8_t *b, uint64_t size) {
  if (size < WIDTH) return NARROWER(same_back)(a, b, size);
  uint64_t i = size;
  for (; i >= 4 * WIDTH; i -= 4 * WIDTH) {
    const uint8_t *p = a + (i - 4 * WIDTH), *q = b + (i - 4 * WIDTH);
    mask m0 = equal(load(p), load(q));
    mask m1 = equal(load(p + WIDTH), load(q + WIDTH));
    mask m2 = equal(load(p + 2 * WIDTH), load(q + 2 * WIDTH));
    mask m3 = equal(load(p + 3 * WIDTH), load(q + 3 * WIDTH));
    if (lanes(both(both(m0, m1), both(m2, m3))) != FULL) break;
  }
  for (; i >= WIDTH; i -= WIDTH) {
    uint64_t bits = lanes(equal(load(a + (i - WIDTH)), load(b + (i - WIDTH)))) ^ FULL;
    if (bits) return size - (i - WIDTH + last_lane(bits) + 1);
  }
  if (i == 0) return size;
  uint64_t bits = lanes(equal(load(a), load(b))) ^ FULL;
  return bits ? size - (last_lane(bits) + 1) : size;
}

TARGET static uint64_t kernel_differ(const uint8_t *a, const uint8_t *b, uint64_t size) {
  if (size < WIDTH) return NARROWER(differ)(a, b, size);
  uint64_t i = 0;
  for (; size - i >= 4 * WIDTH; i += 4 * WIDTH) {
    const uint8_t *p = a + i, *q = b + i;
    mask m0 = equal(load(p), load(q));
    mask m1 = equal(load(p + WIDTH), load(q + WIDTH));
    mask m2 = equal(load(p + 2 * WIDTH), load(q + 2 * WIDTH));
    mask m3 = equal(load(p + 3 * WIDTH), load(q + 3 * WIDTH));
    if (any(either(either(m0, m1), either(m2, m3)))) break;
  }
  for (; size - i >= WIDTH; i += WIDTH) {
    uint64_t bits = lanes(equal(load(a + i), load(b + i)));
    if (bits) return i + first_lane(bits);
  }
  if (i == size) return size;
  i = size - WIDTH;
  uint64_t bits = lanes(equal(load(a + i), load(b + i)));
  return bits ? i + first_lane(bits) : size;
}

/* The needle. */

/* Does the needle's head fit at `place` from `offset` on? Adds to `steps` what it cost. */
ALWAYS bool fits(mm_scan *scan, const uint8_t *place, uint64_t offset, uint64_t *steps) {
  uint64_t length = scan->head - offset;
  uint64_t run = kernel_same(scan->needle + offset, place + offset, length);
  *steps += 2 + run / WIDTH;
  if (run == length) return true;
  scan->culprit = offset + run;
  return false;
}

/* Compare each of the lanes from `offset` on by itself. Returns those that fit; when not counting,
** only the first that does. */
ALWAYS uint64_t fit_each(mm_scan *scan, const uint8_t *block, uint64_t offset, uint64_t bits,
                         direction way, uint64_t *steps) {
  uint64_t hits = 0;
  while (bits) {
    uint64_t lane = way == BACKWARD ? last_lane(bits) : first_lane(bits);
    uint64_t highest = (uint64_t)1 << (63 - __builtin_clzll(bits));
    uint64_t bit = way == BACKWARD ? highest : bits & (0 - bits);
    bits ^= bit;
    if (!fits(scan, block + lane, offset, steps)) continue;
    hits |= bit;
    if (way != COUNTING) break;
  }
  return hits;
}

/* Keep of the candidates in `bits` those where the needle's head really is. All lanes are narrowed
** together, byte by byte, while there are several. */
ALWAYS uint64_t verify(mm_scan *scan, const uint8_t *block, uint64_t bits, direction way,
                       uint64_t *steps) {
  const uint8_t *needle = scan->needle;
  uint64_t together = scan->head < MM_FIND_SHORT ? scan->head : MM_FIND_SHORT;
  uint64_t k = 0, offset = scan->culprit;
  bits &= lanes(equal(load(block + offset), splat(needle[offset])));
  while (bits && k < together && (k < 2 || (bits & (bits - 1)))) {
    offset = k++;
    bits &= lanes(equal(load(block + offset), splat(needle[offset])));
  }
  *steps += k + 1;
  if (!bits) scan->culprit = offset;
  return bits && k < scan->head ? fit_each(scan, block, k, bits, way, steps) : bits;
}

ALWAYS int64_t earned(const mm_scan *scan, uint64_t places) {
  return (int64_t)(places / (4 * WIDTH) * scan->patience);
}

/* Places that were looked at earn credit, but not so much that it could be wasted later. */
ALWAYS void save(mm_scan *scan, uint64_t places) {
  int64_t credit = scan->credit + earned(scan, places);
  scan->credit = credit < MM_FIND_CREDIT ? credit : MM_FIND_CREDIT;
}

/* Look at the candidates in the block at `text + i`; `passed` places were looked at with it. */
ALWAYS mm_outcome look(mm_scan *scan, const uint8_t *text, uint64_t i, uint64_t passed,
                       uint64_t bits, direction way) {
  uint64_t steps = MM_FIND_LOOK;
  bits = verify(scan, text + i, bits, way, &steps);
  if (bits && way != COUNTING) {
    scan->place = i + (way == BACKWARD ? last_lane(bits) : first_lane(bits));
    save(scan, passed);
    return MM_SCAN_HIT;
  }
  if (bits) scan->count += (uint64_t)__builtin_popcountll(bits);
  scan->credit -= (int64_t)steps;
  if (scan->credit + earned(scan, passed) >= 0) return MM_SCAN_MISS;
  scan->place = way == BACKWARD ? i : i + WIDTH;
  return MM_SCAN_HARD;
}

FAR mm_outcome look_forward(mm_scan *scan, const uint8_t *text, uint64_t i, uint64_t bits) {
  return look(scan, text, i, i + WIDTH, bits, FORWARD);
}

FAR mm_outcome look_counting(mm_scan *scan, const uint8_t *text, uint64_t i, uint64_t bits) {
  return look(scan, text, i, i + WIDTH, bits, COUNTING);
}

FAR mm_outcome look_backward(mm_scan *scan, const uint8_t *text, uint64_t i, uint64_t bits,
                             uint64_t places) {
  return look(scan, text, i, places - i, bits, BACKWARD);
}

/* The two bytes of the filter, in all lanes, and where the text has them for the first place. */
typedef struct pair {
  vec byte[2];
  const uint8_t *text[2];
} pair;

ALWAYS pair pair_load(const mm_scan *scan, const uint8_t *text) {
  pair p;
  for (int i = 0; i < 2; i++) {
    p.byte[i] = splat(scan->needle[scan->at[i]]);
    p.text[i] = text + scan->at[i];
  }
  return p;
}

ALWAYS mask pair_test(const pair *p, uint64_t i) {
  return both(equal(load(p->text[0] + i), p->byte[0]), equal(load(p->text[1] + i), p->byte[1]));
}

#define LOOK(m, at)                                                                                \
  do {                                                                                             \
    uint64_t bits_ = lanes(m);                                                                     \
    if (bits_) {                                                                                   \
      mm_outcome outcome_ = way == COUNTING  ? look_counting(scan, text, at, bits_)                \
                            : way == FORWARD ? look_forward(scan, text, at, bits_)                 \
                                             : look_backward(scan, text, at, bits_, places);       \
      if (outcome_ != MM_SCAN_MISS) return outcome_;                                               \
    }                                                                                              \
  } while (0)

ALWAYS mm_outcome scan_up(mm_scan *scan, const uint8_t *text, uint64_t places, direction way) {
  const pair p = pair_load(scan, text);
  uint64_t i = 0;
  for (; places - i >= 4 * WIDTH; i += 4 * WIDTH) {
    ahead(p.text[0] + i, way, scan->asks);
    mask m0 = pair_test(&p, i);
    mask m1 = pair_test(&p, i + WIDTH);
    mask m2 = pair_test(&p, i + 2 * WIDTH);
    mask m3 = pair_test(&p, i + 3 * WIDTH);
    if (!any(either(either(m0, m1), either(m2, m3)))) continue;
    LOOK(m0, i);
    LOOK(m1, i + WIDTH);
    LOOK(m2, i + 2 * WIDTH);
    LOOK(m3, i + 3 * WIDTH);
  }
  for (; places - i >= WIDTH; i += WIDTH) {
    mask m = pair_test(&p, i);
    LOOK(m, i);
  }
  if (i < places) {
    uint64_t seen = i - (places - WIDTH);
    i = places - WIDTH;
    uint64_t bits = lanes(pair_test(&p, i)) & ~lanes_below(seen);
    if (bits) {
      mm_outcome outcome =
          way == COUNTING ? look_counting(scan, text, i, bits) : look_forward(scan, text, i, bits);
      if (outcome != MM_SCAN_MISS) return outcome;
    }
  }
  save(scan, places);
  return MM_SCAN_MISS;
}

ALWAYS mm_outcome scan_down(mm_scan *scan, const uint8_t *text, uint64_t places) {
  const direction way = BACKWARD;
  const pair p = pair_load(scan, text);
  uint64_t i = places;
  for (; i >= 4 * WIDTH; i -= 4 * WIDTH) {
    ahead(p.text[0] + (i - 4 * WIDTH), way, scan->asks);
    mask m0 = pair_test(&p, i - WIDTH);
    mask m1 = pair_test(&p, i - 2 * WIDTH);
    mask m2 = pair_test(&p, i - 3 * WIDTH);
    mask m3 = pair_test(&p, i - 4 * WIDTH);
    if (!any(either(either(m0, m1), either(m2, m3)))) continue;
    LOOK(m0, i - WIDTH);
    LOOK(m1, i - 2 * WIDTH);
    LOOK(m2, i - 3 * WIDTH);
    LOOK(m3, i - 4 * WIDTH);
  }
  for (; i >= WIDTH; i -= WIDTH) {
    mask m = pair_test(&p, i - WIDTH);
    LOOK(m, i - WIDTH);
  }
  if (i > 0) {
    uint64_t bits = lanes(pair_test(&p, 0)) & lanes_below(i);
    if (bits) {
      mm_outcome outcome = look_backward(scan, text, 0, bits, places);
      if (outcome != MM_SCAN_MISS) return outcome;
    }
  }
  save(scan, places);
  return MM_SCAN_MISS;
}

TARGET static mm_outcome kernel_find(mm_scan *scan, const uint8_t *text, uint64_t places) {
  if (places < WIDTH) return NARROWER(find)(scan, text, places);
  return scan_up(scan, text, places, FORWARD);
}

TARGET static mm_outcome kernel_count(mm_scan *scan, const uint8_t *text, uint64_t places) {
  if (places < WIDTH) return NARROWER(count)(scan, text, places);
  return scan_up(scan, text, places, COUNTING);
}

TARGET static mm_outcome kernel_rfind(mm_scan *scan, const uint8_t *text, uint64_t places) {
  if (places < WIDTH) return NARROWER(rfind)(scan, text, places);
  return scan_down(scan, text, places);
}

/* Sweeping. Memory that is read at several places in turn comes faster than from one: each place
** has a stream of the prefetchers to itself, and when one waits at the border of a page the others
** go on. (M. O. Blom, K. F. D. Rietveld, R. V. van Nieuwpoort, Multi-strided access patterns to
** boost hardware prefetching, ICPE 2025.) Measured: four places, 256 KiB apart, are as good as more
** of them; a line of the cache at a time is better than half or two; to ask for what is a little
** further on does not help here, on some machines it hurts. */
#define LINE ((uint64_t)64)
#define STREAM (MM_FIND_SWEEP / 4)

ALWAYS mask pair_line(const pair *p, uint64_t i) {
  mask m = pair_test(p, i);
  for (uint64_t k = WIDTH; k < LINE; k += WIDTH) m = either(m, pair_test(p, i + k));
  return m;
}

/* Is the needle at one of the candidates in the lines at `i` of each stream? */
FAR bool sweep_hits(mm_scan *scan, const uint8_t *text, uint64_t i, uint64_t *steps) {
  const pair p = pair_load(scan, text);
  for (; i < MM_FIND_SWEEP; i += STREAM) {
    for (uint64_t at = i; at < i + LINE; at += WIDTH) {
      uint64_t bits = lanes(pair_test(&p, at));
      if (!bits) continue;
      *steps += MM_FIND_LOOK;
      if (verify(scan, text + at, bits, FORWARD, steps)) return true;
    }
  }
  return false;
}

ALWAYS bool sweep_block(mm_scan *scan, const uint8_t *text) {
  const pair p = pair_load(scan, text);
  uint64_t steps = 0;
  for (uint64_t i = 0; i < STREAM; i += LINE) {
    mask m0 = pair_line(&p, i);
    mask m1 = pair_line(&p, i + STREAM);
    mask m2 = pair_line(&p, i + 2 * STREAM);
    mask m3 = pair_line(&p, i + 3 * STREAM);
    if (!any(either(either(m0, m1), either(m2, m3)))) continue;
    if (sweep_hits(scan, text, i, &steps) || steps > MM_FIND_SWEEP / (4 * WIDTH)) return false;
  }
  return true;
}

/* How many places from `text` on, or going backward before text + places, until those begin at which the
** first byte is looked for in lines as they are: a vector that begins anywhere is in two of them. The
** other byte's vectors are. */
ALWAYS uint64_t off_line(const mm_scan *scan, const uint8_t *text, uint64_t places, bool backward) {
  uintptr_t at = (uintptr_t)text + scan->at[0];
  return backward ? (at + places) % LINE : (0 - at) % LINE;
}

/* Those lie in the first or last line of places: is none of these a candidate? */
ALWAYS bool is_line_free(const mm_scan *scan, const uint8_t *text, uint64_t places, bool backward) {
  const pair p = pair_load(scan, text);
  return !any(pair_line(&p, backward ? places - LINE : 0));
}

TARGET static uint64_t kernel_sweep(mm_scan *scan, const uint8_t *text, uint64_t places,
                                    bool backward) {
  uint64_t off = off_line(scan, text, places, backward), done = off;
  if (places < LINE || (off && !is_line_free(scan, text, places, backward))) return 0;
  for (; places - done >= MM_FIND_SWEEP; done += MM_FIND_SWEEP) {
    uint64_t block = backward ? places - done - MM_FIND_SWEEP : done;
    if (!sweep_block(scan, text + block)) break;
  }
  return done > off ? done : 0;
}

/* Sets. The loops are compiled twice, for one byte (`single`) and for any set. */

typedef struct member {
  vec byte;
  set_vec set;
} member;

ALWAYS member member_load(const mm_byte_set *set, bool single) {
  member m = {0};
  if (single) {
    m.byte = splat(set->byte);
  } else {
    m.set = set_load(set);
  }
  return m;
}

ALWAYS mask member_test(const member *m, const uint8_t *p, bool single) {
  return single ? equal(load(p), m->byte) : set_test(&m->set, load(p));
}

ALWAYS uint64_t set_up(const mm_byte_set *set, const uint8_t *text, uint64_t size, bool single) {
  const member m = member_load(set, single);
  uint64_t i = 0;
  for (; size - i >= 4 * WIDTH; i += 4 * WIDTH) {
    ahead(text + i, FORWARD, !single && set->asks);
    mask m0 = member_test(&m, text + i, single);
    mask m1 = member_test(&m, text + i + WIDTH, single);
    mask m2 = member_test(&m, text + i + 2 * WIDTH, single);
    mask m3 = member_test(&m, text + i + 3 * WIDTH, single);
    if (any(either(either(m0, m1), either(m2, m3)))) break;
  }
  for (; size - i >= WIDTH; i += WIDTH) {
    uint64_t bits = lanes(member_test(&m, text + i, single));
    if (bits) return i + first_lane(bits);
  }
  if (i == size) return size;
  i = size - WIDTH;
  uint64_t bits = lanes(member_test(&m, text + i, single));
  return bits ? i + first_lane(bits) : size;
}

ALWAYS uint64_t set_down(const mm_byte_set *set, const uint8_t *text, uint64_t size, bool single) {
  const member m = member_load(set, single);
  uint64_t i = size;
  for (; i >= 4 * WIDTH; i -= 4 * WIDTH) {
    ahead(text + (i - 4 * WIDTH), BACKWARD, !single && set->asks);
    mask m0 = member_test(&m, text + (i - WIDTH), single);
    mask m1 = member_test(&m, text + (i - 2 * WIDTH), single);
    mask m2 = member_test(&m, text + (i - 3 * WIDTH), single);
    mask m3 = member_test(&m, text + (i - 4 * WIDTH), single);
    if (any(either(either(m0, m1), either(m2, m3)))) break;
  }
  for (; i >= WIDTH; i -= WIDTH) {
    uint64_t bits = lanes(member_test(&m, text + (i - WIDTH), single));
    if (bits) return i - WIDTH + last_lane(bits);
  }
  if (i == 0) return size;
  uint64_t bits = lanes(member_test(&m, text, single));
  return bits ? last_lane(bits) : size;
}

ALWAYS mask member_line(const member *m, const uint8_t *p, bool single) {
  mask any_of = member_test(m, p, single);
  for (uint64_t k = WIDTH; k < LINE; k += WIDTH) {
    any_of = either(any_of, member_test(m, p + k, single));
  }
  return any_of;
}

ALWAYS bool set_sweep_block(const member *m, const uint8_t *text, bool single) {
  for (uint64_t i = 0; i < STREAM; i += LINE) {
    mask m0 = member_line(m, text + i, single);
    mask m1 = member_line(m, text + i + STREAM, single);
    mask m2 = member_line(m, text + i + 2 * STREAM, single);
    mask m3 = member_line(m, text + i + 3 * STREAM, single);
    if (any(either(either(m0, m1), either(m2, m3)))) return false;
  }
  return true;
}

ALWAYS uint64_t set_sweep(const mm_byte_set *set, const uint8_t *text, uint64_t size, bool backward,
                          bool single) {
  const member m = member_load(set, single);
  uint64_t done = 0;
  for (; size - done >= MM_FIND_SWEEP; done += MM_FIND_SWEEP) {
    uint64_t block = backward ? size - done - MM_FIND_SWEEP : done;
    if (!set_sweep_block(&m, text + block, single)) break;
  }
  return done;
}

ALWAYS uint64_t line_population(const member *m, const uint8_t *p, bool single) {
  uint64_t count = 0;
  for (uint64_t k = 0; k < LINE; k += WIDTH) count += population(member_test(m, p + k, single));
  return count;
}

ALWAYS uint64_t set_count_block(const member *m, const uint8_t *text, bool single) {
  uint64_t c0 = 0, c1 = 0, c2 = 0, c3 = 0;
  for (uint64_t i = 0; i < STREAM; i += LINE) {
    c0 += line_population(m, text + i, single);
    c1 += line_population(m, text + i + STREAM, single);
    c2 += line_population(m, text + i + 2 * STREAM, single);
    c3 += line_population(m, text + i + 3 * STREAM, single);
  }
  return c0 + c1 + c2 + c3;
}

ALWAYS uint64_t set_count(const mm_byte_set *set, const uint8_t *text, uint64_t size, bool single) {
  const member m = member_load(set, single);
  uint64_t c0 = 0, c1 = 0, c2 = 0, c3 = 0;
  uint64_t i = 0;
  for (; set->sweeps && size - i >= MM_FIND_SWEEP; i += MM_FIND_SWEEP) {
    c0 += set_count_block(&m, text + i, single);
  }
  for (; size - i >= 4 * WIDTH; i += 4 * WIDTH) {
    ahead(text + i, FORWARD, !single && set->asks);
    c0 += population(member_test(&m, text + i, single));
    c1 += population(member_test(&m, text + i + WIDTH, single));
    c2 += population(member_test(&m, text + i + 2 * WIDTH, single));
    c3 += population(member_test(&m, text + i + 3 * WIDTH, single));
  }
  for (; size - i >= WIDTH; i += WIDTH) c0 += population(member_test(&m, text + i, single));
  if (i < size) {
    uint64_t seen = i - (size - WIDTH);
    uint64_t bits = lanes(member_test(&m, text + (size - WIDTH), single)) & ~lanes_below(seen);
    c1 += (uint64_t)__builtin_popcountll(bits);
  }
  return c0 + c1 + c2 + c3;
}

TARGET static uint64_t kernel_find_set(const mm_byte_set *set, const uint8_t *text, uint64_t size) {
  if (size < WIDTH) return NARROWER(find_set)(set, text, size);
  return set->single ? set_up(set, text, size, true) : set_up(set, text, size, false);
}

TARGET static uint64_t kernel_rfind_set(const mm_byte_set *set, const uint8_t *text,
                                        uint64_t size) {
  if (size < WIDTH) return NARROWER(rfind_set)(set, text, size);
  return set->single ? set_down(set, text, size, true) : set_down(set, text, size, false);
}

TARGET static uint64_t kernel_count_set(const mm_byte_set *set, const uint8_t *text,
                                        uint64_t size) {
  if (size < WIDTH) return NARROWER(count_set)(set, text, size);
  return set->single ? set_count(set, text, size, true) : set_count(set, text, size, false);
}

TARGET static uint64_t kernel_sweep_set(const mm_byte_set *set, const uint8_t *text, uint64_t size,
                                        bool backward) {
  return set->single ? set_sweep(set, text, size, backward, true)
                     : set_sweep(set, text, size, backward, false);
}

/* The bytes of a line are looked at together where there is a bit for each. One of them at most is the
** rule: it is taken without a branch, as that would be guessed wrong every other time. Room for all of
** the page is room for what is written in vain. */
#define TOGETHER (LANE_LOG == 0 ? LINE : WIDTH)

ALWAYS uint64_t members_in(const member *m, const uint8_t *text, bool single) {
  uint64_t bits = 0;
  for (unsigned k = 0; k < TOGETHER; k += WIDTH) {
    bits |= lanes(member_test(m, text + k, single)) << k;
  }
  return bits;
}

ALWAYS unsigned places_in(const mm_byte_set *set, const uint8_t *text, uint16_t *places,
                          bool single) {
  const uint64_t last = (uint64_t)1 << ((TOGETHER << LANE_LOG) - 1);
  const member m = member_load(set, single);
  unsigned count = 0;
  for (unsigned i = 0; i < MM_FIND_PAGE; i += TOGETHER) {
    if (i % LINE == 0) __builtin_prefetch((const void *)((uintptr_t)text + MM_FIND_PAGE + i));
    uint64_t bits = members_in(&m, text + i, single);
    places[count] = (uint16_t)(i + first_lane(bits | last));
    count += bits != 0;
    for (bits &= bits - 1; bits; bits &= bits - 1) {
      places[count++] = (uint16_t)(i + first_lane(bits));
    }
  }
  return count;
}

TARGET static unsigned kernel_places(const mm_byte_set *set, const uint8_t *text,
                                     uint16_t *places) {
  return set->single ? places_in(set, text, places, true) : places_in(set, text, places, false);
}

/* Runs of a set's bytes. Where the last byte of a stretch of `least` is none of the set, all of it
** can be passed over: so most of a text of short runs is not looked at. */

/* Past the last byte of from .. to-1 that is not in the set; `from` if all are. */
ALWAYS uint64_t past_others(const member *m, const mm_byte_set *set, const uint8_t *text,
                            uint64_t from, uint64_t to) {
  while (to > from) {
    if (to < WIDTH) {
      if (!mm_byte_in(set->bits, text[to - 1])) return to;
      to--;
      continue;
    }
    uint64_t block = to - WIDTH;
    uint64_t others = lanes(member_test(m, text + block, false)) ^ FULL;
    if (block < from) others &= ~lanes_below(from - block);
    if (others) return block + last_lane(others) + 1;
    to = block;
  }
  return from;
}

TARGET static uint64_t kernel_find_run(const mm_byte_set *set, const uint8_t *text, uint64_t size,
                                       uint64_t least) {
  const member m = member_load(set, false);
  uint64_t at = 0, known = 0; /* all of at .. known-1 are in it */
  while (size - at >= least) {
    uint64_t end = at + least, past = past_others(&m, set, text, known, end);
    if (past == known) return at;
    at = past;
    known = end;
  }
  return at;
}

/* Heads of literals, by shuffles as in set_test; but a bit of a row stands for a bucket. (X. Wang and
** others, Hyperscan, NSDI 2019, call a filter of this kind Teddy.) */

#define BLOCK_VECS (MM_FIND_BLOCK / WIDTH)

TARGET static uint64_t kernel_heads(const mm_heads_table *heads, const uint8_t *text,
                                    uint64_t places, uint64_t *bits,
                                    uint8_t buckets[MM_FIND_BLOCK]) {
  const head_vecs h = heads_load(heads);
  uint64_t i = 0;
  for (; places - i >= MM_FIND_BLOCK; i += MM_FIND_BLOCK) {
    vec found[BLOCK_VECS];
    uint64_t none = FULL;
    for (unsigned k = 0; k < BLOCK_VECS; k++) {
      found[k] = heads_test(&h, text + i + k * WIDTH);
      none &= lanes(equal(found[k], splat(0)));
    }
    if (none == FULL) continue;
    for (unsigned k = 0; k < BLOCK_VECS; k++) {
      store(buckets + k * WIDTH, found[k]);
      uint64_t some = lanes(equal(found[k], splat(0))) ^ FULL;
      if (LANE_LOG == 0) *bits |= some << (k * WIDTH % 64);
      for (; LANE_LOG && some; some &= some - 1) {
        *bits |= (uint64_t)1 << (k * WIDTH + first_lane(some));
      }
    }
    return i;
  }
  return i;
}

const mm_kernel KERNEL = {
    WIDTH,         kernel_usable,   kernel_find,      kernel_rfind,     kernel_count,
    kernel_sweep,  kernel_find_set, kernel_rfind_set, kernel_count_set, kernel_sweep_set,
    kernel_places, kernel_find_run, kernel_heads,     kernel_same,      kernel_same_back,
    kernel_differ,
};

/* The next instruction set defines them anew. */
#include "core/search/kernel/find_names.h"
