/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps_gate.c: the data path, looking in, the way to rest, and the end of a run.
 */
#include "world.h"

#include "bytes.h"

static void began(int lane, uint32_t nsid, nvmens_ticket t, const void *ns_user)
{
  int ns = m_slot(nsid), c = W.lane[lane].ctrl;

  if ((const w_obj *)ns_user - W.obj != M.att[c][ns].obj)
    w_fail("io_begin gives another ns_user");
  for (int i = 0; i < W_IOS; i++)
    if (!W.io[i].used) {
      W.io[i] = (w_io){t, 1, lane, c, ns};
      return;
    }
}

static void io_ended(w_io *io)
{
  m_att *a = &M.att[io->ctrl][io->ns];

  W.woken = 0;
  a->held--;
  io->used = 0;
}

static void must_wake(int ctrl, int ns)
{
  if (M.att[ctrl][ns].state >= NVMENS_ATT_DRAINING && M.att[ctrl][ns].held == 0 && !W.woken)
    w_fail("the last command of a closed gate ended, and wake was not called (G3)");
}

static int room(void)
{
  int n = 0;

  for (int i = 0; i < W_IOS; i++)
    n += !W.io[i].used;
  return n;
}

static void do_begin(const w_step *s, int lane)
{
  int c = W.lane[lane].ctrl;
  uint32_t nsid = w_nsid(s->a[1]);
  nvmens_ticket t;
  void *user = NULL;
  uint16_t sf, lib;

  if (!room())
    return;
  sf = c < 0 ? NVMENS_SC_ABORTED_SQ_DELETED : m_io_begin(c, nsid);
  w_count->calls++;
  lib = nvmens_io_begin(W.lane[lane].lane, nsid, &t, &user).sf;
  if (lib != sf)
    w_fail("nvmens_io_begin(ctrl %d, nsid %u): the library says %03x, the model %03x", c, nsid, lib,
           sf);
  if (sf == 0)
    began(lane, nsid, t, user);
}

static void do_next(const w_step *s, int lane)
{
  int c = W.lane[lane].ctrl, found = M_NONE;
  uint32_t after = s->a[1] & 1 ? 0 : w_nsid(s->a[1]), nsid = 0xdead;
  int ready = c >= 0 && M.ctrl[c].state == NVMENS_CTRL_READY;
  nvmens_ticket t;
  void *user = NULL;
  uint16_t lib;

  if (!room())
    return;
  for (int n = M.conf.nnsids - 1; ready && n >= 0; n--)
    if (M.conf.nsid[n] > after && M.att[c][n].open)
      found = n;
  w_enter();
  lib = nvmens_io_begin_next(W.lane[lane].lane, after, &nsid, &t, &user).sf;
  w_same("nvmens_io_begin_next", lib, ready ? 0 : NVMENS_SC_ABORTED_SQ_DELETED);
  if (ready)
    w_same("nvmens_io_begin_next: nsid", nsid, found < 0 ? 0 : M.conf.nsid[found]);
  if (found >= 0) {
    M.att[c][found].held++;
    began(lane, nsid, t, user);
  }
  w_came_back();
}

static void end_io(w_io *io, int remote)
{
  int was = W.woken;

  if (!io->used)
    return;
  w_count->calls++;
  io_ended(io);
  if (remote || io->lane < 0)
    nvmens_io_end_remote(W.s, io->ticket);
  else
    nvmens_io_end(W.lane[io->lane].lane, io->ticket);
  W.woken |= was;
  must_wake(io->ctrl, io->ns);
}

static void lane_del(int lane)
{
  w_enter();
  for (int i = 0; i < W_IOS; i++)
    if (W.io[i].used && W.io[i].lane == lane)
      W.io[i].lane = M_NONE;
  nvmens_lane_del(W.lane[lane].lane);
  W.lane[lane].lane = NULL;
  w_came_back();
}

void w_do_gate(const w_step *s)
{
  int lane = s->a[0] % W_LANES, c = w_ctrl(s->a[1]);

  if (s->op == OP_io_end || s->op == OP_io_end_remote) {
    for (int i = 0; i < W_IOS; i++)
      if (W.io[(i + s->a[0]) % W_IOS].used) {
        end_io(&W.io[(i + s->a[0]) % W_IOS], s->op == OP_io_end_remote);
        return;
      }
    return;
  }
  if (s->op == OP_lane_new) {
    for (int i = 0; i < W_LANES && W.lane[lane].lane; i++)
      lane = (lane + 1) % W_LANES;
    if (W.lane[lane].lane || c < 0)
      return;
    w_enter();
    w_same("nvmens_lane_new", nvmens_lane_new(&W.lane[lane].lane, W.ctrl[c]), 0);
    W.lane[lane].ctrl = c;
    w_came_back();
    return;
  }
  for (int i = 0; i < W_LANES && !W.lane[lane].lane; i++)
    lane = (lane + 1) % W_LANES;
  if (!W.lane[lane].lane)
    return;
  if (s->op == OP_lane_del)
    lane_del(lane);
  else if (s->op == OP_io_begin)
    do_begin(s, lane);
  else
    do_next(s, lane);
}

