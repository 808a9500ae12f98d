/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c: what holds in every state, seen from outside: by the public calls, compared with what
 * the environment believes. docs/explore.md lists which function checks which invariant.
 */
#include "explore.h"

#include "le.h"

enum { ALL_SOURCES = (1 << (2 + POSTS)) - 1 };

/* ---- attachments: 3, 4, 7, 16, 19 ---- */

static void check_att(const ctl *c, const obj *o)
{
  uint8_t n = o->nsid;
  nvmens_att_info info;
  bool leaves = c->att[n] == DRAINING || c->att[n] == ABORTING;
  static const uint8_t states[] = {NVMENS_ATT_DETACHED, NVMENS_ATT_ATTACHED, NVMENS_ATT_DRAINING,
                                   NVMENS_ATT_ABORTING};

  MUST(4, nvmens_att_query(E->s, o->ref, c->ctrl, &info) == 0, "NSID %u cannot be asked for", n);
  if (c->att[n] == DETACHED && should(o, c))
    MUST(28, info.state == NVMENS_ATT_WANTED || info.state == NVMENS_ATT_FENCED,
         "NSID %u should be attached to controller %u, and is %u", n, c->index, info.state);
  else
    MUST(20, info.state == states[c->att[n]], "NSID %u at controller %u is %u, expected %u", n,
         c->index, info.state, c->att[n]);
  MUST(4, info.open == (c->att[n] == ATTACHED), "the gate of NSID %u is %sopen", n,
       info.open ? "" : "not ");
  MUST(3, info.in_flight == c->held[n], "NSID %u is held by %u, expected %u", n, info.in_flight,
       c->held[n]);
  MUST(16, info.deadline == (c->att[n] == DRAINING ? c->due[n] : UINT64_MAX),
       "NSID %u has another deadline", n);
  MUST(16, c->drain[n].live == leaves, "drain_begin and the state of NSID %u do not agree", n);
  MUST(16, c->drain[n].aborted == (c->att[n] == ABORTING), "drain_abort was %scalled for NSID %u",
       c->drain[n].aborted ? "" : "not ", n);
  MUST(4, c->told[n] == (c->att[n] != DETACHED), "`attached` and `detached` are not in pairs");
  MUST(16, gate_closing(c, n) == leaves, "the slot of NSID %u does not follow its state", n);
  /* G3: nobody is left to end it but poll. */
  MUST(3, !leaves || !c->drain[n].answered || c->held[n] || E->woken,
       "a drain is over, and wake was not called");
}

static void check_ns(const obj *o)
{
  unsigned live = 0;
  nvmens_ns_info info;

  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
    if (c->ctrl)
      check_att(c, o);
    live += c->att[o->nsid] != DETACHED;
  }
  MUST(7, o->shared || live <= 1, "private NSID %u has %u controllers", o->nsid, live);
  MUST(19, !o->deleting || live, "NSID %u goes, and waits for nothing", o->nsid);
  MUST(5, nvmens_ns_query(E->s, o->ref, &info) == 0, "NSID %u is not known", o->nsid);
  MUST(5,
       info.state == (o->deleting ? NVMENS_NS_DELETING : NVMENS_NS_ALLOCATED) &&
           info.nsze == o->size && info.ns_user == o && info.shared == o->shared &&
           info.ident.uuid[0] == o->who,
       "NSID %u is not what was made", o->nsid);
  MUST(18, info.attached + info.draining == live, "attachments of NSID %u are miscounted", o->nsid);
}

/* ---- events: 8 - 12, 15 ---- */

static uint32_t enabled(const ctl *c)
{
  return (c->aec & NVMENS_AEC_ATTACHED_NS ? 1u : 0) | (c->aec & NVMENS_AEC_ALLOCATED_NS ? 2u : 0) |
         (c->aec & 2 ? 4u : 0) | 8 | 16;
}

static uint32_t masked(uint32_t reported)
{
  const uint32_t notices = 1 | 2 | 8;

  return W->scope == NVMENS_MASK_TYPE && (reported & notices) ? reported | notices : reported;
}

bool deliverable(const ctl *c)
{
  return c->state == READY && c->nfifo &&
         source_states(c, 1) & enabled(c) & ~masked(source_states(c, 2));
}

/* A swap is told more than once, and so is a path that has left what moves to another (C14). */
bool told_again(void)
{
  return W->whos > 1 || W->host || (W->private_ns && W->ctrls > 1 && !W->other_hosts);
}

