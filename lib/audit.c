/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * audit.c: the invariants of docs/design.md that one look at the objects can decide. Floor 4.
 *
 * Those about histories (1-3, 13, 14, 17, 20-22, 24, 25) are the tests' to watch.
 */
#include "attach.h"
#include "ctrl.h"
#include "ns.h"
#include "paths.h"
#include "subsys.h"

typedef struct finding {
  int number;
  const char *why;
} finding;

#define HOLDS(number, condition, why)                                                              \
  do {                                                                                             \
    if (!(condition))                                                                              \
      return (finding){number, why};                                                               \
  } while (0)
static const finding fine = {0, NULL};

static bool quiet_outbox(const nvmens_subsys *s)
{
  return !s->core.first && !s->core.flushing;
}

static finding check_attachment(const nvmens_subsys *s, const nvmens_attachment *att)
{
  bool drains = att->state == NVMENS_ATT_DRAINING || att->state == NVMENS_ATT_ABORTING;
  bool live = nvmens_tokens_find(&s->tokens, nvmens_tokens_last(&s->tokens, att->place),
                                 NVMENS_TOKEN_DRAIN) == att;
  bool active = nvmens_nsid_set_get(&att->ctrl->active, att->nsid) == att;
  const nvmens_ns *ns = nvmens_ns_of(s, att->nsid);

  HOLDS(4, !nvmens_slot_is_open(att->slot) || (att->state == NVMENS_ATT_ATTACHED && !att->opening),
        "a gate is open though not attached, or before `attached` returned");
  HOLDS(4, att->state != NVMENS_ATT_ATTACHED || (att->ns && att->ns->state == NVMENS_NS_ALLOCATED),
        "attached to a namespace that is not allocated");
  HOLDS(4, att->state != NVMENS_ATT_ATTACHED || att->opening || nvmens_slot_is_open(att->slot),
        "attached and told, but the gate is not open");
  HOLDS(26, att->mark == NVMENS_MARK_NONE || att->state != NVMENS_ATT_ATTACHED,
        "attached, and its host may still have another disk here");
  HOLDS(27,
        att->opening || nvmens_slot_is_open(att->slot) ||
            att->slot->answer == nvmens_att_answer_of(att),
        "barred I/O is answered by what was");
  HOLDS(27, nvmens_disk_is_settled(att),
        "an attachment waits for nothing, or its path is not told");
  HOLDS(28, active == (ns && nvmens_att_should(ns, att->ctrl)),
        "the active list is not what should be attached");
  HOLDS(28, !active || att->ns, "what should be attached is not, and does not wait");
  HOLDS(28, active || !nvmens_att_visible(att), "what is visible should not be attached");
  HOLDS(16, drains == live, "a token is live iff DRAINING or ABORTING");
  HOLDS(16, att->timer.running == (att->state == NVMENS_ATT_DRAINING), "a timer runs iff DRAINING");
  HOLDS(18, !att->debt.owner || att->state == NVMENS_ATT_DRAINING,
        "a drain is owned only in DRAINING");
  HOLDS(3,
        att->ns || (att->state == NVMENS_ATT_DETACHED &&
                    nvmens_gate_holders(att->ctrl->gate, att->slot) == 0),
        "a command holds what is detached");
  HOLDS(29, !att->begin_due || drains, "drain_begin is to be called for what does not drain");
  HOLDS(29, !att->begin_due || att->drain_begin.next || s->look_due,
        "drain_begin is to be called, and nothing leads to it");
  HOLDS(23, !att->timer.running || s->timers.first->at <= att->timer.at,
        "the first timer is not the earliest");
  return fine;
}

static finding check_commands(const nvmens_ctrl *ctrl)
{
  uint32_t count = 0;

  for (const nvmens_cmd *cmd = ctrl->cmds; cmd; cmd = cmd->next) {
    uint32_t owned = 0;

    for (const nvmens_debt *debt = cmd->debts; debt; debt = debt->next) {
      HOLDS(18, debt->owner == cmd, "a command waits for what another one owns");
      owned++;
    }
    HOLDS(18, cmd->state != NVMENS_CMD_WAITING || owned == cmd->waits,
          "a command waits for another number of drains than it owns");
    HOLDS(18, cmd->state == NVMENS_CMD_WAITING || !owned, "a drain is owned by who does not wait");
    count++;
  }
  HOLDS(1, ctrl->subsys->core.hooks || count == ctrl->ncmds + ctrl->ncmds_old,
        "commands are miscounted");
  return fine;
}

