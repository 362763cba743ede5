/*
** crc.h: cyclic redundancy checks by their parameters, in the model of R. Williams, "A painless
** guide to CRC error detection algorithms" (1993), under the names of the RevEng catalogue
** (G. Cook, reveng.sourceforge.io/crc-catalogue).
*/
#ifndef MM_CRC_H
#define MM_CRC_H

#include <stddef.h>
#include <stdint.h>

/* One of them. The polynomial is written from its highest power down, without the first term; `init`
** is what the register holds before the first byte, before it is reflected. */
typedef struct mm_crc_model {
  const char *name; /* lower case: "crc-16/modbus" */
  uint8_t width;    /* bits, 3 .. 64 */
  uint8_t refin;    /* the lowest bit of each byte comes first */
  uint8_t refout;   /* the result's bits are reversed */
  uint64_t poly, init, xorout;
} mm_crc_model;

/* All of the catalogue but those of more than 64 bits, by width, then name. */
extern const mm_crc_model mm_crc_models[];
extern const size_t mm_crc_model_count;

/* The bytes that one step of the tables takes. */
#define MM_CRC_SLICES 8

/* A model and its tables. They cost as much as 5,000 bytes of data: make them once. */
typedef struct mm_crc {
  const mm_crc_model *model;
  uint64_t first; /* the register before the first byte */
  uint64_t tables[MM_CRC_SLICES][256];
} mm_crc;

void mm_crc_prepare(mm_crc *crc, const mm_crc_model *model);

/* The register, before the first byte, and after `size` more. */
uint64_t mm_crc_begin(const mm_crc *crc);
uint64_t mm_crc_update(const mm_crc *crc, uint64_t value, const uint8_t *data, size_t size);

/* The register after so many bytes of zeros more, in about a microsecond for each doubling. It is linear:
** what the bytes of a range make of it is the exclusive or of what each part of them makes of a register of
** zeros, the others being zeros. */
uint64_t mm_crc_skip(const mm_crc_model *model, uint64_t value, uint64_t zeros);

/* The check that the register stands for. */
uint64_t mm_crc_end(const mm_crc *crc, uint64_t value);

#endif
