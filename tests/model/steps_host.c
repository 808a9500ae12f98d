/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps_host.c: what the host asks for, what its I/O does, and events of the backend's own.
 */
#include "world.h"

#include "bytes.h"

int w_cmd_new(void)
{
  for (int i = 0; i < M_CMDS; i++)
    if (M.cmd[i].state == C_FREE) {
      const uint8_t *p = (const uint8_t *)&W.cmd[i].cmd;

      for (size_t j = 0; j < sizeof(nvmens_cmd); j++)
        if (p[j] != 0xA5)
          w_fail("a command was written after its end (byte %zu)", j);
      return i;
    }
  return M_NONE;
}

int w_submit(int ctrl, const nvmens_sqe *sqe, int cmd)
{
  nvmens_ctrl *c = W.ctrl[ctrl];
  int taken, depth;

  w_enter();
  depth = M.depth;
  w_same("nvmens_admin_data_len", (long long)nvmens_admin_data_len(sqe),
         (long long)m_data_len(sqe));
  taken = m_admin(ctrl, cmd, sqe);
  w_same("nvmens_admin", nvmens_admin(c, &W.cmd[cmd].cmd, sqe, M.now), taken);
  if (taken && M.frame[depth].want)
    w_fail("the library did not call %s", w_hook_name[M.frame[depth].want]);
  if (taken)
    M.depth--;
  w_same("depth of commands", M.depth, depth);
  w_came_back();
  return taken;
}

static void submit(int ctrl, nvmens_sqe *sqe, uint8_t cid)
{
  int cmd = w_cmd_new();

  if (cmd < 0)
    return;
  put16(sqe->cid, cid % 5);
  if (w_driven(ctrl) &&
      (sqe->opcode == NVMENS_OP_NS_MANAGEMENT || sqe->opcode == NVMENS_OP_NS_ATTACHMENT)) {
    W.cmd[cmd].driver = 1;
    W.cmd[cmd].tag = (uint8_t)w_driver_tool(ctrl);
  }
  w_submit(ctrl, sqe, cmd);
}

/* a: cns, nsid, cntid, csi */
static void do_identify(const w_step *s, int c)
{
  static const uint8_t cns[] = {0,    2,    3,    3,    3,    5,    6,    7, 8, 0x10,
                                0x11, 0x12, 0x13, 0x1a, 0x1b, 0x1c, 0x1f, 1, 9, 0x20};
  nvmens_sqe q = {.opcode = NVMENS_OP_IDENTIFY};

  q.cdw10[0] = cns[s->a[1] % sizeof(cns)];
  if (w_driven(c) && (q.cdw10[0] == NVMENS_CNS_NS_DESC_LIST ||
                      q.cdw10[0] == NVMENS_CNS_NS)) /* it would look like the driver's scan */
    q.cdw10[0] = NVMENS_CNS_NS_INDEPENDENT;
  if (w_driven(c) && M.ctrl[c].stranger == 1 && /* nor does a tool list before its driver has */
      (q.cdw10[0] == NVMENS_CNS_ACTIVE_NS_LIST || q.cdw10[0] == NVMENS_CNS_CSI_ACTIVE_NS_LIST))
    q.cdw10[0] = NVMENS_CNS_NS_INDEPENDENT;
  put32(q.nsid, s->a[1] & 0x80 && s->a[2] < 128 ? 0 : w_nsid(s->a[2]));
  put16(q.cdw10 + 2, s->a[3] < 240 ? s->a[3] % 6 : (s->a[3] & 1 ? 0xffff : 0xffef));
  q.cdw11[3] = s->a[4] < 200 ? (s->a[4] % 3) : s->a[4];
  submit(c, &q, s->a[5]);
}

/* a: lid, offset, length, RAE, NSID */
static void do_get_log(const w_step *s, int c)
{
  nvmens_sqe q = {.opcode = NVMENS_OP_GET_LOG_PAGE};
  uint32_t dwords = s->a[3] < 128 ? 1024 : (s->a[3] < 200 ? 1 + s->a[3] % 8u : s->a[3] * 16u);

  q.cdw10[0] = s->a[1] < 160 ? 4 : (s->a[1] < 240 ? 0x1c : s->a[1] - 240);
  q.cdw10[1] = s->a[4] & 1 || w_driven(c) ? 0x80 : 0;
  put16(q.cdw10 + 2, (uint16_t)(dwords - 1));
  put16(q.cdw11, s->a[3] == 255 ? 1 : 0);
  if (s->a[2] >= 128)
    put32(q.cdw12, s->a[2] < 250 ? (s->a[2] & 7u) * 4 : (s->a[2] & 1 ? 4096 : 4094));
  if (s->a[2] == 252)
    put32(q.cdw13, 1);
  put32(q.nsid, s->a[4] & 2 ? 0 : NVMENS_NSID_ALL);
  if (s->a[4] >= 250)
    put32(q.nsid, 1);
  submit(c, &q, s->a[5]);
}

