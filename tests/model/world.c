/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c: the hooks. Each must be the one that the model expects next, with the same arguments.
 */
#include "world.h"

#include "bytes.h"

#include <stdarg.h>

w_world W;
int w_cover;

#define W_NAME(name) #name,
const char *const w_op_name[W_NOPS] = {W_OPS(W_NAME)};
const char *const w_hook_name[K_KINDS] = {
    "now",    "attached", "detached", "created", "released", "gone",      "drain",
    "aborts", "complete", "drop",     "prepare", "transfer", "identifies"};

void w_say(const char *fmt, ...)
{
  va_list ap;

  printf("%*s", 2 * (W.hooks + 1), "");
  va_start(ap, fmt);
  vprintf(fmt, ap);
  va_end(ap);
  putchar('\n');
}

void w_fail(const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  vsnprintf(W.why, sizeof(W.why), fmt, ap);
  va_end(ap);
  longjmp(W.escape, 1);
}

void w_same(const char *what, long long lib, long long model)
{
  if (lib != model)
    w_fail("%s: the library says %lld (%llxh), the model %lld (%llxh)", what, lib,
           (unsigned long long)lib, model, (unsigned long long)model);
}

static void effect_text(char *out, size_t size, const m_effect *e)
{
  snprintf(out, size, "%s ctrl %d obj %d cmd %d token %u sf %03x dw0 %x info %llx reason %u",
           w_hook_name[e->kind], e->ctrl, e->obj, e->cmd, e->token, e->sf, e->dw0,
           (unsigned long long)e->info, e->reason);
}

/* Where several wait for a limit, the library says which is let in. */
static int lib_state(int ns, int ctrl)
{
  nvmens_att_info at = {0};
  nvmens_nsref ref;

  if (!W.ctrl[ctrl] || nvmens_ns_find(W.s, M.conf.nsid[ns], &ref) ||
      nvmens_att_query(W.s, ref, W.ctrl[ctrl], &at))
    return NVMENS_ATT_DETACHED;
  return at.state;
}

void w_choose(void)
{
  m_choose(lib_state, NULL);
}

/* What the library called, as an effect; e->token is filled from the model. */
static m_effect expect(const m_effect *got)
{
  const m_effect *e;
  char want[160] = "none", have[160];
  m_effect took;

  if (W.verbose)
    effect_text(have, sizeof(have), got);
  m_choose(lib_state, got);
  m_hint(got);
  e = m_next();
  if (W.effects++)
    w_fail("hooks nest: %s", w_hook_name[got->kind]);
  if (!e || e->kind != got->kind || e->ctrl != got->ctrl || e->obj != got->obj ||
      e->cmd != got->cmd || e->sf != got->sf || e->dw0 != got->dw0 || e->info != got->info ||
      e->reason != got->reason) {
    if (e)
      effect_text(want, sizeof(want), e);
    effect_text(have, sizeof(have), got);
    w_fail("the library calls: %s; the model expects: %s", have, want);
  }
  took = m_took();
  w_count->hooks++;
  W_SAY("<- %s", have);
  W.hooks++;
  return took;
}

static void leave(const m_effect *e, int done)
{
  w_run_armed((m_kind)e->kind);
  W.hooks--;
  W.effects--;
  m_finish(e, done);
}

static m_effect got_att(m_kind kind, void *ns_user, void *ctrl_user)
{
  m_effect e = {.kind = (uint8_t)kind, .ns = M_NONE, .cmd = M_NONE};

  e.obj = (int16_t)((w_obj *)ns_user - W.obj);
  e.ctrl = (int8_t)(intptr_t)ctrl_user;
  return e;
}

static int ctrl_of(void *ctrl_user)
{
  return (int)(intptr_t)ctrl_user;
}

/* ---- effects ---- */

static void cmd_gone(m_effect *e, nvmens_cmd *cmd)
{
  m_effect took;
  w_cmd *mine;
  int driven;

  e->cmd = (int8_t)((w_cmd *)cmd - W.cmd);
  took = expect(e);
  mine = &W.cmd[took.cmd];
  driven = mine->driver;
  mine->driver = 0;
  memset(cmd, 0xA5, sizeof(*cmd));
  if (driven)
    w_driver_heard(took.ctrl, mine->tag, took.kind == K_DROP ? 0xffff : took.sf, took.dw0);
  leave(&took, 0);
}

static void cmd_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                         uint64_t info)
{
  m_effect e = {.kind = K_COMPLETE, .ns = M_NONE, .obj = M_NONE};

  if (W.ending)
    return;
  e.ctrl = (int8_t)ctrl_of(ctrl_user);
  e.sf = status.sf;
  e.dw0 = dw0;
  e.info = info;
  cmd_gone(&e, cmd);
}

static void cmd_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  m_effect e = {.kind = K_DROP, .ns = M_NONE, .obj = M_NONE};

  if (W.ending)
    return;
  e.ctrl = (int8_t)ctrl_of(ctrl_user);
  cmd_gone(&e, cmd);
}

