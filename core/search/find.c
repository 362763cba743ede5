/*
** find.c: plans a search and runs the kernels' loops (find_kernel.h) over it, piece by piece.
**
** A search starts with the filter on two bytes of the needle that are rare in files of all kinds.
** If too much is spent on places that then do not fit, it chooses again: first by what is rare in
** the text at hand, then by what told the last false candidates apart. If that does not help
** either, a stretch of the text is searched by the two-way algorithm, whose time is linear whatever
** the bytes are, and the filter is tried again after it. The stretches double, and none is shorter
** than a few needles: so the whole is linear too.
**
** Searching backward is the same on the mirrored needle and text. Places are therefore counted from
** the end where the search begins (`q` below), and only the functions that touch bytes know which.
*/
#include "core/search/find.h"

#include <stdatomic.h>
#include <string.h>

#include "core/common/least.h"
#include "core/os/parts.h"
#include "core/os/sys.h"
#include "core/search/kernel/find_kernel.h"

/* How common each byte is, 0 the rarest: ranks in a mix of executables and libraries (40 %),
** English text (25 %), source code (20 %) and evenly spread bytes (15 %). */
static const uint16_t common[256] = {
    255, 230, 202, 184, 187, 172, 151, 147, 211, 177, 243, 141, 137, 124, 214, 232, 192, 120, 103,
    86,  122, 123, 81,  64,  169, 63,  68,  58,  89,  55,  49,  176, 254, 107, 188, 167, 227, 150,
    100, 162, 218, 209, 193, 104, 210, 208, 219, 215, 223, 220, 199, 173, 170, 186, 168, 161, 181,
    190, 178, 171, 195, 196, 198, 74,  163, 237, 197, 213, 225, 229, 180, 165, 248, 226, 94,  143,
    231, 179, 205, 200, 203, 69,  204, 222, 221, 174, 149, 140, 158, 139, 79,  155, 152, 160, 87,
    241, 153, 246, 212, 240, 239, 253, 236, 217, 233, 249, 125, 183, 242, 228, 247, 244, 234, 108,
    245, 251, 252, 235, 185, 175, 189, 206, 110, 146, 142, 148, 78,  80,  157, 102, 44,  201, 182,
    194, 98,  62,  112, 238, 22,  224, 92,  207, 77,  59,  136, 19,  7,   29,  72,  33,  18,  21,
    76,  14,  1,   10,  43,  11,  6,   16,  109, 2,   4,   35,  31,  13,  9,   12,  67,  24,  15,
    23,  30,  3,   5,   26,  85,  8,   0,   17,  48,  20,  119, 56,  116, 57,  105, 36,  71,  46,
    113, 93,  191, 145, 128, 159, 131, 111, 129, 156, 96,  99,  52,  25,  38,  32,  42,  34,  126,
    66,  114, 53,  37,  40,  45,  51,  101, 41,  50,  82,  27,  28,  61,  133, 130, 60,  84,  39,
    70,  47,  75,  90,  216, 164, 83,  132, 115, 95,  97,  135, 118, 54,  88,  117, 65,  73,  138,
    106, 144, 91,  121, 127, 134, 154, 166, 250,
};

#define RARE_WINDOW ((uint64_t)1 << 16) /* the rare bytes are chosen from so many at the start */
#define RARE_SPREAD ((uint64_t)256)     /* near each other, to be in the cache together */
#define SAMPLE ((uint64_t)4096)
#define ANCHORS 3               /* rare bytes that are tried on a sample */
#define PARTNERS ((uint64_t)32) /* and how far away from them their partners are */
#define LEVELS 3                /* filters that are tried after the first */
#define FIRST_CREDIT 512        /* steps before the first is given up */
#define LINEAR_STRETCH ((uint64_t)1 << 18)

/* What a filter may cost (mm_scan.patience): little while there is hope for a better one; at last
** as much as makes it no faster than the two-way algorithm. */
static const uint64_t patience[LEVELS + 1] = {1, 2, 8, 64};

/* The loops that there are, best first: those for pairs of a needle's bytes, and all others. */
typedef struct find_loops {
  const char *name;
  const mm_kernel *needles, *others;
} find_loops;

static const find_loops all_loops[] = {
#if defined(__x86_64__)
    {"avx512+avx2", &mm_kernel_avx2, &mm_kernel_avx512},
    {"avx512", &mm_kernel_avx512, &mm_kernel_avx512},
    {"avx2", &mm_kernel_avx2, &mm_kernel_avx2},
#elif defined(MM_FIND_NEON)
    {"neon", &mm_kernel_neon, &mm_kernel_neon},
#endif
    {"portable", &mm_kernel_portable, &mm_kernel_portable},
};

