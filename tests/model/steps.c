/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps.c: the frame of a step: beginning, end, and what the backend asks for.
 */
#include "world.h"

static void *counted_alloc(void *user, size_t size)
{
  void *block = malloc(size);

  (void)user;
  if (!block)
    abort();
  W.blocks++;
  return block;
}

static void counted_free(void *user, void *block)
{
  (void)user;
  W.blocks--;
  free(block);
}

void w_init(const m_config *conf, int verbose)
{
  const nvmens_mem mem = {NULL, counted_alloc, counted_free};
  int rc;

  memset(&W, 0, offsetof(w_world, escape));
  memset(W.cmd, 0xA5, sizeof(W.cmd));
  for (int i = 0; i < M_CMDS; i++)
    W.cmd[i].driver = 0;
  for (int i = 0; i < W_IOS; i++)
    W.io[i].used = 0;
  W.verbose = verbose;
  w_drivers_init();
  m_init(conf);
  rc = nvmens_subsys_new(&W.s, &conf->cfg, w_hooks(), &mem, NULL);
  if (rc) {
    fprintf(stderr, "nvmens_subsys_new: %s\n", nvmens_strerror(rc));
    abort();
  }
}

void w_stats_add(w_stats *to, const w_stats *from)
{
  to->runs += from->runs;
  to->steps += from->steps;
  to->calls += from->calls;
  to->hooks += from->hooks;
  to->pages += from->pages;
  to->checks += from->checks;
  to->events += from->events;
  to->scans += from->scans;
  to->swaps += from->swaps;
  to->refusals += from->refusals;
  to->views += from->views;
}

void w_enter(void)
{
  M.inside = W.hooks;
  W.head[W.calls % W_CALLS] = M.head;
  W.tail[W.calls % W_CALLS] = M.tail;
  W.calls++;
  w_count->calls++;
}

/* What is over is due now. */
static uint64_t at_earliest(uint64_t at)
{
  return at < M.told ? M.told : at;
}

/* After a call: nothing may be left of what the model expects. */
void w_came_back(void)
{
  const m_effect *e;

  W.calls--;
  w_choose();
  if (W.effects > 0) /* they are left to the one that is calling that hook */
    return;
  if (W.hooks && M.head == W.head[W.calls % W_CALLS] && M.tail == W.tail[W.calls % W_CALLS])
    return; /* nothing came of it; what was left over is run when the command goes on */
  if (M.contended)
    w_fail("the library lets none in of those that wait for a limit");
  e = m_next();
  if (e)
    w_fail("the library did not call %s (ctrl %d ns %d cmd %d)", w_hook_name[e->kind], e->ctrl,
           e->ns, e->cmd);
  if (at_earliest(nvmens_next_deadline(W.s)) != at_earliest(m_next_deadline()))
    w_fail("next_deadline: the library says %llu, the model %llu",
           (unsigned long long)nvmens_next_deadline(W.s), (unsigned long long)m_next_deadline());
}

static void say_step(const w_step *s)
{
  w_say("%s %s %d %d %d %d %d %d %d", w_hook_name[s->when], w_op_name[s->op], s->a[0], s->a[1],
        s->a[2], s->a[3], s->a[4], s->a[5], s->a[6]);
}

void w_do(const w_step *s)
{
  uint64_t before;

  if (s->when != K_NONE) {
    if (W.narmed < W_ARMED)
      W.armed[W.narmed++] = *s;
    return;
  }
  if (W.verbose)
    say_step(s);
  before = w_count->calls;
  if (s->op < OP_aer || s->op >= OP_query)
    w_do_backend(s);
  else if (s->op >= OP_lane_new && s->op <= OP_io_end_remote)
    w_do_gate(s);
  else
    w_do_host(s);
  w_disks_check();
  w_count->steps += W.plain && w_count->calls != before;
}

void w_step_do(const w_step *s)
{
  W.plain = 1;
  w_do(s);
  W.plain = 0;
}

