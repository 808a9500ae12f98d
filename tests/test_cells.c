/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_cells.c: random public calls, from outside and from hooks: no never cell is reached, every
 * invariant holds after each call (the rig asks), and in the end nearly every cell was taken.
 */
#include "cells.h"
#include "dice.h"
#include "rig_more.h"

enum { CTRLS = 3, NSIDS = 4, TURNS = 2500 };

typedef struct world {
  rig *r;
  rig_ctrl *c[CTRLS];       /* NULL: to be made */
  nvmens_ctrl *gone[CTRLS]; /* removed, and perhaps not yet released */
  rig_ctrl *owner[CTRLS];   /* of gone */
  rig_ns *ns[NSIDS];        /* by NSID - 1; perhaps of the past */
  unsigned depth;
} world;

/* ---- what happens ---- */

static rig_ns *some_ns(world *w)
{
  return w->ns[roll(NSIDS)];
}

static rig_ctrl *some_ctrl(world *w)
{
  rig_ctrl *c = w->c[roll(CTRLS)];

  return c && c->c ? c : NULL;
}

static nvmens_mode some_mode(void)
{
  return roll(3) ? NVMENS_ORDERLY : NVMENS_SURPRISE;
}

static void make_ns(world *w, uint32_t nsid)
{
  nvmens_ns_config config = {
      .nsid = nsid, .shared = roll(4) != 0, .auto_attach = roll(4) != 0, .nsze = 0x1000};
  rig_ns *ns;

  config.ident.uuid[0] = (uint8_t)nsid;
  config.ident.uuid[1] = (uint8_t)(1 + roll(2));
  if (rig_ns_try(w->r, &config, &ns) == 0) {
    ns->drain = roll(2) ? RIG_DRAIN_PENDING : (int)roll(RIG_DRAIN_DOUBLE + 1);
    w->ns[nsid - 1] = ns;
  }
}

static void find_hosts_ns(world *w)
{
  for (uint32_t nsid = 1; nsid <= NSIDS; nsid++) {
    rig_ns *ns = rig_find(w->r, nsid);

    if (ns)
      w->ns[nsid - 1] = ns;
  }
}

static void turn_ctrl(world *w)
{
  const unsigned i = roll(CTRLS);
  rig_ctrl *c = w->c[i];

  if (!c || !c->c) {
    if (w->r->nctrl < RIG_CTRLS)
      w->c[i] = rig_ctrl_new(w->r, &(nvmens_ctrl_config){.hostid = {(uint8_t)roll(3)}});
    return;
  }
  switch (roll(16)) {
  case 0:
    w->gone[i] = c->c;
    w->owner[i] = c;
    rig_ctrl_del(c);
    break;
  case 1:
    rig_shutdown(c);
    break;
  case 2:
  case 3:
    rig_reset(c);
    break;
  default:
    (void)nvmens_ctrl_enable(c->c, 0);
    break;
  }
}

/* Calls that come too late for a controller that is going. */
static void turn_gone(world *w)
{
  const unsigned i = roll(CTRLS);

  if (!w->gone[i] || w->owner[i]->released)
    return;
  if (roll(2))
    ck_assert_int_eq(nvmens_ctrl_enable(w->gone[i], 0), NVMENS_ERR_STALE);
  else if (roll(2))
    nvmens_ctrl_reset(w->gone[i]);
  else if (roll(2))
    nvmens_ctrl_shutdown(w->gone[i]);
  else
    nvmens_ctrl_del(w->gone[i]);
}

static void turn_ns(world *w)
{
  rig_ns *ns = some_ns(w);
  rig_ctrl *c = some_ctrl(w);
  const uint64_t deadline = roll(2) ? RIG_NEVER : roll(2000);

  if (!ns || roll(4) == 0) {
    make_ns(w, 1 + roll(NSIDS));
    return;
  }
  switch (roll(8)) {
  case 0:
    rig_unplug(ns, some_mode(), deadline);
    break;
  case 1:
    rig_resize(ns, 0x1000 + roll(3));
    break;
  case 2:
    rig_plug(ns);
    break;
  case 3:
  case 4:
    if (c)
      rig_attach(ns, c);
    break;
  default:
    if (c)
      rig_detach(ns, c, some_mode(), deadline);
    break;
  }
}

static void turn_host_ns(world *w, rig_ctrl *c)
{
  const uint32_t nsid = 1 + roll(NSIDS);
  rig_ctrl *to = some_ctrl(w);

  switch (roll(6)) {
  case 0:
    rig_host_delete(c, roll(8) ? nsid : NVMENS_NSID_ALL);
    break;
  case 1:
    MORE_CREATE(c, .nsze = 0x1000, .ncap = 0x1000, .nmic = NVMENS_NMIC_SHARED);
    break;
  case 2:
    rig_host_attach(c, nsid, to ? to : c);
    break;
  default:
    rig_host_detach(c, nsid, to ? to : c);
    break;
  }
  find_hosts_ns(w);
}

