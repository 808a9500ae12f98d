/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * driver.c: a host driver in miniature: how it sends commands, parks AERs, starts, resets.
 *
 * Every wait has a limit. A command's memory is the driver's again when cmd_complete or cmd_drop
 * was called for it; AERs that are dropped are freed by the hook.
 */
#include "hotswap.h"

#include <stdlib.h>
#include <string.h>

#define AERS_SPDK 4

static const uint32_t EVENTS = NVMENS_AEC_SMART | NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS;

/* ---- submission queue entries ---- */

nvmens_sqe sqe_of(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
  nvmens_sqe e;

  memset(&e, 0, sizeof(e));
  e.opcode = opcode;
  put_le(e.nsid, 4, nsid);
  put_le(e.cdw10, 4, cdw10);
  put_le(e.cdw11, 4, cdw11);
  return e;
}

nvmens_sqe sqe_identify(uint8_t cns, uint32_t nsid, uint16_t cntid)
{
  return sqe_of(NVMENS_OP_IDENTIFY, nsid, cns | (uint32_t)cntid << 16, 0);
}

nvmens_sqe sqe_log(uint8_t lid, size_t offset, size_t len, bool rae)
{
  uint32_t numd = (uint32_t)(len / 4 - 1);
  nvmens_sqe e = sqe_of(NVMENS_OP_GET_LOG_PAGE, NVMENS_NSID_ALL,
                        lid | (uint32_t)rae << 15 | (numd & 0xFFFF) << 16, numd >> 16);

  put_le(e.cdw12, 4, offset);
  return e;
}

/* ---- what the library leaves to the backend: it answers at once ---- */

static void backend_answers(struct driver *d, struct host_cmd *hc)
{
  const nvmens_sqe *e = &hc->sqe;
  uint8_t lid = e->cdw10[0];
  uint64_t stamp;

  hc->sf = NVMENS_SC_SUCCESS;
  hc->dw0 = 0;
  if (e->opcode == NVMENS_OP_IDENTIFY && e->cdw10[0] == NVMENS_CNS_CTRL) {
    memset(hc->data, 0, NVMENS_PAGE);
    nvmens_identify_ctrl(d->port->ctrl, hc->data);
  } else if (e->opcode == NVMENS_OP_GET_LOG_PAGE && lid == NVMENS_LID_SMART) {
    stamp = nvmens_log_latch(d->port->ctrl, lid);
    memset(hc->data, 0, hc->len);
    if (!(e->cdw10[1] & 0x80))
      nvmens_log_was_read(d->port->ctrl, lid, stamp);
  } else if (e->opcode == NVMENS_OP_ABORT) {
    hc->dw0 = 1; /* not found */
  } else {
    hc->sf =
        (e->opcode == NVMENS_OP_IDENTIFY ? NVMENS_SC_INVALID_FIELD : NVMENS_SC_INVALID_OPCODE) |
        NVMENS_SF_DNR;
  }
  pthread_mutex_lock(&d->lock);
  hc->state = CMD_DONE;
  d->completed++;
  pthread_mutex_unlock(&d->lock);
}

/* ---- commands ---- */

struct host_cmd *driver_send(struct driver *d, const nvmens_sqe *sqe, void *data, size_t len)
{
  struct host_cmd *hc = calloc(1, sizeof(*hc));
  nvmens_sqe copy;

  if (!hc) {
    watch_fail(d->world, "out of memory for a command");
    return NULL;
  }
  hc->driver = d;
  hc->sqe = *sqe;
  hc->data = data;
  hc->len = len;
  hc->cid = ++d->next_cid;
  hc->aer = sqe->opcode == NVMENS_OP_ASYNC_EVENT_REQUEST;
  put_le(hc->sqe.cid, 2, hc->cid);
  copy = hc->sqe;
  pthread_mutex_lock(&d->lock);
  d->sent++;
  d->parked += hc->aer;
  pthread_mutex_unlock(&d->lock);
  if (nvmens_admin(d->port->ctrl, &hc->cmd, &copy, now_ns()) == NVMENS_NOT_MINE)
    backend_answers(d, hc);
  return hc;
}

