/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_log_model.c: one controller, one page (04h), one notice, against a model of the log and the
 * notice of design.md: random changes, loud and quiet, before, between and during reads.
 */
#include "ctrl.h"
#include "le.h"
#include "rig.h"
#include "rig_main.h"

#include <stdio.h>

enum { FEW = 8, MANY = 1100, ENTRIES = NVMENS_LIST_NSIDS };
enum { CLEAR, PENDING, REPORTED };

typedef struct model {
  rig *r;
  rig_ctrl *c;
  uint32_t seed, seed0;
  uint32_t nsids; /* 1 .. nsids are used */
  int present[MANY + 1];
  /* the log */
  uint64_t clock;
  uint64_t changed[MANY + 1]; /* when; 0: not since it was consumed */
  uint64_t latched_at;        /* 0: no latch that later pieces could be of */
  uint32_t snap[ENTRIES + 1]; /* the page at the latch, and a zero */
  int served[ENTRIES];        /* entries of it that reached the host */
  /* the notice */
  int state;
  int on;
  uint64_t loud_at;
  unsigned parked, sent;
  /* a change during a transfer */
  uint32_t during;
} model;

static uint32_t dice(model *m, uint32_t n)
{
  m->seed = m->seed * 1664525 + 1013904223;
  return (m->seed >> 8) % n;
}

#define SAY(m, what) RIG_SAY((what), "seed %u: %s", (m)->seed0, #what)

/* ---- the model ---- */

static void deliver(model *m)
{
  if (m->state == PENDING && m->on && m->parked) {
    m->state = REPORTED;
    m->parked--;
    m->sent++;
  }
}

static void change(model *m, uint32_t nsid, int loud)
{
  m->changed[nsid] = ++m->clock;
  if (!loud)
    return;
  m->loud_at = m->clock;
  if (m->state == CLEAR)
    m->state = PENDING;
  deliver(m);
}

static void latch(model *m)
{
  uint32_t nsid, n = 0;

  memset(m->snap, 0, sizeof(m->snap));
  memset(m->served, 0, sizeof(m->served));
  for (nsid = 1; nsid <= m->nsids; nsid++)
    if (m->changed[nsid] && n++ < ENTRIES)
      m->snap[n - 1] = nsid;
  if (n > ENTRIES) {
    memset(m->snap, 0, sizeof(m->snap));
    m->snap[0] = NVMENS_NSID_ALL;
  }
  m->latched_at = ++m->clock;
}

static void forget(model *m, uint32_t nsid)
{
  if (m->changed[nsid] < m->latched_at)
    m->changed[nsid] = 0;
}

static void consume(model *m)
{
  int unserved = 0;
  uint32_t i, nsid;

  for (i = 0; m->snap[i]; i++) {
    if (!m->served[i])
      unserved = 1;
    else if (m->snap[i] != NVMENS_NSID_ALL)
      forget(m, m->snap[i]);
    else
      for (nsid = 1; nsid <= m->nsids; nsid++)
        forget(m, nsid);
  }
  if (unserved || m->loud_at > m->latched_at) {
    if (m->state == REPORTED)
      m->state = PENDING;
  } else {
    m->state = CLEAR;
  }
  if (!unserved)
    m->latched_at = 0; /* a later piece of it is not asked for */
  deliver(m);
}

/* ---- the library ---- */

static void touch(model *m, uint32_t nsid)
{
  RIG_MUST(rig_resize(rig_find(m->r, nsid), 0x1000 + m->clock) == 0);
}

static void change_one(model *m, uint32_t nsid)
{
  if (!m->present[nsid]) {
    nvmens_ns_config config = {.nsid = nsid, .shared = 1, .auto_attach = 1};

    nvmens_put32(config.ident.uuid, nsid);
    rig_ns_new(m->r, &config);
    m->present[nsid] = 1;
    change(m, nsid, 1);
    return;
  }
  switch (dice(m, 6)) {
  case 0:
    RIG_MUST(rig_unplug(rig_find(m->r, nsid), NVMENS_ORDERLY, RIG_NEVER) == 0);
    m->present[nsid] = 0;
    change(m, nsid, 1);
    break;
  case 1:
    RIG_OK(rig_host_delete(m->c, nsid));
    m->present[nsid] = 0;
    change(m, nsid, 0); /* quiet: the issuer is this controller */
    break;
  default:
    touch(m, nsid);
    change(m, nsid, 1);
  }
}

static void change_some(model *m)
{
  uint32_t i, first, n;

  if (m->nsids == FEW) {
    change_one(m, 1 + dice(m, FEW));
    return;
  }
  first = 1 + dice(m, m->nsids);
  n = dice(m, 3) ? dice(m, 30) : dice(m, MANY + 1);
  m->r->no_check = 1;
  for (i = 0; i < n; i++) {
    const uint32_t nsid = 1 + (first + i) % m->nsids;

    touch(m, nsid);
    change(m, nsid, 1);
  }
  m->r->no_check = 0;
}

static void during_transfer(rig *r, const rig_event *e)
{
  model *m = r->react_arg;

  (void)e;
  r->react = NULL;
  touch(m, m->during);
  change(m, m->during, 1);
}

