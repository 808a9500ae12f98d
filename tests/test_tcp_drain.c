/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_drain.c: nvmens-tcp-target while namespaces, queues, controllers and hosts go in the
 * middle of commands (R35, R36, R51, C17, C18, P18; scenarios 10, 11, 15, 19). Exit 0, 1, or 77.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp_rig.h"

enum { ABORTED = 0x0007, INACTIVE = 0x4002 };
static uint8_t data[131072], page[4096];

static int send_read(th_queue *q, uint32_t nsid)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x02, nsid);
  th_cdw(sqe, 12, 7);
  return th_send(q, sqe, data, 4096, TH_READ);
}

static int send_write(th_queue *q, uint32_t nsid, uint32_t blocks, th_how how)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x01, nsid);
  th_cdw(sqe, 12, blocks - 1);
  return th_send(q, sqe, data, blocks * 512, how);
}

static void expect(th_queue *q, int cid, int sf)
{
  th_cqe cqe = {0};

  IS(th_wait(q, cid, &cqe, 20000), 0);
  IS(cqe.sf, sf);
}

static void nothing(th_queue *q)
{
  th_cqe cqe;

  IS(th_next(q, &cqe, 60), TH_TIMEOUT);
}

static bool removal_answered(tcp_rig *rig, int ms)
{
  char line[256];

  return rig_line(rig, line, sizeof(line), ms) && strcmp(line, "ok") == 0;
}

/* A host without bit 8 of 0Bh has to identify what is new under an NSID that it had (R64). */
static void seen(tcp_rig *rig, th_queue *a)
{
  IS(th_identify(a, 0x00, 2, 0, page), 0);
  CLAIM(rig_open(rig));
}

static void add(tcp_rig *rig, th_queue *a)
{
  int64_t until = rig_ms() + 20000;
  bool added;

  while (!(added = rig_ctl(rig, NULL, 0, "add 2 ram:8M")) && rig_ms() < until)
    poll(NULL, 0, 5); /* what was there drains */
  CLAIM(added);
  if (a)
    seen(rig, a);
}

