/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp.c: the input is what a host does with nvmens-tcp-target, on up to three connections: all of
 * the target but for its main, one started for each input, over socket pairs.
 *
 * The first byte says what the host has done before: nothing; a controller, enabled; that and an
 * I/O queue. Then come pieces: a byte (which connection; what), and bytes as they are, a command,
 * or data for one. What must hold: the target can be stopped, and has released everything.
 */
#define _GNU_SOURCE
#include "../examples/tcp-target/bytes.h"
#include "../examples/tcp-target/conn.h"
#include "input.h"
#include "target.h"
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINES = 3 };

static struct {
  input in;
  int fd[LINES]; /* -1: not open */
  uint16_t cntlid;
} host;

static const char nqn[] = "nqn.2014-08.org.example:fuzz";

static uint8_t byte(void)
{
  return input_byte(&host.in);
}

static void bytes(uint8_t *out, size_t len)
{
  const uint8_t *at = input_bytes(&host.in, &len);

  if (len)
    memcpy(out, at, len);
}

/* ---- the host's end ---- */

/* What the target says, for as long as it says something within ms; the last answer's result. */
static uint64_t listen_to(unsigned i, int ms)
{
  static uint8_t said[1 << 18];
  struct pollfd fd = {.fd = host.fd[i], .events = POLLIN};
  uint64_t result = 0;

  while (fd.fd >= 0 && poll(&fd, 1, ms) > 0) {
    ssize_t n = recv(fd.fd, said, sizeof(said), MSG_DONTWAIT);

    if (n <= 0)
      break;
    if (n >= PDU_RESP_LEN && said[n - PDU_RESP_LEN] == PDU_RESP)
      result = get64(said + n - PDU_RESP_LEN + 8);
    ms = 0;
  }
  return result;
}

static void say(unsigned i, const uint8_t *what, size_t len)
{
  for (int tries = 0; host.fd[i] >= 0 && len && tries < 100; tries++) {
    ssize_t n = send(host.fd[i], what, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0) {
      what += n;
      len -= (size_t)n;
    } else {
      listen_to(i, 1);
    }
  }
}

/* A command capsule: the SGL describes `len` bytes, in the capsule or not. */
static void command(unsigned i, uint8_t sqe[64], const uint8_t *data, uint32_t len, int inside)
{
  uint8_t *capsule = calloc(1, PDU_CMD_LEN + (size_t)len);
  uint32_t plen = PDU_CMD_LEN + (inside ? len : 0);

  sqe[1] |= 0x40;
  put32(sqe + SQE_SGL + 8, len);
  sqe[SQE_SGL + 15] = inside ? 0x01 : 0x5A;
  capsule[0] = PDU_CMD;
  capsule[2] = PDU_CMD_LEN;
  capsule[3] = inside && len ? PDU_CMD_LEN : 0;
  put32(capsule + 4, plen);
  memcpy(capsule + PDU_COMMON, sqe, 64);
  if (inside && len)
    memcpy(capsule + PDU_CMD_LEN, data, len);
  say(i, capsule, plen);
  free(capsule);
}

static void connect_queue(unsigned i, uint16_t qid)
{
  uint8_t icreq[PDU_IC_LEN] = {PDU_ICREQ, 0, PDU_IC_LEN, 0, PDU_IC_LEN}, sqe[64] = {OP_FABRICS};
  uint8_t data[1024] = {1};

  say(i, icreq, sizeof(icreq));
  listen_to(i, 1000);
  sqe[SQE_FCTYPE] = FC_CONNECT;
  put16(sqe + 42, qid);
  put16(sqe + 44, 15);
  put16(data + 16, qid ? host.cntlid : 0xFFFF);
  memcpy(data + 256, nqn, sizeof(nqn));
  memcpy(data + 512, nqn, sizeof(nqn));
  command(i, sqe, data, sizeof(data), 1);
  if (!qid)
    host.cntlid = (uint16_t)listen_to(i, 1000);
  else
    listen_to(i, 1000);
}

