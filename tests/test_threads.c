/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_threads.c: the gate and the control calls under stress (T1-T8, G1-G4, R51). Exit 0 or 1.
 *
 * Workers begin and end commands in lanes of their own, hand some to a thread that ends them
 * remotely, and replace their lanes. Two keepers attach, detach, plug and unplug one namespace
 * each; an administrator resets, identifies and parks AERs; a poller polls when told to by wake,
 * and never else. A backend object is plain memory that is poisoned when its last hook has run:
 * the thread sanitizer sees an access without order, anyone else sees the poison.
 */
#define _POSIX_C_SOURCE 200809L
#include "stress.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CTRLS = 2, KEEPERS = 2, WORKERS = 2, HELD = 8, AERS = 4 };
#define RUN_NS     UINT64_C(700000000)
#define PATIENCE   UINT64_C(20000000000) /* a drain that takes longer is lost */
#define LIVE       UINT32_C(0x4C495645)
#define POISON     UINT32_C(0xDEADBEEF)
#define SF_DNR_002 (NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR)

struct space { /* a namespace of the backend; plain on purpose */
  uint32_t live[CTRLS];
  uint32_t keeper;
};

struct request {
  nvmens_cmd cmd;
  atomic_int busy;
  uint8_t page[NVMENS_PAGE];
};

static struct {
  nvmens_subsys *subsys;
  nvmens_ctrl *ctrl[CTRLS];
  int ctrl_number[CTRLS]; /* what ctrl_user points at */
  struct path path[KEEPERS][CTRLS];
  atomic_int released[KEEPERS];
  atomic_int stop, stop_poller, failures;
  atomic_ulong begun, refused, drains;
  pthread_mutex_t lock;
  pthread_mutex_t wake_lock;
  pthread_cond_t wake_cond;
  int woken;
  struct queue queue;
} t;

static void fail(const char *what, unsigned long value)
{
  if (atomic_fetch_add(&t.failures, 1) < 10)
    fprintf(stderr, "test_threads: %s (%lx)\n", what, value);
}

/* ---- hooks ---- */

static void cmd_over(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)ctrl_user;
  atomic_store(&((struct request *)(void *)cmd)->busy, 0);
}

static void cmd_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                         uint64_t error_info)
{
  (void)status, (void)dw0, (void)error_info;
  cmd_over(ctrl_user, cmd);
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  struct request *r = (struct request *)(void *)cmd;
  const nvmens_status ok = {0};

  (void)ctrl_user;
  if (len > sizeof(r->page))
    fail("a transfer of too much", len);
  else if (dir == NVMENS_TO_HOST)
    memcpy(r->page, buf, len);
  else
    memcpy(buf, r->page, len);
  return ok;
}

static void attached(void *ns_user, void *ctrl_user)
{
  ((struct space *)ns_user)->live[*(int *)ctrl_user] = LIVE;
}

static void detached(void *ns_user, void *ctrl_user)
{
  struct space *space = ns_user;
  const int c = *(int *)ctrl_user;
  struct path *path = &t.path[space->keeper][c];

  if (atomic_load(&path->held))
    fail("detached with commands out", (unsigned long)atomic_load(&path->held));
  if (space->live[c] != LIVE)
    fail("detached, but was not attached", space->live[c]);
  space->live[c] = POISON;
  atomic_fetch_add(&t.drains, 1);
  atomic_store(&path->down, 1);
}

static void released(void *ns_user, nvmens_reason reason)
{
  struct space *space = ns_user;
  const uint32_t keeper = space->keeper;

  if (reason != NVMENS_UNPLUGGED)
    fail("released for a wrong reason", reason);
  for (int c = 0; c < CTRLS; c++)
    if (space->live[c] == LIVE)
      fail("released while attached", (unsigned long)c);
  memset(space, 0xA5, sizeof(*space));
  free(space);
  atomic_store(&t.released[keeper], 1);
}

static nvmens_wait drain_begin(void *ns_user, void *ctrl_user, nvmens_token token)
{
  const struct job job = {.token = token};

  (void)ns_user, (void)ctrl_user;
  return token & 1 && push(&t.queue, &job) ? NVMENS_PENDING : NVMENS_DONE;
}

