/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mgmt.c: Namespace Management and Namespace Attachment by the host, and what the backend answers
 * when it is asked to prepare (R7-R25, R40).
 */
#include "explore.h"

#include "le.h"

static slot *command(ctl *c, uint8_t kind, uint8_t opcode, uint32_t nsid, uint32_t cdw10)
{
  now.may_alloc = 1;
  now.features |= opcode == NVMENS_OP_NS_MANAGEMENT ? F(HOST_MGMT) : 0;
  return submit(c, kind, opcode, nsid, (uint32_t[6]){cdw10});
}

/* ---- attach and detach ---- */

static void put_list(uint8_t ctrls)
{
  uint16_t count = 0;

  memset(now.page, 0, sizeof(now.page));
  for (uint16_t i = 0; i < CTRLS; i++)
    if (ctrls >> i & 1)
      nvmens_put16(now.page + 2 + 2 * count++, i);
  nvmens_put16(now.page, count);
}

static uint16_t status_of(int err)
{
  switch (err) {
  case NVMENS_ERR_EXISTS:
    return NVMENS_SC_NS_ALREADY_ATTACHED | NVMENS_SF_DNR;
  case NVMENS_ERR_PRIVATE:
    return NVMENS_SC_NS_IS_PRIVATE | NVMENS_SF_DNR;
  case NVMENS_ERR_BUSY:
    return NVMENS_SC_INTERNAL_ERROR;
  default:
    return 0;
  }
}

/* R20: in order, until one fails. The status the host is to get. */
static uint16_t attach_each(obj *o, uint8_t ctrls)
{
  uint16_t sf = 0;

  for (ctl *c = E->ctl; c < E->ctl + CTRLS && !sf; c++) {
    if (!(ctrls >> c->index & 1))
      continue;
    sf = c->state == NO_CTRL || c->state == GOING
             ? (uint16_t)(NVMENS_SC_INVALID_CTRL_LIST | NVMENS_SF_DNR)
         : follows_only(o, c) ? (uint16_t)(NVMENS_SC_NS_IS_PRIVATE | NVMENS_SF_DNR)
                              : status_of(expect_attach(o, c));
    if (!sf)
      wish(o, c, WISH_ATTACH);
  }
  return sf;
}

static uint16_t detach_each(obj *o, uint8_t ctrls, uint8_t owner)
{
  uint16_t sf = 0;
  bool changed = false;

  for (ctl *c = E->ctl; c < E->ctl + CTRLS && !sf; c++) {
    if (!(ctrls >> c->index & 1))
      continue;
    if (c->state == NO_CTRL || c->state == GOING)
      sf = NVMENS_SC_INVALID_CTRL_LIST | NVMENS_SF_DNR;
    else if (follows_only(o, c) || expect_detach(o, c, false))
      sf = NVMENS_SC_NS_NOT_ATTACHED | NVMENS_SF_DNR;
    if (sf)
      break;
    wish(o, c, WISH_DETACH);
    if (c->att[o->nsid] != ATTACHED)
      continue;
    begin_leave(c, o->nsid, DRAINING, E->now + W->deadline);
    c->owner[o->nsid] = owner;
    note(c, A_LOG, o->nsid, true);
    changed = true;
  }
  if (changed)
    note_all(o->nsid);
  return sf;
}

static uint8_t next_slot(void)
{
  uint8_t i = 0;

  while (i < CMDS && E->slot[i].state != C_FREE)
    i++;
  return (uint8_t)(i + 1);
}

static outcome check_end(const slot *s, uint16_t sf, const char *what)
{
  MUST(18, s->state != C_DONE || s->sf == sf, "%s ends with %x, expected %x", what, s->sf, sf);
  return DONE;
}

