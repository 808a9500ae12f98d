/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disks.h: namespaces that are known by one letter, and hosts that keep disks of them, for the
 * tests of R56 to R69.
 */
#ifndef NVMENS_TESTS_DISKS_H
#define NVMENS_TESTS_DISKS_H

#include "rig_more.h"

#define WAIT_NS   (10 * (uint64_t)RIG_SEC)  /* the default of host_wait_ns */
#define MEMORY_NS (900 * (uint64_t)RIG_SEC) /* the default of host_memory_ns */

/* A rig whose start is so long ago that no controller is a stranger (R66). */
static inline rig *disks_rig(const nvmens_subsys_config *config)
{
  rig *r = rig_new(config);

  rig_poll(r);
  rig_pass(r, 2 * MEMORY_NS);
  return r;
}

/* ---- the backend ---- */

static inline nvmens_ns_config disks_config(uint32_t nsid, char who)
{
  nvmens_ns_config config = {.nsid = nsid, .shared = 1, .auto_attach = 1};

  memset(config.ident.uuid, who, 16);
  return config;
}

/* Shared, with auto attach. */
static inline rig_ns *disks_put(rig *r, uint32_t nsid, char who)
{
  const nvmens_ns_config config = disks_config(nsid, who);

  return rig_ns_new(r, &config);
}

/* Shared, not attached. */
static inline rig_ns *disks_loose(rig *r, uint32_t nsid, char who)
{
  nvmens_ns_config config = disks_config(nsid, who);

  config.auto_attach = 0;
  return rig_ns_new(r, &config);
}

/* Private, with auto attach and no home. */
static inline rig_ns *disks_private(rig *r, uint32_t nsid, char who)
{
  nvmens_ns_config config = disks_config(nsid, who);

  config.shared = 0;
  return rig_ns_new(r, &config);
}

/* Private, not attached. */
static inline rig_ns *disks_loose_private(rig *r, uint32_t nsid, char who)
{
  nvmens_ns_config config = disks_config(nsid, who);

  config.shared = config.auto_attach = 0;
  return rig_ns_new(r, &config);
}

static inline void disks_take(rig *r, uint32_t nsid)
{
  ck_assert_int_eq(rig_unplug(rig_find(r, nsid), NVMENS_ORDERLY, RIG_NEVER), 0);
}

static inline rig_ns *disks_swap(rig *r, uint32_t nsid, char who)
{
  disks_take(r, nsid);
  return disks_put(r, nsid, who);
}

static inline void disks_enable(rig_ctrl *c, uint32_t css)
{
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, css << NVMENS_CC_CSS_SHIFT), 0);
  rig_check(c->rig);
}

/* ---- the host ---- */

/* A controller of this host (0: unknown), disabled. */
static inline rig_ctrl *disks_down(rig *r, uint8_t host)
{
  return rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host}});
}

/* Enabled, and asks for no events. */
static inline rig_ctrl *disks_deaf(rig *r, uint8_t host)
{
  rig_ctrl *c = disks_down(r, host);

  rig_enable(c);
  return c;
}

static inline void disks_listen(rig_ctrl *c)
{
  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
}

/* Enabled, with bit 8 of feature 0Bh. */
static inline rig_ctrl *disks_path(rig *r, uint8_t host)
{
  rig_ctrl *c = disks_down(r, host);

  disks_listen(c);
  return c;
}

/* What log 04h lists; it is consumed. */
static inline const char *disks_log(rig_ctrl *c)
{
  return rig_changed(c, RIG_LID4, RIG_CONSUME);
}

static inline const char *disks_ids(rig_ctrl *c)
{
  return rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST);
}

/* An event comes, and the host reads this log. */
#define HEARS(c, list)                                                                             \
  do {                                                                                             \
    ck_assert_uint_eq(rig_heard(c), RIG_EV4);                                                      \
    ck_assert_str_eq(disks_log(c), (list));                                                        \
  } while (0)
#define SILENT(c)    ck_assert_uint_eq(rig_heard(c), 0)
#define IDS(c, list) ck_assert_str_eq(disks_ids(c), (list))
#define STATE(ns, c, state_, waits_for_)                                                           \
  do {                                                                                             \
    const nvmens_att_info info_ = rig_att((ns), (c));                                              \
    ck_assert_int_eq(info_.state, NVMENS_ATT_##state_);                                            \
    ck_assert_int_eq(info_.waits_for, NVMENS_WAITS_FOR_##waits_for_);                              \
  } while (0)
#define ATTACHED(ns, c)          STATE(ns, c, ATTACHED, NOTHING)
#define DETACHED(ns, c)          STATE(ns, c, DETACHED, NOTHING)
#define WANTED(ns, c, waits_for) STATE(ns, c, WANTED, waits_for)
#define FENCED(ns, c)            STATE(ns, c, FENCED, HOST)

/* CNS 03h of this NSID, and whose it is; 0: it is not active here. */
static inline char disks_who(rig_ctrl *c, uint32_t nsid)
{
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd = rig_identify(c, NVMENS_CNS_NS_DESC_LIST, nsid, page);

  if (cmd->sf) {
    RIG_FAILS(cmd, DNR02);
    return 0;
  }
  RIG_OK(cmd);
  return (char)page[4];
}

/* An event, log, list and identity, as a scan of Linux. */
static inline void disks_scan(rig_ctrl *c)
{
  uint32_t list[NVMENS_LIST_NSIDS], n, i;

  rig_heard(c);
  disks_log(c);
  n = rig_id_list(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, list);
  for (i = 0; i < n; i++)
    ck_assert_int_ne(disks_who(c, list[i]), 0);
}

/* Scans until no event comes. */
static inline void disks_settle(rig_ctrl *c)
{
  unsigned n = 0;

  while (rig_heard(c)) {
    RIG_MUST(n++ < 20);
    disks_log(c);
  }
}

/* A path of this host that has heard of all that is there. */
static inline rig_ctrl *disks_settled(rig *r, uint8_t host)
{
  rig_ctrl *c = disks_path(r, host);

  disks_settle(c);
  return c;
}

/* A was under NSID 1, and B is; the host asks for no events. */
static inline rig *disks_fenced(rig_ctrl **c, nvmens_lane **lane)
{
  rig *r = disks_rig(NULL);

  *c = disks_deaf(r, 1);
  *lane = rig_lane(*c);
  disks_put(r, 1, 'A');
  rig_log_clear(r);
  disks_swap(r, 1, 'B');
  return r;
}

#endif
