/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wants.c: what should be attached (R56-R58), what a host sees of it, and H1 and H3: what must
 * never
 * be, whatever disks the hosts still have.
 */
#include "explore.h"

/* ---- what should be (R56) ---- */

bool should(const obj *o, const ctl *c)
{
  uint8_t n = o->nsid;

  if (o->deleting || c->state == NO_CTRL || c->state == GOING)
    return false;
  if (c->wish[n])
    return c->wish[n] == WISH_ATTACH;
  return o->auto_attach && (o->shared || o->keeper == host_of(c) + 1);
}

/* The lowest CNTLID's host keeps what is private and has no keeper. */
void find_keepers(void)
{
  const ctl *lowest = NULL;

  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    if (c->state != NO_CTRL && c->state != GOING && (!lowest || c->cntlid < lowest->cntlid))
      lowest = c;
  for (obj *o = E->obj; o < E->obj + OBJS && lowest; o++)
    if (o->used && !o->deleting && !o->shared && o->auto_attach && !o->keeper)
      o->keeper = (uint8_t)(host_of(lowest) + 1);
}

void wish(const obj *o, ctl *c, uint8_t what)
{
  c->wish[o->nsid] = what;
  if (what != WISH_DETACH || o->shared)
    return;
  for (const ctl *other = E->ctl; other < E->ctl + W->ctrls; other++)
    if (other != c && seen_by_host(other, o->nsid))
      return;
  end_auto(obj_of(o->nsid));
}

void end_auto(obj *o)
{
  o->auto_attach = 0;
}

/* What was explicit at a controller is so again at the next of this CNTLID (R67). One host has
 * all. */
void ctrl_wishes(ctl *c, bool comes)
{
  for (uint32_t n = 1; n <= W->nsids; n++) {
    const obj *o = obj_of(n);
    struct past *past = &E->past[c->cntlid % CTRLS][n];
    bool same = o && !o->deleting && o->ref.gen == past->gen;

    if (!comes && o && !o->deleting && c->wish[n])
      *past = (struct past){o->ref.gen, c->wish[n], c->cntlid};
    if (!comes)
      continue;
    c->wish[n] = same ? past->wish : WISH_NONE;
    *past = (struct past){0, 0, 0};
  }
}

/* R58: to the commands of a host it is not here. */
bool follows_only(const obj *o, const ctl *c)
{
  uint8_t n = o->nsid;

  if (o->shared || !wanted(c, n) || c->wish[n] == WISH_ATTACH)
    return false;
  for (const ctl *other = E->ctl; other < E->ctl + W->ctrls; other++)
    if (other->att[n] == ATTACHED || fenced(other, n))
      return true;
  return false;
}

int expect_detach(const obj *o, const ctl *c, bool surprise)
{
  uint8_t n = o->nsid;

  switch (c->att[n]) {
  case DETACHED:
    return wanted(c, n) || fenced(c, n) ? 0 : NVMENS_ERR_NOT_ATTACHED;
  case ATTACHED:
    return 0;
  default:
    return surprise || should(o, c) ? 0 : NVMENS_ERR_BUSY;
  }
}

/* ---- what the host sees ---- */

bool seen_by_host(const ctl *c, uint32_t nsid)
{
  return c->att[nsid] == ATTACHED || fenced(c, nsid);
}

/* Behind the fence there is no hook: what was seen after the last action is compared. */
void follow_fences(void)
{
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t n = 1; n <= W->nsids && c->ctrl; n++) {
      bool is = fenced(c, n);

      c->had[n] |= is || wanted(c, n) || c->att[n] != DETACHED;
      if (is && !c->fenced[n])
        check_shown_elsewhere(c, n);
      if (is != c->fenced[n] && c->att[n] != ATTACHED) {
        if (in_log(c, A_LOG, n))
          note(c, A_LOG, n, true);
        for (ctl *other = E->ctl; other < E->ctl + W->ctrls; other++)
          if (other->ctrl && in_log(other, G_LOG, n))
            note(other, G_LOG, n, true);
      }
      c->fenced[n] = is;
    }
}

/* A read has let it in; the hook is called when the read ends, or what happens during it. */
void attached_by_now(void)
{
  nvmens_att_info info;

  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t n = 1; n <= W->nsids && c->ctrl; n++) {
      obj *o = obj_of(n);

      if (!o || c->att[n] != DETACHED || nvmens_att_query(E->s, o->ref, c->ctrl, &info) ||
          info.state != NVMENS_ATT_ATTACHED || c->att[n] != DETACHED)
        continue; /* looking may have called the hook */
      attach_truth(o, c);
      c->early[n] = 1;
    }
}

/* ---- H1, H3 ---- */

static bool listens(const ctl *c)
{
  return c->state == READY && (c->aec & NVMENS_AEC_ATTACHED_NS) && !silent(c);
}

/* H1: the host sends a command to each disk that it has. */
static void send_io(const ctl *c, uint32_t nsid)
{
  const disk *d = &E->host[c->index].seen[nsid];
  nvmens_ticket ticket;
  void *ns_user = NULL;

  if (!d->who || !c->lane || nvmens_io_begin(c->lane, nsid, &ticket, &ns_user).sf)
    return;
  MUST(26, ((const obj *)ns_user)->who == d->who,
       "H1: a command to disk %u of NSID %u at controller %u reaches %u", d->who, nsid, c->index,
       ((const obj *)ns_user)->who);
  nvmens_io_end(c->lane, ticket);
}

/* H3: nor is another shown, while this path has it. */
static void check_shown(const ctl *c, uint32_t nsid)
{
  uint8_t who = E->host[c->index].seen[nsid].who;

  MUST(26, !who || who == obj_of(nsid)->who,
       "H3: %u is shown as NSID %u at controller %u, whose host has %u", obj_of(nsid)->who, nsid,
       c->index, who);
}

/* At the moment when it is shown: nor while another path has it that listens. */
void check_shown_elsewhere(const ctl *c, uint32_t nsid)
{
  for (const ctl *path = E->ctl; path < E->ctl + W->ctrls && W->host && !W->restarted; path++) {
    uint8_t who = E->host[path->index].seen[nsid].who;

    if (path->ctrl && is_newcomer(path) && !should(obj_of(nsid), path))
      continue; /* nothing would have it told */
    if (path != c && c->state == READY && host_of(path) == host_of(c) && who && listens(path))
      MUST(26, who == obj_of(nsid)->who,
           "H3: %u is shown as NSID %u at controller %u, the host has %u at %u", obj_of(nsid)->who,
           nsid, c->index, who, path->index);
  }
}

void check_hosts(void)
{
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
      if (!c->ctrl || c->state != READY || W->restarted)
        continue;
      send_io(c, nsid);
      if (listens(c) && seen_by_host(c, nsid))
        check_shown(c, nsid);
    }
}
