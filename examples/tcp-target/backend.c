/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend.c: see backend.h. Calls may block on storage, which is why no hook of the library's calls
 * any of them but backend_close.
 */
#define _GNU_SOURCE
#include "backend.h"
#include "nvme.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* From here on it is cheaper to hold every stripe once than each in turn. */
static const uint64_t whole = (uint64_t)BACKEND_STRIPES * BACKEND_STRIPE;

static void open_common(backend *b, int fd, uint8_t *base, uint64_t size)
{
  b->fd = fd;
  b->base = base;
  atomic_init(&b->size, size);
  for (int i = 0; i < BACKEND_STRIPES; i++)
    pthread_mutex_init(&b->stripe[i], NULL);
}

const char *backend_open_ram(backend *b, uint64_t size)
{
  void *base;

  if (size == 0 || size > SIZE_MAX / 2)
    return "size out of range";
  base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return "not that much address space";
  open_common(b, -1, base, size);
  return NULL;
}

const char *backend_open_file(backend *b, const char *path, uint32_t block)
{
  int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  struct stat st;
  off_t end;

  if (fd < 0)
    return strerror(errno);
  if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))) {
    close(fd);
    return "neither a file nor a block device";
  }
  end = lseek(fd, 0, SEEK_END);
  if (end < (off_t)block) {
    close(fd);
    return "shorter than one block";
  }
  open_common(b, fd, NULL, (uint64_t)end / block * block);
  return NULL;
}

void backend_close(backend *b)
{
  if (b->fd >= 0)
    close(b->fd);
  else
    munmap(b->base, (size_t)atomic_load(&b->size));
  for (int i = 0; i < BACKEND_STRIPES; i++)
    pthread_mutex_destroy(&b->stripe[i]);
}

static void lock_all(backend *b)
{
  for (int i = 0; i < BACKEND_STRIPES; i++)
    pthread_mutex_lock(&b->stripe[i]);
}

static void unlock_all(backend *b)
{
  for (int i = BACKEND_STRIPES - 1; i >= 0; i--)
    pthread_mutex_unlock(&b->stripe[i]);
}

static uint16_t file_error(uint16_t sf)
{
  return (uint16_t)((errno == ENOSPC || errno == EDQUOT ? SC_CAPACITY_EXCEEDED : sf) | DNR);
}

static uint16_t file_read(int fd, uint64_t offset, uint8_t *buf, size_t len)
{
  while (len > 0) {
    ssize_t n = pread(fd, buf, len, (off_t)offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) /* the file became shorter behind our back */
      return SC_READ_ERROR | DNR;
    buf += n;
    offset += (uint64_t)n;
    len -= (size_t)n;
  }
  return 0;
}

static uint16_t file_write(int fd, uint64_t offset, const uint8_t *buf, size_t len)
{
  while (len > 0) {
    ssize_t n = pwrite(fd, buf, len, (off_t)offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return file_error(SC_WRITE_FAULT);
    buf += n;
    offset += (uint64_t)n;
    len -= (size_t)n;
  }
  return 0;
}

static uint16_t file_zero(int fd, uint64_t offset, uint64_t len)
{
  static const uint8_t zeroes[BACKEND_STRIPE];

  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len) == 0)
    return 0;
  while (len > 0) {
    size_t part = len < sizeof(zeroes) ? (size_t)len : sizeof(zeroes);
    uint16_t sf = file_write(fd, offset, zeroes, part);

    if (sf)
      return sf;
    offset += part;
    len -= part;
  }
  return 0;
}

/* Whole pages go back to the system and read as zeroes from then on. */
static void ram_zero(uint8_t *at, uint64_t len)
{
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t from = ((uintptr_t)at + page - 1) / page * page;
  uintptr_t to = ((uintptr_t)at + len) / page * page;

  if (to <= from || madvise((void *)from, to - from, MADV_DONTNEED) != 0) {
    memset(at, 0, len);
    return;
  }
  memset(at, 0, from - (uintptr_t)at);
  memset((uint8_t *)to, 0, (uintptr_t)at + len - to);
}

static uint16_t ram_compare(const uint8_t *at, const uint8_t *buf, size_t len)
{
  return memcmp(at, buf, len) ? SC_COMPARE | DNR : 0;
}

