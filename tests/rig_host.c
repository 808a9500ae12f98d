/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig_host.c: the host's half of the rig: commands and their answers, and all that becomes text.
 */
#include "rig.h"

#include "le.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- text ---- */

__attribute__((format(printf, 3, 4))) static void add(char **at, char *end, const char *format, ...)
{
  va_list args;
  int n;

  va_start(args, format);
  n = vsnprintf(*at, (size_t)(end - *at), format, args);
  va_end(args);
  *at = n < end - *at ? *at + n : end - 1;
}

static void add_event(char **at, char *end, const rig_event *e)
{
  static const char *const name[RIG_KINDS] = {
      "attached", "detached", "released",   "ctrl_released", "drain",    "abort",   "complete",
      "drop",     "created",  "reset_done", "prepare",       "transfer", "identify"};
  static const char *const reason[] = {"", " deleted", " failed"};

  add(at, end, "%s", name[e->kind]);
  if (e->ns)
    add(at, end, " n%u", e->ns->id);
  if (e->ctrl)
    add(at, end, " c%u", e->ctrl->id);
  if (e->kind == RIG_RELEASED)
    add(at, end, "%s", reason[e->reason]);
  if (e->sf)
    add(at, end, " sf=%x", e->sf);
  if (e->dw0)
    add(at, end, " dw0=%x", e->dw0);
  if (e->error_info)
    add(at, end, " info=%llx", (unsigned long long)e->error_info);
}

const char *rig_log(rig *r)
{
  const size_t size = 96 * r->nlog + 1;
  char *at;
  size_t i;

  free(r->log_text);
  r->log_text = at = calloc(1, size);
  RIG_MUST(at);
  for (i = 0; i < r->nlog; i++) {
    add(&at, r->log_text + size, "%s", i ? "; " : "");
    add_event(&at, r->log_text + size, &r->log[i]);
  }
  return r->log_text;
}

void rig_log_clear(rig *r)
{
  r->nlog = 0;
}

unsigned rig_count(const rig *r, rig_kind kind)
{
  unsigned n = 0;
  size_t i;

  for (i = 0; i < r->nlog; i++)
    n += r->log[i].kind == kind;
  return n;
}

/* ---- commands ---- */

rig_cmd *rig_cmd_new(rig_ctrl *ctrl)
{
  rig_cmd *cmd = calloc(1, sizeof(*cmd));

  RIG_MUST(cmd);
  memset(&cmd->cmd, 0x3C, sizeof(cmd->cmd)); /* nothing need be set before */
  cmd->rig = ctrl->rig;
  cmd->ctrl = ctrl;
  cmd->sf = 0xFFFF;
  cmd->next = ctrl->rig->cmds;
  ctrl->rig->cmds = cmd;
  return cmd;
}

static rig_cmd *submit(rig_cmd *cmd, const rig_sqe *q)
{
  rig *r = cmd->rig;
  nvmens_sqe sqe;

  cmd->cid = q->cid ? q->cid : ++r->next_cid;
  cmd->data = q->data;
  cmd->size = q->size;
  memset(&sqe, 0, sizeof(sqe));
  sqe.opcode = q->opcode;
  nvmens_put16(sqe.cid, cmd->cid);
  nvmens_put32(sqe.nsid, q->nsid);
  nvmens_put32(sqe.cdw10, q->cdw10);
  nvmens_put32(sqe.cdw11, q->cdw11);
  nvmens_put32(sqe.cdw12, q->cdw12);
  nvmens_put32(sqe.cdw13, q->cdw13);
  nvmens_put32(sqe.cdw14, q->cdw14);
  nvmens_put32(sqe.cdw15, q->cdw15);
  cmd->taken = 1; /* the answer may come before nvmens_admin returns */
  cmd->taken = nvmens_admin(cmd->ctrl->c, &cmd->cmd, &sqe, r->now) == NVMENS_TAKEN;
  RIG_MUST(cmd->taken || cmd->done + cmd->dropped == 0);
  rig_check(r);
  return cmd;
}

rig_cmd *rig_submit(rig_ctrl *ctrl, const rig_sqe *q)
{
  return submit(rig_cmd_new(ctrl), q);
}