/* With an AER parked it is open whether the event goes out before or after the commit. */
static void maybe_during(model *m)
{
  const uint32_t nsid = 1 + dice(m, m->nsids);

  if (dice(m, 4) || !m->present[nsid] || (m->parked && m->on))
    return;
  m->during = nsid;
  m->r->react = during_transfer;
  m->r->react_arg = m;
  m->r->react_on = RIG_BIT(RIG_TRANSFER);
}

static void read_piece(model *m)
{
  const int rae = (int)dice(m, 2), fails = dice(m, 5) == 0;
  const uint32_t most = m->nsids < ENTRIES ? m->nsids : ENTRIES - 1;
  const uint32_t first = m->latched_at && dice(m, 3) ? dice(m, 2) * dice(m, most + 1) : 0;
  uint32_t i, n = dice(m, 2) ? ENTRIES : 1 + dice(m, most + 1);
  static uint32_t expected[ENTRIES];
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  if (first == 0)
    latch(m);
  memcpy(expected, m->snap, sizeof(expected));
  maybe_during(m);
  m->r->fail_transfer = fails ? 1 : 0;
  cmd = rig_get_log(m->c, RIG_LID4, rae, 4 * (uint64_t)first, 4 * n, page);
  m->r->react = NULL;
  SAY(m, cmd->done);
  SAY(m, cmd->sf == (fails ? m->r->transfer_sf : 0));
  if (fails)
    return;
  n = n < ENTRIES - first ? n : ENTRIES - first;
  RIG_MUST(cmd->moved == 4 * (size_t)n);
  for (i = 0; i < n; i++) {
    RIG_SAY(nvmens_get32(page + 4 * i) == expected[first + i], "seed %u: entry %u is %u, not %u",
            m->seed0, first + i, nvmens_get32(page + 4 * i), expected[first + i]);
    m->served[first + i] = 1;
  }
  if (!rae)
    consume(m);
}

static void reset(model *m)
{
  const nvmens_changed *log;

  rig_reenable(m->c);
  memset(m->changed, 0, sizeof(m->changed));
  m->latched_at = 0;
  m->state = CLEAR;
  m->on = 0;
  m->parked = 0;
  log = &m->c->c->changed[NVMENS_LOG_ATTACHED];
  for (uint32_t nsid = 1; nsid <= m->nsids; nsid++)
    if (nvmens_changed_has(log, nsid)) { /* quietly, what has left and is owed (R65) */
      SAY(m, !m->present[nsid]);
      change(m, nsid, 0);
    }
}

static void step(model *m)
{
  switch (dice(m, 16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
    change_some(m);
    break;
  case 5:
  case 6:
    if (m->parked < 4) {
      rig_aer(m->c);
      m->parked++;
      deliver(m);
    }
    break;
  case 7:
    m->on = !m->on;
    RIG_OK(rig_set_aec(m->c, m->on ? RIG_BIT4 : 0));
    if (!m->on && m->state == REPORTED)
      m->state = PENDING; /* R32 */
    deliver(m);
    break;
  case 8:
    if (dice(m, 6) == 0)
      reset(m);
    break;
  default:
    read_piece(m);
  }
}

/* All namespaces are there, and listed. */
static void fill(model *m)
{
  uint32_t nsid;

  m->r->no_check = 1;
  for (nsid = 1; nsid <= m->nsids; nsid++)
    change_one(m, nsid);
  m->r->no_check = 0;
}

static void run(uint32_t seed, uint32_t nsids, unsigned steps)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = MANY});
  static model m;
  unsigned i;

  memset(&m, 0, sizeof(m));
  m.r = r;
  m.c = rig_ctrl_on(r);
  m.seed = m.seed0 = seed;
  m.nsids = nsids;
  if (nsids == MANY)
    fill(&m);
  for (i = 0; i < steps; i++) {
    step(&m);
    const nvmens_ctrl_info info = rig_info(m.c);

    RIG_SAY(info.parked == m.parked, "seed %u, step %u: %u AERs parked, not %u", seed, i,
            info.parked, m.parked);
    RIG_SAY(info.sent == m.sent, "seed %u, step %u: sent", seed, i);
    RIG_SAY((info.reported != 0) == (m.state == REPORTED), "seed %u, step %u: reported", seed, i);
  }
  rig_end(r);
}

START_TEST(R43_the_log_and_its_notice_are_as_the_tables_say)
{
  const unsigned runs = getenv("NVMENS_LONG") ? 100000 : 400;
  uint32_t seed;

  for (seed = 1; seed <= runs; seed++)
    run(seed, FEW, 200);
  printf("# seeds 1 to %u\n", runs);
}
END_TEST

START_TEST(R42_and_so_they_are_when_they_overflow)
{
  const unsigned runs = getenv("NVMENS_LONG") ? 500 : 12;
  uint32_t seed;

  for (seed = 1; seed <= runs; seed++)
    run(seed, MANY, 100);
  printf("# seeds 1 to %u\n", runs);
}
END_TEST

int main(void)
{
  return RIG_RUN("log_model", R43_the_log_and_its_notice_are_as_the_tables_say,
                 R42_and_so_they_are_when_they_overflow);
}