static void wake(void *user)
{
  (void)user;
  pthread_mutex_lock(&t.wake_lock);
  t.woken = 1;
  pthread_cond_signal(&t.wake_cond);
  pthread_mutex_unlock(&t.wake_lock);
}

static void lock(void *user)
{
  (void)user;
  pthread_mutex_lock(&t.lock);
}

static void unlock(void *user)
{
  (void)user;
  pthread_mutex_unlock(&t.lock);
}

static const nvmens_host host = {
    .cmd_complete = cmd_complete,
    .cmd_drop = cmd_over,
    .transfer = transfer,
    .attached = attached,
    .detached = detached,
    .released = released,
    .drain_begin = drain_begin,
    .wake = wake,
    .lock = lock,
    .unlock = unlock,
};

/* ---- threads ---- */

static void *poller(void *arg)
{
  while (!atomic_load(&t.stop_poller)) {
    pthread_mutex_lock(&t.wake_lock);
    while (!t.woken)
      pthread_cond_wait(&t.wake_cond, &t.wake_lock);
    t.woken = 0;
    pthread_mutex_unlock(&t.wake_lock);
    nvmens_poll(t.subsys, now());
  }
  return arg;
}

static void finish(const struct job *job)
{
  const nvmens_status ok = {0};

  if (job->token) {
    if (nvmens_done(t.subsys, job->token, ok))
      fail("the answer to a drain is stale", (unsigned long)job->token);
    if (nvmens_done(t.subsys, job->token, ok) != NVMENS_ERR_STALE)
      fail("a second answer is taken", (unsigned long)job->token);
    return;
  }
  atomic_fetch_sub(&job->path->held, 1);
  nvmens_io_end_remote(t.subsys, job->ticket);
}

static void *remote(void *arg)
{
  struct job job;

  while (!atomic_load(&t.stop_poller)) {
    while (pop(&t.queue, &job))
      finish(&job);
    nap();
  }
  while (pop(&t.queue, &job))
    finish(&job);
  return arg;
}

struct worker {
  int c;
  nvmens_lane *lane;
  struct job held[HELD];
  unsigned count;
  uint32_t seed;
};

static void settle(struct worker *w, int lane_is_gone)
{
  while (w->count) {
    struct job job = w->held[--w->count];

    if (lane_is_gone || (roll(&w->seed) & 3) == 0) {
      if (!push(&t.queue, &job))
        finish(&job);
    } else {
      atomic_fetch_sub(&job.path->held, 1);
      nvmens_io_end(w->lane, job.ticket);
    }
  }
}

static void one_command(struct worker *w)
{
  const unsigned k = roll(&w->seed) % KEEPERS;
  struct path *path = &t.path[k][w->c];
  struct job job = {.path = path};
  const unsigned before = atomic_load(&path->epoch);
  void *user = NULL;
  nvmens_status status = nvmens_io_begin(w->lane, k + 1, &job.ticket, &user);
  struct space *space = user;

  if (status.sf) {
    atomic_fetch_add_explicit(&t.refused, 1, memory_order_relaxed);
    if (status.sf != SF_DNR_002 && status.sf != NVMENS_SC_INTERNAL_PATH_ERROR &&
        status.sf != NVMENS_SC_ABORTED_SQ_DELETED)
      fail("refused with a wrong status", status.sf);
    return;
  }
  if (before & 1 && atomic_load(&path->epoch) == before)
    fail("a begin succeeded after the close", before);
  atomic_fetch_add(&path->held, 1);
  if (space->keeper != k || space->live[w->c] != LIVE)
    fail("a command holds a backend that is gone", space->live[w->c]);
  atomic_fetch_add_explicit(&t.begun, 1, memory_order_relaxed);
  w->held[w->count++] = job;
  if (w->count == HELD || (roll(&w->seed) & 1))
    settle(w, 0);
}