/* ---- looking in ---- */

static void query_ctrl(int c)
{
  nvmens_ctrl_info lib, model;
  static uint8_t page[2][NVMENS_PAGE];

  memset(&lib, 0, sizeof(lib));
  w_same("nvmens_ctrl_query", nvmens_ctrl_query(W.ctrl[c], &lib), 0);
  m_info(c, &model);
  w_same("info.cntlid", lib.cntlid, model.cntlid);
  w_same("info.kind", lib.kind, model.kind);
  w_same("info.state", lib.state, model.state);
  w_same("info.attached", lib.attached, model.attached);
  w_same("info.wanted", lib.wanted, model.wanted);
  w_same("info.fenced", lib.fenced, model.fenced);
  w_same("info.draining", lib.draining, model.draining);
  w_same("info.parked", lib.parked, model.parked);
  w_same("info.owed", lib.owed, model.owed);
  w_same("info.reported", lib.reported, model.reported);
  w_same("info.aec", lib.aec, model.aec);
  w_same("info.sent", (long long)lib.sent, (long long)model.sent);
  /* Not coalesced: how many changes of a call are one is not said. */
  w_same("nvmens_aec", nvmens_aec(W.ctrl[c]), model.aec);
  memset(page, 0x11, sizeof(page));
  nvmens_identify_ctrl(W.ctrl[c], page[0]);
  m_identify_ctrl(c, page[1]);
  for (int i = 0; memcmp(page[0], page[1], NVMENS_PAGE) && i < NVMENS_PAGE; i++)
    if (page[0][i] != page[1][i])
      w_fail("nvmens_identify_ctrl: byte %d: %02xh, the model %02xh", i, page[0][i], page[1][i]);
}

static void query_att(const w_ref *r, int n, int c)
{
  const m_att *a = &M.att[c][n];
  nvmens_att_info at;

  memset(&at, 0, sizeof(at));
  w_same("nvmens_att_query", nvmens_att_query(W.s, r->lib, W.ctrl[c], &at), 0);
  w_same("att.state", at.state, a->state);
  w_same("att.open", at.open, a->open);
  if (a->state == NVMENS_ATT_WANTED && !W.hooks) /* looked at after the hook detached */
    w_same("att.waits_for", at.waits_for, m_waits_for(n, c));
  w_same("att.in_flight", at.in_flight, a->held);
  if (a->state == NVMENS_ATT_DRAINING && at.deadline != a->deadline)
    w_fail("att.deadline: %llu, the model %llu", (unsigned long long)at.deadline,
           (unsigned long long)a->deadline);
}

static void query_ns(const w_ref *r, int n)
{
  const m_ns *m = &M.ns[n];
  nvmens_ns_info ns;
  uint32_t attached = 0, draining = 0, wanted = 0, fenced = 0;

  memset(&ns, 0, sizeof(ns));
  if (m->state == NVMENS_NS_ABSENT || m->gen != r->model.gen) {
    w_same("nvmens_ns_query, stale", nvmens_ns_query(W.s, r->lib, &ns), NVMENS_ERR_STALE);
    return;
  }
  w_same("nvmens_ns_query", nvmens_ns_query(W.s, r->lib, &ns), 0);
  for (int c = 0; c < M_CTRLS; c++) {
    attached += M.att[c][n].state == NVMENS_ATT_ATTACHED;
    draining += M.att[c][n].state >= NVMENS_ATT_DRAINING;
    wanted += M.att[c][n].state == NVMENS_ATT_WANTED;
    fenced += M.att[c][n].state == NVMENS_ATT_FENCED;
    if (W.ctrl[c])
      query_att(r, n, c);
  }
  w_same("ns.nsid", ns.nsid, m->c.nsid);
  w_same("ns.state", ns.state, m->state);
  w_same("ns.csi", ns.csi, m->c.csi);
  w_same("ns.shared", ns.shared, m->c.shared);
  w_same("ns.flbas", ns.flbas, m->c.flbas);
  w_same("ns.wp", ns.write_protected, m->c.write_protected);
  w_same("ns.nsze", (long long)ns.nsze, (long long)m->c.nsze);
  w_same("ns.ncap", (long long)ns.ncap, (long long)m->c.ncap);
  w_same("ns.attached", ns.attached, attached);
  w_same("ns.wanted", ns.wanted, wanted);
  w_same("ns.fenced", ns.fenced, fenced);
  w_same("ns.draining", ns.draining, draining);
  w_same("ns.ident", memcmp(&ns.ident, &m->c.ident, sizeof(ns.ident)), 0);
  w_same("ns.ns_user", (w_obj *)ns.ns_user - W.obj, m->obj);
}

