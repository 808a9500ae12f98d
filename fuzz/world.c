/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c: see world.h.
 */
#include "world.h"

/* ---- the input ---- */

uint32_t word_of(world *w)
{
  uint32_t value = 0;

  for (int i = 0; i < 4; i++)
    value |= (uint32_t)byte_of(w) << 8 * i;
  return value;
}

/* A hook may call back in (T4). */
static void react(world *w)
{
  if (w->in.left && w->depth < 3 && w->act && byte_of(w) > 0xE0) {
    w->depth++;
    w->act(w);
    w->depth--;
  }
}

/* ---- memory and the lock ---- */

static void *on_alloc(void *user, size_t size)
{
  world *w = user;
  void *block;

  if (w->fail_alloc && --w->fail_alloc == 0)
    return NULL;
  block = malloc(size);
  w->blocks += block != NULL;
  return block;
}

static void on_free(void *user, void *block)
{
  if (block)
    ((world *)user)->blocks--;
  free(block);
}

static void on_lock(void *user)
{
  MUST(!((world *)user)->locked);
  ((world *)user)->locked = 1;
}

static void on_unlock(void *user)
{
  MUST(((world *)user)->locked);
  ((world *)user)->locked = 0;
}

static void on_wake(void *user)
{
  ((world *)user)->woken = 1;
}

/* ---- effects ---- */

static void effect_begins(world *w)
{
  MUST(!w->locked);
  MUST(w->effects++ == 0);
  w->hooks++;
}

static void effect_ends(world *w)
{
  react(w);
  w->effects--;
}

static void ended(nvmens_cmd *cmd)
{
  command *c = (command *)(void *)cmd;
  world *w = c->w;

  effect_begins(w);
  w->commands--;
  memset(c, 0xA5, sizeof(*c));
  free(c);
  effect_ends(w);
}

static void on_complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                        uint64_t info)
{
  (void)user, (void)status, (void)dw0, (void)info;
  ended(cmd);
}

static void on_drop(void *user, nvmens_cmd *cmd)
{
  (void)user;
  ended(cmd);
}

static void on_attached(void *ns_user, void *ctrl_user)
{
  object *o = ns_user;
  const controller *k = ctrl_user;

  effect_begins(o->w);
  MUST(!o->on[k->slot]);
  o->on[k->slot] = 1;
  effect_ends(o->w);
}

static void on_detached(void *ns_user, void *ctrl_user)
{
  object *o = ns_user;
  const controller *k = ctrl_user;

  effect_begins(o->w);
  MUST(o->held[k->slot] == 0);
  o->on[k->slot] = 0; /* it may have left before it was told of */
  effect_ends(o->w);
}

static void on_released(void *ns_user, nvmens_reason reason)
{
  object *o = ns_user;
  world *w = o->w;

  effect_begins(w);
  (void)reason;
  for (unsigned i = 0; i < CTRLS; i++)
    MUST(!o->on[i] && !o->held[i]);
  w->objects--;
  free(o);
  effect_ends(w);
}

static void on_ctrl_released(void *ctrl_user)
{
  controller *k = ctrl_user;
  world *w = k->w;

  effect_begins(w);
  MUST(w->ctrl[k->slot] == k);
  w->ctrl[k->slot] = NULL;
  free(k);
  effect_ends(w);
}

static nvmens_wait later(world *w, nvmens_token token, int prepare, int create)
{
  for (unsigned i = 0; i < TOKENS; i++)
    if (!w->token[i].token) {
      w->token[i] = (pending){token, (uint8_t)prepare, (uint8_t)create};
      return NVMENS_PENDING;
    }
  return NVMENS_DONE;
}

static nvmens_wait on_drain(void *ns_user, void *ctrl_user, nvmens_token token)
{
  world *w = ((object *)ns_user)->w;
  nvmens_wait wait = NVMENS_DONE;
  uint8_t how;

  (void)ctrl_user;
  effect_begins(w);
  how = byte_of(w) & 3;
  if (how & 1)
    wait = later(w, token, 0, 0);
  else if (how & 2)
    MUST(nvmens_done(w->s, token, (nvmens_status){0}) == 0);
  effect_ends(w);
  return wait;
}

static void on_drain_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  world *w = ((object *)ns_user)->w;

  (void)ctrl_user;
  effect_begins(w);
  if (byte_of(w) & 1)
    nvmens_done(w->s, token, (nvmens_status){0});
  effect_ends(w);
}

/* ---- hooks that are no effects ---- */

static nvmens_status on_transfer(void *user, nvmens_cmd *cmd, void *buf, size_t len, nvmens_dir dir)
{
  command *c = (command *)(void *)cmd;
  world *w = c->w;
  uint8_t *host;

  (void)user;
  MUST(!w->locked);
  if (dir == NVMENS_FROM_HOST) {
    MUST(len <= c->asked);
    memset(buf, 0, len);
    memcpy(buf, c->data, len < c->len ? len : c->len);
  } else {
    MUST(len <= c->room);
    host = malloc(len ? len : 1);
    memcpy(host, buf, len);
    free(host);
  }
  react(w); /* the command may be gone by now */
  return (nvmens_status){byte_of(w) == 0xFF ? 0x4004 : 0};
}

