/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tables_mark.c: every cell of the mark that is not never is taken, its action is
 * what happens, and in the never cells the same done by the host or the backend takes no step
 * (R60, R61, R64).
 */
#include "attach.h"
#include "cells.h"
#include "rig_more.h"

/*
 * One host with two paths. p has namespace 1 with identity B, and hears. q owes for NSID 1, of
 * identity A, as `mark` says; it has namespace 2, so that there can be an event for it.
 */
typedef struct world {
  rig *r;
  rig_ctrl *p, *q;
  rig_ns *b, *other;
} world;

/* Of the mark of NSID 1 at q. */
static unsigned steps[CELLS_EVENTS][CELLS_STATES];

static void trace(rig *r, const nvmens_trace *t)
{
  cells_trace(r, t);
  if (t->machine == NVMENS_M_MARK && t->cntlid == 1 && t->nsid == 1)
    steps[t->event][t->from]++;
}

static rig_ns *identity(rig *r, uint8_t who)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1};

  memset(config.ident.uuid, who, sizeof(config.ident.uuid));
  return rig_ns_new(r, &config);
}

static rig_ctrl *path(rig *r)
{
  rig_ctrl *c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .pci = 1});

  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  return c;
}

static void raise(world *w)
{
  static uint64_t size = 0x2000;

  ck_assert_int_eq(rig_resize(w->other, size++), 0);
  ck_assert_uint_eq(rig_heard(w->q), RIG_EV4);
}

static unsigned mark_of(const world *w)
{
  const nvmens_attachment *att = nvmens_att_of(w->q->c, 1);

  return att ? att->mark : NVMENS_MARK_NONE;
}

/* p is attached to B although q owes, for q does not answer meanwhile (R62, R63). */
static world owing(unsigned mark)
{
  world w = {.r = cells_rig(NULL)};
  rig_ns *a;

  w.r->on_trace = trace;
  w.p = path(w.r);
  w.q = path(w.r);
  w.other = rig_ns_loose(w.r, 2);
  ck_assert_int_eq(rig_attach(w.other, w.q), 0);
  if (mark != NVMENS_MARK_NONE) {
    a = identity(w.r, 'A');
    ck_assert_int_eq(rig_attach(a, w.q), 0);
    ck_assert_int_eq(rig_unplug(a, NVMENS_ORDERLY, RIG_NEVER), 0);
  }
  rig_heard(w.q);
  if (mark == NVMENS_MARK_ONCE)
    rig_changed(w.q, RIG_LID4, RIG_CONSUME);
  RIG_OK(rig_set_aec(w.q, 0));
  w.b = identity(w.r, 'B');
  ck_assert_int_eq(rig_attach(w.b, w.p), 0);
  ck_assert_int_eq(more_att(w.b, w.p), NVMENS_ATT_ATTACHED);
  RIG_OK(rig_set_aec(w.q, RIG_BIT4));
  rig_changed(w.q, RIG_LID4, RIG_PEEK);
  more_hear(w.p);
  ck_assert_uint_eq(mark_of(&w), mark);
  return w;
}

/* ---- what happens ---- */

/* What is WANTED, or FENCED, had not been there: its end owes nothing. */
static void left(world *w)
{
  for (unsigned fenced = 0; fenced < 2; fenced++) {
    RIG_OK(rig_set_aec(w->q, fenced ? 0 : RIG_BIT4));
    if (rig_attach(w->b, w->q) == 0)
      ck_assert_int_eq(rig_detach(w->b, w->q, NVMENS_ORDERLY, RIG_NEVER), 0);
  }
}

static void back(world *w)
{
  ck_assert_int_eq(rig_unplug(w->b, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(identity(w->r, 'A'), w->q), 0);
  more_hear(w->p); /* which owes for B now, and is waited for */
}

/* While the page of one read is on its way, another read begins and ends, and there is a change:
 * when the first read is done the mark is ONCE, and its host was told again. */
static void read_inside(rig *r, const rig_event *e)
{
  world *w = r->react_arg;

  (void)e;
  r->react_on = 0;
  rig_changed(w->q, RIG_LID4, RIG_CONSUME);
  raise(w);
}

static void read_done(world *w)
{
  raise(w);
  w->r->react = read_inside;
  w->r->react_arg = w;
  w->r->react_on = RIG_BIT(RIG_TRANSFER);
  rig_changed(w->q, RIG_LID4, RIG_CONSUME);
}

/* A read that does not reach the host. */
static void read_begins(world *w)
{
  uint8_t page[NVMENS_PAGE];

  raise(w);
  w->r->fail_transfer = 1;
  RIG_FAILS(rig_get_log(w->q, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), w->r->transfer_sf);
}

static void reset(world *w)
{
  rig_reenable(w->q);
}

static void identified(world *w)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_set_aec(w->q, 0));
  ck_assert_int_eq(rig_attach(w->b, w->q), 0);
  RIG_OK(rig_identify(w->q, NVMENS_CNS_NS_DESC_LIST, 1, page));
  ck_assert_int_eq(more_att(w->b, w->q), NVMENS_ATT_ATTACHED);
}

static void gone(world *w)
{
  rig_ctrl_del(w->q);
}

/* ---- the table ---- */

/* By what was stepped, one after the other. */
static bool let_go(void)
{
  const nvmens_table *t = &nvmens_tables[NVMENS_M_MARK];
  bool any = false;

  for (unsigned i = 0; i < (unsigned)t->events * t->states; i++)
    any |= steps[i / t->states][i % t->states] && (t->cell[i].actions & NVMENS_DO_LET_GO);
  return any;
}