/* The first step that was kept for this kind of hook. */
void w_run_armed(m_kind kind)
{
  int limits = M.conf.cfg.maxdna || M.conf.cfg.maxcna;

  /* Who waits for a limit is looked at when the hook detached has returned; what is let in by a
   * call inside it is not said, nor whether attached comes before a drain that no hook tells of.
   * And while a read waits for that, the page is not made. */
  if (M.contended || M.reading ||
      (limits && (kind == K_DETACHED || (kind == K_ATTACHED && M.conf.no_drain))))
    return;
  for (unsigned i = 0; i < W.narmed; i++)
    if (W.armed[i].when == kind) {
      w_step s = W.armed[i];

      W.narmed--;
      memmove(W.armed + i, W.armed + i + 1, (W.narmed - i) * sizeof(W.armed[0]));
      s.when = K_NONE;
      if (M.depth < M_FRAMES - 2 && W.hooks < 40)
        w_do(&s);
      return;
    }
}

void w_token(uint32_t model, nvmens_token lib)
{
  if (lib == 0)
    w_fail("a token is 0");
  W.token[model % W_TOKENS] = lib;
  if (model > W.ntokens)
    W.ntokens = model;
}

int w_obj_new(void)
{
  for (int i = 0; i < M_OBJS; i++)
    if (!W.obj[i].used) {
      W.obj[i].used = 1;
      return i;
    }
  return M_NONE;
}

/* Identities: some are used again, so that namespaces come back as they were, or clash. */
void w_ident(nvmens_ident *id, unsigned how)
{
  unsigned who = how & 7 ? how & 7 : 8 + ++W.ids;

  memset(id, 0, sizeof(*id));
  if (how & 0x10)
    id->nguid[15] = (uint8_t)who;
  if (how & 0x20) {
    id->eui64[7] = (uint8_t)who;
    id->eui64[6] = (uint8_t)(who >> 8);
  }
  if (!(how & 0x30) || (how & 0x40)) {
    id->uuid[15] = (uint8_t)who;
    id->uuid[14] = (uint8_t)(who >> 8);
  }
  if (how == 0xff)
    memset(id, 0, sizeof(*id));
}

uint32_t w_nsid(uint8_t a)
{
  static const uint32_t odd[] = {0, NVMENS_NSID_ALL, NVMENS_NSID_MAX, 0};

  if (a < 240)
    return M.conf.nsid[a % M.conf.nnsids];
  return (a & 3) == 3 ? M.conf.cfg.nn + 1 : odd[a & 3];
}

int w_ctrl(uint8_t a)
{
  for (int i = 0; i < M_CTRLS; i++)
    if (W.ctrl[(a + i) % M_CTRLS])
      return (a + i) % M_CTRLS;
  return M_NONE;
}

static w_ref *ref_of(uint8_t a)
{
  return &W.ref[(a & 63) % M.conf.nnsids][a >> 7];
}

void w_made(nvmens_nsref lib, nvmens_nsref model)
{
  w_ref *r;

  w_same("NSID of a new namespace", lib.nsid, model.nsid);
  r = W.ref[m_slot(model.nsid)];
  r[1] = r[0];
  r[0] = (w_ref){lib, model};
}

static void do_ns_new(const w_step *s)
{
  nvmens_ns_config c = {0};
  nvmens_nsref lib = {0, 0}, model = {0, 0};
  int obj = w_obj_new(), rc;

  if (obj < 0)
    return;
  c.nsid = s->a[0] & 1 ? 0 : w_nsid(s->a[0]);
  if (!c.nsid && m_slot(m_choose_nsid()) < 0) /* all in the pool may have disks */
    c.nsid = M.conf.nsid[0];
  c.shared = s->a[1] & 1;
  if (M.conf.drivers && (s->a[4] & 7)) /* an identity that is used again is of one kind */
    c.shared = (s->a[4] & 7) != 5;
  c.auto_attach = s->a[1] >> 1 & 1;
  c.home_given = (s->a[1] & 0x0c) == 0x0c;
  c.home_cntlid = s->a[1] >> 4 & 3;
  c.write_protected = (s->a[1] >> 6) == 3;
  c.nsze = s->a[2] * 8u;
  c.ncap = s->a[3] & 1 ? s->a[2] * 4u + (s->a[3] == 255 ? 1000 : 0) : 0;
  c.flbas = s->a[3] >> 2 & 3 ? 0 : (s->a[3] >> 4);
  if ((s->a[3] & 0x82) == 0x82) {
    c.nlbaf = 2;
    c.lbaf[0] = (nvmens_lbaf){12, 1, 8};
    c.lbaf[1] = (nvmens_lbaf){9, 0, 0};
  }
  c.csi = s->a[5] < 160 ? 0 : (s->a[5] < 250 ? 1 + (s->a[5] & 1) : s->a[5]);
  c.anagrpid = s->a[5] & 3;
  c.nvmsetid = s->a[5] >> 2 & 1;
  c.endgid = s->a[5] >> 3 & 1;
  w_ident(&c.ident, s->a[4]);
  w_enter();
  rc = m_ns_new(&c, obj, 0, &model);
  w_same("nvmens_ns_new", nvmens_ns_new(W.s, &c, &W.obj[obj], &lib), rc);
  if (rc == 0)
    w_made(lib, model);
  else
    W.obj[obj].used = 0;
  w_came_back();
}

