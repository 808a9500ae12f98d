/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_bad.c: hosts and administrators that break the rules: nvmens-tcp-target answers as the
 * specification says, cuts off whom it must, and serves the others. Exit 0, 1, or 77.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tcp_rig.h"

enum { HEADER = 1, SEQUENCE = 2, OUT_OF_RANGE = 4 };
static uint8_t data[131072];
static uint64_t seed = 7;

static uint32_t number(void)
{
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 33);
}

static void open_ic(tcp_rig *rig, th_queue *q)
{
  IS(th_tcp(q, "127.0.0.1", rig->port), 0);
  IS(th_icreq(q), 0);
}

/* A C2HTermReq with this reason, and the end. */
static void expect_term(th_queue *q, int fes, uint32_t fei)
{
  th_cqe cqe;

  IS(th_next(q, &cqe, 5000), TH_TERM);
  IS(q->fes, fes);
  IS(q->fei, fei);
  th_close(q);
}

static void bad_headers(tcp_rig *rig)
{
  static const struct {
    uint8_t bytes[24];
    uint32_t fei;
  } bad[] = {{{5, 0, 24, 0, 24}, 0}, {{1, 0, 128, 0, 128}, 0}, {{77, 0, 8, 0, 8}, 0},
             {{4, 0, 64, 0, 72}, 2}, {{4, 1, 72, 0, 72}, 1},   {{4, 0, 72, 0, 8}, 4},
             {{6, 0, 24, 24, 24}, 4}};

  for (unsigned i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
    uint8_t pdu[128] = {0};
    th_queue q;

    memcpy(pdu, bad[i / 2].bytes, 24);
    if (i % 2)
      open_ic(rig, &q);
    else
      IS(th_tcp(&q, "127.0.0.1", rig->port), 0);
    IS(th_write(&q, pdu, pdu[2]), 0);
    expect_term(&q, HEADER, bad[i / 2].fei);
  }
}

static void bad_order(tcp_rig *rig)
{
  uint8_t sqe[64], ic[128] = {0, 0, 128, 0, 128}, h2c[32] = {6, 4, 24, 24, 32, [16] = 8};
  th_queue q;

  IS(th_tcp(&q, "127.0.0.1", rig->port), 0); /* a command before ICReq */
  th_sqe(sqe, 0x18, 0);
  CLAIM(th_send(&q, sqe, NULL, 0, TH_NONE) >= 0);
  expect_term(&q, SEQUENCE, 0);
  open_ic(rig, &q); /* ICReq again */
  IS(th_write(&q, ic, sizeof(ic)), 0);
  expect_term(&q, SEQUENCE, 0);
  open_ic(rig, &q); /* data that nobody asked for */
  IS(th_write(&q, h2c, sizeof(h2c)), 0);
  expect_term(&q, HEADER, 10);
  open_ic(rig, &q); /* a command before Connect */
  IS(th_run(&q, sqe, NULL, 0, TH_NONE, NULL), 0x400C);
  th_sqe(sqe, 0x7F, 4);
  IS(th_run(&q, sqe, NULL, 0, TH_NONE, NULL), 0x400C);
  th_close(&q);
  IS(th_tcp(&q, "127.0.0.1", rig->port), 0); /* another PDU format version */
  ic[8] = 1;
  IS(th_write(&q, ic, sizeof(ic)), 0);
  expect_term(&q, 6, 8);
}

/* An H2CData for a write of 16 KiB, with one field wrong. */
static void bad_data(tcp_rig *rig)
{
  static const struct {
    int at;
    uint8_t value;
    int fes;
    uint32_t fei;
  } bad[] = {{8, 99, HEADER, 8}, {10, 99, HEADER, 10}, {13, 4, OUT_OF_RANGE, 0}, {1, 0, HEADER, 1}};

  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    uint8_t sqe[64], pdu[24] = {6, 4, 24, 24, 24, 64, [17] = 64};
    th_queue a, q;
    th_cqe cqe;

    rig_admin(rig, &a);
    rig_io(rig, &q, &a, 1);
    q.hold_r2t = true;
    th_sqe(sqe, 0x01, 1);
    th_cdw(sqe, 12, 31);
    CLAIM(th_send(&q, sqe, data, 16384, TH_R2T) >= 0);
    IS(th_next(&q, &cqe, 100), TH_TIMEOUT);
    IS(q.r2ts, 1);
    pdu[8] = (uint8_t)q.held_cid;
    pdu[10] = (uint8_t)q.held_ttag;
    pdu[bad[i].at] = bad[i].value;
    IS(th_write(&q, pdu, sizeof(pdu)), 0);
    expect_term(&q, bad[i].fes, bad[i].fei);
    IS(th_property_set(&a, 0x14, 0x00460001), 0); /* the controller is not hurt */
    th_close(&a);
  }
}

