/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * send.c: what goes to the host is collected in one buffer and sent before the queue's thread
 * waits again, so a burst of completions is one system call. A host that takes nothing for
 * SEND_SECONDS has lost its connection; while it is slow, removals do not wait for it (hold_abort).
 */
#define _GNU_SOURCE
#include "bytes.h"
#include "conn.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Until the host takes more. */
static int wait_for_room(conn *c, uint64_t until)
{
  struct pollfd fds[2] = {{.fd = c->fd, .events = POLLOUT}, {.fd = c->efd, .events = POLLIN}};
  uint64_t now = now_ns();
  int n;

  if (now >= until)
    return -1;
  n = poll(fds, 2, (int)((until - now) / 1000000) + 1);
  if (n < 0 && errno != EINTR)
    return -1;
  if (n > 0 && fds[1].revents) {
    unkick(c->efd);
    c->kicked = true;
    hold_abort(c);
  }
  return atomic_load(&c->kill) ? -1 : 0;
}

int send_flush(conn *c)
{
  size_t sent = 0;
  uint64_t until = 0;

  while (sent < c->tx_len && !c->dead) {
    ssize_t n = send(c->fd, c->tx + sent, c->tx_len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0) {
      sent += (size_t)n;
      until = 0;
      continue;
    }
    if (n < 0 && errno == EINTR)
      continue;
    if (n == 0 || errno != EAGAIN) {
      c->dead = true;
      break;
    }
    if (!until)
      until = now_ns() + SEND_SECONDS * UINT64_C(1000000000);
    if (wait_for_room(c, until) < 0)
      c->dead = true;
  }
  c->tx_len = 0;
  return c->dead ? -1 : 0;
}

uint8_t *send_room(conn *c, size_t len)
{
  if (c->dead)
    return NULL;
  if (len > TX_SIZE - c->tx_len && send_flush(c) < 0)
    return NULL;
  return c->tx + c->tx_len;
}

static uint8_t *data_header(conn *c, req *r, uint32_t offset, uint32_t len, bool last)
{
  uint8_t *at = send_room(c, PDU_DATA_LEN + 128 + len);

  if (!at)
    return NULL;
  at += pdu_c2h(at, c->hpda, r->cid, offset, len, last);
  c->tx_len = (size_t)(at - c->tx) + len;
  return at;
}

int send_data(conn *c, req *r, const void *data, uint32_t offset, uint32_t len, bool last)
{
  uint8_t *at = data_header(c, r, offset, len, last);

  if (!at)
    return -1;
  if (data)
    memcpy(at, data, len);
  else
    memset(at, 0, len);
  return 0;
}

uint8_t *send_data_room(conn *c, req *r, uint32_t len)
{
  return data_header(c, r, 0, len, true);
}

void send_term(conn *c, uint16_t fes, uint32_t fei, const uint8_t *bad, size_t len)
{
  const pdu_error error = {fes, fei};
  uint8_t *at = send_room(c, PDU_TERM_MAX);
  struct pollfd fd = {.fd = c->fd, .events = POLLIN};
  uint64_t until = now_ns() + TERM_SECONDS * UINT64_C(1000000000), now;

  note(c->t, "%s: C2HTermReq, status %u, information %u", c->peer, fes, fei);
  if (!at)
    return;
  c->tx_len += pdu_term(at, error, bad, len);
  if (send_flush(c) < 0)
    return;
  /* A close with data unread resets the connection, and the host might not see the PDU. */
  shutdown(c->fd, SHUT_WR);
  while ((now = now_ns()) < until && !atomic_load(&c->kill)) {
    ssize_t n;

    if (poll(&fd, 1, (int)((until - now) / 1000000) + 1) <= 0)
      continue;
    n = recv(c->fd, c->rx, RX_SIZE, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
      break;
  }
  c->dead = true;
}

void send_end(conn *c, req *r, uint16_t sf, uint64_t result)
{
  uint8_t *at = send_room(c, PDU_RESP_LEN);

  if (!c->sqhd_off)
    c->sqhd = (uint16_t)((c->sqhd + 1u) % c->depth);
  if (at)
    c->tx_len += pdu_resp(at, result, c->sqhd_off ? 0xFFFF : c->sqhd, r->cid, sf);
  req_free(c, r);
}