static outcome attach(ctl *c, const action *a)
{
  const obj *o = obj_of(a->n);
  slot *s;

  put_list(a->x);
  if (!o || o->deleting) {
    s = command(c, C_ATTACH, NVMENS_OP_NS_ATTACHMENT, a->n, NVMENS_NS_ATTACH);
    MUST(18, s->state == C_DONE && s->sf == (NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR),
         "attach of an unallocated NSID ends with %x", s->sf);
    return REFUSED;
  }
  if (W->prep_inside) {
    uint16_t sf = attach_each(obj_of(a->n), a->x);

    s = command(c, C_ATTACH, NVMENS_OP_NS_ATTACHMENT, a->n, NVMENS_NS_ATTACH);
    return check_end(s, sf, "attach");
  }
  s = command(c, C_ATTACH, NVMENS_OP_NS_ATTACHMENT, a->n, NVMENS_NS_ATTACH);
  MUST(18, s->state == C_TAKEN && s->prep, "attach does not wait for the backend");
  return DONE;
}

static outcome detach(ctl *c, const action *a)
{
  obj *o = obj_of(a->n);
  uint16_t sf = NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;
  bool there = o && !o->deleting;
  slot *s;

  put_list(a->x);
  if (there)
    sf = detach_each(o, a->x, next_slot());
  s = command(c, C_DETACH, NVMENS_OP_NS_ATTACHMENT, a->n, NVMENS_NS_DETACH);
  check_end(s, sf, "detach");
  return there ? DONE : REFUSED;
}

/* The list does not arrive. */
static outcome list_fails(ctl *c, uint8_t n)
{
  bool there = obj_of(n) && !obj_of(n)->deleting;

  now.features |= F(TRANSFER);
  now.fail = 1;
  put_list(1);
  command(c, C_SHORT, NVMENS_OP_NS_ATTACHMENT, n, NVMENS_NS_DETACH);
  now.fail = 0;
  MUST(21,
       now.sf ==
           ((there ? NVMENS_SC_DATA_TRANSFER_ERROR : NVMENS_SC_INVALID_FIELD) | NVMENS_SF_DNR),
       "a list that does not arrive ends with %x", now.sf);
  return REFUSED;
}

/* ---- create and delete ---- */

static outcome create(ctl *c)
{
  uint64_t used = 1;
  bool room = false;
  slot *s;

  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    room |= !obj_of(nsid);
  for (const obj *o = E->obj; o < E->obj + OBJS; o++)
    used += o->used ? o->size : 0;
  room &= !W->capacity || used <= W->capacity;
  memset(now.page, 0, sizeof(now.page));
  now.page[0] = now.page[8] = 1;
  now.page[30] = NVMENS_NMIC_SHARED;
  s = command(c, C_CREATE, NVMENS_OP_NS_MANAGEMENT, 0, NVMENS_NS_MGMT_CREATE);
  MUST(6, room == (s->state == C_TAKEN), "create %s", room ? "is refused" : "is not refused");
  return room ? DONE : REFUSED;
}

static outcome delete (ctl *c, uint32_t nsid)
{
  const bool all = nsid == NVMENS_NSID_ALL;
  uint8_t owner = next_slot();
  uint8_t bits = 0;
  slot *s;

  E->slot[owner - 1].ctl = c->index; /* as it will be */
  for (uint32_t n = 1; n <= W->nsids; n++) {
    obj *o = obj_of(n);

    if (!o || o->deleting || !(all || n == nsid))
      continue;
    bits |= (uint8_t)(1 << n);
    remove_truth(o, false, E->now + W->deadline, owner);
  }
  s = command(c, C_DELETE, NVMENS_OP_NS_MANAGEMENT, nsid, NVMENS_NS_MGMT_DELETE);
  if (s->state == C_TAKEN)
    s->nsids = bits;
  check_end(s, bits || all ? 0 : NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR, "delete");
  return bits ? DONE : REFUSED;
}

/* ---- the backend's answer ---- */

static uint8_t unused_who(void)
{
  for (uint8_t who = 1; who <= W->whos; who++) {
    bool used = false;

    for (const obj *o = E->obj; o < E->obj + OBJS; o++)
      used |= o->used && o->who == who;
    if (!used)
      return who;
  }
  return 0;
}