static void do_ns_update(const w_step *s, const w_ref *r)
{
  nvmens_ns_attrs at = {0};
  int rc;

  at.set = s->a[1] & (s->a[1] & 0x80 ? 31 : 15);
  at.flbas = s->a[2] & 3;
  at.write_protected = s->a[2] >> 2 & 1;
  at.nsze = s->a[3] * 8u;
  at.ncap = s->a[4] & 1 ? s->a[4] * 4u : 0;
  rc = m_ns_update(r->model, &at);
  w_same("nvmens_ns_update", nvmens_ns_update(W.s, r->lib, &at), rc);
}

static uint64_t deadline_of(uint8_t a)
{
  return a < 64 ? UINT64_MAX : (a < 80 ? 0 : UINT64_C(1000) * (a & 15));
}

static void do_ns(const w_step *s)
{
  const w_ref r = *ref_of(s->a[0]);
  nvmens_mode mode = s->a[2] & 1 ? NVMENS_SURPRISE : NVMENS_ORDERLY;
  uint64_t by = deadline_of(s->a[3]);
  int c = w_ctrl(s->a[1]), rc;
  nvmens_nsref lib = {0, 0}, model = {0, 0};

  if ((s->op == OP_ns_attach || s->op == OP_ns_detach) && c < 0)
    return;
  w_enter();
  switch (s->op) {
  case OP_ns_attach:
    rc = m_ns_attach(r.model, c);
    w_same("nvmens_ns_attach", nvmens_ns_attach(W.s, r.lib, W.ctrl[c]), rc);
    break;
  case OP_ns_detach:
    rc = m_ns_detach(r.model, c, mode, M.now, by);
    w_same("nvmens_ns_detach", nvmens_ns_detach(W.s, r.lib, W.ctrl[c], mode, M.now, by), rc);
    break;
  case OP_ns_plug:
    rc = m_ns_plug(r.model);
    w_same("nvmens_ns_plug", nvmens_ns_plug(W.s, r.lib), rc);
    break;
  case OP_ns_unplug:
    rc = m_ns_unplug(r.model, mode, M.now, by);
    w_same("nvmens_ns_unplug", nvmens_ns_unplug(W.s, r.lib, mode, M.now, by), rc);
    break;
  case OP_ns_update:
    do_ns_update(s, &r);
    break;
  default:
    rc = nvmens_ns_find(W.s, w_nsid(s->a[0]), &lib);
    w_same("nvmens_ns_find", rc, m_ns_find(w_nsid(s->a[0]), &model));
    w_same("nvmens_ns_find: nsid", lib.nsid, model.nsid);
    rc = nvmens_ns_next(W.s, w_nsid(s->a[0]), &lib);
    w_same("nvmens_ns_next", rc, m_ns_next(w_nsid(s->a[0]), &model));
    w_same("nvmens_ns_next: nsid", lib.nsid, model.nsid);
  }
  w_came_back();
}

