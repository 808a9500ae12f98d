/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn.c: the life of a connection, from accept to the last of its commands. Its thread waits for
 * the socket, for its eventfd and for the earliest of its deadlines; nothing else makes it wait,
 * so commands that a backend does not complete hold up nobody but themselves.
 */
#define _GNU_SOURCE
#include "conn.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint64_t second = 1000000000;

void conn_put(conn *c)
{
  if (atomic_fetch_sub(&c->refs, 1) != 1)
    return;
  req_unpool(c->reqs, c->depth, c->unused);
  if (c->ctrl)
    ctrl_put(c->ctrl);
  close(c->efd);
  pthread_mutex_destroy(&c->inbox_lock);
  free(c->rx);
  free(c->tx);
  free(c);
}

void conn_kick(conn *c)
{
  kick(c->efd);
}

void conn_deliver(req *r)
{
  conn *c = r->conn;

  pthread_mutex_lock(&c->inbox_lock);
  if (!c->closed) {
    r->next = NULL;
    *c->inbox_end = r;
    c->inbox_end = &r->next;
  }
  pthread_mutex_unlock(&c->inbox_lock);
  conn_kick(c);
  conn_put(c);
}

static void empty_inbox(conn *c)
{
  req *r;

  pthread_mutex_lock(&c->inbox_lock);
  r = c->inbox;
  c->inbox = NULL;
  c->inbox_end = &c->inbox;
  pthread_mutex_unlock(&c->inbox_lock);
  while (r) {
    req *next = r->next;

    admin_delivered(c, r);
    r = next;
  }
}

/* A controller whose host is silent for KATO ends. Commands on any queue count (CTRATT.TBKAS), so
 * the queues leave a mark, and the admin queue looks at it four times in a KATO. */
static void look_at_keep_alive(conn *c, uint64_t now)
{
  ctrl *k = c->ctrl;
  uint64_t limit;

  if (!k || c->qid != 0)
    return;
  limit = k->kato_ns ? k->kato_ns : k->discovery ? DISCOVERY_IDLE_SECONDS * second : 0;
  if (limit == 0) {
    c->next_beat = UINT64_MAX;
    return;
  }
  if (atomic_exchange(&k->heard, false))
    c->heard_ns = now;
  if (now - c->heard_ns >= limit) {
    note(c->t, "controller %u: keep alive timeout", k->cntlid);
    c->dead = true;
  }
  c->next_beat = now + limit / 4;
}

static uint64_t next_deadline(const conn *c)
{
  uint64_t at = UINT64_MAX, held = hold_next(c);

  if (c->state != CONN_LIVE)
    at = c->opened + CONNECT_SECONDS * second;
  if (c->rx_since && c->rx_since + PDU_SECONDS * second < at)
    at = c->rx_since + PDU_SECONDS * second;
  if (c->state == CONN_LIVE && c->qid == 0 && c->next_beat < at)
    at = c->next_beat;
  return held < at ? held : at;
}

static void look_at_clock(conn *c, uint64_t now)
{
  if (c->state != CONN_LIVE && now >= c->opened + CONNECT_SECONDS * second) {
    note(c->t, "%s: no Connect in %d s", c->peer, CONNECT_SECONDS);
    c->dead = true;
  }
  if (c->rx_since && now >= c->rx_since + PDU_SECONDS * second) {
    note(c->t, "%s: half a PDU for %d s", c->peer, PDU_SECONDS);
    c->dead = true;
  }
  if (c->state == CONN_LIVE && now >= c->next_beat)
    look_at_keep_alive(c, now);
}