static _Atomic(const find_loops *) in_use;

/* AMD's processors that have AVX-512 (Zen 4 and 5). What they read ahead by themselves is better than
** what is asked for; and of vectors of 64 bytes that begin anywhere each is in two lines of the cache,
** so for two bytes of a needle those of 32 are faster. tests/bench/README.md has the figures. */
static bool reads_ahead_itself(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

bool mm_find_use(const char *path) {
  for (size_t i = 0; i < sizeof all_loops / sizeof *all_loops; i++) {
    const find_loops *loops = &all_loops[i];
    bool mixed = loops->needles != loops->others;
    if (path ? strcmp(path, loops->name) != 0 : mixed && !reads_ahead_itself()) continue;
    if (!loops->others->usable()) continue;
    atomic_store_explicit(&in_use, loops, memory_order_relaxed);
    return true;
  }
  return false;
}

static const find_loops *best_loops(void) {
  const find_loops *loops = atomic_load_explicit(&in_use, memory_order_relaxed);
  if (loops) return loops;
  mm_find_use(NULL);
  return atomic_load_explicit(&in_use, memory_order_relaxed);
}

static const mm_kernel *best_kernel(void) {
  return best_loops()->others;
}

const char *mm_find_path(void) {
  return best_loops()->name;
}

/* Being asked to stop. */

typedef struct find_pace {
  const mm_watch *watch;
  uint64_t done;    /* bytes searched */
  uint64_t unasked; /* bytes read since the watch was asked last, and the clock */
  int64_t since;    /* when that was; 0: never */
  bool stopped;
  bool slow; /* memory came so slowly that it comes from a disk, as far as one can tell */
} find_pace;

/* Some bytes a nanosecond: disks are below it, and memory far above. */
#define DISK_SPEED 3

/* A search of `size` bytes. A short one does without the clock. */
static find_pace pace_start(const mm_watch *watch, uint64_t size) {
  return (find_pace){.watch = watch, .since = size > MM_PIECE ? mm_os.clock() : 0};
}

static void pace_time(find_pace *pace) {
  int64_t now = mm_os.clock();
  pace->slow = pace->since != 0 && now - pace->since > (int64_t)(pace->unasked / DISK_SPEED);
  pace->since = now;
}

/* `bytes` were read. Returns whether to go on. */
static bool pace_read(find_pace *pace, uint64_t bytes) {
  pace->unasked += bytes;
  if (pace->unasked < MM_PIECE) return !pace->stopped;
  pace_time(pace);
  pace->unasked = 0;
  if (mm_watch_stops(pace->watch, pace->done)) pace->stopped = true;
  return !pace->stopped;
}

/* `bytes` more were searched and need not be looked at again. */
static bool pace_done(find_pace *pace, uint64_t bytes) {
  pace->done += bytes;
  return pace_read(pace, bytes);
}

/* Choosing the filter's bytes. */

/* The offset in from..to-1 of the byte that costs least; one that equals data[other] only if there
** is no different one, and never `other` itself. At least one offset must be left. */
static uint64_t cheapest(const uint8_t *data, uint64_t from, uint64_t to, uint64_t other,
                         const uint16_t cost[256]) {
  uint64_t best = UINT64_MAX;
  uint32_t least = UINT32_MAX;
  for (uint64_t i = from; i < to; i++) {
    uint32_t price = cost[data[i]];
    if (i == other) continue;
    if (other != UINT64_MAX && data[i] == data[other]) price += UINT16_MAX + 1;
    if (price >= least) continue;
    least = price;
    best = i;
  }
  return best;
}

static void choose_pair(const uint8_t *data, uint64_t size, const uint16_t cost[256],
                        uint64_t at[2]) {
  uint64_t window = mm_min(size, RARE_WINDOW);
  at[0] = cheapest(data, 0, window, UINT64_MAX, cost);
  uint64_t from = at[0] > RARE_SPREAD ? at[0] - RARE_SPREAD : 0;
  at[1] = cheapest(data, from, mm_min(window, at[0] + RARE_SPREAD), at[0], cost);
}

void mm_needle_prepare(mm_needle *needle, const uint8_t *data, uint64_t size) {
  uint64_t at[2] = {0, 0};
  if (size > 1) choose_pair(data, size, common, at);
  needle->data = data;
  needle->size = size;
  needle->rare[0] = mm_min(at[0], at[1]);
  needle->rare[1] = mm_max(at[0], at[1]);
}

/* A search. */

typedef struct search {
  const mm_kernel *kernel;
  const uint8_t *needle;
  uint64_t length; /* of the needle, at least 2 */
  const uint8_t *text;
  uint64_t size;
  uint64_t places; /* where it could start, at least 1 */
  bool backward;
  bool counting;
  find_pace pace;
  mm_scan scan;
  bool calm;           /* nothing was found in the last piece: sweep */
  unsigned level;      /* how many filters were given up */
  uint64_t linear;     /* places of the next linear stretch */
  uint64_t linear_end; /* where the present one ends */
  /* The critical factorization of the (mirrored) needle, when it was needed. */
  bool factored;
  uint64_t suffix; /* where its right part starts */
  uint64_t period; /* the smallest period if `periodic`, else something that is not above it */
  bool periodic;
} search;

static void search_use_pair(search *s, uint64_t a, uint64_t b, unsigned level) {
  s->scan.at[0] = mm_min(a, b);
  s->scan.at[1] = mm_max(a, b);
  s->scan.culprit = s->scan.at[0];
  s->scan.patience = patience[level];
  s->scan.credit = FIRST_CREDIT;
}

/* False if nothing can be found. */
static bool search_init(search *s, const mm_needle *needle, const uint8_t *data, uint64_t size,
                        const mm_watch *watch) {
  if (needle->size > size) return false;
  memset(s, 0, sizeof *s);
  s->kernel = best_loops()->needles;
  s->needle = needle->data;
  s->length = needle->size;
  s->text = data;
  s->size = size;
  s->places = size - needle->size + 1;
  s->pace = pace_start(watch, size);
  s->scan.asks = !reads_ahead_itself();
  s->linear = LINEAR_STRETCH;
  s->scan.needle = needle->data;
  s->scan.head = mm_min(needle->size, MM_FIND_HEAD);
  search_use_pair(s, needle->rare[0], needle->rare[1], 0);
  return true;
}

/* Where in the text place `q` is. */
static const uint8_t *search_place(const search *s, uint64_t q) {
  return s->text + (s->backward ? s->places - 1 - q : q);
}

/* The mirrored needle's byte `i`. */
static uint8_t needle_byte(const search *s, uint64_t i) {
  return s->needle[s->backward ? s->length - 1 - i : i];
}

/* How many of the `count` bytes from the mirrored needle's offset `i` up are those of the text when
** the needle is at `q`; and from `i` down, without `i` itself. */
static uint64_t same_up(const search *s, uint64_t q, uint64_t i, uint64_t count) {
  const uint8_t *place = search_place(s, q);
  if (!s->backward) return s->kernel->same(s->needle + i, place + i, count);
  uint64_t from = s->length - i - count;
  return s->kernel->same_back(s->needle + from, place + from, count);
}

static uint64_t same_down(const search *s, uint64_t q, uint64_t i, uint64_t count) {
  const uint8_t *place = search_place(s, q);
  uint64_t from = s->backward ? s->length - i : i - count;
  if (!s->backward) return s->kernel->same_back(s->needle + from, place + from, count);
  return s->kernel->same(s->needle + from, place + from, count);
}

/* The same of any length, asking the watch in between. Cut short when stopped. */
static uint64_t run_up(search *s, uint64_t q, uint64_t i, uint64_t count) {
  uint64_t run = 0;
  while (run < count) {
    uint64_t piece = mm_min(count - run, MM_PIECE);
    uint64_t same = same_up(s, q, i + run, piece);
    run += same;
    if (same < piece || !pace_read(&s->pace, same)) break;
  }
  return run;
}

static uint64_t run_down(search *s, uint64_t q, uint64_t i, uint64_t count) {
  uint64_t run = 0;
  while (run < count) {
    uint64_t piece = mm_min(count - run, MM_PIECE);
    uint64_t same = same_down(s, q, i - run, piece);
    run += same;
    if (same < piece || !pace_read(&s->pace, same)) break;
  }
  return run;
}

/* The two-way algorithm: M. Crochemore and D. Perrin, Two-way string-matching, Journal of the ACM
** 38 (1991). The needle is cut in two so that its right part is compared upward first and its left
** part only when that fits; where they differ tells how far the needle may be moved. */

/* Where the needle's suffix starts that is the largest in the order of bytes, or in the inverted
** one, and that suffix's period. */
static uint64_t maximal_suffix(search *s, bool inverted, uint64_t *period) {
  uint64_t start = 0, j = 0, k = 1, p = 1;
  for (uint64_t turns = 1; j + k < s->length; turns++) {
    uint8_t a = needle_byte(s, j + k);
    uint8_t b = needle_byte(s, start + k - 1);
    if (a == b) {
      if (k == p) j += p;
      k = k == p ? 1 : k + 1;
    } else if ((a < b) != inverted) {
      j += k;
      k = 1;
      p = j - start + 1;
    } else {
      start = ++j;
      k = p = 1;
    }
    if (turns % MM_PIECE == 0 && !pace_read(&s->pace, MM_PIECE)) break;
  }
  *period = p;
  return start;
}

/* Does the needle repeat itself after `period` bytes, in its first `count`? */
static bool repeats(search *s, uint64_t period, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (needle_byte(s, i) != needle_byte(s, i + period)) return false;
    if ((i + 1) % MM_PIECE == 0 && !pace_read(&s->pace, MM_PIECE)) return false;
  }
  return true;
}

