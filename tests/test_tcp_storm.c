/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_storm.c: two hosts with two I/O queues each on nvmens-tcp-target, their commands,
 * events, resets and deaths, while namespaces come, go, stall and change size. Every command ends
 * once and with a status that the moment allows; what a queue wrote to the namespace that stays, it
 * reads back; everything comes to rest. Most of it is for the sanitizers. Exit 0, 1, or 77.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp_rig.h"

enum { HOSTS = 2, QUEUES = 2, DEPTH = 8, BYTES = 4096, RUN_MS = 4000 };

static tcp_rig rig;
static atomic_bool stop, calm; /* calm: nothing is stalled any more */
static atomic_ulong done, refused, aborted, events, resets;

typedef struct host {
  unsigned number;
  th_id id;
  th_queue admin;
  atomic_bool over; /* this controller's queues are to end */
  uint64_t seed;
} host;

typedef struct worker {
  host *h;
  uint16_t qid;
  uint64_t seed;
  th_queue q;
  struct {
    uint8_t bytes[BYTES];
    int cid; /* -1: free */
  } cmd[DEPTH];
} worker;

static uint32_t number(uint64_t *seed, uint32_t below)
{
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*seed >> 33) % below;
}

/* ---- I/O queues ---- */

static void take(worker *w, const th_cqe *cqe)
{
  switch (cqe->sf) {
  case 0x0000:
    atomic_fetch_add(&done, 1);
    break;
  case 0x0007:
    atomic_fetch_add(&aborted, 1);
    break;
  case 0x0008: /* reset */
  case 0x0300: /* another path */
  case 0x4002: /* inactive */
  case 0x4080: /* it shrank */
  case 0x4285: /* Compare */
    atomic_fetch_add(&refused, 1);
    break;
  default:
    IS(cqe->sf, 0);
  }
  for (int i = 0; i < DEPTH; i++)
    if (w->cmd[i].cid == cqe->cid) {
      w->cmd[i].cid = -1;
      return;
    }
  rig_claim(false, __FILE__, __LINE__, "it completes what is in flight", cqe->cid, cqe->sf);
}

static int send_one(worker *w, int slot)
{
  static const uint8_t opcodes[] = {1, 1, 2, 2, 2, 0, 5, 8};
  static const th_how hows[] = {TH_INLINE, TH_R2T};
  uint8_t sqe[64], opcode = opcodes[number(&w->seed, sizeof(opcodes))];
  uint32_t nsid = 2 + number(&w->seed, 4);
  th_how how = opcode == 2                  ? TH_READ
               : opcode == 1 || opcode == 5 ? hows[number(&w->seed, 2)]
                                            : TH_NONE;

  if (opcode == 0 && number(&w->seed, 2))
    nsid = 0xFFFFFFFF;
  th_sqe(sqe, opcode, nsid);
  th_cdw(sqe, 10, number(&w->seed, 2000) * 8);
  th_cdw(sqe, 12, 7);
  return th_send(&w->q, sqe, w->cmd[slot].bytes, how == TH_NONE ? 0 : BYTES, how);
}

/* A write and its read on NSID 1, in the queue's own part of it. */
static bool verify(worker *w)
{
  uint8_t bytes[BYTES], back[BYTES];
  uint64_t lba = (w->h->number * QUEUES + w->qid) * 1024u + number(&w->seed, 100) * 8;
  uint8_t sqe[64];
  th_cqe cqe;

  for (int i = 0; i < BYTES; i++)
    bytes[i] = (uint8_t)number(&w->seed, 256);
  for (int write = 1; write >= 0; write--) {
    int cid;

    th_sqe(sqe, write ? 1 : 2, 1);
    th_cdw(sqe, 10, (uint32_t)lba);
    th_cdw(sqe, 12, 7);
    cid = th_send(&w->q, sqe, write ? bytes : back, BYTES, write ? TH_R2T : TH_READ);
    if (cid < 0 || th_wait(&w->q, cid, &cqe, 10000) != 0)
      return false;
    if (cqe.sf && atomic_load(&w->h->over))
      return false; /* the queue is going */
    IS(cqe.sf, 0);
  }
  CLAIM(memcmp(bytes, back, BYTES) == 0);
  return true;
}