static void cell(unsigned event, unsigned mark)
{
  static void (*const run[])(world *) = {left,  back,       read_done, read_begins,
                                         reset, identified, gone};
  const nvmens_cell *c = nvmens_cell_of(NVMENS_M_MARK, (uint8_t)mark, event);
  const char *name = cells_name(NVMENS_M_MARK, event, mark);
  world w = owing(mark);
  bool told;

  memset(steps, 0, sizeof(steps));
  run[event](&w);
  RIG_SAY((steps[event][mark] != 0) == (c->kind == NVMENS_GO), "%s: %u steps", name,
          steps[event][mark]);
  told = rig_heard(w.p) == RIG_EV4;
  if (c->kind == NVMENS_GO && w.q->c)
    RIG_SAY(mark_of(&w) == c->next, "%s: it is %u then", name, mark_of(&w));
  if (!w.b->released)
    RIG_SAY(told == let_go(), "%s: the other path is %stold", name, told ? "" : "not ");
  cells_end(w.r);
}

START_TEST(R60_R61_R64_every_cell_of_the_mark)
{
  const nvmens_table *t = &nvmens_tables[NVMENS_M_MARK];

  for (unsigned event = 0; event < t->events; event++)
    for (unsigned mark = 0; mark < t->states; mark++)
      cell(event, mark);
  cells_all_taken(NVMENS_M_MARK);
}
END_TEST

/* ---- which reads count ---- */

static void leave_inside(rig *r, const rig_event *e)
{
  (void)e;
  r->react_on = 0;
  ck_assert_int_eq(nvmens_ns_unplug(r->s, rig_find(r, 1)->ref, NVMENS_ORDERLY, 0, RIG_NEVER), 0);
}

static void read_and_leave_inside(rig *r, const rig_event *e)
{
  r->react = leave_inside;
  rig_changed(e->ctrl, RIG_LID4, RIG_CONSUME);
}

/* While the pages of one read, or of two, are on their way, the namespace leaves. */
START_TEST(R61_reads_that_began_before_the_leave_count_for_nothing)
{
  for (unsigned reads = 1; reads <= 2; reads++) {
    rig *r = cells_rig(NULL);
    rig_ctrl *c = path(r);

    ck_assert_int_eq(rig_attach(identity(r, 'A'), c), 0);
    ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
    rig_aer(c); /* so that the notice is REPORTED when each of them ends */
    r->react = reads == 1 ? leave_inside : read_and_leave_inside;
    r->react_on = RIG_BIT(RIG_TRANSFER);
    rig_changed(c, RIG_LID4, RIG_CONSUME);
    ck_assert_uint_eq(nvmens_att_of(c->c, 1)->mark, NVMENS_MARK_TWICE);
    cells_end(r);
  }
}
END_TEST

/* ---- the same for a newcomer as a whole ---- */

static unsigned owes_steps[CELLS_EVENTS][CELLS_STATES];

static void trace_owes(rig *r, const nvmens_trace *t)
{
  cells_trace(r, t);
  if (t->machine == NVMENS_M_MARK && t->nsid == 0)
    owes_steps[t->event][t->from]++;
}

/* A host that lost the one path on which it had a disk, and the path that came after it. */
static rig_ctrl *newcomer(rig *r)
{
  const nvmens_ctrl_config config = {.hostid = {1}};
  rig_ctrl *c = rig_ctrl_new(r, &config);

  rig_enable(c);
  identity(r, 'A');
  ck_assert_int_eq(rig_attach(rig_find(r, 1), c), 0);
  rig_ctrl_del(c);
  c = rig_ctrl_new(r, &config);
  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(c->c->owes, NVMENS_MARK_TWICE);
  return c;
}

START_TEST(R66_the_cells_that_a_newcomer_takes)
{
  rig *r = cells_rig(NULL);
  rig_ctrl *c;

  r->on_trace = trace_owes;
  c = newcomer(r);
  rig_reenable(c); /* TWICE */
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 2), c), 0);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert_uint_eq(c->c->owes, NVMENS_MARK_ONCE);
  rig_reenable(c);
  ck_assert_uint_eq(c->c->owes, NVMENS_MARK_TWICE);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_int_eq(rig_resize(rig_find(r, 2), 0x2000), 0);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert_uint_eq(c->c->owes, NVMENS_MARK_ONCE);
  ck_assert_int_eq(rig_resize(rig_find(r, 2), 0x3000), 0);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert_uint_eq(c->c->owes, NVMENS_MARK_NONE);
  rig_reenable(c); /* NONE: no step, nor by a read */
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_int_eq(rig_resize(rig_find(r, 2), 0x4000), 0);
  more_hear(c);
  ck_assert_uint_eq(owes_steps[NVMENS_EV_MARK_RESET][NVMENS_MARK_TWICE], 1);
  ck_assert_uint_eq(owes_steps[NVMENS_EV_MARK_RESET][NVMENS_MARK_ONCE], 1);
  ck_assert_uint_eq(owes_steps[NVMENS_EV_READ_DONE][NVMENS_MARK_TWICE], 2);
  ck_assert_uint_eq(owes_steps[NVMENS_EV_READ_BEGINS][NVMENS_MARK_ONCE], 1);
  for (unsigned event = 0; event < CELLS_EVENTS; event++)
    ck_assert_uint_eq(owes_steps[event][NVMENS_MARK_NONE], 0);
  cells_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("tables_mark", R60_R61_R64_every_cell_of_the_mark,
                 R61_reads_that_began_before_the_leave_count_for_nothing,
                 R66_the_cells_that_a_newcomer_takes);
}