static void factorize(search *s) {
  uint64_t period, inverted_period;
  uint64_t suffix = maximal_suffix(s, false, &period);
  uint64_t inverted = maximal_suffix(s, true, &inverted_period);
  if (inverted > suffix) {
    suffix = inverted;
    period = inverted_period;
  }
  s->suffix = suffix;
  s->periodic = period <= s->length - suffix && repeats(s, period, suffix);
  s->period = s->periodic ? period : mm_max(suffix, s->length - suffix) + 1;
  s->factored = true;
}

/* Move `*q` to the first place below `end` where the right part's first byte fits. */
static bool two_way_skip(const search *s, uint64_t *q, uint64_t end) {
  uint8_t byte = needle_byte(s, s->suffix);
  uint64_t i = *q;
  if (s->backward) {
    const uint8_t *last = search_place(s, 0) + (s->length - 1 - s->suffix);
    while (i < end && *(last - i) != byte) i++;
  } else {
    const uint8_t *first = s->text + s->suffix;
    while (i < end && first[i] != byte) i++;
  }
  *q = i;
  return i < end;
}

/* Try place `*q`, of which the first `*memory` bytes are known to fit; move on if it is none. */
static bool two_way_try(search *s, uint64_t *q, uint64_t *memory) {
  uint64_t i = mm_max(s->suffix, *memory);
  uint64_t run = run_up(s, *q, i, s->length - i);
  if (run < s->length - i) {
    *q += i + run - s->suffix + 1;
    *memory = 0;
    return false;
  }
  uint64_t left = s->suffix > *memory ? s->suffix - *memory : 0;
  if (run_down(s, *q, s->suffix, left) == left) return true;
  *q += s->period;
  *memory = s->periodic ? s->length - s->period : 0;
  return false;
}