static void turn_events(world *w, rig_ctrl *c)
{
  static uint8_t page[NVMENS_PAGE];
  const uint8_t lid = roll(2) ? RIG_LID4 : RIG_LID1C;

  (void)w;
  switch (roll(12)) {
  case 0:
  case 1:
  case 2:
    rig_aer(c);
    break;
  case 3:
    rig_abort(c, w->r->next_cid);
    break;
  case 4:
    rig_set_aec(c, (roll(2) ? RIG_BIT4 : 0) | (roll(2) ? RIG_BIT1C : 0) | roll(2));
    break;
  case 5:
    rig_post(c, NVMENS_AER_SMART, (uint8_t)roll(2), 2, roll(4) ? 1 : roll(2));
    break;
  case 6:
    rig_post(c, (uint8_t)(NVMENS_AER_IMMEDIATE + roll(2)), 0, 0, 0);
    break;
  case 7:
    nvmens_log_was_read(c->c, 2, nvmens_log_latch(c->c, 2));
    break;
  case 8:
    rig_get_log(c, lid, roll(2), 4 * roll(4), 4 + 4 * roll(3), page);
    break;
  case 9:
    rig_get_log(c, lid, RIG_CONSUME, 0, sizeof(page), page);
    break;
  default:
    rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1 + roll(NSIDS), page);
    break;
  }
}

static void turn_drains(world *w)
{
  rig_ns *ns = some_ns(w);

  if (ns && roll(3)) {
    (void)rig_done(w->r, ns->token[roll(w->r->nctrl ? w->r->nctrl : 1)]);
    return;
  }
  for (ns = w->r->ns; ns; ns = ns->next)
    for (unsigned i = 0; i < w->r->nctrl && ns->owned && !ns->released; i++)
      if (ns->on[i] && ns->token[i] && roll(2))
        (void)rig_done(w->r, ns->token[i]);
}

static void turn(world *w)
{
  rig_ctrl *c = some_ctrl(w);

  switch (roll(10)) {
  case 0:
    turn_ctrl(w);
    break;
  case 1:
    turn_gone(w);
    break;
  case 2:
  case 3:
    turn_ns(w);
    break;
  case 4:
    turn_drains(w);
    break;
  case 5:
    rig_pass(w->r, roll(2) ? roll(500) : RIG_SEC);
    break;
  case 6:
    if (c)
      turn_host_ns(w, c);
    break;
  default:
    if (c)
      turn_events(w, c);
    break;
  }
}

/* C8: when the host hears of its namespaces, all that it may find can be used. */
static void all_open(rig *r, rig_ctrl *c)
{
  for (rig_ns *ns = r->ns; ns; ns = ns->next) {
    nvmens_att_info info;

    if (ns->owned && nvmens_att_query(r->s, ns->ref, c->c, &info) == 0)
      RIG_SAY(info.state != NVMENS_ATT_ATTACHED || info.open,
              "C8: announced before its gate is open");
  }
}

/* Sometimes the backend, or the host, acts while a hook runs. */
static void inside(rig *r, const rig_event *e)
{
  world *w = r->react_arg;

  if (e->kind == RIG_COMPLETE && e->dw0 == RIG_EV4 && e->ctrl->c)
    all_open(r, e->ctrl);
  if (w->depth || roll(12))
    return;
  w->depth++;
  if (e->ns && roll(2) && !e->ns->released)
    rig_unplug(e->ns, some_mode(), RIG_NEVER);
  else
    for (unsigned n = 1 + roll(4); n; n--)
      turn(w);
  w->depth--;
}

static void run(uint64_t sequence, unsigned turns)
{
  static const nvmens_subsys_config configs[] = {
      {.nn = NSIDS, .aec_supported = RIG_BIT4 | RIG_BIT1C | 1},
      {.nn = NSIDS,
       .aec_supported = RIG_BIT4 | RIG_BIT1C | 1,
       .aec_default = RIG_BIT4 | RIG_BIT1C | 1,
       .mask_scope = NVMENS_MASK_EVENT,
       .tnvmcap = {0x1000 * 512 * 3, 0}},
  };
  world w = {.r = cells_rig(&configs[sequence % 2])};

  dice_start(sequence);
  w.r->log_mask = 0;
  w.r->react = inside;
  w.r->react_arg = &w;
  w.r->react_on = RIG_BIT(RIG_KINDS) - 1;
  while (turns-- && w.r->nctrl < RIG_CTRLS - 2)
    turn(&w);
  w.r->react = NULL;
  cells_end(w.r);
}

/* ---- what was taken ---- */

/* By the trace alone: refusals that are looked up are test_tables.c's. */
static unsigned untaken(char *text, size_t size)
{
  unsigned missing = 0;
  int at = 0;

  text[0] = 0;
  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    for (unsigned e = 0; e < nvmens_tables[m].events; e++)
      for (unsigned s = 0; s < nvmens_tables[m].states; s++) {
        const nvmens_cell *c = nvmens_cell_of((nvmens_machine)m, (uint8_t)s, e);

        if (c->kind != NVMENS_GO || cells_taken[m][e][s] || (size_t)at + 200 > size)
          continue;
        missing++;
        at += snprintf(text + at, size - (size_t)at, "; %s", cells_name(m, e, s));
      }
  return missing;
}

START_TEST(tables_random_calls_reach_no_never_cell)
{
  const unsigned sequences = getenv("NVMENS_LONG") ? 400 : 12;
  static char text[8000];
  unsigned missing;

  for (unsigned n = 0; n < sequences; n++)
    run(n, TURNS);
  missing = untaken(text, sizeof(text));
  RIG_SAY(missing <= 10, "%u cells that go were not taken: %s", missing, text + 2);
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN("cells", tables_random_calls_reach_no_never_cell);
}