static void *work(void *arg)
{
  struct worker *w = arg;

  for (unsigned n = 1; !atomic_load(&t.stop); n++) {
    one_command(w);
    if (n % 64 == 0) {
      settle(w, 0); /* nothing is held for ever, so every drain ends */
      sched_yield();
    }
    if (n % 4096 == 0) {
      nvmens_lane *next;

      one_command(w);
      if (nvmens_lane_new(&next, t.ctrl[w->c])) {
        fail("lane_new", n);
        continue;
      }
      nvmens_lane_del(w->lane);
      settle(w, 1);
      w->lane = next;
    }
  }
  settle(w, 0);
  nvmens_lane_del(w->lane);
  return NULL;
}

static int await(atomic_int *flag, const char *what)
{
  const uint64_t start = now();

  while (!atomic_load(flag)) {
    if (now() - start > PATIENCE) {
      fail(what, 0);
      return 0;
    }
    nap();
  }
  return 1;
}

/* Detaches here and attaches again, with a pause for the workers in both states. */
static int flip(unsigned k, unsigned c, nvmens_nsref ref)
{
  struct path *path = &t.path[k][c];
  int rc;

  atomic_store(&path->down, 0);
  if (nvmens_ns_detach(t.subsys, ref, t.ctrl[c], NVMENS_ORDERLY, now(), UINT64_MAX))
    fail("detach", k);
  atomic_fetch_add(&path->epoch, 1);
  if (!await(&path->down, "a drain is lost: no detached"))
    return 0;
  nap();
  atomic_fetch_add(&path->epoch, 1);
  while ((rc = nvmens_ns_attach(t.subsys, ref, t.ctrl[c])) == NVMENS_ERR_BUSY)
    nap(); /* the detached hook that said so may not have returned yet */
  if (rc)
    fail("attach", k);
  nap();
  return 1;
}

static void *keep(void *arg)
{
  const unsigned k = (unsigned)(uintptr_t)arg;
  uint32_t seed = 77 + k;

  while (!atomic_load(&t.stop)) {
    nvmens_ns_config config = {.nsid = k + 1, .shared = 1, .auto_attach = 1, .nsze = 8};
    struct space *space = calloc(1, sizeof(*space));
    nvmens_nsref ref;
    int going = 1;

    if (!space)
      break;
    space->keeper = k;
    config.ident.uuid[0] = (uint8_t)(k + 1);
    atomic_store(&t.released[k], 0);
    if (nvmens_ns_new(t.subsys, &config, space, &ref)) {
      fail("ns_new", k);
      free(space);
      break;
    }
    for (unsigned n = 0; going && n < 4; n++)
      going = flip(k, roll(&seed) % CTRLS, ref);
    if (nvmens_ns_unplug(t.subsys, ref, roll(&seed) & 1 ? NVMENS_ORDERLY : NVMENS_SURPRISE, now(),
                         UINT64_MAX))
      fail("unplug", k);
    for (unsigned c = 0; c < CTRLS; c++)
      atomic_fetch_add(&t.path[k][c].epoch, 1);
    if (!going || !await(&t.released[k], "a drain is lost: no released"))
      break;
    for (unsigned c = 0; c < CTRLS; c++)
      atomic_fetch_add(&t.path[k][c].epoch, 1);
  }
  return NULL;
}

static void submit(struct request *r, unsigned c, uint8_t opcode, uint32_t cdw10)
{
  nvmens_sqe sqe = {.opcode = opcode};

  for (int i = 0; i < 4; i++)
    sqe.cdw10[i] = (uint8_t)(cdw10 >> 8 * i);
  atomic_store(&r->busy, 1);
  if (nvmens_admin(t.ctrl[c], &r->cmd, &sqe, now()) != NVMENS_TAKEN) {
    fail("a command is not taken", opcode);
    atomic_store(&r->busy, 0);
  }
}