bool driver_wait(struct driver *d, struct host_cmd *hc, uint64_t until)
{
  struct timespec at = at_ns(until);
  bool ended;
  int rc = 0;

  pthread_mutex_lock(&d->lock);
  while (hc->state == CMD_SENT && rc == 0)
    rc = pthread_cond_timedwait(&d->cond, &d->lock, &at);
  ended = hc->state != CMD_SENT;
  pthread_mutex_unlock(&d->lock);
  return ended;
}

/* Waits to the end. The status field, or -1 when it was dropped. */
int driver_finish(struct driver *d, struct host_cmd *hc, uint32_t *dw0)
{
  uint64_t from = now_ns();
  int sf = -1;

  if (!hc)
    return -1;
  if (!driver_wait(d, hc, from + WAIT_LIMIT))
    watch_hang(d->world, "a command of the host does not end");
  if (now_ns() - from > HOST_DEADLINE + GRACE)
    watch_fail(d->world, "opcode %02Xh passed its deadline", hc->sqe.opcode);
  pthread_mutex_lock(&d->lock);
  if (hc->state == CMD_DONE)
    sf = hc->sf;
  pthread_mutex_unlock(&d->lock);
  if (dw0)
    *dw0 = hc->dw0;
  if (sf >= 0)
    tally_add(&d->tally, (uint16_t)sf);
  free(hc);
  bump(&d->beat);
  return sf;
}

int driver_exec(struct driver *d, nvmens_sqe *sqe, void *data, size_t len, uint32_t *dw0)
{
  return driver_finish(d, driver_send(d, sqe, data, len), dw0);
}

bool driver_read(struct driver *d, nvmens_sqe *sqe, void *data, size_t len, int expected)
{
  int sf = NVMENS_SC_DATA_TRANSFER_ERROR;

  for (int i = 0; i < 100 && (sf & 0x7FF) == NVMENS_SC_DATA_TRANSFER_ERROR; i++)
    sf = driver_exec(d, sqe, data, len, NULL);
  if (sf && (sf < 0 || (sf & 0x7FF) != expected))
    watch_fail(d->world, "controller %u: opcode %02Xh, CDW10 %08Xh, NSID %u ends with %03Xh",
               d->port->cntlid, sqe->opcode, (unsigned)get_le(sqe->cdw10, 4),
               (unsigned)get_le(sqe->nsid, 4), (unsigned)sf & 0x7FF);
  return sf == 0;
}

/* ---- AERs ---- */

void driver_park(struct driver *d)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_ASYNC_EVENT_REQUEST, 0, 0, 0);
  uint32_t wanted = d->kind == DRIVER_LINUX ? 1 : AERS_SPDK;

  for (uint32_t i = 0; i < wanted; i++) {
    uint32_t parked;

    pthread_mutex_lock(&d->lock);
    parked = d->parked;
    pthread_mutex_unlock(&d->lock);
    if (parked < wanted)
      driver_send(d, &e, NULL, 0);
  }
}

static struct host_cmd *next_event(struct driver *d, uint64_t until)
{
  struct timespec at = at_ns(until);
  struct host_cmd *hc;
  int rc = 0;

  pthread_mutex_lock(&d->lock);
  while (!d->events && rc == 0)
    rc = pthread_cond_timedwait(&d->cond, &d->lock, &at);
  hc = d->events;
  if (hc && !(d->events = hc->next))
    d->events_tail = &d->events;
  pthread_mutex_unlock(&d->lock);
  return hc;
}

static void event_done(struct driver *d, struct host_cmd *hc)
{
  free(hc);
  pthread_mutex_lock(&d->lock);
  d->handled++;
  pthread_mutex_unlock(&d->lock);
}

