/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * canon.c: which states are the same. The only file here that knows the library's objects.
 *
 * The canonical form is a string of bytes: everything that what can happen next depends on, and
 * nothing else. Objects are named by CNTLID and NSID, commands by what they are; times count from
 * now. Not in it: pointers and rooms of arrays; generations, tokens, epochs, sequence and latch
 * numbers (only what they compare to counts: whether a command is old, a change newer than a
 * snapshot, a stamp of this epoch); statistics; the order of lists in which nothing but the order
 * of the hooks of one call is decided. What the environment believes is in it too, so that a state
 * in which belief and library differ is a state of its own.
 */
#include "explore.h"

#include "ctrl.h"
#include "ns.h"
#include "attach.h"
#include "subsys.h"

static uint8_t *at;
static const uint8_t *end;

static void put8(uint64_t value)
{
  if (at < end)
    *at++ = (uint8_t)value;
  else
    broken(0, "the canonical form is too long");
}

static void put16(uint64_t value)
{
  put8(value);
  put8(value >> 8);
}

static void put32(uint64_t value)
{
  put16(value);
  put16(value >> 16);
}

static void put_due(uint64_t due)
{
  put8(due == UINT64_MAX ? 0xFF : due < E->now ? 0 : due - E->now + 1);
}

static void put_timer(const nvmens_timer *timer)
{
  if (timer->running)
    put_due(timer->at);
  else
    put8(0xFE);
}

/* ---- identities: who stands behind a hash ---- */

static uint64_t hash_of[WHOS + 1];

static void learn(const nvmens_ns *ns)
{
  uint8_t who = ns->ident.uuid[0];

  if (who > WHOS)
    return;
  MUST(24, !hash_of[who] || hash_of[who] == ns->identity, "an identity has two hashes");
  hash_of[who] = ns->identity;
}

static uint8_t who_of(uint64_t identity)
{
  for (uint8_t who = 1; who <= WHOS; who++)
    if (hash_of[who] == identity)
      return who;
  broken(24, "an identity that is remembered is nobody's");
  return 0xFF;
}

/* ---- commands ---- */

typedef struct name { /* of a command that waits: what it is */
  uint8_t bytes[24];
  const nvmens_cmd *cmd;
} name;
static name names[CMDS];
static unsigned nnames;

static uint8_t name_of(const nvmens_cmd *cmd)
{
  if (!cmd)
    return 0xFF;
  for (unsigned i = 0; i < nnames; i++)
    if (names[i].cmd == cmd)
      return (uint8_t)i;
  return 0xFE;
}

static void put_prep(const prep *p, const nvmens_prep *own)
{
  put8(p->live | p->create << 1 | p->gone << 2 | (p->slot != 0) << 3);
  put8(p->nsid << 4 | p->ctrls);
  if (!own) {
    put8(0xFD);
    return;
  }
  put8((own->cmd != NULL) | own->create << 1 | own->answered << 2 | own->in_hook << 3);
  put_timer(&own->timer);
  put8(own->create ? 0 : nvmens_ns_of_ref(E->s, own->ref) != NULL);
}

static const nvmens_prep *prep_of(const prep *p)
{
  return nvmens_tokens_find(&E->s->tokens, p->token, NVMENS_TOKEN_PREP);
}