/* False when the connection has ended. */
static bool one_round(worker *w)
{
  th_cqe cqe;
  int err;

  for (int i = 0; i < DEPTH; i++)
    if (w->cmd[i].cid < 0 && number(&w->seed, 2)) {
      w->cmd[i].cid = send_one(w, i);
      if (w->cmd[i].cid < 0)
        return false;
    }
  if (number(&w->seed, 8) == 0 && !verify(w))
    return false;
  while ((err = th_next(&w->q, &cqe, 1)) == 0)
    take(w, &cqe);
  return err == TH_TIMEOUT;
}

static void drain_queue(worker *w)
{
  int64_t until = rig_ms() + 10000;
  th_cqe cqe;
  int left, err = 0;

  do {
    left = 0;
    for (int i = 0; i < DEPTH; i++)
      left += w->cmd[i].cid >= 0;
    if (left && (err = th_next(&w->q, &cqe, 100)) == 0)
      take(w, &cqe);
  } while (left && (err == 0 || err == TH_TIMEOUT) && rig_ms() < until);
  IS(left, 0);
}

static void *queue_thread(void *arg)
{
  worker *w = arg;
  bool lives = true;
  int err = th_connect(&w->q, "127.0.0.1", rig.port, &w->h->id, w->qid, w->h->admin.cntlid, 31, 0);

  IS(err, 0);
  for (int i = 0; i < DEPTH; i++)
    w->cmd[i].cid = -1;
  while (lives && !err && !atomic_load(&w->h->over) && !atomic_load(&stop))
    lives = one_round(w);
  CLAIM(lives || atomic_load(&w->h->over));
  if (lives && !err && !atomic_load(&w->h->over)) {
    while (!atomic_load(&calm))
      poll(NULL, 0, 1);
    drain_queue(w);
  }
  th_close(&w->q);
  return NULL;
}

/* ---- admin queues ---- */

/* What Linux does on an event. */
static void take_event(host *h, const th_cqe *cqe)
{
  uint8_t page[4096];

  IS(cqe->sf, 0);
  atomic_fetch_add(&events, 1);
  IS(th_log(&h->admin, (uint8_t)(cqe->dw0 >> 16), false, page, 512), 0);
  CLAIM(th_park(&h->admin) >= 0);
  IS(th_identify(&h->admin, 0x02, 0, 0, page), 0);
  for (uint32_t i = 0, nsid; i < 1024 && (nsid = (uint32_t)rig_get(page + 4 * i, 4)); i++) {
    uint8_t desc[4096];
    int got = th_identify(&h->admin, 0x03, nsid, 0, desc);

    CLAIM(got == 0 || got == 0x4002); /* it may be gone again */
    IS(th_identify(&h->admin, 0x00, nsid, 0, desc), 0);
  }
}

/* One life of a controller. */
static void one_life(host *h)
{
  int64_t until = rig_ms() + 300 + number(&h->seed, 600);
  pthread_t thread[QUEUES];
  worker *w = calloc(QUEUES, sizeof(*w));
  uint32_t how = number(&h->seed, 3); /* reset, death of the Admin queue, of the I/O queues */
  th_cqe cqe;

  atomic_store(&h->over, false);
  IS(th_connect(&h->admin, "127.0.0.1", rig.port, &h->id, 0, 0, 31, 5000), 0);
  IS(th_enable(&h->admin, true), 0);
  IS(th_feature(&h->admin, 0x0B, 0x80100), 0);
  CLAIM(th_park(&h->admin) >= 0);
  CLAIM(th_park(&h->admin) >= 0);
  for (uint16_t i = 0; i < QUEUES; i++) {
    w[i].h = h;
    w[i].qid = (uint16_t)(i + 1);
    w[i].seed = h->seed + 77u * i;
    pthread_create(&thread[i], NULL, queue_thread, &w[i]);
  }
  while (!atomic_load(&stop) && (rig_ms() < until || h->number == 0)) {
    int err = th_next(&h->admin, &cqe, 20);

    if (err == 0)
      take_event(h, &cqe);
    CLAIM(err == 0 || err == TH_TIMEOUT);
  }
  if (!atomic_load(&stop)) {
    atomic_store(&h->over, true);
    atomic_fetch_add(&resets, 1);
    if (how == 0)
      IS(th_enable(&h->admin, false), 0);
    if (how == 1)
      th_close(&h->admin);
  }
  for (int i = 0; i < QUEUES; i++)
    pthread_join(thread[i], NULL);
  th_close(&h->admin);
  free(w);
}