nvmens_ident ident_of(world *w)
{
  nvmens_ident ident = {{0}, {0}, {0}};

  if (byte_of(w) < 0xF0)
    w->idents++;
  ident.uuid[0] = (uint8_t)w->idents;
  ident.uuid[1] = (uint8_t)(w->idents >> 8);
  ident.uuid[15] = 1;
  return ident;
}

object *object_new(world *w)
{
  object *o = calloc(1, sizeof(*o));

  o->w = w;
  w->objects++;
  return o;
}

void object_back(object *o)
{
  o->w->objects--;
  free(o);
}

void answer_token(world *w, pending *p, nvmens_status status, int known)
{
  pending was = *p;
  nvmens_ident ident = ident_of(w);
  object *o;
  int err;

  p->token = 0;
  if (!was.prepare) {
    nvmens_done(w->s, was.token, status);
    return;
  }
  o = was.create && !status.sf ? object_new(w) : NULL;
  err = nvmens_prepared(w->s, was.token, status, known ? &ident : NULL, o);
  if (err && o)
    object_back(o);
}

static nvmens_wait on_prepare(void *user, nvmens_cmd *cmd, const nvmens_intent *intent,
                              nvmens_token token)
{
  world *w = ((controller *)user)->w;
  pending p = {token, 1, intent->create};
  uint8_t how;

  (void)cmd;
  MUST(!w->locked);
  how = byte_of(w) & 7;
  react(w);
  if (!intent->create && how == 1)
    return NVMENS_DONE;
  if (how & 2 && later(w, token, 1, intent->create) == NVMENS_PENDING)
    return NVMENS_PENDING;
  answer_token(w, &p, (nvmens_status){how == 5 ? 0x4006 : 0}, how != 4);
  return NVMENS_PENDING;
}

static int on_identify(void *ns_user, void *user, uint8_t cns, uint8_t csi, void *page)
{
  world *w = ((controller *)user)->w;

  (void)cns, (void)csi;
  MUST(!w->locked);
  if (ns_user)
    MUST(((object *)ns_user)->w == w);
  memset(page, 0x5A, 4096);
  react(w);
  return byte_of(w) == 0xFF ? -1 : 0;
}

/* ---- the world ---- */

static const nvmens_host hooks = {.cmd_complete = on_complete,
                                  .cmd_drop = on_drop,
                                  .transfer = on_transfer,
                                  .prepare = on_prepare,
                                  .attached = on_attached,
                                  .detached = on_detached,
                                  .released = on_released,
                                  .ctrl_released = on_ctrl_released,
                                  .drain_begin = on_drain,
                                  .drain_abort = on_drain_abort,
                                  .identify = on_identify,
                                  .wake = on_wake,
                                  .lock = on_lock,
                                  .unlock = on_unlock};

void world_new(world *w, input in, const nvmens_subsys_config *config)
{
  const nvmens_mem mem = {w, on_alloc, on_free};

  memset(w, 0, sizeof(*w));
  w->in = in;
  MUST(nvmens_subsys_new(&w->s, config, &hooks, &mem, w) == 0);
}

void world_check(world *w)
{
  const char *why = NULL;

  if (w->depth || !w->s)
    return;
  MUST(!w->locked && w->effects == 0);
  if (nvmens_subsys_check(w->s, &why)) {
    fprintf(stderr, "nvmens_subsys_check: %s\n", why);
    abort();
  }
}

void world_poll(world *w, uint64_t ns)
{
  unsigned before = w->hooks;
  int quiet = !w->depth && !w->woken && nvmens_next_deadline(w->s) > w->now + ns;

  w->now += ns;
  w->woken = 0;
  nvmens_poll(w->s, w->now);
  MUST(!quiet || w->hooks == before);
}

static int empty(const world *w)
{
  for (unsigned i = 0; i < CTRLS; i++)
    if (w->ctrl[i])
      return 0;
  return !w->objects && !w->commands;
}

void world_end(world *w)
{
  int err = NVMENS_ERR_BUSY;

  w->in.left = 0;
  w->fail_alloc = 0;
  for (unsigned i = 0; i < TICKETS; i++)
    if (w->held[i].used)
      end_io(w, &w->held[i], 0);
  for (unsigned i = 0; i < LANES; i++)
    drop_lane(w, i);
  for (unsigned i = 0; i < CTRLS; i++)
    if (w->ctrl[i] && w->ctrl[i]->c)
      nvmens_ctrl_reset(w->ctrl[i]->c);
  for (int round = 0; round < 64 && err; round++) {
    for (unsigned i = 0; i < TOKENS; i++)
      if (w->token[i].token)
        answer_token(w, &w->token[i], (nvmens_status){0x4006}, 0);
    world_poll(w, 0);
    err = nvmens_subsys_del(w->s);
  }
  MUST(err == 0);
  MUST(empty(w));
  MUST(w->blocks == 0);
}