static void do_feature(const w_step *s, int c)
{
  nvmens_sqe q = {.opcode =
                      s->op == OP_set_feature ? NVMENS_OP_SET_FEATURES : NVMENS_OP_GET_FEATURES};
  uint32_t value = 0;

  q.cdw10[0] = s->a[1] < 250 ? NVMENS_FID_ASYNC_EVENT_CONFIG : s->a[1];
  if (s->op == OP_get_feature)
    q.cdw10[1] = s->a[2] & 7;
  else if (s->a[2] >= 250)
    q.cdw10[3] = 0x80;
  value |= s->a[3] & 1 ? 0 : NVMENS_AEC_ATTACHED_NS;
  value |= s->a[3] & 2 ? 0 : NVMENS_AEC_ALLOCATED_NS;
  value |= s->a[3] & 4 ? 0 : 0x1f;
  if (s->a[4] >= 250)
    value |= UINT32_C(1) << (s->a[4] & 31);
  put32(q.cdw11, value);
  put32(q.nsid, s->a[5] < 200 ? 0 : w_nsid(s->a[5]));
  submit(c, &q, s->a[5]);
}

/* a: size, capacity and format, shared, csi and others */
static void do_create(const w_step *s, int c)
{
  nvmens_sqe q = {.opcode = NVMENS_OP_NS_MANAGEMENT};
  nvmens_ns_create d;

  memset(&d, 0, sizeof(d));
  put64(d.nsze, s->a[1] * 8u);
  put64(d.ncap, s->a[2] < 224 ? s->a[1] * 8u : (s->a[2] & 1 ? s->a[1] * 4u : 4096));
  d.flbas = s->a[2] & 7 ? 0 : s->a[2] >> 3;
  d.nmic = s->a[3] & 1;
  d.anagrpid[0] = s->a[3] >= 250;
  d.nvmsetid[0] = s->a[3] >> 4 & 1;
  d.endgid[0] = s->a[3] >> 5 & 1;
  memcpy(W.data, &d, sizeof(d));
  q.cdw11[3] = s->a[4] < 200 ? 0 : (s->a[4] < 230 ? 1 + (s->a[4] & 1) : s->a[4]);
  put32(q.nsid, s->a[5] < 200 ? 0 : w_nsid(s->a[5]));
  W.prep_how = s->a[6] >> 4;
  submit(c, &q, s->a[5]);
}

static void do_delete(const w_step *s, int c)
{
  nvmens_sqe q = {.opcode = NVMENS_OP_NS_MANAGEMENT};

  q.cdw10[0] = s->a[2] < 250 ? NVMENS_NS_MGMT_DELETE : s->a[2] & 15;
  put32(q.nsid, s->a[1] >= 230 && s->a[1] < 240 ? NVMENS_NSID_ALL : w_nsid(s->a[1]));
  if (get32(q.nsid) == NVMENS_NSID_ALL && (M.conf.cfg.maxdna || M.conf.cfg.maxcna))
    put32(q.nsid, M.conf.nsid[0]); /* as in do_list() */
  submit(c, &q, s->a[3]);
}

/* a: nsid, controllers, defects */
static void do_list(const w_step *s, int c)
{
  nvmens_sqe q = {.opcode = NVMENS_OP_NS_ATTACHMENT};
  uint16_t n = 0, at[8];

  for (int i = 0; i < 5; i++)
    if (s->a[2] >> i & 1)
      at[n++] = (uint16_t)i;
  if (s->a[3] > 240) {
    at[n++] = s->a[3] & 1 ? 0xffef : 3;
    if (s->a[3] & 2)
      at[n++] = 2;
  }
  if (s->op == OP_detach && (M.conf.cfg.maxdna || M.conf.cfg.maxcna) && n)
    n = 1; /* who gets a place between two entries is the library's choice: it cannot be asked */
  memset(W.data, 0, sizeof(W.data));
  put16(W.data, s->a[3] >= 236 && s->a[3] < 240 ? 2048 : n);
  for (int i = 0; i < n; i++)
    put16(W.data + 2 + 2 * i, at[i]);
  q.cdw10[0] = s->op == OP_attach ? NVMENS_NS_ATTACH : NVMENS_NS_DETACH;
  if (s->a[4] >= 253)
    q.cdw10[0] = s->a[4] & 15;
  put32(q.nsid, w_nsid(s->a[1]));
  W.prep_how = s->a[6] >> 4;
  submit(c, &q, s->a[5]);
}

static void do_aer(const w_step *s, int c)
{
  nvmens_sqe q = {.opcode = NVMENS_OP_ASYNC_EVENT_REQUEST};
  int cmd = w_cmd_new();
  uint16_t sf;

  if (cmd < 0)
    return;
  if (s->a[1] & 1) {
    put16(q.cid, s->a[2] % 5);
    w_submit(c, &q, cmd);
    return;
  }
  w_enter();
  sf = m_aer(c, cmd, s->a[2] % 5);
  if (sf) { /* the caller's, but for hooks meanwhile not a free one */
    M.cmd[cmd].state = C_INLINE;
    M.cmd[cmd].ctrl = UINT8_MAX;
  }
  w_same("nvmens_aer", nvmens_aer(W.ctrl[c], &W.cmd[cmd].cmd, s->a[2] % 5).sf, sf);
  if (sf) {
    memset(&W.cmd[cmd].cmd, 0xA5, sizeof(nvmens_cmd));
    M.cmd[cmd].state = C_FREE;
  }
  w_came_back();
}