/* The first place in q..end-1 where the needle is (`*hit`), or the place to go on from. */
static uint64_t two_way(search *s, uint64_t q, uint64_t end, bool *hit) {
  uint64_t memory = 0;
  uint64_t mark = q;
  if (!s->factored) factorize(s);
  while (q < end && !*hit && !s->pace.stopped) {
    if (memory || two_way_skip(s, &q, mm_min(end, q + SAMPLE))) *hit = two_way_try(s, &q, &memory);
    if (q - mark < SAMPLE) continue;
    pace_done(&s->pace, q - mark);
    mark = q;
  }
  pace_done(&s->pace, q - mark);
  return q;
}

/* Trying harder. */

/* Some of the text where the search is, and how often each byte occurs in it. */
typedef struct text_sample {
  const uint8_t *text;
  uint64_t size;
  uint16_t counts[256];
} text_sample;

static void sample_take(text_sample *sample, const search *s, uint64_t q) {
  uint64_t place = (uint64_t)(search_place(s, mm_min(q, s->places - 1)) - s->text);
  sample->size = mm_min(SAMPLE, s->size);
  sample->text = s->text + mm_min(place, s->size - sample->size);
  memset(sample->counts, 0, sizeof sample->counts);
  for (uint64_t i = 0; i < sample->size; i++) sample->counts[sample->text[i]]++;
}

