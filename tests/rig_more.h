/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig_more.h: what several test programs need beside the rig: pages as numbers and text, states,
 * raw create commands and controller lists.
 */
#ifndef NVMENS_TESTS_RIG_MORE_H
#define NVMENS_TESTS_RIG_MORE_H

#include "le.h"
#include "rig.h"
#include "rig_main.h"
#include <stdio.h>

#define MORE_RUN(name, tests) rig_run((name), (tests), sizeof(tests) / sizeof((tests)[0]))

#define ANY   0xFFFFu /* a CNTLID that no controller has */
#define DNR02 RIG_DNR(NVMENS_SC_INVALID_FIELD)
#define DNR0B RIG_DNR(NVMENS_SC_INVALID_NS_OR_FORMAT)
#define SF06  ((uint16_t)NVMENS_SC_INTERNAL_ERROR)

/* ---- pages ---- */

/* An Identify that must succeed; page is 4096 bytes. */
static inline void more_page(rig_ctrl *ctrl, uint8_t cns, uint32_t nsid, void *page)
{
  memset(page, 0xEE, NVMENS_PAGE);
  RIG_OK(rig_identify(ctrl, cns, nsid, page));
}

static inline int more_zero(const void *page, size_t from, size_t to)
{
  const uint8_t *p = page;

  while (from < to && p[from] == 0)
    from++;
  return from == to;
}

/* A controller list as text: "count: a b c". */
static inline const char *more_ctrls(rig_ctrl *ctrl, uint8_t cns, uint32_t nsid, uint16_t from)
{
  static char text[512];
  nvmens_ctrl_list list;
  unsigned i, n;
  int at;

  memset(&list, 0xEE, sizeof(list));
  RIG_OK(rig_identify_full(ctrl, cns, nsid, from, 0, &list));
  n = nvmens_get16(list.count);
  at = snprintf(text, sizeof(text), "%u:", n);
  for (i = 0; i < n && at < 490; i++)
    at += snprintf(text + at, sizeof(text) - (size_t)at, " %u", nvmens_get16(list.cntlid[i]));
  ck_assert(more_zero(&list, 2 + 2 * (size_t)n, sizeof(list)));
  return text;
}

/* UNVMCAP, low and high. */
static inline nvmens_u128 more_unvmcap(rig_ctrl *ctrl)
{
  nvmens_id_ctrl page;
  nvmens_u128 u;

  memset(&page, 0, sizeof(page));
  nvmens_identify_ctrl(ctrl->c, &page);
  u.lo = nvmens_get64(page.unvmcap);
  u.hi = nvmens_get64(page.unvmcap + 8);
  return u;
}

/* ---- states ---- */

/* state is NVMENS_NS_ABSENT, the rest zero, when the reference is stale. */
static inline nvmens_ns_info more_ns(const rig_ns *ns)
{
  nvmens_ns_info info;

  memset(&info, 0, sizeof(info));
  if (nvmens_ns_query(ns->rig->s, ns->ref, &info) == NVMENS_ERR_STALE)
    memset(&info, 0, sizeof(info));
  return info;
}

static inline int more_att(rig_ns *ns, rig_ctrl *ctrl)
{
  return rig_att(ns, ctrl).state;
}

static inline uint64_t more_next(const rig *r)
{
  return nvmens_next_deadline(r->s);
}

/* The status of a begin, which is ended at once if it succeeded. */
static inline uint16_t more_begin(rig *r, nvmens_lane *lane, uint32_t nsid)
{
  rig_io io = rig_io_begin(r, lane, nsid);

  if (io.sf == 0)
    rig_io_end(&io);
  return io.sf;
}

/* ---- objects ---- */

/* An enabled controller of this host (0: unknown). */
static inline rig_ctrl *more_ctrl_of(rig *r, uint8_t hostid)
{
  rig_ctrl *ctrl = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {hostid}});

  rig_enable(ctrl);
  return ctrl;
}

/* An enabled controller and a namespace attached to it that its backend drains when told to. */
static inline rig_ns *more_pending(rig *r, rig_ctrl *ctrl, uint32_t nsid)
{
  rig_ns *ns = rig_ns_loose(r, nsid);

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(ns, ctrl), 0);
  return ns;
}

/* ---- the host hears ---- */

/* The host reads the log of each event until there is none. What left has been let go if something
 * waited for it, or if this is the second time (R61, R65). */
static inline void more_hear(rig_ctrl *ctrl)
{
  uint32_t heard;

  for (unsigned most = 16; (heard = rig_heard(ctrl)) != 0; most--) {
    RIG_SAY(most, "events without end");
    rig_changed(ctrl, (uint8_t)(heard >> 16), RIG_CONSUME);
  }
}

/* ---- commands ---- */

typedef struct more_create {
  uint64_t nsze, ncap;
  uint8_t flbas, dps, nmic, csi, fill; /* fill: every byte that R9 does not name */
  uint32_t anagrpid;
  uint16_t nvmsetid, endgid;
  uint64_t lbstm;
} more_create;

static inline rig_cmd *more_submit_create(rig_ctrl *ctrl, const more_create *c)
{
  nvmens_ns_create *data = malloc(sizeof(*data));
  rig_cmd *cmd;

  ck_assert_ptr_nonnull(data);
  memset(data, c->fill, sizeof(*data));
  nvmens_put64(data->nsze, c->nsze);
  nvmens_put64(data->ncap, c->ncap);
  data->flbas = c->flbas;
  data->dps = c->dps;
  data->nmic = c->nmic;
  nvmens_put32(data->anagrpid, c->anagrpid);
  nvmens_put16(data->nvmsetid, c->nvmsetid);
  nvmens_put16(data->endgid, c->endgid);
  nvmens_put64(data->lbstm, c->lbstm);
  cmd = rig_admin(ctrl, .opcode = NVMENS_OP_NS_MANAGEMENT, .cdw10 = NVMENS_NS_MGMT_CREATE,
                  .cdw11 = (uint32_t)c->csi << 24, .data = data, .size = NVMENS_PAGE);
  cmd->own = (uint8_t *)data;
  return cmd;
}
#define MORE_CREATE(ctrl, ...) more_submit_create((ctrl), &(more_create){__VA_ARGS__})

#define MORE_ATTACH(ctrl, nsid, ...)                                                               \
  rig_attachment((ctrl), NVMENS_NS_ATTACH, (nsid), (const uint16_t[]){__VA_ARGS__},                \
                 sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))
#define MORE_DETACH(ctrl, nsid, ...)                                                               \
  rig_attachment((ctrl), NVMENS_NS_DETACH, (nsid), (const uint16_t[]){__VA_ARGS__},                \
                 sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

#endif