static void do_post(const w_step *s, int c)
{
  static const uint8_t infos[] = {0, 1, 2, 9};
  static const uint32_t masks[] = {0, 0x8000001f, NVMENS_AEC_ATTACHED_NS, NVMENS_AEC_FIRMWARE};
  uint8_t type = s->a[1] < 250 ? s->a[1] % 5 + (s->a[1] & 2) : s->a[1];
  uint8_t info = infos[s->a[2] % 4], lid = (uint8_t)(1 + (type + info) % 3);
  uint32_t mask = masks[(type + info) % 4];
  int rc;

  w_enter();
  rc = m_post(c, type, info, lid, mask);
  w_same("nvmens_event_post", nvmens_event_post(W.ctrl[c], type, info, lid, mask), rc);
  w_came_back();
}

static void do_stamp(const w_step *s, int c)
{
  uint8_t lid = (uint8_t)(1 + s->a[1] % 3);
  w_stamp *st;

  w_enter();
  if (s->op == OP_latch) {
    st = &W.stamp[W.nstamps++ % W_STAMPS];
    *st = (w_stamp){c,      lid, M.ctrl[c].epoch, M.ctrl[c].born, nvmens_log_latch(W.ctrl[c], lid),
                    ++M.seq};
  } else {
    st = &W.stamp[s->a[2] % W_STAMPS];
    if (st->lib && st->ctrl == c && st->born == M.ctrl[c].born) {
      if (s->a[1] < 200)
        lid = st->lid;
      m_was_read(c, lid, st->model, st->epoch);
      nvmens_log_was_read(W.ctrl[c], lid, st->lib);
    }
  }
  w_came_back();
}

/* The host reads a log that the backend owns. */
void w_read_log(int c, uint8_t lid)
{
  uint64_t stamp = ++M.seq;

  w_enter();
  m_was_read(c, lid, stamp, M.ctrl[c].epoch);
  nvmens_log_was_read(W.ctrl[c], lid, nvmens_log_latch(W.ctrl[c], lid));
  w_came_back();
}

static void do_other(const w_step *s, int c)
{
  static const uint8_t ops[] = {0, 1, 4, 5, 0x0c, 0x0d, 0x10, 0x14, 0x18, 0x7f};
  nvmens_sqe q = {.opcode = ops[s->a[1] % 10]};

  if (s->op == OP_abort) {
    q.opcode = NVMENS_OP_ABORT;
    put16(q.cdw10 + 2, s->a[1] % 5);
  }
  if (q.opcode == NVMENS_OP_NS_MANAGEMENT)
    q.cdw10[0] = 2 + (s->a[2] & 7);
  submit(c, &q, s->a[3]);
}

static void do_admin(const w_step *s, int c)
{
  switch (s->op) {
  case OP_identify:
    do_identify(s, c);
    return;
  case OP_get_log:
    do_get_log(s, c);
    return;
  case OP_get_feature:
  case OP_set_feature:
    do_feature(s, c);
    return;
  case OP_create:
    do_create(s, c);
    return;
  case OP_delete:
    do_delete(s, c);
    return;
  case OP_attach:
  case OP_detach:
    do_list(s, c);
    return;
  default:
    do_other(s, c);
  }
}

/* What a tool on the driver's host does not do. */
static int drivers_own(uint8_t op)
{
  return op == OP_aer || op == OP_aer_abort || op == OP_abort || op == OP_set_feature ||
         op == OP_other;
}

void w_do_host(const w_step *s)
{
  int c = w_ctrl(s->a[0]), rc;

  switch (s->op) {
  case OP_drain_mode:
    W.drain_mode = s->a[0] % DRAIN_MODES;
    return;
  case OP_prepare_mode:
    W.prepare_mode = s->a[0] % PREP_MODES;
    return;
  case OP_fail_transfer:
    W.transfer_sf = s->a[0] & 1 ? 0x4004 : 0x0008;
    return;
  case OP_fail_identify:
    W.identify_rc = 1;
    return;
  default:
    break;
  }
  if (c < 0 || (w_driven(c) && drivers_own(s->op)))
    return;
  if (s->op == OP_aer) {
    do_aer(s, c);
  } else if (s->op == OP_aer_abort) {
    w_enter();
    rc = m_aer_abort(c, s->a[1] % 5);
    w_same("nvmens_aer_abort", nvmens_aer_abort(W.ctrl[c], s->a[1] % 5), rc);
    w_came_back();
  } else if (s->op == OP_post) {
    do_post(s, c);
  } else if (s->op == OP_latch || s->op == OP_was_read) {
    do_stamp(s, c);
  } else {
    do_admin(s, c);
  }
}
