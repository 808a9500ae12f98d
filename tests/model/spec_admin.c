/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_admin.c: the model's admin commands: which are taken, features, AER, Abort, logs.
 */
#include "spec.h"

#include "bytes.h"

#define DNR(sc) ((uint16_t)((sc) | NVMENS_SF_DNR))

static void feature(m_frame *f, int set)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t cdw10 = get32(q->sqe.cdw10), value = get32(q->sqe.cdw11);
  m_ctrl *c = &M.ctrl[q->ctrl];
  uint32_t nsid = get32(q->sqe.nsid), sel = cdw10 >> 8 & 7;

  if (!set) {
    if (sel > 3)
      m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
    else
      m_end(f->cmd, 0, sel == 0 ? c->aec : (sel == 3 ? 4 : m_aec_default(q->ctrl)), 0);
    return;
  }
  if (cdw10 >> 31)
    m_end(f->cmd, DNR(NVMENS_SC_FEATURE_NOT_SAVEABLE), 0, 0);
  else if (nsid != 0 && nsid != NVMENS_NSID_ALL)
    m_end(f->cmd, DNR(NVMENS_SC_FEATURE_NOT_PER_NS), 0, 0);
  else if (value & ~m_aec_may(q->ctrl))
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
  else {
    m_set_aec(q->ctrl, value);
    m_look();
    m_end(f->cmd, 0, 0, 0);
    m_deliver(q->ctrl, 1); /* it may come first */
    M.loose++;
    m_commit();
    M.loose--;
  }
}

static int abort_one(int ctrl, m_frame *f)
{
  uint16_t cid = (uint16_t)(get32(M.cmd[f->cmd].sqe.cdw10) >> 16);

  if (m_aer_abort(ctrl, cid) != 0)
    return 0;
  m_end(f->cmd, 0, 0, 0);
  return 1;
}

static int known(const m_cmd *q)
{
  uint32_t cdw10 = get32(q->sqe.cdw10);

  switch (q->sqe.opcode) {
  case NVMENS_OP_GET_LOG_PAGE:
    return (cdw10 & 0xff) == NVMENS_LID_CHANGED_ATTACHED_NS ||
           (cdw10 & 0xff) == NVMENS_LID_CHANGED_ALLOCATED_NS;
  case NVMENS_OP_IDENTIFY:
    switch (cdw10 & 0xff) {
    case 0x00:
    case 0x02:
    case 0x03:
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x08:
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x13:
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1f:
      return 1;
    default:
      return 0;
    }
  case NVMENS_OP_SET_FEATURES:
  case NVMENS_OP_GET_FEATURES:
    return (cdw10 & 0xff) == NVMENS_FID_ASYNC_EVENT_CONFIG;
  case NVMENS_OP_ASYNC_EVENT_REQUEST:
  case NVMENS_OP_NS_MANAGEMENT:
  case NVMENS_OP_NS_ATTACHMENT:
    return 1;
  default:
    return 0;
  }
}

static int abort_taken(int ctrl, const m_cmd *q)
{
  uint16_t cid = (uint16_t)(get32(q->sqe.cdw10) >> 16);

  for (uint32_t i = 0; i < M.ctrl[ctrl].nparked; i++)
    if (q->sqe.opcode == NVMENS_OP_ABORT && M.cmd[M.ctrl[ctrl].parked[i]].cid == cid)
      return 1;
  return 0;
}

/* What a discovery controller does not have, of what is known (R70). */
static uint16_t type_lacks(int ctrl, uint8_t opcode)
{
  if (!m_is_discovery(ctrl))
    return 0;
  switch (opcode) {
  case NVMENS_OP_NS_MANAGEMENT:
  case NVMENS_OP_NS_ATTACHMENT:
    return DNR(NVMENS_SC_INVALID_OPCODE);
  case NVMENS_OP_IDENTIFY:
    return DNR(NVMENS_SC_INVALID_FIELD);
  case NVMENS_OP_GET_LOG_PAGE:
    return DNR(NVMENS_SC_INVALID_LOG_PAGE);
  default:
    return 0;
  }
}