static int compare_names(const name *a, const name *b)
{
  return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static void name_commands(void)
{
  uint8_t *const out = at;
  const uint8_t *const out_end = end;

  nnames = 0;
  for (const slot *c = E->slot; c < E->slot + CMDS; c++) {
    name n = {.cmd = &c->cmd};
    unsigned i;

    if (c->state != C_TAKEN || c->kind == C_AER)
      continue;
    at = n.bytes;
    end = n.bytes + sizeof(n.bytes);
    put8(c->kind << 4 | c->ctl);
    put8(c->old | c->dropped << 1 | c->nsids << 2);
    put16(c->cmd.sf);
    put8(c->cmd.state);
    put8(c->cmd.waits);
    put8(c->cmd.dw0);
    put8(c->cmd.epoch != c->cmd.ctrl->epoch);
    put8(c->cmd.error_info);
    if (c->prep)
      put_prep(&E->prep[c->prep - 1], prep_of(&E->prep[c->prep - 1]));
    for (i = nnames; i > 0 && compare_names(&names[i - 1], &n) > 0; i--)
      names[i] = names[i - 1];
    names[i] = n;
    nnames++;
  }
  at = out;
  end = out_end;
}

static void put_orphans(void)
{
  uint8_t count = 0;

  for (const prep *p = E->prep; p < E->prep + PREPS; p++)
    if (p->live && !p->slot)
      count = (uint8_t)(count + 1);
  put8(count);
  for (unsigned pass = 0; pass < 16; pass++) /* in an order of their own: by what they are */
    for (const prep *p = E->prep; p < E->prep + PREPS; p++)
      if (p->live && !p->slot && (unsigned)(p->create << 3 | (p->nsid & 7)) == pass)
        put_prep(p, prep_of(p));
}

/* ---- controllers ---- */

static void put_set(const nvmens_changed_set *set)
{
  put8(set->overflow);
  put8(set->count);
  for (unsigned i = 0; i < set->count; i++)
    put8(set->nsid[i]);
}

static void put_log(const nvmens_ctrl *ctrl, int log, bool as_read)
{
  const nvmens_changed *c = &ctrl->changed[log];

  if (as_read) { /* what is in it, wherever */
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      put8(nvmens_changed_has(c, nsid));
    return;
  }
  put_set(&c->latched);
  put_set(&c->since);
  put8(c->snapshot);
  if (c->latched.count) {
    put8(c->sent[0] & ((1u << c->latched.count) - 1));
    put8(c->gone[0] & ((1u << c->latched.count) - 1));
  }
}

static void put_sources(const nvmens_ctrl *ctrl, const ctl *c, bool as_read)
{
  const nvmens_notices *n = &ctrl->notices;

  for (uint16_t s = n->first; s; s = n->source[s - 1].next) {
    const nvmens_source *source = &n->source[s - 1];
    uint8_t newer = 0;

    for (int log = 0; log < LOGS && !as_read; log++)
      if (ctrl->changed[log].snapshot)
        newer |= (uint8_t)((source->seq > ctrl->changed[log].seq) << log);
    if (c->has_stamp && c->stamp >= ctrl->notices.from)
      newer |= (uint8_t)((source->seq > c->stamp) << LOGS);
    put16(s);
    put8(source->state | newer << 4);
    put8(source->lid);
    put32(source->mask);
  }
  put16(0);
}

static void put_att(const ctl *c, uint32_t nsid, bool as_read)
{
  const nvmens_attachment *att = nvmens_att_of(c->ctrl, nsid);
  bool live, open, pends;

  put8(c->att[nsid] | c->told[nsid] << 4 | c->had[nsid] << 5);
  put8(c->held[nsid] | c->far[nsid] << 4);
  put_due(c->due[nsid]);
  put8(c->drain[nsid].live | c->drain[nsid].answered << 1 | c->drain[nsid].aborted << 2);
  put8(c->owner[nsid] ? name_of(&E->slot[c->owner[nsid] - 1].cmd) : 0xFF);
  if (!att) {
    put8(0xFF);
    return;
  }
  live = nvmens_tokens_find(&E->s->tokens, nvmens_tokens_last(&E->s->tokens, att->place),
                            NVMENS_TOKEN_DRAIN) == att;
  open = nvmens_slot_is_open(att->slot);
  put8(att->state | att->mark << 4 | (att->ns != NULL) << 6 | att->opening << 7);
  put8(att->mark || att->state == NVMENS_ATT_ATTACHED ? who_of(att->identity) << 1 | att->shared
                                                      : 0);
  pends = att->state == NVMENS_ATT_WANTED || att->state == NVMENS_ATT_FENCED;
  put8((pends ? att->waits : 0) | att->waited << 4 |
       (att->state == NVMENS_ATT_ATTACHED && att->enables == c->ctrl->enables) << 5 |
       (nvmens_nsid_set_get(&c->ctrl->active, nsid) != NULL) << 6);
  put8((nvmens_att_wish_is_alive(att) ? att->wish : 0) | c->wish[nsid] << 2 | c->fenced[nsid] << 4);
  put8(!as_read && att->mark && att->latch == c->ctrl->changed[A_LOG].latch);
  put8(name_of(att->debt.owner));
  put_timer(&att->timer);
  put8(live ? 1 + att->hook_done : 0);
  put8(open | gate_closing(c, nsid) << 1);
  put16(open ? 0 : att->slot->answer); /* closing sets it anew */
  put8(nvmens_gate_holders(c->ctrl->gate, att->slot));
}

static void put_ctl(const ctl *c, bool as_read)
{
  const nvmens_ctrl *ctrl = c->ctrl;
  uint8_t running = 0;

  put8(c->state | (c->lane != NULL) << 4);
  if (!ctrl)
    return;
  put8(ctrl->state);
  put8(ctrl->css);
  put32(ctrl->notices.aec);
  put8(ctrl->notices.parked_count);
  put8(c->nfifo);
  for (const nvmens_cmd *cmd = ctrl->cmds; cmd; cmd = cmd->next)
    running = (uint8_t)(running + 1);
  put8(running);
  put8(ctrl->live << 4 | ctrl->active.count);
  put8(c->cntlid);
  put8(ctrl->owes | ctrl->stranger << 2 | ctrl->silent << 4 | (as_read ? 0 : ctrl->reads_ids << 5) |
       ctrl->nwaited << 6);
  put8(!as_read && ctrl->owes && ctrl->owes_latch == ctrl->changed[A_LOG].latch);
  put8(!as_read && ctrl->stranger == NVMENS_STRANGER_TOLD &&
       ctrl->listed_latch == ctrl->changed[A_LOG].latch);
  put_timer(&ctrl->patience);
  put8(ctrl->patience.running && ctrl->counting);
  for (int log = 0; log < LOGS; log++) {
    const log_shadow *s = &c->log[log];

    put_log(ctrl, log, as_read);
    if (as_read)
      continue;
    put8(s->dirty);
    put8(s->owed);
    if (!ctrl->changed[log].snapshot)
      continue; /* the next read takes one, whatever these are */
    put8(s->fresh);
    put8(s->sent);
    put8(s->owed_fresh);
  }
  put8(c->posted | (c->has_stamp ? c->posted_fresh << 4 : 0));
  put8(c->has_stamp ? 1 + (c->stamp >= ctrl->notices.from) + 2 * c->stamp_old : 0);
  put_sources(ctrl, c, as_read);
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    put_att(c, nsid, as_read);
}

/* ---- namespaces and the rest ---- */

static void put_ns(uint32_t nsid)
{
  const nvmens_ns *ns = nvmens_ns_of(E->s, nsid);
  const obj *o = obj_of(nsid);

  if (o) {
    put8(o->used | o->shared << 1 | o->auto_attach << 2 | o->deleting << 3 | o->reason << 4);
    put8(o->who << 4 | o->size);
  } else {
    put8(0);
  }
  if (!ns) {
    put8(0xFF);
    return;
  }
  put8(ns->state | ns->leaving << 2 | ns->shared << 3 | ns->auto_attach << 4 |
       ns->write_protected << 5 | (ns->user == o) << 6);
  put8(ns->reason);
  put8(ns->ident.uuid[0]);
  put16(ns->nsze);
  put16(ns->ncap);
  put8(ns->csi << 4 | ns->flbas);
  put16(ns->home);
  put8((o ? o->keeper : 0) | (ns->keeper ? ns->keeper->hostid[0] : 0) << 4);
  put8(name_of(ns->debt.owner));
  put8(o && o->ref.gen == ns->gen);
}

static void put_host(const host *h)
{
  put8(h->phase);
  if (h->phase >= H_LOOK)
    put8(h->at);
  put8(h->phase == H_SIZE ? h->who : 0);
  put8(h->queued);
  put_due(h->left_at ? h->left_at + W->memory : UINT64_MAX);
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
    put8(h->seen[nsid].who << 4 | h->seen[nsid].size);
    put8(h->phase >= H_LOOK && (W->host != HOST_SPDK || nsid >= h->at) ? h->todo[nsid] : 0);
  }
}