rig_cmd *rig_expect(rig_cmd *cmd, uint16_t sf, const char *file, int line)
{
  RIG_SAY(cmd->taken, "%s:%d: not taken", file, line);
  RIG_SAY(cmd->done, "%s:%d: not completed", file, line);
  RIG_SAY(cmd->sf == sf, "%s:%d: status %04x, expected %04x", file, line, cmd->sf, sf);
  return cmd;
}

rig_cmd *rig_aer(rig_ctrl *ctrl)
{
  return rig_admin(ctrl, .opcode = NVMENS_OP_ASYNC_EVENT_REQUEST);
}

uint32_t rig_event_now(rig_ctrl *ctrl)
{
  rig_cmd *aer = rig_aer(ctrl);

  RIG_SAY(aer->done, "no event");
  RIG_MUST(aer->sf == 0);
  return aer->dw0;
}

uint32_t rig_heard(rig_ctrl *ctrl)
{
  rig_cmd *aer = rig_aer(ctrl);

  if (rig_is_open(aer)) {
    RIG_MUST(nvmens_aer_abort(ctrl->c, aer->cid) == 0);
    rig_check(ctrl->rig);
    RIG_MUST(aer->sf == NVMENS_SC_ABORTED_BY_REQUEST);
    return 0;
  }
  RIG_MUST(aer->sf == 0);
  return aer->dw0;
}

rig_cmd *rig_set_aec(rig_ctrl *ctrl, uint32_t bits)
{
  return rig_admin(ctrl, .opcode = NVMENS_OP_SET_FEATURES, .cdw10 = NVMENS_FID_ASYNC_EVENT_CONFIG,
                   .cdw11 = bits);
}

uint32_t rig_get_aec(rig_ctrl *ctrl)
{
  return RIG_OK(rig_admin(ctrl, .opcode = NVMENS_OP_GET_FEATURES,
                          .cdw10 = NVMENS_FID_ASYNC_EVENT_CONFIG))
      ->dw0;
}

rig_ctrl *rig_listening(rig *r, uint32_t bits)
{
  rig_ctrl *ctrl = rig_ctrl_on(r);

  RIG_OK(rig_set_aec(ctrl, bits));
  return ctrl;
}

rig_cmd *rig_abort(rig_ctrl *ctrl, uint16_t cid)
{
  return rig_admin(ctrl, .opcode = NVMENS_OP_ABORT, .cdw10 = (uint32_t)cid << 16);
}

rig_cmd *rig_get_log(rig_ctrl *ctrl, uint8_t lid, int rae, uint64_t lpo, uint32_t len, void *buf)
{
  const uint32_t numd = len / 4 - 1;

  return rig_admin(ctrl, .opcode = NVMENS_OP_GET_LOG_PAGE, .nsid = NVMENS_NSID_ALL,
                   .cdw10 = lid | (uint32_t)(rae != 0) << 15 | numd << 16, .cdw11 = numd >> 16,
                   .cdw12 = (uint32_t)lpo, .cdw13 = (uint32_t)(lpo >> 32), .data = buf,
                   .size = len);
}

const char *rig_list_text(rig *r, const void *page)
{
  const uint8_t *p = page;
  char *text = r->text[r->turn++ & 1];
  char *at = text;
  unsigned i;

  *at = 0;
  if (nvmens_get32(p) == NVMENS_NSID_ALL) {
    for (i = 1; i < NVMENS_LIST_NSIDS; i++)
      RIG_MUST(nvmens_get32(p + 4 * i) == 0);
    return "overflow";
  }
  for (i = 0; i < NVMENS_LIST_NSIDS && nvmens_get32(p + 4 * i); i++)
    add(&at, text + sizeof(r->text[0]), i ? " %u" : "%u", nvmens_get32(p + 4 * i));
  for (; i < NVMENS_LIST_NSIDS; i++)
    RIG_MUST(nvmens_get32(p + 4 * i) == 0); /* zero-padded */
  return text;
}

const char *rig_changed(rig_ctrl *ctrl, uint8_t lid, int rae)
{
  uint8_t page[NVMENS_PAGE];

  memset(page, 0xEE, sizeof(page));
  RIG_OK(rig_get_log(ctrl, lid, rae, 0, sizeof(page), page));
  return rig_list_text(ctrl->rig, page);
}