static finding check_events(const nvmens_ctrl *ctrl)
{
  const nvmens_notices *n = &ctrl->notices;
  uint32_t reported[8] = {0};
  bool bare = ctrl->state == NVMENS_CTRL_DISABLED || ctrl->state == NVMENS_CTRL_GOING;

  for (uint16_t at = n->first; at; at = n->source[at - 1].next) {
    const nvmens_source *source = &n->source[at - 1];

    HOLDS(9, source->state != NVMENS_NOTICE_CLEAR, "a clear source is listed");
    if (source->state == NVMENS_NOTICE_REPORTED)
      HOLDS(11, n->scope == NVMENS_MASK_EVENT || reported[(at - 1) / 256]++ == 0,
            "two sources of one type are reported");
  }
  HOLDS(12, n->parked_count <= (uint32_t)ctrl->subsys->config.aerl + 1, "too many AERs are parked");
  HOLDS(15, !bare || (!n->first && !n->parked && n->aec == nvmens_ctrl_aec_default(ctrl)),
        "a disabled controller has events, AERs, or a feature 0Bh of its own");
  for (int log = 0; log < 2; log++)
    HOLDS(15,
          !bare || !(ctrl->changed[log].since.count | ctrl->changed[log].since.overflow |
                     ctrl->changed[log].latched.count | ctrl->changed[log].latched.overflow),
          "a disabled controller has a log");
  HOLDS(9,
        !ctrl->ntold || ctrl->state != NVMENS_CTRL_READY ||
            n->source[NVMENS_SOURCE_ATTACHED].state != NVMENS_NOTICE_CLEAR,
        "a path owes what is in the way, and its host is not told");
  HOLDS(10,
        !quiet_outbox(ctrl->subsys) || ctrl->state != NVMENS_CTRL_READY || !n->parked ||
            nvmens_notice_next(n, false) < 0,
        "an AER is parked and an event could be delivered");
  return fine;
}

static finding check_ctrl(const nvmens_ctrl *ctrl)
{
  uint32_t nsid = 0, live = 0, opening = 0, waited = 0, told = 0, owed = 0, count[6] = {0};
  const nvmens_attachment *att;
  finding found = check_events(ctrl);

  if (!found.number)
    found = check_commands(ctrl);
  while (!found.number && (att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL) {
    live += att->ns != NULL;
    opening += att->opening;
    waited += att->waited;
    told += att->told;
    owed += att->mark != NVMENS_MARK_NONE;
    if (att->ns)
      count[att->state]++;
    found = check_attachment(ctrl->subsys, att);
  }
  if (found.number)
    return found;
  HOLDS(19,
        ctrl->state != NVMENS_CTRL_GOING || ctrl->live || ctrl->pins || ctrl->ncmds ||
            ctrl->ncmds_old || ctrl->released.next,
        "a controller being removed waits for nothing");
  HOLDS(4, opening == ctrl->opening, "the number of gates to be opened is wrong");
  HOLDS(2, live == ctrl->live, "the number of attachments is wrong");
  HOLDS(27, told == ctrl->ntold, "the number of what this path is told of is wrong");
  HOLDS(27, waited == ctrl->nwaited, "the number of what waits for this path is wrong");
  for (att = ctrl->owed; att; att = att->owed_next)
    owed -= att->mark != NVMENS_MARK_NONE;
  HOLDS(27, owed == 0, "the list of what this path owes is wrong");
  for (int state = 0; state < 6; state++)
    HOLDS(2, count[state] == ctrl->count[state], "attachments of a controller are miscounted");
  return fine;
}

static finding check_ns(const nvmens_ns *ns)
{
  uint32_t count[6] = {0}, all = 0, held = 0;

  for (const nvmens_attachment *att = ns->attachments; att; att = att->ns_next) {
    HOLDS(2, att->ns == ns, "an attachment is listed by another namespace");
    count[att->state]++;
    held += nvmens_att_holds(att);
    all++;
  }
  for (int state = 0; state < 6; state++)
    HOLDS(18, count[state] == ns->count[state], "attachments are miscounted");
  HOLDS(7, ns->shared || held <= 1, "a private namespace has two controllers");
  HOLDS(19, ns->state == NVMENS_NS_ALLOCATED || all || ns->pins || ns->leaving,
        "a namespace being deleted waits for nothing");
  return fine;
}

/* Preps that count there; NULL: anywhere. */
static uint32_t counted(const nvmens_subsys *s, const uint32_t *where)
{
  uint32_t count = 0;

  for (const nvmens_prep *prep = s->preps; prep; prep = prep->next)
    count += prep->count && (!where || prep->count == where);
  return count;
}

static finding check_unanswered(const nvmens_subsys *s)
{
  for (const nvmens_prep *prep = s->preps; prep; prep = prep->next)
    HOLDS(30, !prep->count || !(prep->cmd || prep->data || prep->answered),
          "what was left unanswered has a command, an answer, or the host's data");
  for (const nvmens_paths *host = s->hosts; host; host = host->next)
    HOLDS(30, counted(s, &host->unanswered) == host->unanswered,
          "what a host has left unanswered is miscounted");
  HOLDS(30,
        counted(s, &s->unanswered_unknown) == s->unanswered_unknown &&
            counted(s, &s->unanswered_forgotten) == s->unanswered_forgotten &&
            counted(s, NULL) == s->unanswered,
        "what was left unanswered is miscounted");
  return fine;
}

static finding check_disks(const nvmens_paths *host)
{
  const nvmens_disk *disk;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL) {
    uint16_t pending = 0, visible = 0, serving = 0, owed = 0, told = 0;

    for (const nvmens_attachment *att = disk->atts; att; att = att->path_next) {
      visible += nvmens_att_visible(att);
      pending += att->state == NVMENS_ATT_WANTED || att->state == NVMENS_ATT_FENCED;
      serving += att->state == NVMENS_ATT_ATTACHED && att->ctrl->state == NVMENS_CTRL_READY;
      owed += att->mark != NVMENS_MARK_NONE;
      told += att->told;
    }
    HOLDS(27,
          !((pending ^ disk->pending) | (visible ^ disk->visible) | (serving ^ disk->serving) |
            (owed ^ disk->owed) | (told ^ disk->told)),
          "the attachments of a disk are miscounted");
  }
  return fine;
}