static void enable(unsigned i)
{
  uint8_t sqe[64] = {OP_FABRICS};

  sqe[44] = PROP_CC;
  put32(sqe + 48, 0x00460001);
  command(i, sqe, NULL, 0, 1);
  listen_to(i, 1000);
}

/* ---- pieces of the input ---- */

static void piece(void)
{
  const uint8_t b = byte();
  const unsigned i = (b & 3) % LINES;
  uint8_t sqe[64] = {0}, data[4096] = {0}, n;
  uint32_t len;

  switch (b >> 2 & 3) {
  case 0:
    n = byte();
    bytes(data, n);
    say(i, data, n);
    break;
  case 3:
    n = byte();
    data[0] = PDU_H2C_DATA;
    data[1] = b & 0x10 ? PDU_F_LAST : 0;
    data[2] = data[3] = PDU_DATA_LEN;
    len = (uint32_t)n * 16;
    put32(data + 4, PDU_DATA_LEN + len);
    bytes(data + 8, 5);
    put32(data + 16, len);
    say(i, data, len > sizeof(data) - PDU_DATA_LEN ? sizeof(data) : PDU_DATA_LEN + len);
    break;
  default:
    n = byte();
    bytes(sqe, n & 63);
    len = (uint32_t)byte() * 16;
    if (b & 0x10)
      bytes(data, n >> 6 == 3 ? 64 : 16);
    command(i, sqe, data, len, b & 0x10);
  }
  if (b & 0x80 && host.fd[i] >= 0) {
    close(host.fd[i]);
    host.fd[i] = -1;
  }
  if (host.fd[i] >= 0)
    listen_to(i, b & 0x20 ? 2 : 0);
}

/* ---- the target's life, as in its main ---- */

static void start(target *t)
{
  ns_spec spec = {.nsid = 1, .block = 512, .size = 65536};
  int pair[2];

  t->opt.nn = 16;
  t->opt.aerl = 3;
  t->opt.tnvmcap = 1 << 20;
  t->opt.deadline_ns = 1000000000;
  t->opt.quiet = true;
  memcpy(t->opt.nqn, nqn, sizeof(nqn));
  t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  t->main_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init(&t->lib_lock, NULL);
  pthread_mutex_init(&t->lock, NULL);
  MUST(target_start(t) == NULL);
  MUST(ns_add(t, &spec) == NULL);
  spec.nsid = 2;
  MUST(ns_add(t, &spec) == NULL);
  for (unsigned i = 0; i < LINES; i++) {
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    host.fd[i] = pair[0];
    MUST(conn_open(t, pair[1], "fuzz") == 0);
  }
}

static unsigned reap(target *t)
{
  unsigned left;
  conn *c;

  do {
    pthread_mutex_lock(&t->lock);
    c = t->finished;
    if (c) {
      t->finished = c->next;
      t->nconns--;
    }
    left = t->nconns;
    pthread_mutex_unlock(&t->lock);
    if (c) {
      pthread_join(c->thread, NULL);
      conn_put(c);
    }
  } while (c);
  return left;
}

static void stop(target *t)
{
  for (unsigned i = 0; i < LINES; i++)
    if (host.fd[i] >= 0)
      close(host.fd[i]);
  while (reap(t) > 0) {
    struct pollfd fd = {.fd = t->main_fd, .events = POLLIN};

    MUST(poll(&fd, 1, 60000) > 0);
    unkick(t->main_fd);
  }
  MUST(target_stop(t) == 0);
  MUST(!t->namespaces && !t->ctrls && !t->conns);
  close(t->wake_fd);
  close(t->main_fd);
  pthread_mutex_destroy(&t->lock);
  pthread_mutex_destroy(&t->lib_lock);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
  static target t;
  uint8_t before;

  signal(SIGPIPE, SIG_IGN);
  memset(&t, 0, sizeof(t));
  host.in = (input){in, len};
  before = byte();
  start(&t);
  if (before & 3) {
    connect_queue(0, 0);
    enable(0);
  }
  if (before & 2)
    connect_queue(1, 1);
  for (int pieces = 0; host.in.left && pieces < 64; pieces++)
    piece();
  stop(&t);
  return 0;
}
