/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * host.c: what a host does of its own accord: it creates, attaches, detaches and deletes
 * namespaces, resets and shuts down its controller, loses it, reconnects, and sends some nonsense.
 *
 * Statuses are counted, not prescribed: the other host and the backend change everything meanwhile.
 * Checked is only what no race can change.
 */
#include "hotswap.h"

#include <string.h>

/* ---- choosing ---- */

static uint32_t any_nsid(struct driver *d)
{
  return 1 + (uint32_t)rng_below(&d->rng, d->world->nn);
}

/* One that this driver sees attached (or, allocated but not attached), from a random place on. */
static uint32_t choose(struct driver *d, bool attached)
{
  uint32_t nn = d->world->nn, nsid = any_nsid(d);

  for (uint32_t i = 0; i < nn; i++, nsid = nsid % nn + 1)
    if (attached ? disk_there(&d->view[nsid]) : d->allocated[nsid] && !disk_there(&d->view[nsid]))
      return nsid;
  return any_nsid(d);
}

static void expect(struct driver *d, const char *what, int sf, int expected)
{
  int sc = sf & 0x7FF;

  if (sf < 0 || (sc != expected && sc != NVMENS_SC_DATA_TRANSFER_ERROR))
    watch_fail(d->world, "controller %u: %s ends with %03Xh instead of %03Xh", d->port->cntlid,
               what, (unsigned)sc, (unsigned)expected);
}

/* ---- namespace management ---- */

/*
 * Drains can take a while. Some hosts lose their patience and reset the controller: the command is
 * dropped then, and what it began goes on. True: that happened.
 */
static bool patient(struct driver *d, struct host_cmd *hc, int *sf, uint32_t *dw0)
{
  bool impatient = rng_percent(&d->rng, 15);
  bool reset = hc && impatient && !driver_wait(d, hc, now_ns() + 2 * MS);

  if (reset) /* driver_finish comes after it: the hook has marked the command as dropped */
    driver_reset(d, false);
  *sf = driver_finish(d, hc, dw0);
  return reset;
}

static void create(struct driver *d)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_NS_MANAGEMENT, 0, NVMENS_NS_MGMT_CREATE, 0);
  nvmens_ns_create data;
  uint64_t blocks = 1024 + rng_below(&d->rng, MAX_BLOCKS / 2);
  uint32_t dw0 = 0;
  int sf;

  if (rng_percent(&d->rng, 4))
    blocks = UINT64_C(1) << 50; /* more than there is */
  memset(&data, 0, sizeof(data));
  put_le(data.nsze, 8, blocks);
  put_le(data.ncap, 8, rng_percent(&d->rng, 3) ? blocks - 1 : blocks);
  data.flbas = rng_percent(&d->rng, 3) ? 7 : 0;
  data.nmic = rng_percent(&d->rng, 70) ? NVMENS_NMIC_SHARED : 0;
  if (patient(d, driver_send(d, &e, &data, sizeof(data)), &sf, &dw0))
    return;
  if (sf == 0 && (dw0 == 0 || dw0 > d->world->nn))
    watch_fail(d->world, "create: NSID %u", dw0);
}

static void attachment(struct driver *d, unsigned sel, uint32_t nsid)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_NS_ATTACHMENT, nsid, sel, 0);
  bool all = rng_percent(&d->rng, 40);
  nvmens_ctrl_list list;
  unsigned count = 0;
  int sf;

  memset(&list, 0, sizeof(list));
  for (unsigned i = 0; i < d->world->opt.controllers; i++)
    if (all || &d->world->port[i] == d->port)
      put_le(list.cntlid[count++], 2, d->world->port[i].cntlid);
  if (rng_percent(&d->rng, 3))
    put_le(list.cntlid[count++], 2, 999);
  put_le(list.count, 2, count);
  if (!patient(d, driver_send(d, &e, &list, sizeof(list)), &sf, NULL) && sf < 0)
    watch_fail(d->world, "Namespace Attachment was dropped without a reset");
}

static void attach(struct driver *d)
{
  attachment(d, NVMENS_NS_ATTACH, choose(d, false));
}

static void detach(struct driver *d)
{
  attachment(d, NVMENS_NS_DETACH, choose(d, true));
}

static void delete_one(struct driver *d, uint32_t nsid)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_NS_MANAGEMENT, nsid, NVMENS_NS_MGMT_DELETE, 0);
  int sf;

  if (!patient(d, driver_send(d, &e, NULL, 0), &sf, NULL))
    scan_after_command(d, nsid);
}

static void delete_any(struct driver *d)
{
  delete_one(d, choose(d, rng_percent(&d->rng, 30)));
}

static void delete_all(struct driver *d)
{
  delete_one(d, NVMENS_NSID_ALL);
}

/* ---- looking ---- */

