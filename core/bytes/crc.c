/*
** crc.c: all checks by one loop.
**
** A reflected register is shifted to the right, and its lowest 8 bits meet the next byte; the others
** are shifted to the left, and it is their highest 8. Those are kept at the top of 64 bits and with
** their bytes swapped, so that both are the same: the byte that is next is the lowest.
**
** A step takes 8 bytes at once, each through a table of its own (M. Kounavis and F. Berry, "A
** systematic approach to building high performance software-based CRC generators", 2005).
*/
#include "core/bytes/crc.h"

static uint64_t reverse_bits(uint64_t value, unsigned width) {
  uint64_t reversed = 0;
  for (unsigned i = 0; i < width; i++) reversed |= (value >> i & 1) << (width - 1 - i);
  return reversed;
}

/* A register, as the catalogue has it, on its way into the loop. */
static uint64_t into_loop(const mm_crc_model *model, uint64_t value) {
  if (model->refin) return reverse_bits(value, model->width);
  return __builtin_bswap64(value << (64 - model->width));
}

/* What a byte makes of an empty register. */
static uint64_t reflected_entry(const mm_crc_model *model, unsigned byte) {
  uint64_t poly = reverse_bits(model->poly, model->width);
  uint64_t value = byte;
  for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? poly : 0);
  return value;
}

static uint64_t plain_entry(const mm_crc_model *model, unsigned byte) {
  uint64_t poly = model->poly << (64 - model->width);
  uint64_t value = (uint64_t)byte << 56;
  for (int bit = 0; bit < 8; bit++) value = value << 1 ^ (value >> 63 ? poly : 0);
  return __builtin_bswap64(value);
}

static uint64_t crc_step(const mm_crc *crc, uint64_t value, unsigned byte) {
  return crc->tables[0][(value ^ byte) & 0xff] ^ value >> 8;
}

void mm_crc_prepare(mm_crc *crc, const mm_crc_model *model) {
  crc->model = model;
  crc->first = into_loop(model, model->init);
  for (unsigned byte = 0; byte < 256; byte++) {
    crc->tables[0][byte] = model->refin ? reflected_entry(model, byte) : plain_entry(model, byte);
  }
  for (int slice = 1; slice < MM_CRC_SLICES; slice++) {
    for (unsigned byte = 0; byte < 256; byte++) {
      crc->tables[slice][byte] = crc_step(crc, crc->tables[slice - 1][byte], 0);
    }
  }
}

uint64_t mm_crc_begin(const mm_crc *crc) {
  return crc->first;
}

/* The first byte lowest, on any machine. */
static uint64_t crc_load(const uint8_t *data) {
  uint64_t word = 0;
  for (int i = MM_CRC_SLICES - 1; i >= 0; i--) word = word << 8 | data[i];
  return word;
}

uint64_t mm_crc_update(const mm_crc *crc, uint64_t value, const uint8_t *data, size_t size) {
  for (; size >= MM_CRC_SLICES; data += MM_CRC_SLICES, size -= MM_CRC_SLICES) {
    uint64_t word = crc_load(data) ^ value;
    value = 0;
    for (int i = 0; i < MM_CRC_SLICES; i++) {
      value ^= crc->tables[MM_CRC_SLICES - 1 - i][word >> 8 * i & 0xff];
    }
  }
  while (size-- > 0) value = crc_step(crc, value, *data++);
  return value;
}

/* ---- zeros ----------------------------------------------------------------------------------- */

/* A polynomial as the catalogue has it, times x, modulo the model's. */
static uint64_t crc_times_x(const mm_crc_model *model, uint64_t a) {
  uint64_t top = a >> (model->width - 1) & 1, all = UINT64_MAX >> (64 - model->width);
  return (a << 1 & all) ^ (model->poly & (0 - top));
}

static uint64_t crc_product(const mm_crc_model *model, uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (unsigned bit = model->width; bit-- > 0;) {
    product = crc_times_x(model, product) ^ (b & (0 - (a >> bit & 1)));
  }
  return product;
}

static uint64_t out_of_loop(const mm_crc_model *model, uint64_t value) {
  if (model->refin) return reverse_bits(value, model->width);
  return __builtin_bswap64(value) >> (64 - model->width);
}

/* A byte of zeros is a product with x^8. */
uint64_t mm_crc_skip(const mm_crc_model *model, uint64_t value, uint64_t zeros) {
  uint64_t power = 1, result = out_of_loop(model, value);
  if (zeros == 0) return value;
  for (int bit = 0; bit < 8; bit++) power = crc_times_x(model, power);
  for (; zeros > 0; zeros >>= 1) {
    if (zeros & 1) result = crc_product(model, power, result);
    power = crc_product(model, power, power);
  }
  return into_loop(model, result);
}

/* ---- the end ---------------------------------------------------------------------------------- */

uint64_t mm_crc_end(const mm_crc *crc, uint64_t value) {
  const mm_crc_model *model = crc->model;
  if (!model->refin) value = __builtin_bswap64(value) >> (64 - model->width);
  if (model->refin != model->refout) value = reverse_bits(value, model->width);
  return value ^ model->xorout;
}