static void start(int ctrl, m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint16_t sf = type_lacks(ctrl, q->sqe.opcode);

  if (sf) {
    m_end(f->cmd, sf, 0, 0);
    return;
  }
  switch (q->sqe.opcode) {
  case NVMENS_OP_GET_LOG_PAGE:
    sf = m_log_begin(f);
    if (sf)
      m_end(f->cmd, sf, 0, 0);
    else if (!f->len) /* at the end of the page */
      m_log_done(f);
    return;
  case NVMENS_OP_IDENTIFY:
    m_identify(f);
    return;
  case NVMENS_OP_SET_FEATURES:
    feature(f, 1);
    return;
  case NVMENS_OP_GET_FEATURES:
    feature(f, 0);
    return;
  case NVMENS_OP_ASYNC_EVENT_REQUEST:
    sf = m_aer(ctrl, f->cmd, get16(q->sqe.cid));
    if (sf)
      m_end(f->cmd, sf, 0, 0);
    return;
  case NVMENS_OP_NS_MANAGEMENT:
    m_manage(f);
    return;
  case NVMENS_OP_NS_ATTACHMENT:
    m_attachment(f);
    return;
  default:
    abort_one(ctrl, f);
  }
}

int m_admin(int ctrl, int cmd, const nvmens_sqe *sqe)
{
  m_frame *f = &M.frame[M.depth];
  m_cmd *q = &M.cmd[cmd];

  f->cmd = cmd;
  f->want = K_NONE;
  f->stage = 0;
  f->ns = M_NONE;
  f->obj = M_NONE;
  memset(q, 0, sizeof(*q));
  q->sqe = *sqe;
  q->ctrl = (uint8_t)ctrl;
  q->epoch = M.ctrl[ctrl].epoch;
  q->cid = get16(sqe->cid);
  q->born = ++M.gens;
  if (!known(q) && !abort_taken(ctrl, q))
    return NVMENS_NOT_MINE; /* as if it had not been called */
  m_time(M.now);
  M.depth++;
  q->state = C_INLINE;
  if (M.ctrl[ctrl].state == NVMENS_CTRL_SHUTDOWN)
    m_end(cmd, NVMENS_SC_ABORTED_POWER_LOSS, 0, 0);
  else if (M.ctrl[ctrl].state != NVMENS_CTRL_READY)
    m_end(cmd, NVMENS_SC_ABORTED_SQ_DELETED, 0, 0);
  else
    start(ctrl, f);
  return NVMENS_TAKEN;
}