/* ---- what is remembered of paths that went away ---- */

static void put_past(const nvmens_past *past)
{
  put8(past->has_disk | past->any << 1 | past->shared << 2 | past->wish << 3);
  if (past->has_disk && !past->any)
    put8(who_of(past->identity));
  if (past->has_disk) {
    put_due(past->until);
    for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
      put8(c->ctrl && c->ctrl->owes && past->serial < c->ctrl->born);
  }
  if (past->wish)
    put8(past->cntlid);
}

static void put_memory(void)
{
  if (W->keeps)
    put_due(E->s->strangers_until);
  for (const nvmens_paths *paths = E->s->hosts; paths; paths = paths->next) {
    put8(paths->hostid[0]);
    put_timer(&paths->timer);
    for (uint8_t i = 0; i < paths->nleft && W->keeps; i++)
      put8(paths->left[i]);
    put8(0xFC);
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
      const nvmens_disk *d = nvmens_nsid_set_get(&paths->disks, nsid);

      for (const nvmens_past *past = d ? d->past : NULL; past; past = past->next)
        put_past(past);
      put8(0xFB);
    }
  }
  for (unsigned c = 0; c < CTRLS; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      put8(E->past[c][nsid].wish);
}

size_t canon(uint8_t out[CANON_ROOM], bool logs_as_read)
{
  at = out;
  end = out + CANON_ROOM;
  put8(E->over);
  if (E->over)
    return (size_t)(at - out);
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    if (nvmens_ns_of(E->s, nsid))
      learn(nvmens_ns_of(E->s, nsid));
  name_commands();
  put8(nnames);
  for (unsigned i = 0; i < nnames; i++)
    for (size_t j = 0; j < sizeof(names[i].bytes); j++)
      put8(names[i].bytes[j]);
  put_orphans();
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    put_ctl(c, logs_as_read);
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    put_ns(nsid);
  put8(E->woken | (E->s->bell.rung != 0) << 1 | E->ending << 2 | E->s->ending << 3);
  put8(E->s->nctrl);
  put8(E->s->attached);
  put32(E->s->unvmcap.lo);
  if (W->host)
    for (unsigned i = 0; i < W->ctrls; i++)
      put_host(&E->host[i]);
  put_memory();
  return (size_t)(at - out);
}

/* Two multiplicative hashes of 64 bits, well mixed at the end. */
static uint64_t mix(uint64_t x)
{
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

digest canon_digest(bool logs_as_read)
{
  uint8_t bytes[CANON_ROOM + 8];
  size_t size = canon(bytes, logs_as_read);
  digest d = {size, ~(uint64_t)size};

  memset(bytes + size, 0, 8);
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word;

    memcpy(&word, bytes + i, 8);
    d.lo = mix(d.lo + word + UINT64_C(0x9e3779b97f4a7c15));
    d.hi = (d.hi ^ word) * UINT64_C(0xd6e8feb86659fd93);
    d.hi ^= d.hi >> 32;
  }
  d.hi = mix(d.hi ^ d.lo << 1);
  return d;
}
