/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.h: the objects of the target and who may touch what.
 *
 * Threads
 *  main       accepts, joins the threads of connections that ended, waits for SIGTERM
 *  lifecycle  nvmens_poll at deadlines and after wake
 *  queue      one per connection; a connection is a queue. It alone reads, runs commands, sends
 *  control    the control socket
 *
 * Locks, none held while taking one to its left; the hooks take only the last two columns:
 *  ctrl.life → target.lib_lock (the library's) → target.lock → conn.inbox_lock, ns.lock,
 *  control's mailbox
 * ctrl.life keeps ctrl.lib good for control calls from threads other than the controller's own.
 * target.lock guards the lists of connections, controllers and namespaces, and ctrl.ioq.
 *
 * Lifetimes. conn, ctrl and ns are counted. A connection is held by its thread's owner, by each of
 * its commands that the library has, and by each command that a stuck backend still has; a
 * controller by its connections and by the library (until ctrl_released); a namespace by the
 * library (until released) and by who looks at it.
 */
#ifndef TCP_TARGET_TARGET_H
#define TCP_TARGET_TARGET_H

#include "backend.h"
#include "nvme.h"
#include "options.h"
#include <nvmens/nvmens.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { /* the limits of this target; each is enforced, README.md says how */
       MAX_CONNS = 256,
       MAX_CTRLS = 64,
       MAX_IO_QUEUES = 16,          /* of a controller */
       MAX_QUEUE = 128,             /* entries of a queue, CAP.MQES + 1 */
       MDTS = 5,                    /* in units of 4096 bytes, a power of two */
       MAX_DATA = 4096 << MDTS,     /* bytes of one command, and MAXH2CDATA */
       MAX_CAPSULE = 8192,          /* bytes of in-capsule data */
       MAX_ADMIN_DATA = 8192,       /* bytes that an Admin command may carry to us */
       MAX_CLIENTS = 16,            /* of the control socket */
       PDU_SECONDS = 10,            /* for a PDU from its first byte to its last */
       CONNECT_SECONDS = 10,        /* from accept to the end of Connect */
       SEND_SECONDS = 10,           /* without any progress */
       TERM_SECONDS = 1,            /* for the host to hang up after C2HTermReq */
       DISCOVERY_IDLE_SECONDS = 120 /* a discovery controller without keep alive */
};

struct target;
struct ctrl;
struct conn;
struct control;
struct trace;

/* ---- namespaces: ns.c ---- */

enum stall { STALL_NO, STALL_SOFT, STALL_HARD };

typedef struct ns {
  struct target *t;
  struct ns *next; /* target.lock */
  struct ns *mail; /* control's, after released */
  atomic_uint refs;
  _Atomic uint32_t nsid; /* 0 until the library has chosen it */
  uint64_t serial;
  nvmens_reason reason; /* after released */
  uint32_t block;
  nvmens_ident ident;
  backend b;
  _Atomic uint64_t aborting; /* bit n: drain_abort for the controller in slot n */
  atomic_int stall;
  pthread_mutex_t lock; /* stall's changes, orphans, released, the size of the backend */
  bool released;
  struct req *orphans; /* hard stalled, their connection is gone */
} ns;

const char *ns_add(struct target *, const ns_spec *); /* NULL, or why not */
/* With a memory backend, for a create by the host. NULL: no memory. */
ns *ns_create(struct target *, uint64_t bytes, uint32_t block);
ns *ns_get(struct target *, uint32_t nsid); /* counted; NULL */
void ns_put(ns *);
void ns_free_unused(ns *); /* never given to the library */
void ns_released(ns *);    /* frees the backend; the count is still the caller's */
const char *ns_resize(ns *, uint64_t bytes);
/* A snapshot of all, counted, in *out (to be freed); their number. */
size_t ns_all(struct target *, ns ***out);
void ns_stall(ns *, enum stall);

/* ---- controllers: ctrl.c ---- */

enum { ERROR_LOG = 16, FEATURES = 16 };

typedef struct ctrl {
  struct target *t;
  struct ctrl *next; /* target.lock */
  atomic_uint refs;
  nvmens_ctrl *lib;
  sem_t reset_done; /* by the hook */
  pthread_mutex_t life;
  bool gone; /* life: lib is good no more */
  bool discovery;
  unsigned slot;
  uint16_t cntlid;
  uint8_t hostid[16];
  char hostnqn[NQN_SIZE];
  struct conn *ioq[MAX_IO_QUEUES + 1]; /* target.lock */
  atomic_bool ready;                   /* target.lock where it must not change */
  atomic_bool heard;                   /* a command came, on any queue */
  /* The admin queue's thread only, from here. */
  uint32_t cc, csts;
  uint16_t io_queues; /* granted by feature 07h */
  uint64_t kato_ns;
  uint32_t feature[FEATURES];
  uint64_t errors;
  struct {
    uint64_t count, info;
    uint32_t nsid;
    uint16_t cid, sf;
  } error[ERROR_LOG];
} ctrl;

/* Who connects, from the data of Connect. */
typedef struct connect_host {
  uint8_t hostid[16];
  const char *hostnqn;
  bool discovery;
} connect_host;

ctrl *ctrl_new(struct target *, const connect_host *, int *err);
ctrl *ctrl_get(struct target *, uint16_t cntlid); /* counted, not discovery; NULL */
void ctrl_put(ctrl *);
void ctrl_end(ctrl *); /* by its admin queue's thread: nvmens_ctrl_del, I/O queues ended */
/* Ends the connections of all I/O queues; they hear of it soon. */
void ctrl_kill_queues(ctrl *);
void ctrl_kick_queues(ctrl *);
size_t ctrl_all(struct target *, ctrl ***out);

/* ---- the target: target.c ---- */

typedef struct target {
  options opt;
  nvmens_subsys *subsys;
  pthread_mutex_t lib_lock;
  pthread_mutex_t lock;
  struct conn *conns;    /* lock */
  unsigned nconns;       /* lock */
  struct conn *finished; /* lock: ended, to be joined by main */
  ctrl *ctrls;           /* lock */
  uint64_t slots;        /* lock: bit n: slot n is a controller's */
  ns *namespaces;        /* lock */
  uint64_t last_serial;  /* lock */
  int wake_fd, main_fd;
  atomic_bool poll_stop, quit;
  pthread_t poll_thread;
  struct control *control;
  struct trace *trace;
  char address[80], port[8]; /* where it listens */
  int listen_fd;
  int family;
  char serial[21];
  /* What finished connections did, for the SMART log. lock. */
  uint64_t sectors_read, sectors_written, reads, writes;
} target;

const char *target_start(target *); /* the subsystem and the lifecycle thread */
int target_stop(target *);          /* 0: everything was released */
uint64_t now_ns(void);
void kick(int eventfd);
void unkick(int eventfd);
void note(const target *, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *error_word(int nvmens_err);

#endif
