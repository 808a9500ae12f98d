/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps_ctrl.c: controllers come, go, are enabled, reset and shut down.
 */
#include "world.h"

void w_do_ctrl_new(const w_step *s)
{
  int c = s->a[0] % M_CTRLS, rc, cntlid;
  nvmens_ctrl_config conf = {0};
  nvmens_ctrl *made = NULL;

  for (int i = 0; i < M_CTRLS && M.ctrl[c].used; i++)
    c = (c + 1) % M_CTRLS;
  if (M.ctrl[c].used)
    return;
  conf.cntlid_given = s->a[1] & 1;
  conf.cntlid = s->a[1] < 240 ? (s->a[1] >> 1) % 5 : (s->a[1] < 250 ? 0xffef : 0xfff0);
  conf.kind = s->a[2] < 216 ? s->a[2] & 1 : s->a[2] - 214;
  if (conf.kind > 4)
    conf.kind = 2 + (conf.kind & 1);
  conf.hostid[7] = s->a[3] < 216 ? s->a[3] % 3 : 3 + s->a[3] % 4;
  conf.pci = s->a[4] & 1;
  cntlid = conf.cntlid_given ? conf.cntlid : M_NONE;
  w_enter();
  W.ctrl[c] = NULL;
  rc = m_ctrl_new(c, cntlid, conf.kind, conf.hostid[7], conf.pci);
  if (rc == 0)
    w_driver_new(c, conf.kind <= NVMENS_CTRL_IO, conf.hostid[7], conf.pci);
  w_same("nvmens_ctrl_new", nvmens_ctrl_new(&made, W.s, &conf, (void *)(intptr_t)c), rc);
  W.ctrl[c] = rc ? NULL : made;
  w_came_back();
}

void w_do_ctrl(const w_step *s)
{
  static const uint32_t css[] = {0, 0, 0, 6, 6, 7, 1};
  int c = w_ctrl(s->a[0]), rc;
  nvmens_ctrl *ctrl;
  uint32_t cc;

  if (c < 0)
    return;
  ctrl = W.ctrl[c];
  w_enter();
  if (s->op != OP_enable)
    w_driver_up(c, 0);
  switch (s->op) {
  case OP_ctrl_del:
    w_driver_leaves(c);
    W.ctrl[c] = NULL;
    for (int i = 0; i < W_LANES; i++)
      if (W.lane[i].lane && W.lane[i].ctrl == c)
        W.lane[i].ctrl = M_NONE;
    m_ctrl_del(c);
    nvmens_ctrl_del(ctrl);
    break;
  case OP_enable:
    cc = 1 | css[s->a[1] % 7] << NVMENS_CC_CSS_SHIFT;
    rc = m_ctrl_enable(c, cc);
    if (rc == 0)
      w_driver_up(c, 1);
    w_same("nvmens_ctrl_enable", nvmens_ctrl_enable(ctrl, cc), rc);
    break;
  case OP_reset:
    m_ctrl_reset(c);
    nvmens_ctrl_reset(ctrl);
    break;
  default:
    m_ctrl_shutdown(c);
    nvmens_ctrl_shutdown(ctrl);
  }
  w_came_back();
}