void driver_events_del(struct driver *d)
{
  struct host_cmd *hc;

  while ((hc = next_event(d, 0)) != NULL)
    event_done(d, hc);
}

/* A scan is often late in a real host: swaps pass it by. */
static void dawdle(struct driver *d)
{
  if (rng_percent(&d->rng, 15))
    sleep_ns(rng_below(&d->rng, 8 * MS));
}

static void handle_event(struct driver *d, const struct host_cmd *hc)
{
  nvmens_sqe e = sqe_log(NVMENS_LID_SMART, 0, 512, false);
  uint64_t from = now_ns();
  const char *name = "read SMART log";

  tally_add(&d->tally, hc->sf);
  dawdle(d);
  if (hc->sf) {
    uint16_t sc = hc->sf & 0x7FF;

    if (sc != NVMENS_SC_ABORTED_BY_REQUEST && sc != NVMENS_SC_AER_LIMIT_EXCEEDED)
      watch_fail(d->world, "controller %u: an AER ends with %03Xh", d->port->cntlid, sc);
    return;
  }
  if (hc->dw0 == EVENT_ATTACHED) {
    name = "rescan";
    scan_attached_event(d);
  } else if (hc->dw0 == EVENT_ALLOCATED) {
    name = "rescan allocated";
    scan_allocated_event(d);
  } else if ((hc->dw0 & 0xFF00FF) == (NVMENS_LID_SMART << 16 | NVMENS_AER_SMART)) {
    driver_read(d, &e, d->page, 512, 0);
  } else {
    watch_fail(d->world, "controller %u: unexpected event %08Xh", d->port->cntlid, hc->dw0);
  }
  if (d->world->trace)
    trace_span(d->world->trace, d->port->cntlid, name, from, now_ns());
}

/* ---- life of the controller ---- */

static void check_identify(struct driver *d)
{
  nvmens_sqe e = sqe_identify(NVMENS_CNS_CTRL, 0, 0);
  nvmens_id_ctrl *id = (nvmens_id_ctrl *)(void *)d->page;

  if (!driver_read(d, &e, d->page, NVMENS_PAGE, 0))
    return;
  if (get_le(id->nn, 4) != d->world->nn || id->aerl < 3 || get_le(id->cntlid, 2) != d->port->cntlid)
    watch_fail(d->world, "controller %u: Identify Controller is wrong", d->port->cntlid);
  if ((get_le(id->oaes, 4) & (EVENTS & ~0xFFu)) != (EVENTS & ~0xFFu))
    watch_fail(d->world, "controller %u: OAES lacks the events asked for", d->port->cntlid);
}

void driver_start(struct driver *d)
{
  nvmens_sqe e = sqe_of(NVMENS_OP_SET_FEATURES, 0, NVMENS_FID_ASYNC_EVENT_CONFIG, EVENTS);
  int rc = nvmens_ctrl_enable(d->port->ctrl, 1);

  if (rc)
    watch_fail(d->world, "nvmens_ctrl_enable: %s", nvmens_strerror(rc));
  check_identify(d);
  if (d->kind == DRIVER_SPDK) /* it parks first: an event can come in the middle of its start */
    driver_park(d);
  driver_read(d, &e, NULL, 0, 0);
  driver_park(d);
  scan_all(d);
  scan_allocated(d);
}

static void check_no_command(struct driver *d, const char *when)
{
  uint64_t left;

  pthread_mutex_lock(&d->lock);
  left = d->sent - d->completed - d->dropped;
  pthread_mutex_unlock(&d->lock);
  if (left)
    watch_fail(d->world, "controller %u: %llu commands are left after %s", d->port->cntlid,
               (unsigned long long)left, when);
}

/* As Linux, it will read the log for an event of before the reset, which has emptied the log. */
static void excuse(struct driver *d)
{
  d->excused += d->kind == DRIVER_LINUX && atomic_load(&d->told);
}

