/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drivers.c: hosts in the loop: how Linux and SPDK find their namespaces, and a host that never
 * reads its log.
 *
 * Linux (C4, C7, C11, C14): one AER, put back at once; an event is a read of log 04h, whose content
 * it does not look at, and a scan: CNS 02h, and CNS 03h and 00h of each. A disk that has another
 * identity than before is dropped, and is not added in that scan. One whose CNS 03h fails stays.
 * SPDK (C6, C19): all the AERs it may have, before it identifies anything; an event is a read of
 * log 04h, and CNS 03h and 00h of what it lists, and of nothing else.
 * Both look at everything once they are started, and after a management command of their own.
 *
 * Whenever a driver has nothing left to do, its disks must be the namespaces that there are.
 */
#include "drivers.h"

#include "bytes.h"

enum { AT_START, AT_REST, AT_LOG, AT_LIST, AT_DESC, AT_NS };
enum { D_WORK, D_AER, D_TOOL };

d_driver D[M_CTRLS];

static int most_aers(const d_driver *d)
{
  int most = M.conf.cfg.aerl_is_zero ? 1 : (M.conf.cfg.aerl ? M.conf.cfg.aerl : 3) + 1;

  return d->kind == D_LINUX || most == 1 ? 1 : most;
}

static uint8_t kind_of(int ctrl)
{
  return M.conf.drivers >> (2 * ctrl) & 3;
}

int w_driven(int ctrl)
{
  return D[ctrl].kind != D_NONE;
}

/* ---- what happens to the controller ---- */

void w_driver_new(int ctrl, int is_io, uint8_t hostid, uint8_t pci)
{
  uint8_t life = D[ctrl].life;

  memset(&D[ctrl], 0, sizeof(D[ctrl]));
  D[ctrl].life = (uint8_t)(life + 1);
  D[ctrl].kind = is_io ? kind_of(ctrl) : D_NONE;
  D[ctrl].quiet = M.conf.quiet >> ctrl & 1;
  D[ctrl].hostid = hostid;
  D[ctrl].pci = pci;
  for (int o = 0; o < M_CTRLS; o++)
    for (int n = 0; n < M_NSIDS; n++)
      if (D[o].refused[n] == ctrl + 1)
        D[o].refused[n] = 0;
  d_comes_back(ctrl);
}

/* Enabled: it begins; reset, shut down, removed: what was out is of the past. Disks stay (C14). */
void w_driver_up(int ctrl, int up)
{
  d_driver *d = &D[ctrl];

  d->up = (uint8_t)up;
  d->life++;
  d->at = AT_START;
  d->busy = d->aers = d->lids = 0;
  d->log_due &= d->kind == D_LINUX; /* it has heard, and will read */
  d->scan_due = 1;
  d->tools = 0;
  d->heard = 0;
}

/* The controller is being removed. */
void w_driver_leaves(int ctrl)
{
  d_goes_away(ctrl);
}

/* The controller has been removed, and with PCI its disks with it. */
void w_driver_gone(int ctrl)
{
  w_driver_up(ctrl, 0);
  memset(D[ctrl].disk, 0, sizeof(D[ctrl].disk));
}

/* ---- what it makes of an answer ---- */

static void look_at(d_driver *d, uint16_t n)
{
  d->n = n;
  d->i = 0;
  d->at = AT_DESC;
}

static void forget(d_driver *d, uint32_t from, uint32_t below)
{
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.conf.nsid[n] > from && M.conf.nsid[n] < below)
      d->disk[n].there = 0;
}

/* The scan has come to this NSID: what is not in the list below it is dropped now, not before. */
static void drop_below(d_driver *d, uint32_t nsid)
{
  if (d->full)
    forget(d, d->after, nsid);
  d->after = nsid;
}

/* The next of the list. */
static void next_one(d_driver *d)
{
  drop_below(d, d->list[d->i++]);
  d->at = AT_DESC;
  if (d->i == d->n) {
    drop_below(d, NVMENS_NSID_ALL);
    d->at = AT_REST;
  }
}

/* It has room for all the NSIDs that there are: there is no second page. */
static void got_list(d_driver *d, uint16_t sf)
{
  d->at = AT_REST;
  if (sf)
    return;
  if (d->n == 0)
    drop_below(d, NVMENS_NSID_ALL);
  else
    look_at(d, d->n);
  for (uint16_t i = 0; i <= d->n && d->kind == D_SPDK; i++) /* drops it before it looks */
    forget(d, i ? d->list[i - 1] : 0, i < d->n ? d->list[i] : NVMENS_NSID_ALL);
}

static void begin_scan(d_driver *d)
{
  d->scan_due = 0;
  d->full = 1;
  d->after = 0;
  w_count->scans++;
  d->at = AT_LIST;
}