static finding check_all(nvmens_subsys *s)
{
  uint32_t nsid = 0;
  uint64_t attached = 0;
  nvmens_u128 used = {0, 0}, sum;
  const nvmens_ns *ns;
  finding found = fine;

  HOLDS(29, s->barrier_due || s->barrier_at == UINT64_MAX,
        "a barrier is to be tried again, and none is missing");
  HOLDS(29, !s->barrier_due || s->barrier_at <= nvmens_after(s, NVMENS_BARRIER_RETRY),
        "a barrier is missing, and is not tried again soon");
  HOLDS(29, !s->barrier_due || s->bell.fence,
        "a barrier has failed, and gates are opened without fences");
  for (uint32_t i = 0; i < s->nctrl && !found.number; i++) {
    HOLDS(2, i == 0 || s->ctrl[i - 1]->cntlid < s->ctrl[i]->cntlid, "CNTLIDs out of order");
    attached += s->ctrl[i]->live - s->ctrl[i]->count[NVMENS_ATT_WANTED];
    found = check_ctrl(s->ctrl[i]);
  }
  for (const nvmens_paths *host = s->hosts; host && !found.number; host = host->next)
    found = check_disks(host);
  while (!found.number && (ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL) {
    nvmens_u128 bytes = nvmens_ns_bytes(ns->ncap, ns->lbaf[ns->flbas].lbads);

    used.hi += bytes.hi + (used.lo + bytes.lo < used.lo);
    used.lo += bytes.lo;
    found = check_ns(ns);
  }
  if (!found.number)
    found = check_unanswered(s);
  if (found.number)
    return found;
  HOLDS(2, attached == s->attached, "attachments are miscounted");
  sum = (nvmens_u128){used.lo + s->unvmcap.lo,
                      used.hi + s->unvmcap.hi + (used.lo + s->unvmcap.lo < used.lo)};
  HOLDS(6,
        !(s->config.tnvmcap.lo | s->config.tnvmcap.hi) ||
            (sum.lo == s->config.tnvmcap.lo && sum.hi == s->config.tnvmcap.hi),
        "UNVMCAP is not TNVMCAP less what is allocated");
  return fine;
}

int nvmens_subsys_check(nvmens_subsys *s, const char **why)
{
  finding found;

  if (!s)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  found = check_all(s);
  nvmens_unlock(&s->core);
  if (why)
    *why = found.why;
  return found.number;
}