static void check_logs(const ctl *c, uint32_t clear)
{

  for (int log = 0; log < LOGS; log++) {
    const log_shadow *s = &c->log[log];

    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
      MUST(8, !(s->dirty >> nsid & 1) || in_log(c, log, nsid), "a change of NSID %u is in no log",
           nsid);
      MUST(8, (log == A_LOG && told_again()) || (s->dirty >> nsid & 1) || !in_log(c, log, nsid),
           "NSID %u is in a log without a change (P19)", nsid);
    }
    MUST(9, !s->owed || !(clear >> log & 1),
         "a loud change is owed, and its notice is CLEAR (R44)");
  }
  for (int i = 0; i < POSTS; i++)
    MUST(9, (c->posted >> i & 1) != (clear >> (2 + i) & 1), "a posted event is lost, or stays");
}

static void check_bare(const ctl *c, uint32_t clear)
{
  MUST(15, clear == ALL_SOURCES, "a controller that is not enabled has an event");
  MUST(15, c->nfifo == 0 && nvmens_aec(c->ctrl) == W->aec,
       "a controller that is not enabled has AERs, or a feature 0Bh of its own");
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    MUST(15, !in_log(c, A_LOG, nsid) && !in_log(c, G_LOG, nsid),
         "a controller that is not enabled has a log");
}

static void check_ctl(const ctl *c)
{
  static const uint8_t states[] = {0, NVMENS_CTRL_DISABLED, NVMENS_CTRL_READY, NVMENS_CTRL_SHUTDOWN,
                                   NVMENS_CTRL_GOING};
  uint32_t clear = source_states(c, 0), pending = source_states(c, 1);
  uint32_t reported = source_states(c, 2);
  nvmens_ctrl_info info;

  nvmens_ctrl_query(c->ctrl, &info);
  MUST(15, info.state == states[c->state], "controller %u is in state %u", c->index, info.state);
  MUST(12, info.parked == c->nfifo && c->nfifo <= W->aers, "%u AERs are parked, expected %u",
       info.parked, c->nfifo);
  MUST(15, info.aec == c->aec, "feature 0Bh is %x", info.aec);
  MUST(10, !deliverable(c), "an AER is parked, and an event is not delivered");
  for (uint8_t type = 0; type < 7; type++)
    MUST(11, W->scope != NVMENS_MASK_TYPE || reported_of_type(c, type) <= 1,
         "two sources of a type are reported");
  MUST(11, !(reported & ~enabled(c)), "a source is reported with its bit off");
  MUST(9,
       info.owed == (uint32_t)__builtin_popcount(pending & enabled(c)) &&
           info.reported == (uint32_t)__builtin_popcount(reported & enabled(c)),
       "events are miscounted");
  if (c->state == READY || c->state == SHUTDOWN)
    check_logs(c, clear);
  else
    check_bare(c, clear);
}

/* ---- what the host sees: 5, 6 ---- */

static uint8_t list_of(ctl *c, uint8_t cns)
{
  uint8_t bits = 0;
  uint32_t before = 0, nsid;

  simple(c, NVMENS_OP_IDENTIFY, 0, cns, 0);
  MUST(5, now.sf == 0, "CNS %xh ends with %x", cns, now.sf);
  for (int i = 0; (nsid = nvmens_get32(now.page + 4 * i)) != 0 && i < 15; i++) {
    MUST(5, nsid > before && nsid <= W->nsids, "CNS %xh is out of order (C9)", cns);
    bits |= (uint8_t)(1 << (nsid & 7));
    before = nsid;
  }
  return bits;
}

static uint32_t ctrls_of(ctl *c, uint32_t nsid)
{
  uint32_t bits = 0;

  simple(c, NVMENS_OP_IDENTIFY, nsid, NVMENS_CNS_NS_CTRL_LIST, 0);
  for (unsigned i = 0; i < nvmens_get16(now.page) && i < CTRLS; i++)
    bits |= 1u << nvmens_get16(now.page + 2 + 2 * i);
  return bits;
}