rig_cmd *rig_identify_full(rig_ctrl *ctrl, uint8_t cns, uint32_t nsid, uint16_t cntid, uint8_t csi,
                           void *page)
{
  return rig_admin(ctrl, .opcode = NVMENS_OP_IDENTIFY, .nsid = nsid,
                   .cdw10 = cns | (uint32_t)cntid << 16, .cdw11 = (uint32_t)csi << 24, .data = page,
                   .size = NVMENS_PAGE);
}

rig_cmd *rig_identify(rig_ctrl *ctrl, uint8_t cns, uint32_t nsid, void *page)
{
  return rig_identify_full(ctrl, cns, nsid, 0, 0, page);
}

uint32_t rig_id_list(rig_ctrl *ctrl, uint8_t cns, uint32_t after, uint32_t *out)
{
  uint8_t page[NVMENS_PAGE];
  uint32_t i, n = 0;

  memset(page, 0xEE, sizeof(page));
  RIG_OK(rig_identify(ctrl, cns, after, page));
  for (i = 0; i < NVMENS_LIST_NSIDS; i++) {
    const uint32_t nsid = nvmens_get32(page + 4 * i);

    RIG_MUST(nsid == 0 || i == n); /* zero-padded */
    n += nsid != 0;
    if (out)
      out[i] = nsid;
  }
  return n;
}

const char *rig_ids(rig_ctrl *ctrl, uint8_t cns)
{
  uint8_t page[NVMENS_PAGE];

  memset(page, 0xEE, sizeof(page));
  RIG_OK(rig_identify(ctrl, cns, 0, page));
  return rig_list_text(ctrl->rig, page);
}

static rig_cmd *with_page(rig_ctrl *ctrl)
{
  rig_cmd *cmd = rig_cmd_new(ctrl);

  cmd->own = calloc(1, NVMENS_PAGE);
  RIG_MUST(cmd->own);
  return cmd;
}

rig_cmd *rig_attachment(rig_ctrl *ctrl, unsigned sel, uint32_t nsid, const uint16_t *cntlid,
                        unsigned n)
{
  rig_cmd *cmd = with_page(ctrl);
  unsigned i;

  nvmens_put16(cmd->own, (uint16_t)n);
  for (i = 0; i < n && i < NVMENS_LIST_CTRLS; i++)
    nvmens_put16(cmd->own + 2 + 2 * i, cntlid[i]);
  return submit(cmd, &(rig_sqe){.opcode = NVMENS_OP_NS_ATTACHMENT,
                                .nsid = nsid,
                                .cdw10 = sel,
                                .data = cmd->own,
                                .size = NVMENS_PAGE});
}

uint16_t rig_cntlid(rig_ctrl *ctrl)
{
  return rig_info(ctrl).cntlid;
}

rig_cmd *rig_host_attach(rig_ctrl *issuer, uint32_t nsid, rig_ctrl *to)
{
  const uint16_t cntlid = rig_cntlid(to);

  return rig_attachment(issuer, NVMENS_NS_ATTACH, nsid, &cntlid, 1);
}

rig_cmd *rig_host_detach(rig_ctrl *issuer, uint32_t nsid, rig_ctrl *from)
{
  const uint16_t cntlid = rig_cntlid(from);

  return rig_attachment(issuer, NVMENS_NS_DETACH, nsid, &cntlid, 1);
}

rig_cmd *rig_host_create(rig_ctrl *issuer, uint64_t nsze, int shared)
{
  rig_cmd *cmd = with_page(issuer);
  nvmens_ns_create *data = (nvmens_ns_create *)cmd->own;

  nvmens_put64(data->nsze, nsze);
  nvmens_put64(data->ncap, nsze);
  data->nmic = shared ? NVMENS_NMIC_SHARED : 0;
  submit(cmd, &(rig_sqe){.opcode = NVMENS_OP_NS_MANAGEMENT,
                         .cdw10 = NVMENS_NS_MGMT_CREATE,
                         .data = cmd->own,
                         .size = NVMENS_PAGE});
  if (cmd->done && cmd->sf == 0)
    RIG_MUST(rig_find(cmd->rig, cmd->dw0));
  return cmd;
}

rig_cmd *rig_host_delete(rig_ctrl *issuer, uint32_t nsid)
{
  return rig_admin(issuer, .opcode = NVMENS_OP_NS_MANAGEMENT, .nsid = nsid,
                   .cdw10 = NVMENS_NS_MGMT_DELETE);
}
