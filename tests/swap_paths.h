/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * swap_paths.h: two controllers and one NSID, for the tests of swaps that a host sees by two paths.
 */
#ifndef NVMENS_TESTS_SWAP_PATHS_H
#define NVMENS_TESTS_SWAP_PATHS_H

#include "rig_more.h"

static inline rig_ns *plug(rig *r, char who)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1, .auto_attach = 1};

  memset(config.ident.uuid, who, 16);
  return rig_ns_new(r, &config);
}

static inline void listen(rig_ctrl *c)
{
  rig_enable(c);
  rig_set_aec(c, RIG_BIT4);
}

static inline void scan(rig_ctrl *c)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
}

static inline void hear_and_read(rig_ctrl *c)
{
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
}

/* Both have seen A, and have read of the swap to B. */
static inline rig *swapped(uint8_t host_a, uint8_t host_b, rig_ctrl **a, rig_ctrl **b)
{
  rig *r = rig_new(NULL);

  *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host_a}});
  *b = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host_b}});
  listen(*a);
  listen(*b);
  plug(r, 'A');
  hear_and_read(*a);
  hear_and_read(*b);
  scan(*a);
  scan(*b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  plug(r, 'B');
  hear_and_read(*a);
  hear_and_read(*b);
  return r;
}

static inline void only(rig *r, char who, rig_ctrl *c)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1};

  memset(config.ident.uuid, who, 16);
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), c), 0);
}

/* Told once more for each: the scan that drops the disk, and that it has ended. Then a is told. */
static inline void b_drops_it(rig_ctrl *a, rig_ctrl *b)
{
  ck_assert_uint_eq(rig_heard(a), 0);
  hear_and_read(b);
  ck_assert_str_eq(rig_changed(b, RIG_LID4, RIG_PEEK), "1"); /* what is owed is in the log */
  ck_assert_uint_eq(rig_heard(a), 0);
  hear_and_read(b);
  hear_and_read(a);
  ck_assert_uint_eq(rig_heard(a), 0);
  ck_assert_uint_eq(rig_heard(b), 0);
}

/* a has A, or had, or comes later; b has it. */
static inline rig *moved(rig_ctrl **a, rig_ctrl **b, uint8_t host)
{
  rig *r = rig_new(NULL);

  *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host}});
  *b = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}});
  listen(*a);
  listen(*b);
  only(r, 'A', *b);
  hear_and_read(*b);
  scan(*b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  only(r, 'B', *a);
  hear_and_read(*a);
  scan(*a); /* refused, if the other path is of the same host */
  return r;
}

#endif