/* Of the offsets near `anchor`, which one fits least often where `anchor` does? Returns how often
** (in the whole sample) the two would let a place through. */
static uint64_t sample_partner(const text_sample *sample, const uint8_t *needle, uint64_t length,
                               uint64_t anchor, uint64_t *partner) {
  uint16_t fits[2 * PARTNERS] = {0};
  uint64_t from = anchor > PARTNERS ? anchor - PARTNERS : 0;
  uint64_t near = mm_min(length - from, 2 * PARTNERS);
  uint64_t before = anchor - from, tried = 0, best = before ? 0 : 1;
  for (uint64_t i = before; i + (near - before) <= sample->size && tried < SAMPLE / 16; i++) {
    if (sample->text[i] != needle[anchor]) continue;
    tried++;
    const uint8_t *place = sample->text + (i - before);
    for (uint64_t k = 0; k < near; k++) {
      if (place[k] == needle[from + k]) fits[k]++;
    }
  }
  for (uint64_t k = 0; k < near; k++) {
    if (k != before && fits[k] < fits[best]) best = k;
  }
  *partner = from + best;
  uint64_t all = sample->counts[needle[anchor]];
  return tried ? fits[best] * all / tried : all;
}

/* The pair of offsets that lets the fewest places of the sample through: one of the bytes that are
** rarest in it, with its best partner. */
static void sample_pair(const text_sample *sample, const uint8_t *needle, uint64_t length,
                        uint64_t at[2]) {
  uint16_t cost[256];
  uint64_t least = UINT64_MAX;
  memcpy(cost, sample->counts, sizeof cost);
  for (int i = 0; i < ANCHORS; i++) {
    uint64_t partner;
    uint64_t anchor = cheapest(needle, 0, mm_min(length, RARE_WINDOW), UINT64_MAX, cost);
    uint64_t passing = sample_partner(sample, needle, length, anchor, &partner);
    cost[needle[anchor]] = UINT16_MAX; /* another byte next time */
    if (passing >= least) continue;
    least = passing;
    at[0] = anchor;
    at[1] = partner;
  }
}

/* Choose another pair: the first time from a sample, then what told the last candidates apart
** instead of the pair's commoner byte. */
static void search_retune(search *s, uint64_t q) {
  text_sample sample;
  uint64_t at[2] = {s->scan.at[0], s->scan.at[1]};
  uint64_t culprit = s->scan.culprit;
  sample_take(&sample, s, q);
  if (s->level < 2) {
    sample_pair(&sample, s->needle, s->length, at);
  } else if (culprit != at[0] && culprit != at[1]) {
    at[sample.counts[s->needle[at[0]]] < sample.counts[s->needle[at[1]]]] = culprit;
  }
  search_use_pair(s, at[0], at[1], s->level);
}

/* The filter was given up at `q`: take another, or let the two-way algorithm search a stretch. */
static void search_harder(search *s, uint64_t q) {
  if (++s->level > LEVELS) {
    s->level = 0;
    s->linear_end = q + mm_min(s->places - q, mm_max(s->linear, 4 * s->length));
    s->linear = mm_min(2 * s->linear, (uint64_t)1 << 40);
  }
  search_retune(s, q);
}

/* Let the kernel look at `count` places from `q` on. `*q` moves to the hit, or to what is next. */
static mm_outcome search_scan(search *s, uint64_t *q, uint64_t count) {
  mm_scan *scan = &s->scan;
  mm_outcome outcome;
  if (s->backward) {
    outcome = s->kernel->rfind(scan, s->text + (s->places - *q - count), count);
  } else if (s->counting) {
    outcome = s->kernel->count(scan, s->text + *q, count);
  } else {
    outcome = s->kernel->find(scan, s->text + *q, count);
  }
  uint64_t passed = count;
  if (outcome != MM_SCAN_MISS) passed = s->backward ? count - scan->place : scan->place;
  *q += s->backward && outcome == MM_SCAN_HIT ? passed - 1 : passed;
  pace_done(&s->pace, passed);
  return outcome;
}

/* Pass over blocks of places from `*q` on in which nothing is found, at most `count`. Returns
** whether there were any. */
static bool search_sweep(search *s, uint64_t *q, uint64_t count) {
  const uint8_t *first = s->backward ? s->text + (s->places - *q - count) : s->text + *q;
  uint64_t passed = s->kernel->sweep(&s->scan, first, count, s->backward);
  *q += passed;
  pace_done(&s->pace, passed);
  return passed > 0;
}

/* Is what the kernel did not compare at `q` the needle's too? If not, all that was compared there was in
** vain. */
static bool search_tail(search *s, uint64_t q) {
  const uint8_t *place = search_place(s, q);
  for (uint64_t i = s->scan.head; i < s->length;) {
    uint64_t piece = mm_min(s->length - i, MM_PIECE);
    uint64_t same = s->kernel->same(s->needle + i, place + i, piece);
    i += same;
    if (same == piece && pace_read(&s->pace, same)) continue;
    s->scan.culprit = mm_min(i, s->length - 1);
    s->scan.credit -= (int64_t)(i / s->kernel->width);
    return i == s->length;
  }
  return true;
}