/* One of those that hooks set under the lock. */
static bool await_told(struct driver *d, const bool *what)
{
  struct timespec at = at_ns(now_ns() + WAIT_LIMIT);
  int rc = 0;

  pthread_mutex_lock(&d->lock);
  while (!*what && rc == 0)
    rc = pthread_cond_timedwait(&d->cond, &d->lock, &at);
  rc = *what;
  pthread_mutex_unlock(&d->lock);
  return rc;
}

void driver_reset(struct driver *d, bool shutdown)
{
  nvmens_sqe e = sqe_identify(NVMENS_CNS_ACTIVE_NS_LIST, 0, 0);
  struct port *p = d->port;
  int sf;

  if (shutdown) {
    nvmens_ctrl_shutdown(p->ctrl);
    sf = driver_exec(d, &e, d->page, NVMENS_PAGE, NULL);
    if ((sf & 0x7FF) != NVMENS_SC_ABORTED_POWER_LOSS)
      watch_fail(d->world, "controller %u: after its shutdown a command ends with %03Xh", p->cntlid,
                 (unsigned)sf & 0x7FF);
  }
  d->reset_done = false;
  nvmens_ctrl_reset(p->ctrl);
  if (!await_told(d, &d->reset_done))
    watch_hang(d->world, "a reset does not end");
  atomic_fetch_add(&p->epoch, 1); /* its I/O queues are gone with the reset */
  check_no_command(d, "a reset");
  driver_events_del(d);
  excuse(d);
  d->resets++;
  driver_start(d);
}

static void lose(struct driver *d)
{
  port_unplug(d->world, d->port);
  if (!await_told(d, &d->released))
    watch_hang(d->world, "a removed controller is not released");
  check_no_command(d, "a removal");
  driver_events_del(d);
  memset(d->had, 0, d->world->nn + 1);
  d->removals++;
}

/* Surprise removal of the controller, its disks too, and another one in its place. */
void driver_remove(struct driver *d)
{
  lose(d);
  disk_drop_all(d);
  atomic_store(&d->told, false);
  if (port_plug(d->world, d->port) == 0)
    driver_start(d);
}

/* Over fabrics the disks outlive the controller: I/O goes on before the scan of the next one. */
void driver_reconnect(struct driver *d)
{
  lose(d);
  excuse(d);
  if (port_plug(d->world, d->port) == 0)
    driver_start(d);
}

/* ---- the loop ---- */

static void set_busy(struct driver *d, bool busy)
{
  pthread_mutex_lock(&d->lock);
  d->busy = busy;
  pthread_mutex_unlock(&d->lock);
}

/* Busy first, phase second: main sets the phase first, and looks who is busy second. */
static void act(struct driver *d)
{
  set_busy(d, true);
  if (phase_of(d->world) == PHASE_RUN && atomic_load(&d->world->tail) != TAIL_BACKEND)
    host_act(d);
  set_busy(d, false);
}

void *driver_main(void *driver)
{
  struct driver *d = driver;
  uint64_t act_at = now_ns() + 5 * MS;

  driver_start(d);
  set_busy(d, false);
  while (phase_of(d->world) != PHASE_STOP && d->port->ctrl) {
    uint64_t until = now_ns() + 10 * MS;
    struct host_cmd *hc;

    if (phase_of(d->world) == PHASE_RUN && act_at < until)
      until = act_at;
    hc = next_event(d, until);
    if (hc) {
      if (d->kind == DRIVER_LINUX) /* C4: it parks again before it looks */
        driver_park(d);
      handle_event(d, hc);
      event_done(d, hc);
      driver_park(d);
    } else if (now_ns() >= act_at) {
      act(d);
      act_at = now_ns() + rng_below(&d->rng, 12 * MS);
    }
    bump(&d->beat);
  }
  atomic_store(&d->exited, true);
  return NULL;
}