static void serve(conn *c)
{
  while (!c->dead) {
    struct pollfd fds[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->efd, .events = POLLIN}};
    uint64_t at = next_deadline(c), now = at == UINT64_MAX ? 0 : now_ns();
    uint64_t rest = at > now ? at - now : 0;
    struct timespec wait = {.tv_sec = (time_t)(rest / second), .tv_nsec = (long)(rest % second)};

    if (c->kicked)
      wait = (struct timespec){0};
    if (ppoll(fds, 2, at == UINT64_MAX && !c->kicked ? NULL : &wait, NULL) < 0 && errno != EINTR)
      break;
    if (fds[1].revents)
      unkick(c->efd);
    if (fds[1].revents || c->kicked) {
      c->kicked = false;
      if (atomic_load(&c->kill))
        break;
      empty_inbox(c);
      hold_abort(c);
      hold_look(c, now_ns());
    }
    if (fds[0].revents)
      recv_some(c);
    if (at != UINT64_MAX) {
      now = now_ns();
      hold_look(c, now);
      look_at_clock(c, now);
    }
    if (c->tx_len > 0)
      send_flush(c);
  }
}

/* The commands first, then the lane, then the controller: see the header of nvmens_lane_del. */
static void end(conn *c)
{
  target *t = c->t;

  if (c->ctrl && c->qid) {
    pthread_mutex_lock(&t->lock);
    if (c->ctrl->ioq[c->qid] == c)
      c->ctrl->ioq[c->qid] = NULL;
    pthread_mutex_unlock(&t->lock);
  }
  hold_end(c);
  nvmens_lane_del(c->lane);
  if (c->ctrl && c->qid == 0)
    ctrl_end(c->ctrl);
  pthread_mutex_lock(&c->inbox_lock);
  c->closed = true;
  pthread_mutex_unlock(&c->inbox_lock);
  close(c->fd);
  note(t, "%s: closed", c->peer);
  pthread_mutex_lock(&t->lock);
  for (conn **at = &t->conns; *at; at = &(*at)->next)
    if (*at == c) {
      *at = c->next;
      break;
    }
  t->sectors_read += c->sectors_read;
  t->sectors_written += c->sectors_written;
  t->reads += c->reads;
  t->writes += c->writes;
  c->next = t->finished;
  t->finished = c;
  pthread_mutex_unlock(&t->lock);
  kick(t->main_fd);
}

static void *queue_thread(void *arg)
{
  prctl(PR_SET_TIMERSLACK, 1UL); /* --io-delay is in microseconds */
  serve(arg);
  end(arg);
  return NULL;
}

static conn *conn_alloc(target *t, int fd, const char *peer)
{
  conn *c = calloc(1, sizeof(*c));

  if (!c)
    return NULL;
  atomic_init(&c->refs, 1);
  pthread_mutex_init(&c->inbox_lock, NULL);
  c->t = t;
  c->fd = fd;
  c->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  c->rx = malloc(RX_SIZE);
  c->tx = malloc(TX_SIZE);
  c->inbox_end = &c->inbox;
  c->opened = now_ns();
  strncpy(c->peer, peer, sizeof(c->peer) - 1);
  if (c->efd < 0 || !c->rx || !c->tx || req_pool(c, 1) < 0) {
    conn_put(c);
    return NULL;
  }
  return c;
}

int conn_open(target *t, int fd, const char *peer)
{
  conn *c = NULL;
  bool full;

  pthread_mutex_lock(&t->lock);
  full = t->nconns >= MAX_CONNS;
  t->nconns += !full;
  pthread_mutex_unlock(&t->lock);
  if (full) {
    note(t, "%s: refused, %d connections are open", peer, MAX_CONNS);
    close(fd);
    return -1;
  }
  c = conn_alloc(t, fd, peer);
  pthread_mutex_lock(&t->lock);
  if (c) {
    c->next = t->conns;
    t->conns = c;
  }
  if (!c || pthread_create(&c->thread, NULL, queue_thread, c) != 0) {
    t->nconns--;
    if (c)
      t->conns = c->next;
    pthread_mutex_unlock(&t->lock);
    note(t, "%s: refused, out of memory", peer);
    close(fd);
    if (c)
      conn_put(c);
    return -1;
  }
  pthread_mutex_unlock(&t->lock);
  return 0;
}