/* The first place from `q` on where the needle is, or `places`. Those that the kernel counts are
** passed over. */
static uint64_t search_next(search *s, uint64_t q) {
  while (q < s->places && !s->pace.stopped) {
    if (q < s->linear_end) {
      bool hit = false;
      q = two_way(s, q, s->linear_end, &hit);
      if (hit) return q;
      continue;
    }
    uint64_t count = mm_min(s->places - q, MM_PIECE);
    /* Read ahead by the system, a file comes from a disk best in order. */
    if (s->calm && !s->pace.slow && search_sweep(s, &q, count)) continue;
    s->calm = false;
    switch (search_scan(s, &q, count)) {
      case MM_SCAN_MISS:
        s->calm = true;
        break;
      case MM_SCAN_HIT:
        if (search_tail(s, q)) return q;
        q++;
        if (s->scan.credit < 0 && q < s->places) search_harder(s, q);
        break;
      case MM_SCAN_HARD:
        search_harder(s, q);
        break;
    }
  }
  return s->places;
}

/* Sets. */

/* Eight rows of eight bits, the first row lowest, become columns. (H. S. Warren, Hacker's Delight.) */
static uint64_t transposed(uint64_t rows) {
  uint64_t t = (rows ^ rows >> 7) & 0x00aa00aa00aa00aa;
  rows ^= t ^ t << 7;
  t = (rows ^ rows >> 14) & 0x0000cccc0000cccc;
  rows ^= t ^ t << 14;
  t = (rows ^ rows >> 28) & 0x00000000f0f0f0f0;
  return rows ^ t ^ t << 28;
}

/* Half of a table: of the eight rows of 16 bits from `bits` on, which are 16 bytes each. */
static void set_table(uint8_t table[16], const uint8_t bits[16]) {
  uint64_t left = 0, right = 0;
  for (size_t h = 0; h < 8; h++) {
    left |= (uint64_t)bits[2 * h] << (8 * h);
    right |= (uint64_t)bits[2 * h + 1] << (8 * h);
  }
  left = transposed(left);
  right = transposed(right);
  for (int l = 0; l < 8; l++) {
    table[l] = (uint8_t)(left >> (8 * l));
    table[8 + l] = (uint8_t)(right >> (8 * l));
  }
}

/* Called once for each hit of a scan: without a look at each byte. */
static void set_init(mm_byte_set *set, const uint8_t bits[32]) {
  int bytes = 0;
  set->bits = bits;
  set->byte = 0;
  set->asks = !reads_ahead_itself();
  set->sweeps = false;
  set_table(set->low, bits);
  set_table(set->high, bits + 16);
  for (int i = 0; i < 32; i++) {
    if (!bits[i]) continue;
    bytes += bits[i] & (bits[i] - 1) ? 2 : 1;
    set->byte = (uint8_t)(8 * i + __builtin_ctz(bits[i]));
  }
  set->single = bytes == 1;
}

static void set_init_single(mm_byte_set *set, uint8_t bits[32], uint8_t byte) {
  memset(bits, 0, 32);
  bits[byte >> 3] = (uint8_t)(1 << (byte & 7));
  memset(set, 0, sizeof *set);
  set->bits = bits;
  set->single = true;
  set->byte = byte;
}

static int64_t set_find(const mm_byte_set *set, const uint8_t *data, uint64_t size,
                        const mm_watch *watch) {
  const mm_kernel *kernel = best_kernel();
  find_pace pace = pace_start(watch, size);
  for (uint64_t i = 0; i < size;) {
    uint64_t piece = mm_min(size - i, MM_PIECE);
    uint64_t swept = i && !pace.slow ? kernel->sweep_set(set, data + i, piece, false) : 0;
    uint64_t at = kernel->find_set(set, data + i + swept, piece - swept);
    if (at < piece - swept) return (int64_t)(i + swept + at);
    i += piece;
    if (i < size && !pace_done(&pace, piece)) return MM_FIND_STOPPED;
  }
  return MM_FIND_NONE;
}