static outcome created(prep *p, slot *s, nvmens_token token)
{
  uint8_t who = unused_who(), n = 1, lowest = (uint8_t)(W->nsids + 1);
  nvmens_ident ident = ident_of(who);
  obj *o = obj_new();
  uint64_t used = 1;
  uint16_t sf = 0;

  for (const obj *other = E->obj; other < E->obj + OBJS; other++)
    used += other->used ? other->size : 0;
  while (n <= W->nsids && (obj_of(n) || remembered(n)))
    n++;
  for (uint8_t i = W->nsids; n > W->nsids && i > 0; i--) /* R69: or else the lowest */
    lowest = obj_of(i) ? lowest : i;
  n = n > W->nsids ? lowest : n;
  if (n > W->nsids)
    sf = NVMENS_SC_NS_ID_UNAVAILABLE | NVMENS_SF_DNR;
  else if (!who)
    sf = NVMENS_SC_INTERNAL_ERROR;
  else if (W->capacity && used > W->capacity)
    sf = NVMENS_SC_NS_INSUFFICIENT_CAPACITY | NVMENS_SF_DNR;
  *o = (obj){.used = 1, .nsid = n, .who = who, .size = 1, .shared = 1};
  o->reason = NVMENS_CREATE_FAILED;
  now.expects_created = s && !sf;
  if (!s || sf)
    o->nsid = 0; /* it will come back */
  else
    note_all(n);
  memset(p, 0, sizeof(*p));
  MUST(17, nvmens_prepared(E->s, token, (nvmens_status){0}, who ? &ident : NULL, o) == 0,
       "the token of a prepare is refused");
  if (s && (sf || s->sf))
    check_end(s, sf, "create");
  if (s && !sf) {
    MUST(5, s->state == C_DONE && s->dw0 == n, "create does not tell its NSID");
    MUST(13, !now.expects_created, "`created` is not called");
  } else {
    MUST(2, !o->used, "what was prepared for nothing is not given back");
  }
  return DONE;
}

static outcome prepared(prep *p, bool fails)
{
  slot *s = p->slot ? &E->slot[p->slot - 1] : NULL;
  nvmens_token token = p->token;
  obj *o = obj_of(p->nsid);
  bool there = o && !o->deleting && !p->gone;
  uint16_t sf = NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;

  now.may_alloc = 1;
  E->stale_prep = token;
  if (s)
    s->prep = 0;
  if (p->create && !fails)
    return created(p, s, token);
  if (fails)
    sf = NVMENS_SC_INTERNAL_ERROR;
  else if (s && there)
    sf = attach_each(o, p->ctrls);
  memset(p, 0, sizeof(*p));
  MUST(17, nvmens_prepared(E->s, token, (nvmens_status){fails ? sf : 0}, NULL, NULL) == 0,
       "the token of a prepare is refused");
  if (!s)
    return DONE;
  MUST(18, s->state == C_DONE, "a command that was prepared waits on");
  return check_end(s, sf, "attach");
}

outcome act_mgmt(action a)
{
  ctl *c = ready(a.c);

  if (a.kind == K_PREPARED || a.kind == K_PREPARE_FAILED)
    return E->prep[a.x].live ? prepared(&E->prep[a.x], a.kind == K_PREPARE_FAILED) : SKIPPED;
  if (!c || waiting() >= W->cmds)
    return SKIPPED;
  for (unsigned i = 0, live = 0; i < PREPS && (a.kind == K_CMD_ATTACH || a.kind == K_CMD_CREATE);
       i++)
    if ((live += E->prep[i].live) == W->cmds)
      return SKIPPED;
  switch (a.kind) {
  case K_CMD_ATTACH:
    return attach(c, &a);
  case K_CMD_DETACH:
    return detach(c, &a);
  case K_CMD_DELETE:
    return delete (c, a.n);
  case K_CMD_DELETE_ALL:
    return delete (c, NVMENS_NSID_ALL);
  case K_CMD_CREATE:
    return create(c);
  default:
    return list_fails(c, a.n);
  }
}