/* Told at once, released when the last command is back (10). */
static void orderly(tcp_rig *rig, th_queue *a, th_queue *q)
{
  th_cqe cqe;

  add(rig, a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  CLAIM(send_read(q, 2) >= 0);
  CLAIM(send_write(q, 2, 8, TH_INLINE) >= 0);
  IS(th_rw(q, false, 1, 0, 8, data, 4096, TH_READ), 0); /* others run on */
  CLAIM(rig_status(rig, "\"in_flight\":2"));
  rig_say(rig, "remove 2 deadline=60");
  CLAIM(!removal_answered(rig, 60));
  IS(th_identify(a, 0x02, 0, 0, page), 0); /* P18: Admin commands are answered meanwhile */
  IS(rig_get(page, 4), 1);
  IS(rig_get(page + 4, 4), 0);
  IS(th_rw(q, false, 2, 0, 8, data, 4096, TH_READ), INACTIVE);
  nothing(q);
  th_close(a); /* the host dies, and its commands with it */
  IS(th_next(q, &cqe, 20000), TH_CLOSED);
  CLAIM(removal_answered(rig, 20000));
  th_close(q);
}

/* Data of a command that waits are its own, whatever comes behind it. */
static void kept_data(tcp_rig *rig, th_queue *a, th_queue *q)
{
  static uint8_t other[8192], back[4096];
  int w;

  for (int i = 0; i < 4096; i++)
    data[i] = (uint8_t)(i * 7);
  add(rig, a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  w = send_write(q, 2, 8, TH_INLINE);
  CLAIM(rig_status(rig, "\"in_flight\":1"));
  for (int i = 0; i < 20; i++)
    IS(th_rw(q, true, 1, 0, 16, other, 8192, TH_INLINE), 0);
  CLAIM(rig_ctl(rig, NULL, 0, "unstall 2"));
  expect(q, w, 0);
  IS(th_rw(q, false, 2, 0, 8, back, 4096, TH_READ), 0);
  CLAIM(memcmp(data, back, 4096) == 0);
  CLAIM(rig_ctl(rig, NULL, 0, "remove 2"));
}

/* A backend that does not hear an abort; and one that completes, after its queue. */
static void completes(tcp_rig *rig, th_queue *a, th_queue *q)
{
  char line[256];
  int r, w;

  add(rig, a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2 hard"));
  r = send_read(q, 2);
  w = send_write(q, 2, 8, TH_INLINE);
  CLAIM(rig_status(rig, "\"in_flight\":2"));
  CLAIM(rig_ctl(rig, NULL, 0, "remove 2 nowait deadline=0")); /* aborted, but it does not hear */
  CLAIM(!rig_ctl(rig, line, sizeof(line), "add 2 ram:8M"));
  CLAIM(strcmp(line, "error: busy") == 0);
  CLAIM(rig_status(rig, "\"state\":\"aborting\""));
  nothing(q);
  CLAIM(rig_ctl(rig, NULL, 0, "unstall 2"));
  expect(q, r, ABORTED);
  expect(q, w, ABORTED);
  CLAIM(rig_status(rig, "\"namespaces\":[{\"nsid\":1"));
  add(rig, a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  r = send_read(q, 2);
  CLAIM(rig_status(rig, "\"in_flight\":1"));
  rig_say(rig, "remove 2 deadline=60\nstatus");
  CLAIM(!removal_answered(rig, 60));
  th_close(q);
  CLAIM(removal_answered(rig, 20000)); /* the queue is gone, and its commands with it */
  CLAIM(rig_line(rig, line, sizeof(line), 1000) && line[0] == '{');
  CLAIM(removal_answered(rig, 1000));
}

/* The deadline aborts (11); so does surprise, at once. */
static void aborted(tcp_rig *rig, th_queue *a, th_queue *q)
{
  int64_t start;
  int r, w;

  add(rig, a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  r = send_read(q, 2);
  CLAIM(rig_status(rig, "\"in_flight\":1"));
  start = rig_ms();
  CLAIM(rig_ctl(rig, NULL, 0, "remove 2 deadline=1"));
  CLAIM(rig_ms() - start >= 900 && rig_ms() - start < 20000);
  expect(q, r, ABORTED);
  add(rig, a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  r = send_read(q, 2);
  q->hold_r2t = true;
  w = send_write(q, 2, 256, TH_R2T);
  IS(th_rw(q, false, 1, 0, 8, data, 4096, TH_READ), 0);
  IS(q->r2ts, 1);
  CLAIM(rig_ctl(rig, NULL, 0, "remove 2 surprise")); /* released, although the host owes data */
  expect(q, r, ABORTED);
  nothing(q);
  IS(th_answer_r2t(q, q->held_cid, q->held_ttag), 0);
  expect(q, w, ABORTED);
  q->hold_r2t = false;
}

/* A backend that is stuck holds the namespace although queue, controller and host are gone (15). */
static void stuck(tcp_rig *rig)
{
  th_queue a, q;

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  add(rig, &a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2 hard"));
  send_read(&q, 2);
  send_write(&q, 2, 16, TH_INLINE);
  CLAIM(rig_status(rig, "\"in_flight\":2"));
  th_close(&a);
  CLAIM(rig_status(rig, "\"connections\":0"));
  th_close(&q);
  CLAIM(rig_ctl(rig, NULL, 0, "remove 2 surprise nowait"));
  CLAIM(rig_status(rig, "\"state\":\"deleting\""));
  CLAIM(!rig_ctl(rig, NULL, 0, "add 2 ram:8M"));
  CLAIM(rig_ctl(rig, NULL, 0, "unstall 2"));
  CLAIM(rig_status(rig, "\"namespaces\":[{\"nsid\":1,\"state\":\"allocated\"")); /* at rest */
  add(rig, NULL);
  CLAIM(rig_ctl(rig, NULL, 0, "remove 2"));
}

/* Namespace Management, delete, with the host's own commands in flight (19). */
static void host_delete(tcp_rig *rig)
{
  th_queue a, q;
  uint8_t sqe[64];
  int r, d;

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  add(rig, &a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  r = send_read(&q, 2);
  CLAIM(rig_status(rig, "\"in_flight\":1"));
  th_sqe(sqe, 0x0D, 2);
  th_cdw(sqe, 10, 1);
  d = th_send(&a, sqe, NULL, 0, TH_NONE);
  CLAIM(d >= 0);
  nothing(&a);
  IS(th_identify(&a, 0x02, 0, 0, page), 0);
  IS(rig_get(page + 4, 4), 0);
  CLAIM(rig_ctl(rig, NULL, 0, "unstall 2"));
  expect(&q, r, 0);
  expect(&a, d, 0);
  add(rig, &a);
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  r = send_read(&q, 2);
  CLAIM(rig_status(rig, "\"in_flight\":1"));
  d = th_send(&a, sqe, NULL, 0, TH_NONE);
  expect(&a, d, 0); /* at --deadline, which is 2 s here */
  expect(&q, r, ABORTED);
  th_close(&a);
  th_close(&q);
}

/* CC.EN 1 to 0: parked AERs vanish without a CQE, queues end, 0Bh is its default (R35). */
static void reset(tcp_rig *rig)
{
  th_queue a, q;
  th_cqe cqe;
  uint8_t sqe[64];
  int aer;

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  IS(th_feature(&a, 0x0B, 0x100), 0);
  CLAIM(th_park(&a) >= 0);
  CLAIM(th_park(&a) >= 0);
  CLAIM(rig_status(rig, "\"parked\":2"));
  IS(th_enable(&a, false), 0);
  IS(th_next(&q, &cqe, 20000), TH_CLOSED);
  th_close(&q);
  IS(th_connect(&q, "127.0.0.1", rig->port, &rig_id, 1, a.cntlid, 63, 0), 0x400C);
  th_close(&q);
  CLAIM(rig_ctl(rig, NULL, 0, "add 4 ram:8M"));
  IS(th_enable(&a, true), 0);
  th_sqe(sqe, 0x0A, 0);
  th_cdw(sqe, 10, 0x0B);
  IS(th_run(&a, sqe, NULL, 0, TH_NONE, &cqe), 0);
  IS(cqe.dw0, 0);
  IS(th_feature(&a, 0x0B, 0x100), 0);
  aer = th_park(&a);
  nothing(&a); /* what changed before the reset is of the past (C18) */
  CLAIM(rig_ctl(rig, NULL, 0, "remove 4"));
  expect(&a, aer, 0);
  rig_io(rig, &q, &a, 1);
  IS(th_rw(&q, false, 1, 0, 8, data, 4096, TH_READ), 0);
  aer = th_park(&a);
  th_sqe(sqe, 0x08, 0); /* Abort of the AER (R36) */
  th_cdw(sqe, 10, (uint32_t)aer << 16);
  IS(th_run(&a, sqe, NULL, 0, TH_NONE, &cqe), 0);
  IS(cqe.dw0, 0);
  expect(&a, aer, 0x0007);
  IS(th_run(&a, sqe, NULL, 0, TH_NONE, &cqe), 0);
  IS(cqe.dw0, 1);
  th_close(&a);
  IS(th_next(&q, &cqe, 20000), TH_CLOSED); /* the controller takes its queues with it */
  th_close(&q);
}

static void keep_alive(tcp_rig *rig)
{
  th_queue a;
  th_cqe cqe;
  uint8_t sqe[64];
  int64_t start;

  IS(th_connect(&a, "127.0.0.1", rig->port, &rig_id, 0, 0, 31, 1000), 0);
  IS(th_enable(&a, true), 0);
  th_sqe(sqe, 0x18, 0);
  for (int i = 0; i < 4; i++) {
    IS(th_next(&a, &cqe, 400), TH_TIMEOUT);
    IS(th_run(&a, sqe, NULL, 0, TH_NONE, NULL), 0);
  }
  start = rig_ms();
  IS(th_next(&a, &cqe, 20000), TH_CLOSED);
  CLAIM(rig_ms() - start >= 900 && rig_ms() - start < 3000);
  th_close(&a);
}

/* The end of the process with everything under way. */
static void all_at_once(tcp_rig *rig, th_queue *a, th_queue *q)
{
  rig_admin(rig, a);
  rig_io(rig, q, a, 1);
  add(rig, a);
  CLAIM(rig_add(rig, "3 ram:8M"));
  CLAIM(rig_ctl(rig, NULL, 0, "stall 2"));
  CLAIM(rig_ctl(rig, NULL, 0, "stall 3 hard"));
  CLAIM(th_park(a) >= 0);
  send_read(q, 2);
  send_read(q, 3);
  q->hold_r2t = true;
  send_write(q, 1, 256, TH_R2T);
  CLAIM(rig_status(rig, "\"in_flight\":1"));
  CLAIM(rig_ctl(rig, NULL, 0, "remove 3 nowait"));
}

int main(void)
{
  static const char *const args[] = {"--ns",       "1=ram:8M", "--deadline", "2",
                                     "--io-delay", "200",      NULL};
  tcp_rig rig;
  th_queue a, q;

  rig_start(&rig, args);
  rig_admin(&rig, &a);
  rig_io(&rig, &q, &a, 1);
  kept_data(&rig, &a, &q);
  aborted(&rig, &a, &q);
  completes(&rig, &a, &q);
  rig_io(&rig, &q, &a, 1);
  orderly(&rig, &a, &q);
  stuck(&rig);
  host_delete(&rig);
  reset(&rig);
  keep_alive(&rig);
  all_at_once(&rig, &a, &q);
  rig_stop(&rig);
  return rig_result();
}
