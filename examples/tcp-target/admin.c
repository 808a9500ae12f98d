/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.c: commands of the Admin queue. The library is asked first; what it takes comes back
 * through conn_deliver, perhaps much later and from another thread. The rest is short, and is ours.
 * Queue's thread only.
 */
#include "bytes.h"
#include "conn.h"
#include <string.h>

uint16_t admin_send(conn *c, req *r, const void *data, uint32_t size)
{
  uint8_t *at;

  if (r->in_capsule)
    return SC_SGL_TYPE | DNR;
  if (size > r->len)
    return SC_SGL_LENGTH | DNR;
  if (r->len > MAX_DATA)
    return NVMENS_SC_INVALID_FIELD | DNR;
  at = send_data_room(c, r, r->len);
  if (!at)
    return NVMENS_SC_DATA_TRANSFER_ERROR | DNR;
  memcpy(at, data, size);
  memset(at + size, 0, r->len - size);
  return 0;
}

static void log_error(ctrl *k, const req *r)
{
  uint64_t count = ++k->errors;

  k->error[count % ERROR_LOG].count = count;
  k->error[count % ERROR_LOG].info = r->error_info;
  k->error[count % ERROR_LOG].nsid = r->nsid;
  k->error[count % ERROR_LOG].cid = r->cid;
  k->error[count % ERROR_LOG].sf = r->sf | MORE;
}

void admin_delivered(conn *c, req *r)
{
  r->state = REQ_RUNS;
  if (r->drop) { /* its entry is consumed all the same */
    c->sqhd = (uint16_t)((c->sqhd + 1u) % c->depth);
    req_free(c, r);
    return;
  }
  if (r->error_info) {
    log_error(c->ctrl, r);
    r->sf |= MORE;
  }
  send_end(c, r, r->sf, r->dw0);
}

void admin_start(conn *c, req *r)
{
  size_t wanted = nvmens_admin_data_len(r->sqe);

  if (!(c->ctrl->csts & CSTS_RDY)) {
    send_end(c, r, SC_COMMAND_SEQUENCE | DNR, 0);
  } else if (wanted > 0 && wanted <= r->len && !r->in_capsule) {
    r->len = (uint32_t)wanted;
    req_ask(c, r);
  } else {
    admin_run(c, r);
  }
}

static bool library_takes(conn *c, req *r)
{
  r->state = REQ_LIBRARY;
  atomic_fetch_add(&c->refs, 1);
  if (nvmens_admin(c->ctrl->lib, &r->cmd, r->sqe, now_ns()) == NVMENS_TAKEN)
    return true; /* r may be of the past by now */
  atomic_fetch_sub(&c->refs, 1);
  r->state = REQ_RUNS;
  return false;
}

void admin_run(conn *c, req *r)
{
  if (library_takes(c, r))
    return;
  switch (r->sqe[0]) {
  case NVMENS_OP_IDENTIFY:
    identify_ctrl(c, r);
    break;
  case NVMENS_OP_GET_LOG_PAGE:
    logs_command(c, r);
    break;
  case NVMENS_OP_SET_FEATURES:
  case NVMENS_OP_GET_FEATURES:
    features_command(c, r);
    break;
  case NVMENS_OP_ABORT: /* not an AER: it will end by itself */
    send_end(c, r, 0, 1);
    break;
  case OP_KEEP_ALIVE:
    send_end(c, r, 0, 0);
    break;
  default:
    send_end(c, r, NVMENS_SC_INVALID_OPCODE | DNR, 0);
  }
}
