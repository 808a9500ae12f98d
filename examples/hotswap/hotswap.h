/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hotswap.h: what the parts of the hotswap example share.
 *
 * Threads: I/O threads (io.c), one control thread (swap.c), one driver per controller (driver.c),
 * main, and one that watches the others (watch.c). Only <nvmens/...> is used of the library.
 *
 * Locks, outermost first: port.lock, the library's lock, then one of the leaves driver.lock,
 * control.lock, stats.lock, store.lock, trace's. A leaf is never held over a call of the library,
 * and no hook takes port.lock: a thread that waits for a controller's effects may hold it.
 */
#ifndef HOTSWAP_H
#define HOTSWAP_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <nvmens/gate.h>
#include <nvmens/nvmens.h>
#include <nvmens/wire.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "disk.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOTSWAP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOTSWAP_SANITIZED 1
#endif
#endif

enum {
  MAX_PORTS = 8,
  MAX_THREADS = 32,
  MAX_NAMESPACES = 4096,
  DEPTH = 64,      /* commands of one I/O thread */
  HOST_ROOM = 16,  /* NSIDs beside --namespaces, for those that hosts create */
  BODY_WORDS = 256 /* the storage of a simulated backend */
};
#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

#define HOST_DEADLINE (40 * MS) /* for drains and prepares of host commands */
#define WAIT_LIMIT    (30 * S)  /* nothing here takes that long, sanitizers included */
#define GRACE         (3 * S)   /* by which a deadline may be late on a machine that is busy */
#define BLOCK         UINT64_C(512)
#define MAX_BLOCKS    (UINT64_C(1) << 20)

/* Dword 0 of the events that a changed namespace list causes */
#define EVENT_ATTACHED  0x00040002u
#define EVENT_ALLOCATED 0x001C0902u

/* ---- small things ---- */

struct rng {
  uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
  uint64_t x = r->state += UINT64_C(0x9E3779B97F4A7C15);