static int64_t set_rfind(const mm_byte_set *set, const uint8_t *data, uint64_t size,
                         const mm_watch *watch) {
  const mm_kernel *kernel = best_kernel();
  find_pace pace = pace_start(watch, size);
  for (uint64_t end = size; end > 0;) {
    uint64_t piece = mm_min(end, MM_PIECE);
    bool sweeps = end < size && !pace.slow;
    uint64_t swept = sweeps ? kernel->sweep_set(set, data + (end - piece), piece, true) : 0;
    uint64_t at = kernel->rfind_set(set, data + (end - piece), piece - swept);
    end -= piece;
    if (at < piece - swept) return (int64_t)(end + at);
    if (end > 0 && !pace_done(&pace, piece)) return MM_FIND_STOPPED;
  }
  return MM_FIND_NONE;
}

static int64_t set_count(mm_byte_set *set, const uint8_t *data, uint64_t size,
                         const mm_watch *watch) {
  const mm_kernel *kernel = best_kernel();
  find_pace pace = pace_start(watch, size);
  uint64_t count = 0;
  for (uint64_t i = 0; i < size;) {
    uint64_t piece = mm_min(size - i, MM_PIECE);
    set->sweeps = i && !pace.slow;
    count += kernel->count_set(set, data + i, piece);
    i += piece;
    if (i < size && !pace_done(&pace, piece)) return MM_FIND_STOPPED;
  }
  return (int64_t)count;
}

int64_t mm_find_set(const uint8_t set[32], const uint8_t *data, uint64_t size,
                    const mm_watch *watch) {
  mm_byte_set ready;
  set_init(&ready, set);
  return set_find(&ready, data, size, watch);
}

int64_t mm_rfind_set(const uint8_t set[32], const uint8_t *data, uint64_t size,
                     const mm_watch *watch) {
  mm_byte_set ready;
  set_init(&ready, set);
  return set_rfind(&ready, data, size, watch);
}

int64_t mm_count_set(const uint8_t set[32], const uint8_t *data, uint64_t size,
                     const mm_watch *watch) {
  mm_byte_set ready;
  set_init(&ready, set);
  return set_count(&ready, data, size, watch);
}

/* A piece is searched up to where a run that begins in it must have come; what lies between is
** looked at again, and no more than once. */
int64_t mm_find_run(const uint8_t set[32], uint64_t least, const uint8_t *data, uint64_t size,
                    const mm_watch *watch) {
  const mm_kernel *kernel = best_kernel();
  find_pace pace = pace_start(watch, size);
  mm_byte_set ready;
  set_init(&ready, set);
  for (uint64_t i = 0; size - i >= least;) {
    uint64_t piece = mm_min(size - i, mm_max(MM_PIECE, least) + least - 1);
    uint64_t at = kernel->find_run(&ready, data + i, piece, least);
    i += at;
    if (piece - at >= least) return (int64_t)i;
    if (size - i >= least && !pace_done(&pace, at)) return MM_FIND_STOPPED;
  }
  return MM_FIND_NONE;
}

/* Needles. One of a single byte is a set. */

static int64_t find_either_way(const mm_needle *needle, const uint8_t *data, uint64_t size,
                               const mm_watch *watch, bool backward) {
  search s;
  if (!search_init(&s, needle, data, size, watch)) return MM_FIND_NONE;
  s.backward = backward;
  uint64_t q = search_next(&s, 0);
  if (q < s.places) return search_place(&s, q) - data;
  return s.pace.stopped ? MM_FIND_STOPPED : MM_FIND_NONE;
}

int64_t mm_find(const mm_needle *needle, const uint8_t *data, uint64_t size,
                const mm_watch *watch) {
  if (needle->size == 0) return 0;
  if (needle->size > 1) return find_either_way(needle, data, size, watch, false);
  uint8_t bits[32];
  mm_byte_set set;
  set_init_single(&set, bits, needle->data[0]);
  return set_find(&set, data, size, watch);
}

int64_t mm_rfind(const mm_needle *needle, const uint8_t *data, uint64_t size,
                 const mm_watch *watch) {
  if (needle->size == 0) return (int64_t)size;
  if (needle->size > 1) return find_either_way(needle, data, size, watch, true);
  uint8_t bits[32];
  mm_byte_set set;
  set_init_single(&set, bits, needle->data[0]);
  return set_rfind(&set, data, size, watch);
}

/* How far beyond an occurrence at `q` the text goes on repeating itself as the needle does. */
static uint64_t run_on(search *s, uint64_t q) {
  uint64_t from = q + s->length;
  uint64_t run = 0;
  while (from + run < s->size) {
    uint64_t piece = mm_min(s->size - from - run, MM_PIECE);
    const uint8_t *p = s->text + from + run;
    uint64_t same = s->kernel->same(p - s->period, p, piece);
    run += same;
    if (same < piece || !pace_done(&s->pace, same)) break;
  }
  return run;
}

