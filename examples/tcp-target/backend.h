/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend.h: where the blocks of a namespace are: memory that takes room when it is written, or a
 * file. Any thread may use a backend at any time between open and close. Every call ends in a
 * status field of the host's (0: success). A block is read or written as a whole (AWUN): stripes of
 * 64 KiB have a lock each, and no block lies in two of them.
 */
#ifndef TCP_TARGET_BACKEND_H
#define TCP_TARGET_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKEND_STRIPES = 32, BACKEND_STRIPE = 65536 };

typedef struct backend {
  int fd;                /* -1: memory */
  uint8_t *base;         /* memory; changes under all stripes */
  _Atomic uint64_t size; /* bytes; changes under all stripes */
  pthread_mutex_t stripe[BACKEND_STRIPES];
} backend;

/* NULL, or what is wrong. The size of a file is its length, rounded down to blocks. */
const char *backend_open_ram(backend *, uint64_t size);
const char *backend_open_file(backend *, const char *path, uint32_t block);
void backend_close(backend *);

uint16_t backend_read(backend *, uint64_t offset, uint8_t *buf, uint64_t len);
uint16_t backend_write(backend *, uint64_t offset, const uint8_t *buf, uint64_t len);
uint16_t backend_compare(backend *, uint64_t offset, const uint8_t *buf, uint64_t len);
uint16_t backend_zero(backend *, uint64_t offset, uint64_t len); /* deallocates what it can */
uint16_t backend_flush(backend *);
const char *backend_resize(backend *, uint64_t size);

#endif