static void *host_thread(void *arg)
{
  while (!atomic_load(&stop))
    one_life(arg);
  return NULL;
}

/* ---- the administrator ---- */

static void one_verb(uint64_t *seed)
{
  static const struct {
    const char *verb, *words;
  } verbs[] = {{"add", "ram:8M"},    {"add", "ram:8M"},      {"add", "ram:8M private"},
               {"add", "ram:16M"},   {"remove", "surprise"}, {"remove", "deadline=1"},
               {"remove", "nowait"}, {"detach", "0"},        {"detach", "1 surprise"},
               {"attach", "0"},      {"attach", "1"},        {"resize", "4M"},
               {"resize", "8M"},     {"event", "0 2"}};
  unsigned nsid = 2 + number(seed, 4), stalled = 2 + number(seed, 4);
  unsigned which = number(seed, sizeof(verbs) / sizeof(verbs[0]));
  bool stall = number(seed, 3) == 0, hard = number(seed, 2);
  char why[256];

  if (stall)
    rig_ctl(&rig, NULL, 0, "stall %u%s", stalled, hard ? " hard" : "");
  if (stall)
    poll(NULL, 0, (int)number(seed, 4));
  if (stall && hard && which >= 4 && which <= 6)
    which = 6; /* who waits for a backend that is stuck waits for us */
  if (which == sizeof(verbs) / sizeof(verbs[0]) - 1)
    nsid = 1; /* SMART: its first word is a type */
  rig_ctl(&rig, NULL, 0, "%s %u %s", verbs[which].verb, nsid, verbs[which].words);
  poll(NULL, 0, (int)number(seed, 10));
  if (stall)
    rig_ctl(&rig, NULL, 0, "unstall %u", stalled);
  if (number(seed, 20) == 0)
    rig_ctl(&rig, NULL, 0, "status");
  if (number(seed, 5) == 0 && !rig_ctl(&rig, why, sizeof(why), "check"))
    rig_claim(false, why, 0, "the invariants hold", 0, 0);
}

int main(void)
{
  static const char *const args[] = {"--ns",     "1=ram:8M,bs=512", "--ns", "2=ram:8M", "--ns",
                                     "3=ram:8M", "--io-delay",      "50",   NULL};
  static host hosts[HOSTS];
  pthread_t thread[HOSTS];
  const char *given = getenv("SEED"); /* another order of things; NVMENS_LONG: ten times as long */
  uint64_t seed = given ? strtoull(given, NULL, 10) : 3;
  int64_t until;

  rig_start(&rig, args);
  for (unsigned i = 0; i < HOSTS; i++) {
    hosts[i].number = i;
    hosts[i].seed = i + 2 + seed;
    hosts[i].id = rig_id;
    hosts[i].id.hostid[5] = 0x55; /* one host, so that paths count */
    pthread_create(&thread[i], NULL, host_thread, &hosts[i]);
  }
  until = rig_ms() + (getenv("NVMENS_LONG") ? 10 * RUN_MS : RUN_MS);
  while (rig_ms() < until)
    one_verb(&seed);
  for (unsigned nsid = 2; nsid <= 5; nsid++)
    rig_ctl(&rig, NULL, 0, "unstall %u", nsid);
  atomic_store(&stop, true);
  atomic_store(&calm, true);
  for (unsigned i = 0; i < HOSTS; i++)
    pthread_join(thread[i], NULL);
  for (unsigned nsid = 1; nsid <= 5; nsid++)
    rig_ctl(&rig, NULL, 0, "remove %u", nsid);
  CLAIM(rig_status(&rig, "{\"connections\":0,\"controllers\":[],\"namespaces\":[]}"));
  rig_stop(&rig);
  printf("%lu done, %lu refused, %lu aborted, %lu events, %lu resets\n", atomic_load(&done),
         atomic_load(&refused), atomic_load(&aborted), atomic_load(&events), atomic_load(&resets));
  CLAIM(atomic_load(&done) > 100 && atomic_load(&refused) > 0 && atomic_load(&events) > 0);
  return rig_result();
}
