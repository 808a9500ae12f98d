/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * picture.h: all that hosts and the backend can see of a rig, as text, to be compared.
 */
#ifndef NVMENS_TESTS_PICTURE_H
#define NVMENS_TESTS_PICTURE_H

#include "rig_more.h"
#include <stdarg.h>

typedef struct picture {
  char text[65536];
  size_t at;
} picture;

static inline void picture_add(picture *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void picture_add(picture *p, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  p->at += (size_t)vsnprintf(p->text + p->at, sizeof(p->text) - p->at, format, args);
  va_end(args);
  ck_assert_uint_lt(p->at, sizeof(p->text));
}

/* A page of namespace data as one number. UUIDs, which differ from try to try, are not in it. */
static inline unsigned picture_sum_of(rig_ctrl *c, uint8_t cns, uint32_t nsid)
{
  uint8_t page[NVMENS_PAGE];
  unsigned sum = 0;

  more_page(c, cns, nsid, page);
  for (size_t i = 0; i < sizeof(page); i++)
    sum = sum * 31 + page[i];
  return sum;
}

static inline void picture_namespaces(picture *p, rig_ctrl *c)
{
  for (uint32_t nsid = 1; nsid < 12; nsid++) {
    rig_ns *ns = rig_find(c->rig, nsid);

    if (!ns)
      continue;
    picture_add(p, "%u:%u/%u/%u ", nsid, more_att(ns, c), rig_att(ns, c).open,
                rig_att(ns, c).waits_for);
    picture_add(p, "%08x %08x ", picture_sum_of(c, NVMENS_CNS_NS, nsid),
                picture_sum_of(c, NVMENS_CNS_ALLOCATED_NS, nsid));
    picture_add(p, "[%s] ", more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, nsid, 0));
  }
}

/* All of it; reads the logs without consuming them. */
static inline void picture_take(rig *r, picture *p)
{
  p->at = 0;
  for (unsigned i = 0; i < r->nctrl; i++) {
    rig_ctrl *c = r->ctrl[i];
    nvmens_ctrl_info info;
    nvmens_u128 u;

    if (!c->c)
      continue;
    info = rig_info(c);
    u = more_unvmcap(c);
    if (info.state != NVMENS_CTRL_READY)
      rig_enable(c);
    picture_add(p, "c%u %u/%u/%u/%u ", info.cntlid, info.attached, info.wanted, info.fenced,
                info.draining);
    picture_add(p, "%u %u %u ", info.parked, info.owed, info.reported);
    picture_add(p, "%llx %llu %x ", (unsigned long long)u.lo, (unsigned long long)info.sent,
                rig_get_aec(c));
    picture_add(p, "[%s] ", rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST));
    picture_add(p, "[%s] ", rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST));
    picture_add(p, "[%s] ", rig_changed(c, RIG_LID4, RIG_PEEK));
    picture_add(p, "[%s] ", rig_changed(c, RIG_LID1C, RIG_PEEK));
    picture_namespaces(p, c);
    picture_add(p, "\n");
  }
}

#endif