static void resume(m_frame *f, uint8_t was, uint16_t result, const uint8_t *page)
{
  uint8_t op = M.cmd[f->cmd].sqe.opcode;

  if (was == K_PREPARE) {
    m_prep_done(f, result);
    return;
  }
  if (m_old(f->cmd)) {
    m_drop(f->cmd);
    return;
  }
  if (was == K_IDENTIFY) {
    if (result) {
      m_end(f->cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
      return;
    }
    memcpy(f->page, page, NVMENS_PAGE);
    m_identified(f);
    return;
  }
  if (result) {
    if (op == NVMENS_OP_GET_LOG_PAGE && BROKEN(failed))
      m_log_done(f);
    else
      m_end(f->cmd, result, 0, 0);
    return;
  }
  if (op == NVMENS_OP_GET_LOG_PAGE) {
    m_log_done(f);
  } else if (op == NVMENS_OP_IDENTIFY) {
    m_identified(f);
  } else {
    if (op == NVMENS_OP_NS_MANAGEMENT)
      m_manage_data(f);
    else
      m_attachment_data(f);
  }
}

/* The hook that a frame wanted has returned. */
void m_resume(m_frame *f, uint16_t result, const uint8_t *page)
{
  uint8_t was = f->want, op = M.cmd[f->cmd].sqe.opcode;

  f->want = K_NONE;
  if (f->ns >= 0 && was == K_IDENTIFY) /* it may have waited for this hook */
    m_quiet(f->ns);
  resume(f, was, result, page);
  if (op == NVMENS_OP_GET_LOG_PAGE) { /* of what was let in when it began, though it failed */
    M.loose++;
    m_commit();
    M.loose--;
  }
  if (f->ns >= 0 && was == K_PREPARE)
    m_quiet(f->ns);
}
/* ---- logs 04h and 1Ch ---- */

static void latch(m_log *log)
{
  for (int n = 0; n < M.conf.nnsids; n++) {
    log->latched[n] = (log->latched[n] && !log->gone[n]) || log->since[n];
    log->since[n] = 0;
  }
  memset(log->served, 0, sizeof(log->served));
  memset(log->gone, 0, sizeof(log->gone));
  log->snapped = 1;
  log->stamp = ++M.seq;
}

static void list_page(const uint8_t *set, uint8_t *page)
{
  unsigned at = 0;

  memset(page, 0, NVMENS_PAGE);
  for (int n = 0; n < M.conf.nnsids; n++)
    if (set[n])
      put32(page + 4 * at++, M.conf.nsid[n]);
}

static void fill_page(m_frame *f, const m_log *log)
{
  list_page(log->latched, f->page);
  memmove(f->page, f->page + f->lpo, f->len);
}

uint16_t m_log_begin(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t cdw10 = get32(q->sqe.cdw10), nsid = get32(q->sqe.nsid);
  uint64_t lpo = get32(q->sqe.cdw12) | (uint64_t)get32(q->sqe.cdw13) << 32;
  uint64_t len = cdw10 >> 16 | (uint64_t)(get32(q->sqe.cdw11) & 0xffff) << 16;
  m_log *log = &M.ctrl[q->ctrl].log[(cdw10 & 0xff) == NVMENS_LID_CHANGED_ALLOCATED_NS];
  int counts, fresh;

  len = (len + 1) * 4;
  if (nsid != 0 && nsid != NVMENS_NSID_ALL)
    return DNR(NVMENS_SC_INVALID_FIELD);
  if ((lpo & 3) != 0 || lpo > NVMENS_PAGE)
    return DNR(NVMENS_SC_INVALID_FIELD);
  counts =
      log == &M.ctrl[q->ctrl].log[0] && !(cdw10 & 0x8000) && M.ctrl[q->ctrl].src[M_SRC4].state == 2;
  fresh = lpo == 0 || !log->snapped;
  if (fresh && BROKEN(next_page))
    latch(log);
  f->counts = (uint8_t)counts;
  if (counts)
    m_read_begins(q->ctrl, fresh ? ++M.seq : log->stamp);
  if (fresh && !BROKEN(next_page))
    latch(log);
  if (len > NVMENS_PAGE - lpo)
    len = NVMENS_PAGE - lpo;
  f->lpo = (uint32_t)lpo;
  f->len = (uint32_t)len;
  f->stamp = log->stamp;
  f->dir = NVMENS_TO_HOST;
  f->want = f->len ? K_TRANSFER : K_NONE;
  M.snaps = (uint8_t)fresh;
  fill_page(f, log);
  return 0;
}

/* Let in when that read began, though it is known only now. */
void m_log_lists(int ns)
{
  m_frame *f = &M.frame[M.depth - 1];
  m_log *log = &M.ctrl[M.cmd[f->cmd].ctrl].log[0];

  log->latched[ns] = 1;
  fill_page(f, log);
}

/* Bytes of the page have been transferred. */
static void serve(m_log *log, uint32_t from, uint32_t to)
{
  uint32_t at = 0;

  for (int n = 0; n < M.conf.nnsids; n++)
    if (log->latched[n]) {
      log->served[n] |= at >= from && at < to;
      at += 4;
    }
}

/* What was transferred is consumed; whether something is left. */
static int consume(m_log *log)
{
  int left = 0;

  for (int n = 0; n < M.conf.nnsids; n++) {
    if (!log->latched[n] || log->gone[n])
      continue;
    if (!log->served[n])
      left = 1;
    else
      log->gone[n] = 1;
  }
  log->snapped = (uint8_t)left; /* with nothing left, the next read takes a new one */
  return left;
}

void m_log_done(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t cdw10 = get32(q->sqe.cdw10);
  int which = (cdw10 & 0xff) == NVMENS_LID_CHANGED_ALLOCATED_NS;
  m_ctrl *c = &M.ctrl[q->ctrl];
  m_log *log = &c->log[which];
  m_src *s = &c->src[which ? M_SRC1C : M_SRC4];
  int left;

  M.reading = 0;
  if (BROKEN(rae))
    cdw10 &= ~UINT32_C(0x8000);
  if (!which && !(cdw10 & 0x8000))
    m_read_reached(q->ctrl, (s->state == 2 && f->counts) || BROKEN(unreported), f->stamp);
  if (f->stamp != log->stamp || !log->snapped) { /* superseded */
    if (!(cdw10 & 0x8000))
      m_src_read(c, s, 1);
  } else {
    serve(log, f->lpo, f->lpo + f->len);
    if (!(cdw10 & 0x8000)) {
      left = consume(log);
      m_src_read(c, s, left || (s->loud > log->stamp && !BROKEN(raced)));
    }
  }
  if (!which && !(cdw10 & 0x8000))
    m_read_done(q->ctrl);
  m_look();
  m_end(f->cmd, 0, 0, 0);
  M.loose += c->hostid != 0; /* other paths may have been told */
  m_commit();
  M.loose -= c->hostid != 0;
}