/* One of the latest tokens, or the one that w_rest wants. */
static uint32_t token_of(const w_step *s)
{
  if (W.rest_token)
    return W.rest_token;
  return W.ntokens > s->a[0] ? W.ntokens - s->a[0] % 64 : W.ntokens;
}

static void do_done(const w_step *s)
{
  uint32_t model = token_of(s);
  int rc;

  if (!W.token[model])
    return;
  w_enter();
  rc = m_done(model);
  w_same("nvmens_done", nvmens_done(W.s, W.token[model], (nvmens_status){(uint16_t)(s->a[1] & 6)}),
         rc);
  w_came_back();
}

/* a[0]: of the latest tokens; a[1]: status, identity. */
static void do_prepared(const w_step *s)
{
  uint32_t model = token_of(s);
  uint16_t sf = s->a[1] % 8 == 1 || m_slot(m_choose_nsid()) < 0 ? 0x4006 : 0;
  int obj = w_obj_new(), rc, create = 0;
  nvmens_nsref made = {0, 0};
  nvmens_ident id;
  w_ref ref;

  if (!W.token[model] || obj < 0) {
    if (obj >= 0)
      W.obj[obj].used = 0;
    return;
  }
  w_ident(&id, M.conf.drivers ? s->a[2] & 0xf8u : s->a[2]);
  create = m_prep_of(model) && m_prep_of(model)->create;
  if (!create)
    W.obj[obj].used = 0;
  w_enter();
  rc = m_prepared(model, sf, s->a[1] % 8 == 2 ? NULL : &id, create ? obj : M_NONE, &made);
  ref.model = made;
  w_same("nvmens_prepared",
         nvmens_prepared(W.s, W.token[model], (nvmens_status){sf}, s->a[1] % 8 == 2 ? NULL : &id,
                         create ? &W.obj[obj] : NULL),
         rc);
  if (rc == NVMENS_ERR_STALE && create)
    W.obj[obj].used = 0;
  if (made.nsid && M.ns[m_slot(made.nsid)].gen == made.gen &&
      M.ns[m_slot(made.nsid)].state != NVMENS_NS_ABSENT) {
    w_same("nvmens_ns_find of a created one", nvmens_ns_find(W.s, made.nsid, &ref.lib), 0);
    w_made(ref.lib, ref.model);
  }
  w_came_back();
}

static void poll_at(uint64_t now)
{
  w_enter();
  if (W.calls == 1)
    W.woken = 0;
  m_poll(now);
  nvmens_poll(W.s, now);
  w_came_back();
}

/* The end of time is not reached. */
static uint64_t later(uint64_t ns)
{
  uint64_t at = m_after(M.now, ns);

  return at > UINT64_MAX - 2 ? UINT64_MAX - 2 : at;
}

void w_do_backend(const w_step *s)
{
  switch (s->op) {
  case OP_ctrl_new:
    w_do_ctrl_new(s);
    return;
  case OP_ctrl_del:
  case OP_enable:
  case OP_reset:
  case OP_shutdown:
    w_do_ctrl(s);
    return;
  case OP_ns_new:
    do_ns_new(s);
    return;
  case OP_done:
    do_done(s);
    return;
  case OP_prepared:
    do_prepared(s);
    return;
  case OP_poll:
    poll_at(M.now);
    return;
  case OP_pass:
    poll_at(later(s->a[0] * UINT64_C(500)));
    return;
  case OP_query:
    w_query();
    return;
  case OP_pages:
    w_pages();
    return;
  case OP_rest:
    w_rest();
    w_drivers_settle(0);
    return;
  case OP_host:
    if ((s->a[1] & 7) == 7)
      w_drivers_settle(s->a[2]);
    else
      w_driver_act(w_ctrl(s->a[0]));
    return;
  case OP_subsys_del:
    w_del_too_early();
    return;
  case OP_swap:
    w_do(&(w_step){OP_ns_unplug, 0, {s->a[0] & 63, 0, s->a[2], 0}});
    w_do(&(w_step){
        OP_ns_new, 0, {s->a[0] & 62, s->a[1] | (s->a[2] < 200 ? 3 : 0), 8, 0, s->a[4], s->a[5]}});
    return;
  default:
    do_ns(s);
  }
}
