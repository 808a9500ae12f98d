/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peek.c: what only the library knows, for what the environment cannot tell from outside.
 */
#include "explore.h"

#include "attach.h"
#include "ctrl.h"
#include "ns.h"
#include "paths.h"
#include "subsys.h"

bool in_log(const ctl *c, int log, uint32_t nsid)
{
  return nvmens_changed_has(&c->ctrl->changed[log], nsid);
}

bool log_has_snapshot(const ctl *c, int log)
{
  return c->ctrl->changed[log].snapshot;
}

static const uint16_t source_number[2 + POSTS] = {
    NVMENS_SOURCE_ATTACHED, NVMENS_SOURCE_ALLOCATED, NVMENS_AER_SMART * 256,
    NVMENS_AER_NOTICE * 256 + 3, NVMENS_AER_IMMEDIATE * 256};

uint32_t source_states(const ctl *c, int state)
{
  uint32_t bits = 0;

  for (int i = 0; i < 2 + POSTS; i++)
    bits |= (uint32_t)(c->ctrl->notices.source[source_number[i]].state == state) << i;
  return bits;
}

uint32_t reported_of_type(const ctl *c, uint8_t type)
{
  const nvmens_notices *n = &c->ctrl->notices;
  uint32_t count = 0;

  for (uint16_t s = n->first; s; s = n->source[s - 1].next)
    count += n->source[s - 1].state == NVMENS_NOTICE_REPORTED && (s - 1) / 256 == type;
  return count;
}

bool any_mark(const ctl *c)
{
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
    const nvmens_attachment *att = nvmens_att_of(c->ctrl, nsid);

    if (att && att->mark != NVMENS_MARK_NONE)
      return true;
  }
  return false;
}

bool gate_closing(const ctl *c, uint32_t nsid)
{
  const nvmens_attachment *att = nvmens_att_of(c->ctrl, nsid);

  return att && att->slot->word & NVMENS_GATE_CLOSING_;
}

bool bell_rung(void)
{
  return E->s->bell.rung != 0;
}

const char *not_at_rest(void)
{
  if (E->s->core.first)
    return "an effect is left";
  if (E->s->core.flushing || E->s->core.hooks ||
      (E->s->barrier_due && !E->ending)) /* no lane is left to be barred */
    return "a call has not ended";
  for (uint32_t i = 0; i < E->s->nctrl; i++)
    if (E->s->ctrl[i]->pins || E->s->ctrl[i]->opening || E->s->ctrl[i]->ncmds_old ||
        E->s->ctrl[i]->resetting)
      return "a hook is taken to be running";
  return NULL;
}

static const nvmens_attachment *att_of(const ctl *c, uint32_t nsid)
{
  return c->ctrl ? nvmens_att_of(c->ctrl, nsid) : NULL;
}

bool wanted(const ctl *c, uint32_t nsid)
{
  return att_of(c, nsid) && att_of(c, nsid)->state == NVMENS_ATT_WANTED;
}

bool fenced(const ctl *c, uint32_t nsid)
{
  return att_of(c, nsid) && att_of(c, nsid)->state == NVMENS_ATT_FENCED;
}

bool silent(const ctl *c)
{
  return c->ctrl->silent;
}

bool is_stranger(const ctl *c)
{
  return c->ctrl->stranger == NVMENS_STRANGER_UNLISTED;
}

uint64_t path_deadline(void)
{
  const nvmens_timer *patience = E->s->patience.first, *forgetting = E->s->forgetting.first;
  uint64_t at = patience ? patience->at : UINT64_MAX;

  return forgetting && forgetting->at < at ? forgetting->at : at;
}

bool lets_go(const ctl *c)
{
  const nvmens_attachment *att = c->ctrl->owed;

  while (att && att->mark != NVMENS_MARK_ONCE)
    att = att->owed_next;
  return att || c->ctrl->owes == NVMENS_MARK_ONCE || c->ctrl->silent;
}

bool opens(const ctl *c)
{
  return c->ctrl && c->ctrl->opening;
}

bool remembered(uint32_t nsid)
{
  return nvmens_paths_remember(E->s, nsid);
}

uint8_t next_cntlid(const uint8_t hostid[16])
{
  return (uint8_t)nvmens_paths_cntlid(E->s, hostid);
}

bool is_newcomer(const ctl *c)
{
  return c->ctrl->owes != NVMENS_MARK_NONE;
}

bool reads_ids(const ctl *c)
{
  return c->ctrl->reads_ids;
}

bool owes(const ctl *c, uint32_t nsid)
{
  return att_of(c, nsid) && att_of(c, nsid)->mark != NVMENS_MARK_NONE;
}
