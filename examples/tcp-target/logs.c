/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logs.c: the log pages that the library leaves to its backend: 01h, 02h, 03h, 05h, and 70h of a
 * discovery controller. Each is made whole and then cut. Queue's thread only.
 */
#define _POSIX_C_SOURCE 200809L
#include "bytes.h"
#include "conn.h"
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { PAGE = 4096, ENTRY = 64, DISCOVERY_ENTRY = 1024 };
enum { CSUPP = 1, LBCC = 2, NIC = 8, CSE_NAMESPACE = 1 << 16 };

/* The newest entry first. */
static uint32_t error_log(const ctrl *k, uint8_t *page)
{
  for (uint64_t i = 0; i < ERROR_LOG && i < k->errors; i++) {
    uint8_t *at = page + ENTRY * i;
    uint64_t n = (k->errors - i) % ERROR_LOG;

    put64(at, k->error[n].count);
    put16(at + 10, k->error[n].cid);
    put16(at + 12, (uint16_t)(k->error[n].sf << 1));
    put16(at + 14, 0xFFFF); /* no particular place in the command */
    put32(at + 24, k->error[n].nsid);
    at[29] = 3; /* TCP */
    put64(at + 32, k->error[n].info);
  }
  return ERROR_LOG * ENTRY;
}

static uint32_t smart_log(const ctrl *k, uint8_t *page)
{
  target *t = k->t;
  uint64_t read, written, reads, writes;

  pthread_mutex_lock(&t->lock);
  read = t->sectors_read;
  written = t->sectors_written;
  reads = t->reads;
  writes = t->writes;
  for (const conn *c = t->conns; c; c = c->next) {
    read += atomic_load_explicit(&c->sectors_read, memory_order_relaxed);
    written += atomic_load_explicit(&c->sectors_written, memory_order_relaxed);
    reads += atomic_load_explicit(&c->reads, memory_order_relaxed);
    writes += atomic_load_explicit(&c->writes, memory_order_relaxed);
  }
  pthread_mutex_unlock(&t->lock);
  put16(page + 1, 300); /* kelvin */
  page[3] = 100;
  page[4] = 10;
  put64(page + 32, (read + 999) / 1000);
  put64(page + 48, (written + 999) / 1000);
  put64(page + 64, reads);
  put64(page + 80, writes);
  put64(page + 112, 1);
  put64(page + 176, k->errors);
  return 512;
}

static uint32_t firmware_log(uint8_t *page)
{
  page[0] = 1;
  memcpy(page + 8, "1       ", 8);
  return 512;
}

static uint32_t effects_log(uint8_t *page)
{
  static const uint8_t plain[] = {NVMENS_OP_GET_LOG_PAGE, NVMENS_OP_IDENTIFY,
                                  NVMENS_OP_ABORT,        NVMENS_OP_SET_FEATURES,
                                  NVMENS_OP_GET_FEATURES, NVMENS_OP_ASYNC_EVENT_REQUEST,
                                  OP_KEEP_ALIVE,          OP_FABRICS};
  uint8_t *io = page + 1024;

  for (size_t i = 0; i < sizeof(plain); i++)
    put32(page + 4 * plain[i], CSUPP);
  put32(page + 4 * NVMENS_OP_NS_MANAGEMENT, CSUPP | NIC | CSE_NAMESPACE); /* R53 */
  put32(page + 4 * NVMENS_OP_NS_ATTACHMENT, CSUPP | NIC | CSE_NAMESPACE);
  put32(io + 4 * OP_FLUSH, CSUPP);
  put32(io + 4 * OP_READ, CSUPP);
  put32(io + 4 * OP_COMPARE, CSUPP);
  put32(io + 4 * OP_WRITE, CSUPP | LBCC);
  put32(io + 4 * OP_WRITE_ZEROES, CSUPP | LBCC);
  put32(io + 4 * OP_DSM, CSUPP | LBCC);
  return PAGE;
}

/* Where we listen; if that is any address, the one that this host has used. */
static void own_address(const conn *c, char *out, size_t size)
{
  struct sockaddr_storage ss;
  socklen_t len = sizeof(ss);
  const char *bound = c->t->address;

  if ((strcmp(bound, "0.0.0.0") != 0 && strcmp(bound, "::") != 0) ||
      getsockname(c->fd, (struct sockaddr *)&ss, &len) < 0 ||
      getnameinfo((struct sockaddr *)&ss, len, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
    snprintf(out, size, "%s", bound);
}

/* One record: the subsystem. */
static uint32_t discovery_log(const conn *c, uint8_t *page)
{
  const target *t = c->t;
  uint8_t *at = page + DISCOVERY_ENTRY;

  put64(page, 1);
  put64(page + 8, 1);
  at[0] = 3; /* TCP */
  at[1] = t->family == AF_INET6 ? 2 : 1;
  at[2] = 2; /* NVM subsystem */
  at[3] = 4; /* TREQ: SQ flow control may be off */
  put16(at + 6, 0xFFFF);
  put16(at + 8, MAX_QUEUE);
  snprintf((char *)at + 32, 32, "%s", t->port);
  snprintf((char *)at + 256, NQN_SIZE, "%s", t->opt.nqn);
  own_address(c, (char *)at + 512, 256);
  return 2 * DISCOVERY_ENTRY;
}

/* The size of the page, 0 if there is none. */
static uint32_t make_page(const conn *c, uint8_t lid, uint8_t *page)
{
  const ctrl *k = c->ctrl;

  if (k->discovery)
    return lid == LID_DISCOVERY ? discovery_log(c, page) : 0;
  switch (lid) {
  case NVMENS_LID_ERROR:
    return error_log(k, page);
  case NVMENS_LID_SMART:
    return smart_log(k, page);
  case NVMENS_LID_FIRMWARE:
    return firmware_log(page);
  case NVMENS_LID_COMMAND_EFFECTS:
    return effects_log(page);
  default:
    return 0;
  }
}

void logs_command(conn *c, req *r)
{
  const uint8_t *cdw10 = r->sqe + SQE_CDW10;
  uint64_t len = ((uint64_t)get16(cdw10 + 4) << 16 | get16(cdw10 + 2)) * 4 + 4;
  uint64_t from = get64(cdw10 + 8);
  uint8_t lid = cdw10[0], page[PAGE] = {0};
  uint64_t stamp = nvmens_log_latch(c->ctrl->lib, lid);
  uint32_t size = make_page(c, lid, page);
  uint16_t sf = 0;

  if (size == 0)
    sf = NVMENS_SC_INVALID_LOG_PAGE | DNR;
  else if (from > size || from % 4 || (r->nsid != 0 && r->nsid != NVMENS_NSID_ALL))
    sf = NVMENS_SC_INVALID_FIELD | DNR;
  else if (len > r->len)
    sf = SC_SGL_LENGTH | DNR;
  else
    sf = admin_send(c, r, page + from, (uint32_t)(len < size - from ? len : size - from));
  if (!sf && !(cdw10[1] & 0x80))
    nvmens_log_was_read(c->ctrl->lib, lid, stamp);
  send_end(c, r, sf, 0);
}
