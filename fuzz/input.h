/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * input.h: the input as fuzz targets read it, byte by byte, and how they say what does not hold.
 */
#ifndef NVMENS_FUZZ_INPUT_H
#define NVMENS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(what)                                                                                 \
  do {                                                                                             \
    if (!(what)) {                                                                                 \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);                     \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

typedef struct input {
  const uint8_t *at;
  size_t left;
} input;

/* Zeroes once it is over. */
static inline uint8_t input_byte(input *in)
{
  if (in->left == 0)
    return 0;
  in->left--;
  return *in->at++;
}

/* Where the next *len bytes are; there may be fewer, then *len is lowered. */
static inline const uint8_t *input_bytes(input *in, size_t *len)
{
  const uint8_t *at = in->at;

  if (*len > in->left)
    *len = in->left;
  in->at += *len;
  in->left -= *len;
  return at;
}

#endif