static void too_many_commands(tcp_rig *rig)
{
  uint8_t sqe[64];
  th_queue a, q;

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 1"));
  th_sqe(sqe, 0x02, 1);
  for (int i = 0; i < 65; i++)
    CLAIM(th_send(&q, sqe, data, 512, TH_READ) >= 0);
  expect_term(&q, SEQUENCE, 0);
  CLAIM(rig_ctl(rig, NULL, 0, "unstall 1"));
  th_close(&a);
}

static int try_connect(tcp_rig *rig, int at, uint32_t value, int size, uint32_t *where)
{
  uint8_t sqe[64], bytes[1024] = {0};
  th_queue q;
  th_cqe cqe = {0};
  int got;

  open_ic(rig, &q);
  th_sqe(sqe, 0x7F, 1);
  sqe[44] = 31;
  memcpy(bytes, rig_id.hostid, 16);
  bytes[16] = bytes[17] = 0xFF;
  strcpy((char *)bytes + 256, rig_id.subnqn);
  strcpy((char *)bytes + 512, rig_id.hostnqn);
  for (int i = 0; i < size; i++) /* offsets from 64 on are in the data */
    *(at < 64 ? sqe + at + i : bytes + at - 64 + i) = (uint8_t)(value >> 8 * i);
  got = th_run(&q, sqe, bytes, at == -1 ? 512 : 1024, at == -2 ? TH_R2T : TH_INLINE, &cqe);
  *where = cqe.dw0;
  th_close(&q);
  return got;
}

static void bad_connects(tcp_rig *rig)
{
  static const struct {
    int at;
    uint32_t value;
    int size, sf;
    uint32_t where;
  } bad[] = {
      {-1, 0, 0, 0x400F, 0},                /* half of the data */
      {40, 1, 2, 0x4180, 0},                /* RECFMT */
      {44, 0, 2, 0x4182, 44},               /* SQSIZE: one entry */
      {44, 128, 2, 0x4182, 44},             /* more than there are */
      {64 + 16, 5, 2, 0x4182, 0x10010},     /* CNTLID: not dynamic */
      {64 + 256, 0x20, 1, 0x4182, 0x10100}, /* SUBNQN: another */
      {64 + 512, 0, 1, 0x4182, 0x10200},    /* HOSTNQN: empty */
      {42, 1, 2, 0x4182, 0x10010},          /* an I/O queue of controller FFFFh */
  };
  uint32_t where;

  IS(try_connect(rig, -2, 0, 0, &where), 0); /* by R2T: not usual, but right */
  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    IS(try_connect(rig, bad[i].at, bad[i].value, bad[i].size, &where), bad[i].sf);
    IS(where, bad[i].where);
  }
}

static int io_connect(tcp_rig *rig, const th_id *id, uint16_t qid, uint16_t cntlid, uint32_t *where)
{
  th_queue q;
  int got = th_connect(&q, "127.0.0.1", rig->port, id, qid, cntlid, 31, 0);

  *where = q.fei;
  th_close(&q);
  return got;
}

static void bad_io_connects(tcp_rig *rig)
{
  th_id other = rig_id, id = rig_id;
  th_queue a, q;
  uint32_t where;
  uint8_t sqe[64];

  IS(th_connect(&a, "127.0.0.1", rig->port, &rig_id, 0, 0, 31, 0), 0);
  IS(io_connect(rig, &rig_id, 1, a.cntlid, &where), 0x400C); /* not enabled */
  IS(th_enable(&a, true), 0);
  IS(io_connect(rig, &rig_id, 1, 999, &where), 0x4182);
  IS(where, 0x10010);
  IS(io_connect(rig, &rig_id, 17, a.cntlid, &where), 0x4182);
  IS(where, 42);
  other.hostnqn = "nqn.2014-08.org.example:other";
  IS(io_connect(rig, &other, 1, a.cntlid, &where), 0x4182);
  IS(where, 0x10200);
  id.hostid[3] ^= 1;
  IS(io_connect(rig, &id, 1, a.cntlid, &where), 0x4182);
  IS(where, 0x10000);
  rig_io(rig, &q, &a, 1);
  IS(io_connect(rig, &rig_id, 1, a.cntlid, &where), 0x400C); /* it exists */
  th_sqe(sqe, 0x7F, 1);
  IS(th_run(&q, sqe, data, 1024, TH_INLINE, NULL), 0x400C); /* Connect on a live queue */
  th_sqe(sqe, 0x7F, 4);
  IS(th_run(&q, sqe, NULL, 0, TH_NONE, NULL), 0x4001); /* a property on an I/O queue */
  th_close(&q);
  th_close(&a);
}