  x = (x ^ (x >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
  x = (x ^ (x >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
  return x ^ (x >> 32);
}

static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
  return rng_next(r) % n;
}

static inline bool rng_percent(struct rng *r, unsigned percent)
{
  return rng_below(r, 100) < percent;
}

static inline uint64_t now_ns(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
  struct timespec t = {(time_t)(ns / S), (long)(ns % S)};

  nanosleep(&t, NULL);
}

static inline struct timespec at_ns(uint64_t when)
{
  return (struct timespec){(time_t)(when / S), (long)(when % S)};
}

static inline uint64_t get_le(const uint8_t *p, unsigned bytes)
{
  uint64_t v = 0;

  while (bytes--)
    v = v << 8 | p[bytes];
  return v;
}

static inline void put_le(uint8_t *p, unsigned bytes, uint64_t v)
{
  for (unsigned i = 0; i < bytes; i++, v >>= 8)
    p[i] = (uint8_t)v;
}

/* ---- statistics (stats.c) ---- */

enum { HIST_BUCKETS = 64 * 16, TALLY_KINDS = 40 };
struct hist {
  uint64_t count, max;
  uint64_t bucket[HIST_BUCKETS];
};
void hist_add(struct hist *, uint64_t value);
void hist_join(struct hist *, const struct hist *);
uint64_t hist_quantile(const struct hist *, double q);

/* Commands per status; one writer, so that counting costs no locked instruction. */
struct tally {
  _Atomic uint64_t count[TALLY_KINDS];
};
void tally_add(struct tally *, uint16_t sf);
uint64_t tally_sum(const struct tally *);
const char *tally_name(unsigned kind, uint16_t *sf); /* NULL: no more */

static inline void bump(_Atomic uint64_t *n)
{
  atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

static inline uint64_t peek(const _Atomic uint64_t *n)
{
  return atomic_load_explicit(n, memory_order_relaxed);
}

enum swap_kind { SWAP_ORDERLY, SWAP_DEADLINE, SWAP_SURPRISE, SWAP_KINDS };
struct stats {
  pthread_mutex_t lock;
  struct hist unplug[SWAP_KINDS]; /* nvmens_ns_unplug to released, ns */
  struct hist usable[2];          /* by enum driver_kind: to the driver's adding of the new disk */
  uint64_t missed;                /* deadlines */
  uint64_t escalated;             /* orderly removals that were aborted after all */
  uint64_t released[3];           /* by nvmens_reason */
  uint64_t most_in_flight;
  _Atomic uint64_t swaps;   /* complete: released, and the next one plugged */
  uint64_t rests;           /* times at which all was compared */
  uint64_t sent, coalesced; /* events, of controllers that are gone */
};

/* ---- the simulated storage (backend.c) ---- */

struct world;

struct backend {
  uint64_t magic;
  struct backend *next; /* in quarantine */
  int place;            /* -1: created by a host */
  uint64_t serial;
  bool stuck; /* holds its commands until drain_abort */
  uint8_t uuid[16];
  uint32_t attached;                   /* bit per port; only effects touch it */
  _Atomic uint32_t aborted;            /* bit per port: drain_abort was called */
  _Atomic uint32_t held[MAX_PORTS];    /* commands, counted beside the gate to check it */
  _Atomic uint32_t awaited[MAX_PORTS]; /* drain hooks not answered */
  _Atomic uint32_t body[BODY_WORDS];
};

struct store {
  pthread_mutex_t lock;
  struct backend *oldest, *newest;
  unsigned quarantined;
  uint64_t made, gone;
  uint64_t serial;
};
struct backend *backend_new(struct world *, int place, struct rng *);
void backend_free(struct world *, struct backend *);
void backend_touch(struct world *, struct backend *, uint32_t salt, const char *who);
bool backend_alive(struct world *, const struct backend *, const char *who);
void store_empty(struct world *);

/* ---- the host's side: ports and drivers ---- */

struct driver;
struct port;

/* ctrl_user. One for each controller that ever was, so that a hook that comes too late is seen. */
struct ctrl_obj {
  uint64_t magic;
  struct port *port;
  struct ctrl_obj *next; /* of those that are gone */
};
#define CTRL_LIVE UINT64_C(0x6374726C6F626A21)

enum cmd_state { CMD_SENT, CMD_DONE, CMD_DROPPED };
struct host_cmd {
  nvmens_cmd cmd;
  struct driver *driver;
  struct host_cmd *next;
  nvmens_sqe sqe;
  void *data;
  size_t len;
  uint32_t dw0;
  uint16_t sf;
  uint16_t cid;
  uint8_t state; /* enum cmd_state; driver.lock */
  bool aer;
};

enum driver_kind { DRIVER_LINUX, DRIVER_SPDK };
struct driver {
  struct world *world;
  struct port *port;
  enum driver_kind kind;
  struct rng rng;
  struct tally tally;
  pthread_t thread;
  _Atomic uint64_t beat;
  _Atomic bool exited;

  pthread_mutex_t lock;
  pthread_cond_t cond;
  struct host_cmd *events, **events_tail; /* AERs that came back */
  uint64_t sent, completed, dropped;      /* commands, AERs included */
  uint64_t delivered, handled;            /* AERs */
  uint32_t parked;
  bool released;     /* the controller */
  bool reset_done;   /* the last reset is over */
  bool busy;         /* it does more than to wait for events */
  _Atomic bool told; /* an event asks for a scan that reads log 04h */

  /* the thread's own */
  uint16_t next_cid;
  uint64_t scans, resets, removals;
  struct disk *view;       /* by NSID; survives a reset and a reconnect */
  uint8_t *allocated;      /* by NSID: CNS 10h */
  uint8_t *listed;         /* by NSID: the scan's */
  uint8_t *had;            /* by NSID: was a disk since the controller came */
  uint64_t empty, toggles; /* logs read for an event, and empty; events off and on again */
  uint64_t excused;        /* events of before a reset, which empties the log */
  uint8_t page[NVMENS_PAGE];
};

#define HOST_OF(port) ((port)->index / 2) /* two controllers make a host's two paths */

static inline const char *driver_name(const struct driver *d)
{
  return d->kind == DRIVER_LINUX ? "as Linux" : "as SPDK";
}

/* Where a controller is plugged in. */
struct port {
  unsigned index;
  uint16_t cntlid;
  pthread_mutex_t lock;   /* keeps ctrl from being deleted under a user */
  nvmens_ctrl *ctrl;      /* NULL: removed */
  struct ctrl_obj *gone;  /* driver.lock */
  _Atomic uint32_t epoch; /* queues of an older one are gone */
  struct driver driver;
};

/* ---- I/O ---- */

enum hold_kind { HOLD_TIMED, HOLD_STUCK, HOLD_HARD };
struct request {
  _Atomic bool out;
  struct request *next;
  nvmens_ticket ticket;
  struct backend *be;
  struct io_thread *owner;
  uint64_t due;
  uint64_t stamp; /* of the disk that it is meant for; 0: none */
  uint32_t nsid;
  uint8_t port, kind;
  bool remote;     /* held and ended by another thread */
  bool queue_gone; /* its lane was deleted */
};

struct io_thread {
  struct world *world;
  unsigned index;
  struct rng rng;
  struct tally tally;
  pthread_t thread;
  _Atomic uint64_t beat, begun, ended;
  _Atomic bool exited;
  _Atomic(struct request *) inbox;
  struct request *guests; /* of other threads, held here */
  nvmens_lane *lane[MAX_PORTS];
  uint32_t epoch[MAX_PORTS];
  _Atomic uint64_t sending; /* odd: a command is on its way to the gate */
  struct sendings sendings[MAX_PORTS];
  struct request req[DEPTH];
};
void *io_main(void *io_thread);

/* ---- control ---- */

enum job_kind { JOB_DRAINED, JOB_PREPARED };
struct job {
  struct job *next;
  enum job_kind kind;
  uint64_t due;
  nvmens_token token;
  struct backend *be;
  unsigned port;
  nvmens_status status;
  nvmens_ident ident;
};

enum place_state { PLACE_VACANT, PLACE_PLUGGING, PLACE_LIVE, PLACE_LEAVING };
/* Where a namespace is swapped. Not tied to an NSID: a host's create may take one that is free. */
struct place {
  enum place_state state;
  enum swap_kind kind; /* LEAVING */
  bool aborted, escalated, swapped;
  nvmens_nsref ref;
  struct backend *be;
  uint32_t wish; /* NSID */
  uint64_t unplug_at, escalate_at;
  uint64_t abort_at;              /* by then drain_abort is due */
  _Atomic uint64_t barred_serial; /* the backend whose unplug has returned */
  _Atomic uint64_t barred_from;   /* which one that was, of world.unplugs */
};

struct control {
  pthread_t thread;
  struct rng rng;
  _Atomic uint64_t beat;
  _Atomic bool exited;
  pthread_mutex_t lock; /* all below */
  pthread_cond_t cond;
  bool woken;  /* by the library */
  bool nudged; /* by us */
  bool busy;   /* it may change something */
  struct job *jobs;
  struct place *place;
  unsigned leaving;
  uint64_t begun;   /* swaps */
  nvmens_nsref old; /* of a namespace that is gone */
};

void *swap_main(void *world);
void swap_wake(void *world);
void swap_nudge(struct world *);
int swap_plug(struct world *, unsigned place, struct rng *);
void swap_aborted(struct world *, struct backend *);
bool swap_released(struct world *, struct backend *, nvmens_reason);

void job_add(struct world *, const struct job *);
void job_hasten(struct world *, nvmens_token, uint64_t due);
void jobs_run(struct world *, uint64_t now);
uint64_t jobs_next(struct world *);
void jobs_answer(struct world *, struct job *);

/* ---- trace (trace.c) ---- */

struct trace;
struct trace *trace_new(void);
void trace_del(struct trace *);
void trace_step(struct trace *, const nvmens_trace *);
void trace_in_flight(struct trace *, uint16_t cntlid, uint32_t nsid, uint32_t count);
void trace_aers(struct trace *, uint16_t cntlid, uint32_t parked, uint32_t owed);
void trace_span(struct trace *, uint16_t cntlid, const char *name, uint64_t from, uint64_t to);
int trace_write(const struct trace *, const char *path, uint32_t nn);

/* ---- the world ---- */

struct options {
  unsigned controllers, namespaces, threads, stuck_percent;
  uint64_t cycles, seed; /* cycles 0: no limit */
  uint64_t run_ns;       /* 0: no limit */
  const char *trace;
  bool keep_going;               /* after a failed check */
  uint8_t gate_mode, mask_scope; /* from the seed, so that all are tried */
};

/* PAUSE: nothing changes any more, I/O goes on. DRAIN: the I/O ends too. In this order. */
enum tail { TAIL_BOTH, TAIL_BACKEND, TAIL_HOSTS };
enum phase { PHASE_RUN, PHASE_PAUSE, PHASE_DRAIN, PHASE_STOP };
struct world {
  struct options opt;
  nvmens_subsys *subsys;
  uint32_t nn;
  uint64_t started, ran;
  _Atomic int phase;
  _Atomic int tail; /* enum tail: whose changes come last before a rest */
  _Atomic unsigned failures;
  pthread_t watchdog;
  _Atomic uint64_t beat; /* main's */
  _Atomic bool watch_over;
  _Atomic unsigned io_quiet; /* I/O threads that begin no more */
  _Atomic uint64_t unplugs;  /* that have returned */
  _Atomic bool in_effect;
  struct rng effect_rng; /* effects run one at a time (T3), so no lock */
  pthread_mutex_t lib_lock;
  struct port port[MAX_PORTS];
  struct io_thread *io;
  struct birth *birth;     /* by stamp, modulo BIRTHS */
  _Atomic uint64_t *owner; /* by NSID: the stamp of the newest namespace that had it */
  struct control control;
  struct store store;
  struct stats stats;
  struct trace *trace;
};

static inline enum phase phase_of(struct world *w)
{
  return (enum phase)atomic_load_explicit(&w->phase, memory_order_acquire);
}

int world_new(struct world *, const struct options *);
int world_start(struct world *);
void world_join(struct world *);
void world_free(struct world *);
int port_plug(struct world *, struct port *);
void port_unplug(struct world *, struct port *);
void ctrl_obj_free(struct ctrl_obj *);
const nvmens_host *hooks(struct world *);

void watch_fail(struct world *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void watch_hang(struct world *, const char *what) __attribute__((noreturn));
int watch_start(struct world *);
void watch_end(struct world *);
void watch_until(struct world *, bool (*)(struct world *), const char *what);

bool rest_io_gone(struct world *);
bool rest_control_quiet(struct world *);
bool rest_settled(struct world *);
void rest_check(struct world *);
void rest_check_ended(struct world *);
void rest_teardown(struct world *);

int options_parse(struct options *, int argc, char **argv); /* 0; 1: help shown; 2: bad */
void summary_print(struct world *);
void format_count(char out[32], uint64_t n);
void format_ns(char out[32], uint64_t ns);

/* ---- the driver's parts ---- */

void *driver_main(void *driver);
/* Sends a command and waits. Its status field, or -1 if it was dropped. */
int driver_exec(struct driver *, nvmens_sqe *, void *data, size_t len, uint32_t *dw0);
/* As exec, again while the (simulated) transfer fails; any other failure is the library's fault. */
bool driver_read(struct driver *, nvmens_sqe *, void *data, size_t len, int expected);
struct host_cmd *driver_send(struct driver *, const nvmens_sqe *, void *data, size_t len);
bool driver_wait(struct driver *, struct host_cmd *, uint64_t until);
int driver_finish(struct driver *, struct host_cmd *, uint32_t *dw0);
void driver_park(struct driver *);
void driver_start(struct driver *);
void driver_reset(struct driver *, bool shutdown);
void driver_remove(struct driver *);
void driver_reconnect(struct driver *);
void driver_events_del(struct driver *);

nvmens_sqe sqe_of(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11);
nvmens_sqe sqe_identify(uint8_t cns, uint32_t nsid, uint16_t cntid);
nvmens_sqe sqe_log(uint8_t lid, size_t offset, size_t len, bool rae);

void scan_all(struct driver *);
void scan_attached_event(struct driver *);
void scan_allocated_event(struct driver *);
void scan_after_command(struct driver *, uint32_t nsid);
void scan_allocated(struct driver *);

void host_act(struct driver *);

#endif