static void *administer(void *arg)
{
  static struct request aer[AERS], other;
  uint32_t seed = 4711;

  while (!atomic_load(&t.stop)) {
    for (unsigned i = 0; i < AERS; i++)
      if (!atomic_load(&aer[i].busy))
        submit(&aer[i], i % CTRLS, NVMENS_OP_ASYNC_EVENT_REQUEST, 0);
    submit(&other, roll(&seed) % CTRLS, NVMENS_OP_IDENTIFY, NVMENS_CNS_ACTIVE_NS_LIST);
    while (atomic_load(&other.busy))
      sched_yield();
    submit(&other, roll(&seed) % CTRLS, NVMENS_OP_GET_LOG_PAGE,
           NVMENS_LID_CHANGED_ATTACHED_NS | 1023u << 16);
    while (atomic_load(&other.busy))
      sched_yield();
    if (roll(&seed) % 16 == 0) {
      nvmens_ctrl_reset(t.ctrl[0]);
      nap();
      if (nvmens_ctrl_enable(t.ctrl[0], 0))
        fail("enable after reset", 0);
    }
    nap();
  }
  for (unsigned c = 0; c < CTRLS; c++)
    nvmens_ctrl_reset(t.ctrl[c]);
  for (unsigned i = 0; i < AERS; i++)
    while (atomic_load(&aer[i].busy))
      nap();
  return arg;
}

/* ---- one run ---- */

static void build(uint8_t gate_mode)
{
  const nvmens_subsys_config config = {.nn = 16, .gate_mode = gate_mode};

  memset(&t, 0, sizeof(t));
  pthread_mutex_init(&t.lock, NULL);
  pthread_mutex_init(&t.wake_lock, NULL);
  pthread_cond_init(&t.wake_cond, NULL);
  pthread_mutex_init(&t.queue.lock, NULL);
  if (nvmens_subsys_new(&t.subsys, &config, &host, NULL, NULL))
    exit(99);
  for (int c = 0; c < CTRLS; c++) {
    nvmens_ctrl_config cc = {.hostid = {1}};

    t.ctrl_number[c] = c;
    if (nvmens_ctrl_new(&t.ctrl[c], t.subsys, &cc, &t.ctrl_number[c]) ||
        nvmens_ctrl_enable(t.ctrl[c], 0))
      exit(99);
  }
}

static void run(uint8_t gate_mode)
{
  struct worker worker[WORKERS];
  pthread_t keepers[KEEPERS], workers[WORKERS], admin, poll, ender;
  const char *why = "";

  build(gate_mode);
  memset(worker, 0, sizeof(worker));
  pthread_create(&poll, NULL, poller, NULL);
  pthread_create(&ender, NULL, remote, NULL);
  for (unsigned i = 0; i < WORKERS; i++) {
    worker[i].c = (int)i % CTRLS;
    worker[i].seed = 1 + i;
    if (nvmens_lane_new(&worker[i].lane, t.ctrl[worker[i].c]))
      exit(99);
    pthread_create(&workers[i], NULL, work, &worker[i]);
  }
  for (uintptr_t k = 0; k < KEEPERS; k++)
    pthread_create(&keepers[k], NULL, keep, (void *)k);
  pthread_create(&admin, NULL, administer, NULL);

  for (const uint64_t start = now(); now() - start < RUN_NS;)
    nap();
  atomic_store(&t.stop, 1);
  pthread_join(admin, NULL);
  for (unsigned k = 0; k < KEEPERS; k++)
    pthread_join(keepers[k], NULL);
  for (unsigned i = 0; i < WORKERS; i++)
    pthread_join(workers[i], NULL);
  atomic_store(&t.stop_poller, 1);
  pthread_join(ender, NULL);
  wake(NULL);
  pthread_join(poll, NULL);
  nvmens_poll(t.subsys, now());

  if (nvmens_subsys_check(t.subsys, &why))
    fail(why, 0);
  if (nvmens_subsys_del(t.subsys))
    fail("subsys_del", 0);
  if (!atomic_load(&t.begun) || !atomic_load(&t.drains))
    fail("nothing happened", atomic_load(&t.begun));
  printf("# mode %u: %lu begun, %lu refused, %lu drained\n", (unsigned)gate_mode,
         atomic_load(&t.begun), atomic_load(&t.refused), atomic_load(&t.drains));
}

int main(void)
{
  int failures;

  run(NVMENS_GATE_AUTO);
  failures = atomic_load(&t.failures);
  run(NVMENS_GATE_FENCE);
  return failures || atomic_load(&t.failures);
}