static void attached(void *ns_user, void *ctrl_user)
{
  m_effect e = got_att(K_ATTACHED, ns_user, ctrl_user);

  e = expect(&e);
  leave(&e, 0);
}

static void detached(void *ns_user, void *ctrl_user)
{
  m_effect e = got_att(K_DETACHED, ns_user, ctrl_user);

  if (W.ending)
    return;
  e = expect(&e);
  leave(&e, 0);
}

static void released(void *ns_user, nvmens_reason reason)
{
  m_effect e = {.kind = K_RELEASED, .ctrl = M_NONE, .ns = M_NONE, .cmd = M_NONE};
  w_obj *obj = ns_user;

  if (!obj->used)
    w_fail("released again: obj %d", (int)(obj - W.obj));
  obj->used = 0;
  if (W.ending)
    return;
  e.obj = (int16_t)(obj - W.obj);
  e.reason = (uint8_t)reason;
  e = expect(&e);
  leave(&e, 0);
}

static void created(void *ns_user, nvmens_nsref ref)
{
  m_effect e = {.kind = K_CREATED, .ctrl = M_NONE, .ns = M_NONE, .cmd = M_NONE};

  e.obj = (int16_t)((w_obj *)ns_user - W.obj);
  e.dw0 = ref.nsid;
  e = expect(&e);
  leave(&e, 0);
}

static void ctrl_released(void *ctrl_user)
{
  m_effect e = {.kind = K_CTRL_RELEASED, .ns = M_NONE, .cmd = M_NONE, .obj = M_NONE};

  if (W.ending)
    return;
  e.ctrl = (int8_t)ctrl_of(ctrl_user);
  e = expect(&e);
  leave(&e, 0);
  if (!W.ctrl[e.ctrl])
    w_driver_gone(e.ctrl);
}

static void tell_done(nvmens_token lib, uint32_t model)
{
  int rc = nvmens_done(W.s, lib, (nvmens_status){0});

  w_same("nvmens_done inside drain_begin", rc, m_done(model));
}

static nvmens_wait drain_begin(void *ns_user, void *ctrl_user, nvmens_token token)
{
  m_effect e = got_att(K_DRAIN, ns_user, ctrl_user);
  uint8_t mode = W.drain_mode;

  if (W.ending)
    return NVMENS_DONE;
  e = expect(&e);
  w_token(e.token, token);
  if (mode == DRAIN_EARLY || mode == DRAIN_DOUBLE)
    tell_done(token, e.token);
  leave(&e, mode == DRAIN_DONE || mode == DRAIN_DOUBLE);
  return mode == DRAIN_DONE || mode == DRAIN_DOUBLE ? NVMENS_DONE : NVMENS_PENDING;
}

static void drain_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  m_effect e = got_att(K_ABORT, ns_user, ctrl_user);

  if (W.ending)
    return;
  e = expect(&e);
  if (M.conf.no_drain)
    w_token(e.token, token);
  if (W.token[e.token % W_TOKENS] != token)
    w_fail("drain_abort has another token than its drain_begin");
  leave(&e, 0);
}

/* ---- hooks inside nvmens_admin ---- */

static m_frame *inside(m_kind kind)
{
  m_frame *f = &M.frame[M.depth ? M.depth - 1 : 0];

  if (M.depth == 0 || f->want != kind)
    w_fail("the library calls %s; the model expects %s (opcode %x cdw10 %x)", w_hook_name[kind],
           M.depth ? w_hook_name[f->want] : "no such hook", M.cmd[f->cmd].sqe.opcode,
           M.cmd[f->cmd].sqe.cdw10[0]);
  w_count->hooks++;
  W_SAY("<- %s ctrl %d cmd %d len %u", w_hook_name[kind], M.cmd[f->cmd].ctrl, f->cmd, f->len);
  W.hooks++;
  return f;
}

static void compare_page(const m_frame *f, const uint8_t *buf)
{
  uint32_t i;

  w_count->pages++;
  if (memcmp(f->page, buf, f->len) == 0)
    return;
  for (i = 0; f->page[i] == buf[i];)
    i++;
  w_fail("page (cns/lid %02xh csi %u nsid %xh) differs at byte %u: the library has %02xh, "
         "the model %02xh",
         M.cmd[f->cmd].sqe.cdw10[0], M.cmd[f->cmd].sqe.cdw11[3], get32(M.cmd[f->cmd].sqe.nsid), i,
         buf[i], f->page[i]);
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  m_frame *f = inside(K_TRANSFER);
  const w_cmd *mine = &W.cmd[f->cmd];
  nvmens_status status = {mine->driver ? 0 : W.transfer_sf};

  if (!mine->driver)
    W.transfer_sf = 0;
  w_choose();
  M.reading = 0; /* the page is made: what is let in from now on is not in it */
  w_same("transfer: controller", ctrl_of(ctrl_user), M.cmd[f->cmd].ctrl);
  w_same("transfer: command", (w_cmd *)cmd - W.cmd, f->cmd);
  w_same("transfer: length", (long long)len, f->len);
  w_same("transfer: direction", dir, f->dir);
  if (dir == NVMENS_TO_HOST) {
    compare_page(f, buf);
    if (mine->driver)
      w_driver_data(M.cmd[f->cmd].ctrl, mine->tag, buf);
  } else {
    memcpy(buf, W.data, len);
    memcpy(f->page, W.data, len);
  }
  w_run_armed(K_TRANSFER);
  W.hooks--;
  m_resume(f, status.sf, NULL);
  return status;
}

