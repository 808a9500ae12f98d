/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.c: the backend's verbs for subsystems and controllers: check the arguments, lock, call down,
 * commit. Floor 5. Those for namespaces are in api_ns.c.
 */
#include "api.h"

#include <string.h>

#include "attach.h"
#include "ctrl.h"
#include "paths.h"
#include "subsys.h"

int nvmens_adopt(void *to, size_t size, const void *from, size_t given)
{
  const uint8_t *byte = from;

  memset(to, 0, size);
  if (!from)
    return 0;
  for (size_t i = size; i < given; i++)
    if (byte[i])
      return NVMENS_ERR_INVAL;
  memcpy(to, from, given < size ? given : size);
  return 0;
}

int nvmens_check_formats(const nvmens_lbaf *lbaf, uint8_t count)
{
  if (count > NVMENS_LBAFS)
    return NVMENS_ERR_INVAL;
  for (uint8_t i = 0; i < count; i++)
    if (lbaf[i].lbads < 9 || lbaf[i].lbads > 32 || lbaf[i].rp > 3)
      return NVMENS_ERR_INVAL;
  return 0;
}

/* ---- subsystem ---- */

static void set_defaults(nvmens_subsys_config *c)
{
  if (!c->nn)
    c->nn = 1024;
  if (!c->max_ctrls)
    c->max_ctrls = 64;
  if (c->aerl_is_zero)
    c->aerl = 0;
  else if (!c->aerl)
    c->aerl = 3;
  if (!c->csi_supported)
    c->csi_supported = 1 << NVMENS_CSI_NVM;
  if (!c->aec_supported)
    c->aec_supported = NVMENS_AEC_SMART | NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS;
  if (!c->deadline_ns)
    c->deadline_ns = UINT64_C(10000000000);
  if (!c->host_wait_ns)
    c->host_wait_ns = UINT64_C(10000000000);
  if (!c->host_memory_ns)
    c->host_memory_ns = UINT64_C(900000000000);
  if (!c->nlbaf) {
    c->nlbaf = 1;
    c->lbaf[0] = (nvmens_lbaf){.lbads = 9};
  }
}

static int check_config(const nvmens_subsys_config *c)
{
  if (c->nn > NVMENS_NSID_MAX || c->mnan > c->nn || c->max_ctrls > NVMENS_CNTLID_MAX + 1 ||
      c->aerl_is_zero > 1 || c->mask_scope > NVMENS_MASK_EVENT || c->inactive_io > NVMENS_IO_SPEC ||
      (c->aec_default & ~c->aec_supported) || c->deadline_ns == UINT64_MAX ||
      c->host_wait_ns == UINT64_MAX || c->host_memory_ns == UINT64_MAX ||
      c->gate_mode > NVMENS_GATE_FENCE)
    return NVMENS_ERR_INVAL;
  return nvmens_check_formats(c->lbaf, c->nlbaf);
}

int nvmens_subsys_new_sized(nvmens_subsys **out, const nvmens_subsys_config *config,
                            size_t config_size, const nvmens_host *host, size_t host_size,
                            const nvmens_mem *mem, size_t mem_size, void *user)
{
  nvmens_subsys_config c;
  nvmens_host h;
  nvmens_mem m;
  nvmens_subsys *s;

  if (!out || !host || nvmens_adopt(&c, sizeof(c), config, config_size) ||
      nvmens_adopt(&h, sizeof(h), host, host_size) || nvmens_adopt(&m, sizeof(m), mem, mem_size))
    return NVMENS_ERR_INVAL;
  set_defaults(&c);
  if (!mem)
    m = nvmens_mem_libc;
  if (check_config(&c) || !h.cmd_complete || !h.cmd_drop || !h.transfer || !m.alloc || !m.free ||
      !h.lock != !h.unlock)
    return NVMENS_ERR_INVAL;
  s = nvmens_zalloc(&m, 1, sizeof(*s));
  if (!s)
    return NVMENS_ERR_NOMEM;
  s->core.host = h;
  s->core.mem = m;
  s->core.user = user;
  s->config = c;
  s->unvmcap = c.tnvmcap;
  s->told = UINT64_MAX;
  s->barrier_at = UINT64_MAX;
  s->strangers_until = UINT64_MAX;
  nvmens_outbox_init(&s->core);
  nvmens_bell_init(&s->bell, &h, user, c.gate_mode);
  *out = s;
  return 0;
}