static uint16_t file_compare(int fd, uint64_t offset, const uint8_t *buf, size_t len)
{
  uint8_t part[4096];

  while (len > 0) {
    size_t n = len < sizeof(part) ? len : sizeof(part);
    uint16_t sf = file_read(fd, offset, part, n);

    if (!sf)
      sf = ram_compare(part, buf, n);
    if (sf)
      return sf;
    offset += n;
    buf += n;
    len -= n;
  }
  return 0;
}

enum verb { READ, WRITE, COMPARE, ZERO };

/* With the stripes of this part held. */
static uint16_t one_part(backend *b, enum verb verb, uint64_t offset, uint8_t *in,
                         const uint8_t *out, uint64_t len)
{
  uint64_t size = atomic_load_explicit(&b->size, memory_order_relaxed);

  if (len > size || offset > size - len) /* it shrank since the command was checked */
    return SC_LBA_RANGE | DNR;
  switch (verb) {
  case READ:
    if (b->fd >= 0)
      return file_read(b->fd, offset, in, len);
    memcpy(in, b->base + offset, len);
    return 0;
  case WRITE:
    if (b->fd >= 0)
      return file_write(b->fd, offset, out, len);
    memcpy(b->base + offset, out, len);
    return 0;
  case COMPARE:
    return b->fd >= 0 ? file_compare(b->fd, offset, out, len)
                      : ram_compare(b->base + offset, out, len);
  default:
    if (b->fd >= 0)
      return file_zero(b->fd, offset, len);
    ram_zero(b->base + offset, len);
    return 0;
  }
}

static uint16_t in_parts(backend *b, enum verb verb, uint64_t offset, uint8_t *in,
                         const uint8_t *out, uint64_t len)
{
  while (len > 0) {
    uint64_t part = BACKEND_STRIPE - offset % BACKEND_STRIPE;
    pthread_mutex_t *stripe = &b->stripe[offset / BACKEND_STRIPE % BACKEND_STRIPES];
    uint16_t sf;

    if (part > len)
      part = len;
    pthread_mutex_lock(stripe);
    sf = one_part(b, verb, offset, in, out, part);
    pthread_mutex_unlock(stripe);
    if (sf)
      return sf;
    if (in)
      in += part;
    if (out)
      out += part;
    offset += part;
    len -= part;
  }
  return 0;
}

uint16_t backend_read(backend *b, uint64_t offset, uint8_t *buf, uint64_t len)
{
  return in_parts(b, READ, offset, buf, NULL, len);
}

uint16_t backend_write(backend *b, uint64_t offset, const uint8_t *buf, uint64_t len)
{
  return in_parts(b, WRITE, offset, NULL, buf, len);
}

uint16_t backend_compare(backend *b, uint64_t offset, const uint8_t *buf, uint64_t len)
{
  return in_parts(b, COMPARE, offset, NULL, buf, len);
}

uint16_t backend_zero(backend *b, uint64_t offset, uint64_t len)
{
  uint16_t sf;

  if (len < whole)
    return in_parts(b, ZERO, offset, NULL, NULL, len);
  lock_all(b);
  sf = one_part(b, ZERO, offset, NULL, NULL, len);
  unlock_all(b);
  return sf;
}

uint16_t backend_flush(backend *b)
{
  if (b->fd < 0 || fdatasync(b->fd) == 0 || errno == EINVAL || errno == EROFS)
    return 0;
  return file_error(SC_WRITE_FAULT);
}

const char *backend_resize(backend *b, uint64_t size)
{
  const char *why = NULL;

  if (size == 0 || size > SIZE_MAX / 2)
    return "size out of range";
  lock_all(b);
  if (b->fd >= 0) {
    if (ftruncate(b->fd, (off_t)size) < 0)
      why = strerror(errno);
  } else {
    void *base = mremap(b->base, (size_t)atomic_load(&b->size), (size_t)size, MREMAP_MAYMOVE);

    if (base == MAP_FAILED)
      why = "not that much address space";
    else
      b->base = base;
  }
  if (!why)
    atomic_store(&b->size, size);
  unlock_all(b);
  return why;
}