static void got_log(d_driver *d, uint16_t sf)
{
  d->at = AT_REST;
  if (sf)
    w_fail("C5: the read of log 04h failed with %03x", sf);
  if (d->kind == D_LINUX) { /* one piece of work: no second read comes before this scan */
    begin_scan(d);
  } else if (d->n && d->list[0] == NVMENS_NSID_ALL) {
    d->scan_due = 1;
  } else if (d->n) {
    d->full = 0;
    look_at(d, d->n);
  }
}

static int ctrl_of(const d_driver *d)
{
  return (int)(d - D);
}

static void got_ns(d_driver *d, uint16_t sf)
{
  int n = m_slot(d->list[d->i]), o = d_in_the_way(d, n, &d->seen);
  d_disk *had = &d->disk[n];

  d->refused[n] = 0;
  if (!sf && d->seen.nsze) {
    if (d->kind == D_LINUX && had->there && !d_same(had, &d->seen)) {
      had->there = 0; /* "identifiers changed" */
      w_count->swaps++;
      d_was_shown(ctrl_of(d), n);
    } else if (d->kind == D_LINUX && had->there) {
      had->nsze =
          d->seen.nsze; /* what it shares with other paths was looked at when it was added */
    } else if (d->kind == D_LINUX &&
               o >= 0) { /* "IDs don't match", "Duplicate unshared namespace" */
      w_count->refusals++;
      d->refused[n] = (uint8_t)(o + 1);
    } else {
      *had = d->seen;
      had->there = 1;
    }
  } else if (!sf || d->kind == D_SPDK) {
    had->there = 0;
  }
  next_one(d);
}

static void got_desc(d_driver *d, uint16_t sf)
{
  if (sf && d->kind == D_SPDK)
    d->disk[m_slot(d->list[d->i])].there = 0;
  if (sf) {
    next_one(d);
  } else if (d->seen.csi == NVMENS_CSI_KV) { /* it has no size in blocks; the rest is in CNS 08h */
    d->seen.nsze = 1;
    d->seen.shared = M.ns[m_slot(d->list[d->i])].c.shared;
    got_ns(d, 0);
  } else {
    d->at = AT_NS;
  }
}

static void got_event(d_driver *d, uint16_t sf, uint32_t dw0)
{
  d->aers--;
  if (sf)
    w_fail("C3: an AER of a driver ended with %03x", sf);
  if (dw0 >> 16 != NVMENS_LID_CHANGED_ATTACHED_NS) {
    d->lids |= (uint8_t)(1u << (dw0 >> 16));
    return;
  }
  if (dw0 != 0x00040002)
    w_fail("R38: an event of log 04h has dw0 %08x", dw0);
  d->log_due = 1;
  w_count->events++;
  if (d->kind == D_LAZY && ++d->heard > 1)
    w_fail("C4: a host that does not read is told again");
}

/* A command of a driver's has ended; sf FFFFh: dropped. */
void w_driver_heard(int ctrl, int tag, uint16_t sf, uint32_t dw0)
{
  d_driver *d = &D[ctrl];

  if (tag >> 2 != (d->life & 31))
    return;
  if (sf == 0xffff) {
    if (d->up)
      w_fail("a command of a driver's was dropped without a reset");
    return;
  }
  if ((tag & 3) == D_TOOL) {
    d->scan_due = d->kind != D_LAZY;
    d->tools--;
    return;
  }
  if ((tag & 3) == D_AER) {
    got_event(d, sf, dw0);
    return;
  }
  d->busy = 0;
  if (d->at == AT_START) {
    if (sf)
      w_fail("C1: Set Features 0Bh failed with %03x", sf);
    d->at = AT_REST;
  } else if (d->at == AT_LIST) {
    got_list(d, sf);
  } else if (d->at == AT_LOG) {
    got_log(d, sf);
  } else if (d->at == AT_DESC) {
    got_desc(d, sf);
  } else {
    got_ns(d, sf);
  }
}

static void read_desc(d_disk *k, const uint8_t *p)
{
  memset(k, 0, sizeof(*k));
  for (; p[0]; p += 4 + p[1]) {
    if (p[0] == NVMENS_NIDT_EUI64)
      memcpy(k->ident.eui64, p + 4, 8);
    else if (p[0] == NVMENS_NIDT_NGUID)
      memcpy(k->ident.nguid, p + 4, 16);
    else if (p[0] == NVMENS_NIDT_UUID)
      memcpy(k->ident.uuid, p + 4, 16);
    else if (p[0] == NVMENS_NIDT_CSI)
      k->csi = p[4];
    else
      w_fail("a descriptor of type %u", p[0]);
  }
}

/* The data of a command of a driver's. */
void w_driver_data(int ctrl, int tag, const uint8_t *data)
{
  d_driver *d = &D[ctrl];

  if (tag >> 2 != (d->life & 31) || (tag & 3) != D_WORK)
    return;
  if (d->at == AT_LIST || d->at == AT_LOG) {
    for (d->n = 0; d->n < M.conf.nnsids && get32(data + 4 * d->n); d->n++)
      d->list[d->n] = get32(data + 4 * d->n);
  } else if (d->at == AT_DESC) {
    read_desc(&d->seen, data);
    d_identified(ctrl, m_slot(d->list[d->i]), &d->seen);
  } else if (d->at == AT_NS) {
    d->seen.nsze = get64(data);
    d->seen.shared = data[offsetof(nvmens_id_ns, nmic)] & 1;
  }
}