static int identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page4096)
{
  m_frame *f = inside(K_IDENTIFY);
  int rc = W.cmd[f->cmd].driver ? 0 : -(int)W.identify_rc;
  uint8_t *page = page4096;
  uint8_t mine[NVMENS_PAGE];

  if (rc)
    W.identify_rc = 0;
  w_same("identify: controller", ctrl_of(ctrl_user), M.cmd[f->cmd].ctrl);
  w_same("identify: namespace", ns_user ? (w_obj *)ns_user - W.obj : M_NONE, f->obj);
  w_same("identify: cns", cns, f->cns);
  w_same("identify: csi", csi, f->csi);
  if (page[0] || memcmp(page, page + 1, NVMENS_PAGE - 1) != 0)
    w_fail("identify: the page is not zeroed");
  page[2048] = 0x77;
  page[NVMENS_PAGE - 1] = 0x5A;
  memcpy(mine, page, sizeof(mine));
  w_run_armed(K_IDENTIFY);
  W.hooks--;
  m_resume(f, rc != 0, mine);
  return rc;
}

static void check_intent(const m_frame *f, const nvmens_intent *in)
{
  const m_cmd *q = &M.cmd[f->cmd];
  nvmens_lbaf fmt = {0, 0, 0};

  w_same("intent: create", in->create, q->create);
  if (!in->create) {
    w_same("intent: nsid", in->nsid, get32(q->sqe.nsid));
    w_same("intent: ns_user", (w_obj *)in->ns_user - W.obj, M.ns[m_slot(in->nsid)].obj);
    w_same("intent: ncntlid", in->ncntlid, q->nlist);
    for (int i = 0; i < q->nlist; i++)
      w_same("intent: cntlid", in->cntlid[i], q->list[i]);
    return;
  }
  m_format(&q->make, q->make.flbas, &fmt);
  w_same("intent: csi", in->csi, q->make.csi);
  w_same("intent: nsze", (long long)in->nsze, (long long)q->make.nsze);
  w_same("intent: ncap", (long long)in->ncap, (long long)q->make.ncap);
  w_same("intent: flbas", in->flbas, q->make.flbas);
  w_same("intent: lbads", in->lbads, fmt.lbads);
  w_same("intent: nsid", in->nsid, 0);
  w_same("intent: data", memcmp(in->data, f->page, NVMENS_PAGE), 0);
}

static nvmens_wait prepare(void *ctrl_user, nvmens_cmd *cmd, const nvmens_intent *intent,
                           nvmens_token token)
{
  m_frame *f = inside(K_PREPARE);
  m_cmd *q = &M.cmd[f->cmd];
  uint8_t mode = W.prepare_mode;

  w_same("prepare: controller", ctrl_of(ctrl_user), q->ctrl);
  w_same("prepare: command", (w_cmd *)cmd - W.cmd, f->cmd);
  check_intent(f, intent);
  m_prep_begin(f);
  w_token(f->gen, token);
  if (mode == PREP_INSIDE)
    w_do(&(w_step){OP_prepared, 0, {0, W.prep_how}});
  w_run_armed(K_PREPARE);
  W.hooks--;
  m_resume(f, mode == PREP_DONE ? NVMENS_DONE : NVMENS_PENDING, NULL);
  return mode == PREP_DONE ? NVMENS_DONE : NVMENS_PENDING;
}

static void wake(void *user)
{
  (void)user;
  W.woken = 1;
}

static void trace(void *user, const nvmens_trace *t)
{
  (void)user;
  w_count->cell[t->machine][t->event % W_EVENTS][t->from % W_STATES]++;
  if (W.verbose <= 1)
    return;
  W_SAY("   %s ctrl %x nsid %u: %s: %s -> %s%s", nvmens_machine_name(t->machine), t->cntlid,
        t->nsid, nvmens_event_name(t->machine, t->event), nvmens_state_name(t->machine, t->from),
        nvmens_state_name(t->machine, t->to), t->refused ? " (refused)" : "");
}

const nvmens_host *w_hooks(void)
{
  static nvmens_host host;

  host = (nvmens_host){.cmd_complete = cmd_complete,
                       .cmd_drop = cmd_drop,
                       .transfer = transfer,
                       .attached = attached,
                       .detached = detached,
                       .released = released,
                       .created = created,
                       .ctrl_released = ctrl_released,
                       .drain_abort = drain_abort,
                       .wake = wake};
  if (W.verbose > 1 || w_cover)
    host.trace = trace;
  if (!M.conf.no_prepare)
    host.prepare = prepare;
  if (!M.conf.no_drain)
    host.drain_begin = drain_begin;
  if (!M.conf.no_identify)
    host.identify = identify;
  return &host;
}