/* A command capsule made by hand, one byte changed. */
static void bad_sgls(tcp_rig *rig)
{
  static const struct {
    int at;
    uint8_t value;
    uint16_t sf;
  } bad[] = {{1, 0x00, 0x4002},  {1, 0x41, 0x4002},  {39, 0x02, 0x4011}, {39, 0x5B, 0x4011},
             {25, 0x03, 0x4016}, {33, 0x03, 0x400F}, {32, 0xFF, 0x400F}};
  th_queue a, q;

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    uint8_t pdu[72 + 512] = {0}, sqe[64];
    th_cqe cqe = {0};

    th_sqe(sqe, 0x01, 1);
    th_capsule(pdu, sqe, 3, 512, TH_INLINE);
    pdu[8 + bad[i].at] = bad[i].value;
    IS(th_write(&q, pdu, sizeof(pdu)), 0);
    IS(th_next(&q, &cqe, 5000), 0);
    IS(cqe.sf, bad[i].sf);
  }
  th_close(&q);
  th_close(&a);
}

/* ICReq and Connect, cut after each byte. */
static void truncated(tcp_rig *rig)
{
  uint8_t bytes[128 + 72 + 1024] = {0, 0, 128, 0, 128}, sqe[64];

  th_sqe(sqe, 0x7F, 1);
  sqe[44] = 31;
  th_capsule(bytes + 128, sqe, 0, 1024, TH_INLINE);
  memset(bytes + 200 + 16, 0xFF, 2);
  strcpy((char *)bytes + 200 + 256, rig_id.subnqn);
  strcpy((char *)bytes + 200 + 512, rig_id.hostnqn);
  for (size_t len = 0; len <= sizeof(bytes); len++) {
    th_queue q;

    IS(th_tcp(&q, "127.0.0.1", rig->port), 0);
    IS(th_write(&q, bytes, len), 0);
    th_close(&q);
  }
}

/* 10,000 streams of random bytes and of good headers with random changes. */
static void random_streams(tcp_rig *rig)
{
  static const uint8_t heads[][5] = {
      {0, 0, 128, 0, 128}, {2, 0, 24, 0, 24}, {4, 0, 72, 0, 72}, {6, 4, 24, 24, 56}};
  th_queue a, q;

  rig_admin(rig, &a);
  for (int i = 0; i < 10000; i++) {
    uint8_t bytes[512];
    size_t len = 1 + number() % sizeof(bytes);

    for (size_t b = 0; b < sizeof(bytes); b++)
      bytes[b] = (uint8_t)number();
    if (i % 3)
      memcpy(bytes, heads[number() % 4], 5);
    if (i % 50 == 0) {
      IS(th_connect(&q, "127.0.0.1", rig->port, &rig_id, 1, a.cntlid, 31, 0), 0);
    } else if (i % 2) {
      open_ic(rig, &q);
    } else {
      IS(th_tcp(&q, "127.0.0.1", rig->port), 0);
    }
    if (i % 5 == 0)
      bytes[number() % 24] = (uint8_t)number();
    if (th_write(&q, bytes, len) == 0)
      shutdown(q.fd, SHUT_WR);
    th_close(&q);
    if (i % 50 == 0)
      CLAIM(rig_status(rig, "\"queues\":0"));
    if (i % 100 == 0) /* not more at a time than there may be */
      CLAIM(rig_status(rig, "\"connections\":1,"));
  }
  IS(th_property_set(&a, 0x14, 0x00460001), 0);
  th_close(&a);
}

static void bad_lines(tcp_rig *rig)
{
  static const char *const lines[] = {"bogus",
                                      "add",
                                      "add 0 ram:1M",
                                      "add 4294967295 ram:1M",
                                      "add 1025 ram:1M",
                                      "add 5",
                                      "add 5 ram:",
                                      "add 5 ram:0",
                                      "add 5 ram:1X",
                                      "add 5 ram:99999999999999999999",
                                      "add 5 ram:2T",
                                      "add 5 ram:9999999T",
                                      "add 5 disk:1M",
                                      "add 5 file:",
                                      "add 5 file:/nonexistent/file",
                                      "add 5 file:/dev/null",
                                      "add 5 ram:1M bs=513",
                                      "add 5 ram:1M uuid=zz",
                                      "add 5 ram:1000 bs=4096",
                                      "add 5 ram:1M twice",
                                      "add 1 ram:1M",
                                      "add x ram:1M",
                                      "add -1 ram:1M",
                                      "remove",
                                      "remove 5",
                                      "remove 1 deadline=",
                                      "remove 1 deadline=x",
                                      "remove 1 slowly",
                                      "attach 1",
                                      "attach 1 99",
                                      "attach 1 65520",
                                      "attach 5 0",
                                      "detach 1 99999999",
                                      "detach 5 0",
                                      "resize 1",
                                      "resize 1 100",
                                      "resize 1 0",
                                      "resize 5 1M",
                                      "event",
                                      "event 9 0 0",
                                      "event 5 0 0",
                                      "event 1 300 2",
                                      "stall",
                                      "stall 1 harder",
                                      "stall 5",
                                      "unstall 5",
                                      "unstall 1 hard"};
  char longest[6000], answer[256];

  /* an event of the library's own type is refused only if there is a controller to refuse it */
  for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    bool refused = !rig_ctl(rig, answer, sizeof(answer), "%s", lines[i]);

    if (!refused && strcmp(lines[i], "event 5 0 0") != 0)
      fprintf(stderr, "accepted: %s\n", lines[i]);
    CLAIM(refused || strcmp(lines[i], "event 5 0 0") == 0);
  }
  memset(longest, 'a', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  CLAIM(!rig_ctl(rig, answer, sizeof(answer), "%s", longest));
  CLAIM(strcmp(answer, "error: line too long") == 0);
  for (unsigned i = 0; i < 2000; i++)
    longest[i] = i % 2 ? ' ' : '1';
  longest[2000] = '\0';
  CLAIM(!rig_ctl(rig, answer, sizeof(answer), "detach 1 %s", longest));
  CLAIM(strcmp(answer, "error: too many words") == 0);
  CLAIM(rig_ctl(rig, NULL, 0, "resize 1 8M"));
}