/* Nothing is under way: no lane, drain, effect, command, none that holds a namespace. What is being
 * removed or reset waits for one of these, or for a hook. */
static bool at_rest(const nvmens_subsys *s)
{
  if (s->core.first || s->closing || s->preps || __atomic_load_n(&s->bell.inside, __ATOMIC_ACQUIRE))
    return false;
  for (const nvmens_gate *gate = s->gates; gate; gate = gate->next) {
    if (gate->lanes)
      return false;
    for (uint32_t i = 0; i < gate->slots; i++)
      if (nvmens_gate_holders(gate, nvmens_gate_nth(gate, i)))
        return false;
  }
  for (uint32_t i = 0; i < s->nctrl; i++)
    if (s->ctrl[i]->cmds)
      return false;
  return true;
}

/* What is left goes the way that everything goes, so that the backend sees each end once. */
static void end_all(nvmens_subsys *s)
{
  nvmens_ns *ns;
  uint32_t nsid = 0;

  s->ending = 1;
  nvmens_set_deadline(s, s->core.now, UINT64_MAX);
  while ((ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL)
    nvmens_fan_remove(ns, NVMENS_EV_UNPLUG, NULL);
  for (uint32_t i = s->nctrl; i > 0; i--)
    nvmens_fan_ctrl(s->ctrl[i - 1], NVMENS_EV_CTRL_REMOVE);
  nvmens_fan_deliver(s); /* nothing that is released may be left to be recorded */
}

static bool ended(nvmens_subsys *s)
{
  if (s->core.hooks || (!s->ending && !at_rest(s)))
    return false;
  if (!s->ending)
    end_all(s);
  nvmens_bar(s);
  while (s->core.first) /* no hook is under way, so nobody else runs them */
    nvmens_outbox_flush(&s->core);
  if (s->closing || __atomic_load_n(&s->bell.inside, __ATOMIC_ACQUIRE))
    return false;
  return s->ns.count + s->nctrl == 0;
}

int nvmens_subsys_del(nvmens_subsys *s)
{
  nvmens_mem mem;
  bool over;

  if (!s)
    return 0;
  nvmens_enter(s);
  over = ended(s);
  nvmens_unlock(&s->core);
  if (!over)
    return NVMENS_ERR_BUSY;
  mem = s->core.mem;
  while (s->gates) {
    nvmens_gate *gate = s->gates;

    s->gates = gate->next;
    nvmens_gate_del(gate);
  }
  nvmens_paths_clear(s);
  nvmens_nsid_set_clear(&s->ns, &mem);
  nvmens_ident_set_clear(&s->idents, &mem);
  nvmens_tokens_clear(&s->tokens, &mem);
  nvmens_free(&mem, s->ctrl);
  nvmens_free(&mem, s);
  return 0;
}

/* ---- controllers ---- */

static int insert_ctrl(nvmens_subsys *s, nvmens_ctrl *ctrl)
{
  uint32_t at = s->nctrl;

  if (s->nctrl == s->ctrl_room) {
    uint32_t room = s->ctrl_room ? s->ctrl_room * 2 : 4;
    nvmens_ctrl **all = nvmens_zalloc(&s->core.mem, room, sizeof(*all));

    if (!all)
      return NVMENS_ERR_NOMEM;
    if (s->nctrl)
      memcpy(all, s->ctrl, s->nctrl * sizeof(*all));
    nvmens_free(&s->core.mem, s->ctrl);
    s->ctrl = all;
    s->ctrl_room = room;
  }
  for (; at > 0 && s->ctrl[at - 1]->cntlid > ctrl->cntlid; at--)
    s->ctrl[at] = s->ctrl[at - 1];
  s->ctrl[at] = ctrl;
  s->nctrl++;
  return 0;
}

static int choose_cntlid(const nvmens_subsys *s, const nvmens_ctrl_config *config, uint16_t *out)
{
  if (s->nctrl >= s->config.max_ctrls)
    return NVMENS_ERR_LIMIT;
  for (uint32_t i = 0; i < s->nctrl && config->cntlid_given; i++)
    if (s->ctrl[i]->cntlid == config->cntlid)
      return NVMENS_ERR_EXISTS;
  *out = config->cntlid_given ? config->cntlid : nvmens_paths_cntlid(s, config->hostid);
  return 0;
}

static void abandon(nvmens_ctrl *ctrl)
{
  if (ctrl->host)
    nvmens_paths_abandon(ctrl);
  nvmens_ctrl_free(ctrl);
}

static int ctrl_new(nvmens_subsys *s, const nvmens_ctrl_config *config, void *user,
                    nvmens_ctrl **out)
{
  nvmens_ctrl *ctrl;
  uint16_t cntlid;
  int err = choose_cntlid(s, config, &cntlid);

  if (err)
    return err;
  ctrl = nvmens_zalloc(&s->core.mem, 1, sizeof(*ctrl));
  if (!ctrl)
    return NVMENS_ERR_NOMEM;
  ctrl->subsys = s;
  ctrl->user = user;
  ctrl->cntlid = cntlid;
  ctrl->kind = config->kind ? config->kind : NVMENS_CTRL_IO;
  ctrl->pci = config->pci != 0;
  nvmens_notice_init(&ctrl->notices, &s->core, cntlid, s->config.mask_scope);
  ctrl->notices.aec = nvmens_ctrl_aec_default(ctrl);
  ctrl->gate = nvmens_gate_take(s, ctrl);
  if (!ctrl->gate || nvmens_paths_join(ctrl, config->hostid, !config->cntlid_given) ||
      insert_ctrl(s, ctrl)) {
    abandon(ctrl);
    return NVMENS_ERR_NOMEM;
  }
  if (nvmens_changed_reserve(&ctrl->changed[NVMENS_LOG_ALLOCATED], &s->core.mem, s->ns.count) ||
      nvmens_fan_new_ctrl(ctrl)) {
    nvmens_ctrl_unlist(ctrl);
    abandon(ctrl);
    return NVMENS_ERR_NOMEM;
  }
  ctrl->before = NULL;
  nvmens_fan_deliver(s);
  *out = ctrl;
  return 0;
}

int nvmens_ctrl_new_sized(nvmens_ctrl **out, nvmens_subsys *s, const nvmens_ctrl_config *config,
                          size_t size, void *ctrl_user)
{
  nvmens_ctrl_config c;
  int err;

  if (!out || !s || nvmens_adopt(&c, sizeof(c), config, size) || c.kind > NVMENS_CTRL_ADMIN ||
      (c.cntlid_given && c.cntlid > NVMENS_CNTLID_MAX))
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  err = s->ending ? NVMENS_ERR_BUSY : ctrl_new(s, &c, ctrl_user, out);
  nvmens_commit(s);
  return err;
}

void nvmens_ctrl_del(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s;

  if (!ctrl)
    return;
  s = ctrl->subsys;
  nvmens_enter(s);
  nvmens_fan_ctrl(ctrl, NVMENS_EV_CTRL_REMOVE);
  nvmens_fan_deliver(s);
  nvmens_commit(s);
}

int nvmens_ctrl_enable(nvmens_ctrl *ctrl, uint32_t cc)
{
  uint32_t css = cc >> NVMENS_CC_CSS_SHIFT & NVMENS_CC_CSS_MASK, before;
  int err;

  if (!ctrl || (css != NVMENS_CSS_NVM && css != NVMENS_CSS_ALL && css != NVMENS_CSS_ADMIN_ONLY))
    return NVMENS_ERR_INVAL;
  if (css == NVMENS_CSS_NVM && !(ctrl->subsys->config.csi_supported & 1 << NVMENS_CSI_NVM))
    return NVMENS_ERR_INVAL;
  nvmens_enter(ctrl->subsys);
  before = ctrl->css;
  ctrl->css = css;
  err = nvmens_fan_ctrl(ctrl, NVMENS_EV_ENABLE);
  if (err)
    ctrl->css = before;
  nvmens_fan_deliver(ctrl->subsys);
  nvmens_commit(ctrl->subsys);
  return err;
}

void nvmens_ctrl_reset(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s;

  if (!ctrl)
    return;
  s = ctrl->subsys;
  nvmens_enter(s);
  nvmens_fan_ctrl(ctrl, NVMENS_EV_RESET);
  nvmens_fan_deliver(s);
  nvmens_commit(s);
}

void nvmens_ctrl_shutdown(nvmens_ctrl *ctrl)
{
  if (!ctrl)
    return;
  nvmens_enter(ctrl->subsys);
  nvmens_fan_ctrl(ctrl, NVMENS_EV_SHUTDOWN);
  nvmens_fan_deliver(ctrl->subsys);
  nvmens_commit(ctrl->subsys);
}