static void peek_logs(struct driver *d)
{
  nvmens_sqe e = sqe_log(rng_percent(&d->rng, 50) ? NVMENS_LID_CHANGED_ATTACHED_NS
                                                  : NVMENS_LID_CHANGED_ALLOCATED_NS,
                         0, rng_percent(&d->rng, 50) ? 16 : NVMENS_PAGE, true);

  expect(d, "a peek at a log", driver_exec(d, &e, d->page, NVMENS_PAGE, NULL), 0);
}

static void look_around(struct driver *d)
{
  static const uint8_t pages[] = {NVMENS_CNS_NS_CTRL_LIST, NVMENS_CNS_CTRL_LIST,
                                  NVMENS_CNS_ALLOCATED_NS, NVMENS_CNS_CSI_ACTIVE_NS_LIST,
                                  NVMENS_CNS_ALLOCATED_NS_INDEPENDENT};
  nvmens_sqe e = sqe_identify(pages[rng_below(&d->rng, sizeof(pages))], any_nsid(d), 0);

  driver_read(d, &e, d->page, NVMENS_PAGE, NVMENS_SC_INVALID_FIELD);
}

static void nonsense(struct driver *d)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_NS_MANAGEMENT, 1, 5, 0);

  expect(d, "Namespace Management, SEL 5", driver_exec(d, &e, d->page, NVMENS_PAGE, NULL),
         NVMENS_SC_INVALID_FIELD);
  e = sqe_identify(0xEE, 1, 0);
  expect(d, "Identify, CNS EEh", driver_exec(d, &e, d->page, NVMENS_PAGE, NULL),
         NVMENS_SC_INVALID_FIELD);
  e = sqe_of(NVMENS_OP_NS_MANAGEMENT, d->world->nn + 1, NVMENS_NS_MGMT_DELETE, 0);
  expect(d, "delete of an invalid NSID", driver_exec(d, &e, NULL, 0, NULL),
         NVMENS_SC_INVALID_NS_OR_FORMAT);
  e = sqe_of(0xC5, 0, 0, 0);
  expect(d, "an unknown opcode", driver_exec(d, &e, NULL, 0, NULL), NVMENS_SC_INVALID_OPCODE);
}

/* ---- events ---- */

/* R32: what happens while the notices are off is told when they are on again. */
static void events_off_and_on(struct driver *d)
{
  const uint32_t fid = NVMENS_FID_ASYNC_EVENT_CONFIG;
  nvmens_sqe e = sqe_of(NVMENS_OP_GET_FEATURES, 0, fid, 0);
  uint32_t before = 0, value;

  if (driver_exec(d, &e, NULL, 0, &before) != 0)
    return;
  e = sqe_of(NVMENS_OP_SET_FEATURES, 0, fid,
             before & ~(NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS));
  expect(d, "Set Features", driver_exec(d, &e, NULL, 0, NULL), 0);
  sleep_ns(rng_below(&d->rng, 3 * MS));
  e = sqe_of(NVMENS_OP_SET_FEATURES, 0, fid, before);
  driver_read(d, &e, NULL, 0, 0);
  d->toggles++;
  value = nvmens_aec(d->port->ctrl);
  if (value != before)
    watch_fail(d->world, "feature 0Bh is %08Xh instead of %08Xh", value, before);
}

/* One more than the limit, and the abort of a parked one. */
static void disturb_aers(struct driver *d)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_ABORT, 0, (uint32_t)d->next_cid << 16, 0);

  driver_exec(d, &e, NULL, 0, NULL);
  e = sqe_of(NVMENS_OP_ASYNC_EVENT_REQUEST, 0, 0, 0);
  for (int i = 0; i < 5; i++)
    driver_send(d, &e, NULL, 0);
  e = sqe_of(NVMENS_OP_ABORT, 0, (uint32_t)(d->next_cid - 4) << 16, 0);
  driver_exec(d, &e, NULL, 0, NULL);
}

/* ---- the controller ---- */

static void reset(struct driver *d)
{
  driver_reset(d, false);
}

static void shutdown(struct driver *d)
{
  driver_reset(d, true);
}

/* ---- the dice ---- */

static const struct {
  unsigned weight;
  void (*act)(struct driver *);
} acts[] = {
    {180, create},      {220, attach},           {200, detach},     {160, delete_any},
    {4, delete_all},    {60, peek_logs},         {60, look_around}, {20, nonsense},
    {20, disturb_aers}, {20, events_off_and_on}, {12, reset},       {6, shutdown},
    {4, driver_remove}, {4, driver_reconnect},
};

void host_act(struct driver *d)
{
  unsigned sum = 0, dice;

  for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
    sum += acts[i].weight;
  dice = (unsigned)rng_below(&d->rng, sum);
  for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
    if (dice < acts[i].weight) {
      acts[i].act(d);
      return;
    }
    dice -= acts[i].weight;
  }
}