static void check_pages(ctl *c, uint32_t nsid)
{
  const obj *o = obj_of(nsid);
  bool allocated = o && !o->deleting;
  uint32_t holders = 0;

  for (const ctl *other = E->ctl; other < E->ctl + W->ctrls; other++)
    holders |= (uint32_t)(other->ctrl && seen_by_host(other, nsid)) << other->cntlid;
  simple(c, NVMENS_OP_IDENTIFY, nsid, NVMENS_CNS_NS, 0);
  MUST(5, now.sf == 0 && nvmens_get64(now.page) == (seen_by_host(c, nsid) ? o->size : 0),
       "CNS 00h of NSID %u", nsid);
  simple(c, NVMENS_OP_IDENTIFY, nsid, NVMENS_CNS_ALLOCATED_NS, 0);
  MUST(5, now.sf == 0 && nvmens_get64(now.page) == (allocated ? o->size : 0), "CNS 11h of NSID %u",
       nsid);
  MUST(5, ctrls_of(c, nsid) == (allocated ? holders : 0), "CNS 12h of NSID %u", nsid);
  MUST(5, now.sf == (allocated ? 0 : NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR),
       "CNS 12h of NSID %u ends with %x", nsid, now.sf);
}

static void check_identify(ctl *c)
{
  uint8_t active = 0, allocated = 0;

  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
    const obj *o = obj_of(nsid);

    active |= (uint8_t)(seen_by_host(c, nsid) << nsid);
    allocated |= (uint8_t)((o && !o->deleting) << nsid);
    if (!fenced(c, nsid)) /* to look opens it */
      check_pages(c, nsid);
  }
  if (is_stranger(c)) /* and to list tells it */
    return;
  MUST(5, list_of(c, NVMENS_CNS_ACTIVE_NS_LIST) == active, "CNS 02h is not what is attached");
  MUST(5, list_of(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST) == active, "CNS 07h is not what is attached");
  MUST(5, list_of(c, NVMENS_CNS_ALLOCATED_NS_LIST) == allocated, "CNS 10h is not what there is");
}

static void check_capacity(const ctl *c)
{
  static uint8_t page[NVMENS_PAGE];
  uint64_t used = 0;

  for (const obj *o = E->obj; o < E->obj + OBJS; o++)
    used += o->used ? o->size : 0;
  nvmens_identify_ctrl(c->ctrl, page);
  MUST(6,
       nvmens_get64(page + offsetof(nvmens_id_ctrl, unvmcap)) ==
           (W->capacity ? (W->capacity - used) * 512 : 0),
       "UNVMCAP is wrong");
}

/* ---- the data path: 4 (R51, C16) ---- */

static uint16_t expected_answer(const ctl *c, uint32_t nsid)
{
  if (c->state != READY)
    return NVMENS_SC_ABORTED_SQ_DELETED;
  if (nsid == 0 || nsid > W->nsids)
    return (nsid == NVMENS_NSID_ALL ? NVMENS_SC_INVALID_FIELD : NVMENS_SC_INVALID_NS_OR_FORMAT) |
           NVMENS_SF_DNR;
  if (c->att[nsid] == ATTACHED)
    return 0;
  for (const ctl *o = E->ctl; o < E->ctl + W->ctrls && !W->other_hosts && c->had[nsid]; o++)
    if (o->state == READY && o->att[nsid] == ATTACHED)
      return NVMENS_SC_INTERNAL_PATH_ERROR;
  return NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;
}

static void check_io(const ctl *c, uint32_t nsid)
{
  uint16_t expected = expected_answer(c, nsid);
  nvmens_ticket ticket;
  void *seen = NULL;
  nvmens_status status = nvmens_io_begin(c->lane, nsid, &ticket, &seen);

  MUST(4, status.sf == expected, "I/O to NSID %x at controller %u is answered %x, expected %x",
       nsid, c->index, status.sf, expected);
  if (status.sf)
    return;
  MUST(4, seen == obj_of(nsid), "I/O is given another namespace");
  nvmens_io_end(c->lane, ticket);
}

/* ---- what is of the past, or never was: 17, 21 ---- */

static void check_tokens(void)
{
  const nvmens_status ok = {0};

  MUST(17, nvmens_done(E->s, 0, ok) && nvmens_done(E->s, UINT64_MAX, ok), "a token is made up");
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
      const drain *d = &c->drain[nsid];

      MUST(17, !d->stale || nvmens_done(E->s, d->stale, ok) == NVMENS_ERR_STALE,
           "a token of the past is taken");
      if (!d->live)
        continue;
      MUST(17, !d->answered || nvmens_done(E->s, d->token, ok) == NVMENS_ERR_STALE,
           "a token is taken twice");
      MUST(17, nvmens_prepared(E->s, d->token, ok, NULL, NULL) == NVMENS_ERR_STALE,
           "a drain's token is taken for a prepare's");
    }
  for (const prep *p = E->prep; p < E->prep + PREPS; p++)
    MUST(17, !p->live || nvmens_done(E->s, p->token, ok) == NVMENS_ERR_STALE,
         "a prepare's token is taken for a drain's");
  MUST(17, !E->stale_prep || nvmens_prepared(E->s, E->stale_prep, ok, NULL, NULL),
       "a prepare's token of the past is taken");
}

