/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_log_model.c: one controller, one page (04h), one notice, against a model of the log and the
 * notice tables of design.md: random changes, loud and quiet, before, between and during reads.
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

#include <stdio.h>

enum { NSIDS = 9 }; /* 1 .. 8 */
enum { CLEAR, PENDING, REPORTED };

typedef struct model {
  rig *r;
  rig_ctrl *c;
  uint32_t seed, seed0;
  int present[NSIDS];
  /* the log */
  uint64_t clock;
  uint64_t changed[NSIDS]; /* when; 0: not since it was consumed */
  uint64_t latched_at;     /* 0: no latch that later pieces could be of */
  uint32_t snap[NSIDS];    /* ascending, zero-terminated */
  int served[NSIDS];       /* entries of snap that reached the host */
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
  for (nsid = 1; nsid < NSIDS; nsid++)
    if (m->changed[nsid])
      m->snap[n++] = nsid;
  m->latched_at = ++m->clock;
}

static void consume(model *m)
{
  int unserved = 0;
  unsigned i;

  for (i = 0; m->snap[i]; i++) {
    const uint32_t nsid = m->snap[i];

    if (!m->served[i])
      unserved = 1;
    else if (m->changed[nsid] < m->latched_at)
      m->changed[nsid] = 0;
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

    memset(config.ident.uuid, (int)nsid, 16);
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
  const uint32_t nsid = 1 + dice(m, NSIDS - 1);

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
  const uint32_t first = m->latched_at ? dice(m, 3) * dice(m, NSIDS) : 0;
  const uint32_t n = dice(m, 2) ? 1024 : 1 + dice(m, NSIDS);
  uint32_t i, expected[NSIDS + 1] = {0};
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  if (first == 0)
    latch(m);
  for (i = 0; first + i < NSIDS && i < n; i++)
    expected[i] = m->snap[first + i];
  maybe_during(m);
  m->r->fail_transfer = fails ? 1 : 0;
  cmd = rig_get_log(m->c, RIG_LID4, rae, 4 * (uint64_t)first, 4 * n, page);
  m->r->react = NULL;
  SAY(m, cmd->done);
  SAY(m, cmd->sf == (fails ? m->r->transfer_sf : 0));
  if (fails)
    return;
  for (i = 0; i < n && i < NSIDS; i++) {
    RIG_SAY(nvmens_get32(page + 4 * i) == expected[i], "seed %u: entry %u is %u, not %u", m->seed0,
            first + i, nvmens_get32(page + 4 * i), expected[i]);
    if (first + i < NSIDS)
      m->served[first + i] = 1;
  }
  if (!rae)
    consume(m);
}

static void reset(model *m)
{
  rig_reenable(m->c);
  memset(m->changed, 0, sizeof(m->changed));
  m->latched_at = 0;
  m->state = CLEAR;
  m->on = 0;
  m->parked = 0;
}

static void step(model *m)
{
  switch (dice(m, 16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
    change_one(m, 1 + dice(m, NSIDS - 1));
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

static void run(uint32_t seed)
{
  rig *r = rig_new(NULL);
  model m = {.r = r, .c = rig_ctrl_on(r), .seed = seed, .seed0 = seed};
  unsigned i;

  for (i = 0; i < 200; i++) {
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
    run(seed);
  printf("# seeds 1 to %u\n", runs);
}
END_TEST

int main(void)
{
  return RIG_RUN("log_model", R43_the_log_and_its_notice_are_as_the_tables_say);
}
