/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tables_mark.c: every cell of the swap mark that is not never is taken, and no other.
 */
#include "cells.h"
#include "rig_more.h"

/* ---- one path ---- */

static rig_ns *identity(rig *r, char who)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1, .auto_attach = 1};

  memset(config.ident.uuid, who, sizeof(config.ident.uuid));
  return rig_ns_new(r, &config);
}

static void swap(rig *r, char who)
{
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  identity(r, who);
}

static void show(rig_ctrl *c)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
}

/* The host reads the log, PENDING or REPORTED, and scans; says whether it is then told again. */
static bool told_again(rig_ctrl *c, bool reported)
{
  if (reported)
    rig_heard(c);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  show(c);
  return rig_heard(c) == RIG_EV4;
}

static void on_one_path(void)
{
  rig *r = cells_rig(&(nvmens_subsys_config){.aec_default = RIG_BIT4});
  rig_ctrl *c = rig_ctrl_on(r);

  identity(r, 'A'); /* NONE */
  show(c);
  swap(r, 'A');
  rig_reenable(c);
  ck_assert(!told_again(c, true)); /* a reset and a read leave it NONE */
  swap(r, 'B');                    /* SWAPPED */
  swap(r, 'B');
  swap(r, 'C');
  rig_reenable(c);
  ck_assert(
      told_again(c, false));      /* a reset and a read PENDING leave it SWAPPED; now it is SHOWN */
  swap(r, 'D');                   /* SWAPPED */
  ck_assert(told_again(c, true)); /* and so does one REPORTED; SHOWN */
  show(c);
  swap(r, 'D');
  rig_reset(c); /* SWAPPED */
  rig_enable(c);
  show(c); /* SHOWN */
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4); /* owed in spite of the read */
  rig_changed(c, RIG_LID4, RIG_CONSUME);    /* REPORTED: NONE */
  ck_assert(!told_again(c, false));
  cells_end(r);
}

/* ---- two paths of one host: c[1] has left ---- */

typedef struct paths {
  rig *r;
  rig_ctrl *c[2];
  char last; /* what was attached to c[1] last */
} paths;

/* Whoever has NSID 1 loses it; then only this controller has it, as somebody. */
static void only(paths *p, char who, unsigned i)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1};

  if (rig_find(p->r, 1))
    ck_assert_int_eq(rig_unplug(rig_find(p->r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  memset(config.ident.uuid, who, sizeof(config.ident.uuid));
  ck_assert_int_eq(rig_attach(rig_ns_new(p->r, &config), p->c[i]), 0);
}

static void read_reported(paths *p)
{
  rig_heard(p->c[1]);
  rig_changed(p->c[1], RIG_LID4, RIG_CONSUME);
}

static void left_in(paths *p, unsigned state)
{
  p->r = cells_rig(&(nvmens_subsys_config){.aec_default = RIG_BIT4});
  for (unsigned i = 0; i < 2; i++) {
    p->c[i] = rig_ctrl_new(p->r, &(nvmens_ctrl_config){.hostid = {1}});
    rig_enable(p->c[i]);
  }
  identity(p->r, p->last = 'A');
  if (state == NVMENS_MARK_SWAPPED || state == NVMENS_MARK_SHOWN)
    swap(p->r, p->last = 'B');
  if (state == NVMENS_MARK_SHOWN)
    show(p->c[1]);
  if (state >= NVMENS_MARK_BLOCKING)
    only(p, 'C', 0);
  else
    ck_assert_int_eq(rig_unplug(rig_find(p->r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  if (state == NVMENS_MARK_CLEARING)
    read_reported(p);
}

static void path_same(paths *p)
{
  only(p, p->last, 0);
}

static void path_other(paths *p)
{
  only(p, 'Z', 0);
}

static void attach_same(paths *p)
{
  only(p, p->last, 1);
}

static void attach_other(paths *p)
{
  only(p, 'Z', 1);
}

static void read_pending(paths *p)
{
  rig_changed(p->c[1], RIG_LID4, RIG_CONSUME);
}

static void reset(paths *p)
{
  rig_reenable(p->c[1]);
}

START_TEST(C14_every_cell_of_the_mark)
{
  static void (*const event[])(paths *) = {path_same,     path_other,   attach_same, attach_other,
                                           read_reported, read_pending, reset};

  on_one_path();
  for (unsigned state = 0; state <= NVMENS_MARK_CLEARING; state++)
    for (unsigned i = 0; i < sizeof(event) / sizeof(event[0]); i++) {
      paths p;

      left_in(&p, state);
      event[i](&p);
      cells_end(p.r);
    }
  cells_all_taken(NVMENS_M_MARK);
}
END_TEST

int main(void)
{
  return RIG_RUN("tables_mark", C14_every_cell_of_the_mark);
}