static void check_stale(uint32_t nsid)
{
  const nvmens_ns_attrs attrs = {.set = NVMENS_SET_OTHER};
  nvmens_nsref ref = E->stale[nsid];

  if (!ref.nsid)
    return;
  MUST(21,
       nvmens_ns_unplug(E->s, ref, NVMENS_SURPRISE, E->now, 0) == NVMENS_ERR_STALE &&
           nvmens_ns_plug(E->s, ref) == NVMENS_ERR_STALE &&
           nvmens_ns_update(E->s, ref, &attrs) == NVMENS_ERR_STALE,
       "a reference of the past is followed (P16)");
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    MUST(21,
         !c->ctrl ||
             (nvmens_ns_attach(E->s, ref, c->ctrl) == NVMENS_ERR_STALE &&
              nvmens_ns_detach(E->s, ref, c->ctrl, NVMENS_SURPRISE, E->now, 0) == NVMENS_ERR_STALE),
         "a reference of the past is followed (P16)");
}

/* ---- time: 23 ---- */

static void check_deadline(void)
{
  uint64_t earliest = UINT64_MAX;

  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      if (c->att[nsid] == DRAINING && c->due[nsid] < earliest)
        earliest = c->due[nsid];
  for (const slot *s = E->slot; s < E->slot + CMDS; s++)
    if (s->state == C_TAKEN && s->prep && s->due < earliest)
      earliest = s->due;
  if (path_deadline() < earliest)
    earliest = path_deadline();
  MUST(23, nvmens_next_deadline(E->s) == earliest, "next_deadline is not the earliest");
}

void check_state(digest before)
{
  const char *why = not_at_rest();
  int number;

  MUST(1, !why, "%s", why);
  number = nvmens_subsys_check(E->s, &why);
  MUST(number, number == 0, "%s", why);
  check_deadline();
  if (W->host)
    check_hosts();
  for (const obj *o = E->obj; o < E->obj + OBJS; o++)
    if (o->used)
      check_ns(o);
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls && !E->ending; c++) {
    if (!c->ctrl)
      continue;
    check_ctl(c);
    check_capacity(c);
    if (c->state == READY)
      check_identify(c);
    for (uint32_t nsid = 0; nsid <= W->nsids + 1u && c->lane; nsid++)
      check_io(c, nsid > W->nsids ? NVMENS_NSID_ALL : nsid);
  }
  check_tokens();
  for (uint32_t nsid = 1; nsid <= W->nsids && !E->ending; nsid++)
    check_stale(nsid);
  if (!violation[0])
    MUST(21, canon_digest(false).lo == before.lo,
         "looking, or a call that fails, changed the state");
}

uint32_t state_features(void)
{
  uint32_t f = 0;
  unsigned ctrls = 0, namespaces = 0;

  for (const obj *o = E->obj; o < E->obj + OBJS; o++)
    namespaces += o->used && !o->deleting;
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
    if (!c->ctrl)
      continue;
    ctrls += c->state != GOING;
    f |= c->nfifo >= 2 ? F(TWO_AERS) : 0;
    f |= any_mark(c) ? F(SWAP) : 0;
    f |= c->posted ? F(OTHER) : 0;
    f |= masked(source_states(c, 2)) & source_states(c, 1) ? F(MASK) : 0;
    f |= c->log[A_LOG].owed_fresh && (source_states(c, 2) & 1) ? F(MASK) : 0;
    f |= source_states(c, 1) & ~enabled(c) ? F(MASK) : 0;
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
      f |= c->drain[nsid].live ? F(DRAIN) : 0;
      f |= c->held[nsid] ? F(IO) : 0;
      f |= c->att[nsid] == ATTACHED && (W->private_ns >> nsid & 1) ? F(PRIVATE) : 0;
    }
  }
  f |= ctrls >= 2 ? F(TWO_CTRLS) : 0;
  f |= namespaces >= 2 ? F(TWO_NS) : 0;
  f |= waiting() ? F(WAITING) : 0;
  return f;
}