void w_query(void)
{
  const char *why = NULL;
  int rc;

  for (int c = 0; c < M_CTRLS; c++)
    if (W.ctrl[c])
      query_ctrl(c);
  for (int n = 0; n < M.conf.nnsids; n++)
    for (int old = 0; old < 2; old++)
      if (W.ref[n][old].lib.gen)
        query_ns(&W.ref[n][old], n);
  if (W.hooks || W.calls)
    return;
  w_count->checks++;
  rc = nvmens_subsys_check(W.s, &why);
  if (rc)
    w_fail("nvmens_subsys_check: invariant %d: %s", rc, why ? why : "?");
}

/* Every Identify page of every controller, and its logs by RAE=1. */
void w_pages(void)
{
  int verbose = W.verbose, plain = W.plain;

  w_query();
  W.plain = 0;
  W.verbose = verbose > 1 ? verbose : 0;
  for (int c = 0; c < M_CTRLS; c++) {
    if (!W.ctrl[c] || M.ctrl[c].state != NVMENS_CTRL_READY)
      continue;
    for (uint8_t cns = 0; cns < 18; cns++) {
      w_do(&(w_step){OP_identify, 0, {(uint8_t)c, (uint8_t)(140 + cns), 0}});
      for (uint8_t n = 0; n < M.conf.nnsids && W.ctrl[c]; n++)
        w_do(&(w_step){OP_identify, 0, {(uint8_t)c, cns, n, 0, 0}});
      if (!W.ctrl[c])
        break;
    }
    if (W.ctrl[c]) {
      w_do(&(w_step){OP_get_log, 0, {(uint8_t)c, 0, 0, 0, 1}});
      w_do(&(w_step){OP_get_log, 0, {(uint8_t)c, 200, 0, 0, 1}});
    }
  }
  W.verbose = verbose;
  W.plain = (uint8_t)plain;
}

static void end_token(uint8_t op, uint32_t token)
{
  W.rest_token = token;
  w_do(&(w_step){op, 0, {0, 1}});
  W.rest_token = 0;
}

/* The backend gives everything back. */
void w_rest(void)
{
  int plain = W.plain;

  W.plain = 0;
  for (int again = 0; again < 4; again++) {
    for (int i = 0; i < W_IOS; i++)
      end_io(&W.io[i], i & 1);
    for (int i = 0; i < M_PREPS; i++)
      if (M.prep[i].token && !M.prep[i].answered)
        end_token(OP_prepared, M.prep[i].token);
    for (int c = 0; c < M_CTRLS; c++)
      for (int n = 0; n < M.conf.nnsids; n++)
        if (M.att[c][n].token && W.token[M.att[c][n].token])
          end_token(OP_done, M.att[c][n].token);
    w_do(&(w_step){OP_poll, 0, {0}});
  }
  W.plain = (uint8_t)plain;
}

/* While there is something in the way, and only then. */
void w_del_too_early(void)
{
  int busy = W.hooks > 0;

  for (int i = 0; i < W_LANES; i++)
    busy |= W.lane[i].lane != NULL;
  for (int i = 0; i < W_IOS; i++)
    busy |= W.io[i].used;
  for (int i = 0; i < M_CMDS; i++)
    busy |= M.cmd[i].state != C_FREE;
  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++)
      busy |= M.att[c][n].state >= NVMENS_ATT_DRAINING;
  if (!busy)
    return;
  w_enter();
  w_same("nvmens_subsys_del, too early", nvmens_subsys_del(W.s), NVMENS_ERR_BUSY);
  w_came_back();
}

void w_end(void)
{
  int rc;

  W.narmed = 0;
  W.drain_mode = DRAIN_DONE;
  w_rest();
  w_drivers_settle(0);
  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++)
      if (M.att[c][n].state >= NVMENS_ATT_DRAINING)
        w_fail("at rest, but ctrl %d still drains nsid %u", c, M.conf.nsid[n]);
  w_pages();
  for (int c = 0; c < M_CTRLS; c++)
    if (W.ctrl[c])
      w_do(&(w_step){OP_reset, 0, {(uint8_t)c}});
  for (int i = 0; i < W_LANES; i++)
    if (W.lane[i].lane)
      lane_del(i);
  for (int i = 0; i < M_CMDS; i++)
    if (M.cmd[i].state != C_FREE)
      w_fail("command %d is left", i);
  W.ending = 1;
  rc = nvmens_subsys_del(W.s);
  w_same("nvmens_subsys_del", rc, 0);
  for (int i = 0; i < M_OBJS; i++)
    if (W.obj[i].used)
      w_fail("obj %d was never released", i);
  w_same("blocks of memory left", W.blocks, 0);
}