/* The kernel counts short needles by itself, as long as it is not given up. Others are counted one
** occurrence after the other: two of them are at least a period apart, and a needle of a short
** period recurs at each period of a run, so none of it is compared twice. */
static uint64_t search_count(search *s) {
  uint64_t count = 0;
  s->counting = s->length <= MM_FIND_SHORT;
  uint64_t q = search_next(s, 0);
  while (q < s->places && !s->pace.stopped) {
    if (!s->factored) factorize(s);
    uint64_t more = s->periodic ? run_on(s, q) / s->period : 0;
    count += 1 + more;
    q = search_next(s, q + (1 + more) * s->period);
  }
  return count + s->scan.count;
}

int64_t mm_count(const mm_needle *needle, const uint8_t *data, uint64_t size,
                 const mm_watch *watch) {
  if (needle->size == 0) return (int64_t)size + 1;
  if (needle->size == 1) {
    uint8_t bits[32];
    mm_byte_set set;
    set_init_single(&set, bits, needle->data[0]);
    return set_count(&set, data, size, watch);
  }
  search s;
  if (!search_init(&s, needle, data, size, watch)) return 0;
  uint64_t count = search_count(&s);
  return s.pace.stopped ? MM_FIND_STOPPED : (int64_t)count;
}

/* A byte that repeats would wait for its own counter: neighbours go to different tables. */
static void histogram_piece(const uint8_t *data, uint64_t size, uint64_t counts[256]) {
  uint32_t tables[4][256];
  uint64_t i = 0;
  memset(tables, 0, sizeof tables);
  for (; size - i >= 8; i += 8) {
    uint64_t word;
    memcpy(&word, data + i, sizeof word);
    tables[0][word & 255]++;
    tables[1][word >> 8 & 255]++;
    tables[2][word >> 16 & 255]++;
    tables[3][word >> 24 & 255]++;
    tables[0][word >> 32 & 255]++;
    tables[1][word >> 40 & 255]++;
    tables[2][word >> 48 & 255]++;
    tables[3][word >> 56]++;
  }
  for (; i < size; i++) tables[0][data[i]]++;
  for (int b = 0; b < 256; b++) {
    counts[b] += (uint64_t)tables[0][b] + tables[1][b] + tables[2][b] + tables[3][b];
  }
}

typedef struct histogram_sum {
  const uint8_t *data;
  uint64_t *counts;
} histogram_sum;

static void histogram_share(void *context, mm_share *share) {
  const histogram_sum *sum = context;
  uint64_t from, to, counts[256] = {0};
  while (mm_share_next(share, &from, &to)) histogram_piece(sum->data + from, to - from, counts);
  mm_share_lock(share);
  for (int b = 0; b < 256; b++) sum->counts[b] += counts[b];
  mm_share_unlock(share);
}

/* What is small is not worth the preparations. */
int mm_histogram(const uint8_t *data, uint64_t size, uint64_t counts[256], unsigned threads,
                 const mm_watch *watch) {
  histogram_sum sum = {data, counts};
  mm_parts parts = {.count = size, .unit = 1, .threads = threads, .watch = watch};
  if (size > MM_PART) return mm_parts_run(&parts, histogram_share, &sum) ? MM_FIND_STOPPED : 0;
  histogram_piece(data, size, counts);
  return 0;
}

unsigned mm_find_places(uint8_t byte, const uint8_t *data, uint16_t places[MM_FIND_PAGE]) {
  uint8_t bits[32];
  mm_byte_set set;
  set_init_single(&set, bits, byte);
  return best_kernel()->places(&set, data, places);
}

unsigned mm_find_set_places(const uint8_t set[32], const uint8_t *data,
                            uint16_t places[MM_FIND_PAGE]) {
  mm_byte_set ready;
  set_init(&ready, set);
  return best_kernel()->places(&ready, data, places);
}

uint64_t mm_find_heads(const mm_heads_table *heads, const uint8_t *data, uint64_t places,
                       uint64_t *bits, uint8_t buckets[MM_FIND_BLOCK]) {
  *bits = 0;
  return best_kernel()->heads(heads, data, places, bits, buckets);
}

uint64_t mm_mismatch(const uint8_t *a, const uint8_t *b, uint64_t size) {
  return best_kernel()->same(a, b, size);
}

uint64_t mm_match(const uint8_t *a, const uint8_t *b, uint64_t size) {
  return best_kernel()->differ(a, b, size);
}