/* ---- what it does ---- */

static int send(int ctrl, nvmens_sqe *q, int what)
{
  int cmd = w_cmd_new();

  if (cmd < 0)
    return 0;
  put16(q->cid, (uint16_t)(100 + what));
  W.cmd[cmd].tag = (uint8_t)(what | (D[ctrl].life & 31) << 2);
  W.cmd[cmd].driver = 1;
  w_submit(ctrl, q, cmd);
  return 1;
}

int w_driver_tool(int ctrl)
{
  D[ctrl].tools++;
  return D_TOOL | (D[ctrl].life & 31) << 2;
}

static void fill(const d_driver *d, nvmens_sqe *q)
{
  uint32_t aec = d->quiet ? 0 : NVMENS_AEC_ATTACHED_NS;

  q->opcode = NVMENS_OP_IDENTIFY;
  switch (d->at) {
  case AT_START:
    q->opcode = NVMENS_OP_SET_FEATURES;
    q->cdw10[0] = NVMENS_FID_ASYNC_EVENT_CONFIG;
    put32(q->cdw11, aec);
    break;
  case AT_LOG:
    q->opcode = NVMENS_OP_GET_LOG_PAGE;
    q->cdw10[0] = NVMENS_LID_CHANGED_ATTACHED_NS;
    put16(q->cdw10 + 2, 1023);
    put32(q->nsid, NVMENS_NSID_ALL);
    break;
  case AT_LIST:
    q->cdw10[0] = NVMENS_CNS_ACTIVE_NS_LIST;
    put32(q->nsid, d->after);
    break;
  case AT_DESC:
    q->cdw10[0] = NVMENS_CNS_NS_DESC_LIST;
    put32(q->nsid, d->list[d->i]);
    break;
  default:
    q->cdw10[0] = NVMENS_CNS_NS;
    put32(q->nsid, d->list[d->i]);
  }
}

/* At rest: what is due? 0: nothing. */
static int take_up(int ctrl)
{
  d_driver *d = &D[ctrl];

  for (uint8_t lid = 1; lid < 8; lid++)
    if (d->lids >> lid & 1) {
      d->lids &= (uint8_t) ~(1u << lid);
      w_read_log(ctrl, lid);
      return 1;
    }
  if (d->kind == D_LAZY)
    d->log_due = 0;
  if (d->log_due) {
    d->log_due = 0;
    d->at = AT_LOG;
  } else if (d->scan_due) {
    begin_scan(d);
  }
  return d->at != AT_REST;
}

/* One thing that the driver of a controller does. 0: there is nothing to do. */
int w_driver_act(int ctrl)
{
  nvmens_sqe q = {.opcode = NVMENS_OP_ASYNC_EVENT_REQUEST};
  d_driver *d;

  if (ctrl < 0 || !W.ctrl[ctrl] || !D[ctrl].kind || !D[ctrl].up)
    return 0;
  d = &D[ctrl];
  if (d->aers < most_aers(d) && (d->kind != D_LINUX || d->at != AT_START)) {
    d->aers++;
    if (send(ctrl, &q, D_AER))
      return 1;
    d->aers--;
  }
  if (d->busy || (d->at == AT_REST && !take_up(ctrl)))
    return 0;
  if (d->at == AT_REST || !d->up || !W.ctrl[ctrl]) /* a step may have been done inside */
    return 1;
  fill(d, &q);
  d->busy = 1;
  if (send(ctrl, &q, D_WORK))
    return 1;
  d->busy = 0;
  return 0;
}

/* And not only short of commands. */
int d_at_rest(const d_driver *d)
{
  return d->up && !d->tools && d->aers == most_aers(d) && !d->busy && d->at == AT_REST &&
         !d->log_due && !d->scan_due;
}

/* All of them, until they have nothing to do: they must come to an end, and to the true view. Bit n
 * of slow: that of controller n does less often what it has to do. */
void w_drivers_settle(uint8_t slow)
{
  int some = 1, each = slow & 0x80 ? 23 : 5;

  for (int turn = 0; some; turn++) {
    some = 0;
    for (int c = 0; c < M_CTRLS; c++)
      if (!(slow >> c & 1) || turn % each == 0)
        some |= w_driver_act(c);
      else
        some = 1;
    if (turn > 3000 * each)
      w_fail("the drivers come to no end");
  }
  if (W.hooks || W.calls)
    return;
  for (int c = 0; c < M_CTRLS; c++)
    if ((D[c].kind == D_LINUX || D[c].kind == D_SPDK) && !D[c].quiet && W.ctrl[c] &&
        d_at_rest(&D[c]))
      d_check_view(c);
}

void w_drivers_init(void)
{
  memset(D, 0, sizeof(D));
  d_init();
}