/* Opened first and looked at last: who says nothing, or half of something, is not waited for. */
static void slow_ones(tcp_rig *rig, th_queue q[4])
{
  static const uint8_t half[40] = {0, 0, 128, 0, 128};
  uint8_t sqe[64], pdu[72];

  IS(th_tcp(&q[0], "127.0.0.1", rig->port), 0);
  IS(th_tcp(&q[1], "127.0.0.1", rig->port), 0);
  IS(th_write(&q[1], half, sizeof(half)), 0);
  open_ic(rig, &q[2]);
  rig_admin(rig, &q[3]);
  th_sqe(sqe, 0x18, 0);
  th_capsule(pdu, sqe, 0, 0, TH_NONE);
  IS(th_write(&q[3], pdu, 50), 0);
}

static void too_many_connections(tcp_rig *rig)
{
  static th_queue q[260];
  th_cqe cqe;
  int i;

  CLAIM(rig_status(rig, "\"connections\":0,"));
  for (i = 0; i < 256; i++)
    IS(th_tcp(&q[i], "127.0.0.1", rig->port), 0);
  CLAIM(rig_status(rig, "\"connections\":256,"));
  IS(th_tcp(&q[256], "127.0.0.1", rig->port), 0);
  IS(th_next(&q[256], &cqe, 5000), TH_CLOSED);
  for (i = 0; i <= 256; i++)
    th_close(&q[i]);
}

static void too_many_controllers(tcp_rig *rig)
{
  static th_queue q[65];

  CLAIM(rig_status(rig, "\"connections\":0,"));
  for (int i = 0; i < 65; i++)
    IS(th_connect(&q[i], "127.0.0.1", rig->port, &rig_id, 0, 0, 31, 0), i < 64 ? 0 : 0x181);
  CLAIM(rig_status(rig, "\"cntlid\":63,")); /* it speaks of each of them */
  for (int i = 0; i < 65; i++)
    th_close(&q[i]);
  CLAIM(rig_status(rig, "\"connections\":0,"));
}

int main(void)
{
  static const char *const args[] = {"--ns", "1=ram:8M", NULL};
  tcp_rig rig, patient;
  th_queue slow[4], a, q;
  th_cqe cqe;
  int64_t start;

  rig_start(&patient, args);
  rig_start(&rig, args);
  start = rig_ms();
  slow_ones(&patient, slow);
  bad_headers(&rig);
  bad_order(&rig);
  bad_data(&rig);
  too_many_commands(&rig);
  bad_connects(&rig);
  bad_io_connects(&rig);
  bad_sgls(&rig);
  bad_lines(&rig);
  CLAIM(rig_status(&rig, "\"connections\":0,"));
  truncated(&rig);
  CLAIM(rig_status(&rig, "\"connections\":0,"));
  random_streams(&rig);
  too_many_connections(&rig);
  too_many_controllers(&rig);
  rig_admin(&rig, &a); /* and a good host is served still */
  rig_io(&rig, &q, &a, 1);
  IS(th_rw(&q, true, 1, 0, 256, data, 131072, TH_R2T), 0);
  th_close(&q);
  th_close(&a);
  for (int i = 0; i < 4; i++) {
    IS(th_next(&slow[i], &cqe, 15000), TH_CLOSED);
    th_close(&slow[i]);
  }
  CLAIM(rig_ms() - start > 9000);
  rig_stop(&rig);
  rig_stop(&patient);
  return rig_result();
}
