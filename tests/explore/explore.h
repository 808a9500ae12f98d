/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.h: the library in small worlds, each to its last state.
 *
 * A world is a subsystem of the real library and an environment: a backend and its hosts. Both live
 * in one arena, so that a state is a copy of it (arena.c). Actions (act.c, mgmt.c, log.c) are what
 * backend and host may do next; search.c does all of them in every state, breadth first, until
 * there is no new one. canon.c says which states are the same, check.c what holds in each,
 * finish.c what must still be possible from each. worlds.c is the list, pairs.c what it covers.
 */
#ifndef NVMENS_TESTS_EXPLORE_H
#define NVMENS_TESTS_EXPLORE_H

#include <nvmens/nvmens.h>
#include <nvmens/gate.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { CTRLS = 2, NSIDS = 2, OBJS = 4, CMDS = 8, PREPS = 2, AERS = 3, WHOS = 3, POSTS = 3 };
enum { A_LOG, G_LOG, LOGS }; /* 04h attached, 1Ch allocated */

/* ---- what the environment believes: written by the rules, not read from the library ---- */

enum { NO_CTRL, DISABLED, READY, SHUTDOWN, GOING };
enum { DETACHED, ATTACHED, DRAINING, ABORTING };
enum { WISH_NONE, WISH_ATTACH, WISH_DETACH };

typedef struct drain { /* the backend's side of one */
  nvmens_token token, stale;
  uint8_t live;     /* drain_begin was called, `detached` not yet */
  uint8_t answered; /* its half is done */
  uint8_t aborted;
} drain;

typedef struct log_shadow { /* bits are NSIDs */
  uint8_t dirty;            /* changed since an entry was last consumed (R43) */
  uint8_t fresh;            /* changed since the snapshot was taken */
  uint8_t sent;             /* transferred from the snapshot */
  uint8_t owed;             /* a loud change, and no read has taken all of it */
  uint8_t owed_fresh;       /* one since the snapshot */
} log_shadow;

typedef struct ctl { /* a controller, and its host */
  nvmens_ctrl *ctrl;
  nvmens_lane *lane;
  drain drain[NSIDS + 1];
  nvmens_ticket ticket[NSIDS + 1];
  uint64_t due[NSIDS + 1]; /* while DRAINING */
  uint64_t stamp;
  log_shadow log[LOGS];
  uint32_t aec;
  uint8_t index, state;
  uint8_t cntlid;            /* the index, or where hosts keep their disks what the library chose */
  uint8_t wish[NSIDS + 1];   /* the last explicit attach or detach of what is there (R56) */
  uint8_t fenced[NSIDS + 1]; /* visible and barred (R64), as it was after the last action */
  uint8_t att[NSIDS + 1];
  uint8_t early[NSIDS + 1];  /* attached, before the hook is called */
  uint8_t told[NSIDS + 1];   /* `attached` has returned */
  uint8_t had[NSIDS + 1];    /* ever attached or wanted: an answer for barred I/O is kept */
  uint8_t held[NSIDS + 1];   /* commands in flight */
  uint8_t far[NSIDS + 1];    /* of those, from a lane that is gone */
  uint8_t owner[NSIDS + 1];  /* command slot + 1 that waits for this drain */
  uint8_t fifo[AERS], nfifo; /* parked AERs: command slots, oldest first */
  uint8_t posted;            /* events of the backend's own that are owed: bits */
  uint8_t posted_fresh;      /* since the stamp */
  uint8_t has_stamp, stamp_old;
} ctl;

typedef struct obj { /* what ns_user points to */
  nvmens_nsref ref;
  uint64_t size;
  uint8_t used, nsid, who, shared, auto_attach;
  uint8_t keeper; /* host + 1 (R56) */
  uint8_t deleting, reason;
} obj;

enum { C_FREE, C_TAKEN, C_DONE };
enum { C_AER, C_SHORT, C_ATTACH, C_DETACH, C_CREATE, C_DELETE };
typedef struct slot {
  nvmens_cmd cmd;
  uint64_t due; /* of its prepare */
  uint32_t dw0;
  uint16_t sf;
  uint8_t state, kind, ctl;
  uint8_t old;     /* of before a reset */
  uint8_t aborted; /* an AER that was asked to end */
  uint8_t dropped;
  uint8_t nsids; /* what a delete waits for: bits */
  uint8_t prep;  /* prep + 1 */
} slot;

typedef struct prep {
  nvmens_token token;
  uint8_t live, slot; /* slot + 1, 0: the command has ended */
  uint8_t create, nsid, ctrls, gone;
} prep;

typedef struct disk {
  uint8_t who, size;
} disk;

enum { H_START, H_IDLE, H_LIST, H_LOOK, H_SIZE, H_DROP };
typedef struct host { /* a driver, see host.c */
  disk seen[NSIDS + 1];
  uint64_t left_at; /* when its controller went, while there is none */
  uint8_t phase, at, queued, who;
  uint8_t todo[NSIDS + 1];
} host;

typedef struct env {
  nvmens_subsys *s;
  uint64_t now;
  ctl ctl[CTRLS];
  obj obj[OBJS];
  slot slot[CMDS];
  prep prep[PREPS];
  host host[CTRLS];
  struct past { /* explicit attaches and detaches at controllers that went (R67) */
    uint32_t gen;
    uint8_t wish, cntlid;
  } past[CTRLS][NSIDS + 1]; /* by CNTLID */
  nvmens_nsref stale[NSIDS + 1];
  nvmens_token stale_prep;
  uint8_t woken;
  uint8_t over; /* the subsystem is gone */
  uint8_t ending;
} env;

/* ---- worlds ---- */

#define K_LIST(X)                                                                                  \
  X(NEW)                                                                                           \
  X(NEW_BARE)                                                                                      \
  X(PLUG)                                                                                          \
  X(UNPLUG)                                                                                        \
  X(UNPLUG_SOON)                                                                                   \
  X(UNPLUG_SURPRISE)                                                                               \
  X(ATTACH)                                                                                        \
  X(DETACH)                                                                                        \
  X(DETACH_SURPRISE)                                                                               \
  X(UPDATE)                                                                                        \
  X(IO_BEGIN)                                                                                      \
  X(IO_END)                                                                                        \
  X(IO_REMOTE)                                                                                     \
  X(LANE)                                                                                          \
  X(DONE) X(POLL) X(TICK) X(ENABLE) X(RESET) X(SHUTDOWN) X(CTRL_DEL) X(CTRL_NEW) X(POST)           \
      X(OWN_READ) X(STAMP) X(STAMP_READ) X(PREPARED) X(PREPARE_FAILED) X(SUBSYS_DEL) X(AER)        \
          X(ABORT) X(READ) X(PEEK) X(HEAD) X(HEAD_PEEK) X(REST) X(READ_FAILS) X(READ_OVER)         \
              X(READ_FLIP) X(READ_RESET) X(AEC) X(CMD_ATTACH) X(CMD_DETACH) X(CMD_DELETE)          \
                  X(CMD_DELETE_ALL) X(CMD_CREATE) X(CMD_FAILS) X(LOOK) X(LOOK_FAILS) X(HOST_ARM)   \
                      X(HOST_SCAN) X(HOST_RACE)
#define K_ENUM(name) K_##name,
enum { K_LIST(K_ENUM) KINDS };
#define DO(name) (UINT64_C(1) << K_##name)

typedef struct action {
  uint8_t kind, c, n, x;
} action;

enum { HOST_NONE, HOST_LINUX, HOST_SPDK, HOST_LAZY };
enum { DRAIN_PENDING, DRAIN_DONE, DRAIN_INSIDE };

typedef struct world {
  const char *name;
  uint64_t kinds; /* DO(..) */
  uint8_t ctrls, nsids, whos;
  uint8_t aers;        /* that may be parked */
  uint8_t deadline;    /* ticks */
  uint8_t drain;       /* how drain_begin answers */
  uint8_t io;          /* most commands in flight of an attachment; 0: no lanes */
  uint8_t cmds;        /* most commands that wait */
  uint8_t private_ns;  /* NSIDs that are private: bits */
  uint8_t other_hosts; /* each controller is of a host of its own */
  uint8_t scope;       /* nvmens_mask_scope */
  uint8_t host;        /* HOST_* */
  uint8_t lazy;        /* these controllers' drivers are lazy instead: bits */
  uint8_t keeps;       /* hosts keep their disks when their controller goes (NVMe over Fabrics) */
  uint8_t brisk;       /* hosts send the AER again at once, and look at an NSID in one step */
  uint8_t restarted;   /* they have disks of before the start: each the identity WHOS */
  uint8_t wait;        /* host_wait_ns in ticks; 0: 1 */
  uint8_t memory;      /* host_memory_ns in ticks; 0: 1 */
  uint8_t logs;        /* that are read: bits; 0: 04h */
  uint8_t start_ns;    /* NSIDs there at the start: bits */
  uint8_t start_off;   /* controllers that start disabled: bits */
  uint8_t start_none;  /* that start absent */
  uint8_t capacity;    /* in units of a small namespace; 0: not accounted */
  uint8_t hook_aer;    /* an AER comes while `attached` runs */
  uint8_t prep_inside; /* prepare answers at once */
  uint8_t quick;       /* part of make check */
  uint8_t large;       /* takes minutes: not with --most */
  uint8_t idle_ctrls;  /* that are there, and nothing is asked of them: bits */
  uint8_t idle_ns;
  uint8_t posts;    /* events of other sources; 0: all */
  uint32_t aec;     /* feature 0Bh by default */
  uint32_t aecs[3]; /* what the host may set; 0 ends, FFFFFFFFh is 0 */
  uint32_t states;  /* what is expected */
  uint64_t transitions;
  uint32_t depth;
} world;

extern const world worlds[];
extern const unsigned nworlds;

/* ---- features, by pairs ---- */

#define F_LIST(X)                                                                                  \
  X(TWO_CTRLS)                                                                                     \
  X(TWO_NS)                                                                                        \
  X(TWO_AERS)                                                                                      \
  X(DRAIN)                                                                                         \
  X(DEADLINE)                                                                                      \
  X(HALF_READ)                                                                                     \
  X(RESET)                                                                                         \
  X(SHUTDOWN)                                                                                      \
  X(SWAP) X(PRIVATE) X(WAITING) X(MASK) X(TRANSFER) X(HOST_MGMT) X(IO) X(OTHER) X(REMOVAL)
#define F_ENUM(name) F_##name,
enum { F_LIST(F_ENUM) FEATURES };
#define F(name) (UINT32_C(1) << F_##name)

/* ---- what an action is told, outside the arena ---- */

typedef struct moment {
  uint32_t features;
  uint8_t may_alloc;
  uint8_t locked;
  uint8_t in_hook;
  uint8_t fail; /* the next transfer fails */
  uint8_t submitting;
  uint8_t expects_created;
  action inside; /* done during the next transfer; kind KINDS: nothing */
  uint8_t inside_off;
  uint16_t sf; /* of the last short command */
  uint8_t dropped;
  uint8_t reset_done; /* bit n: of controller n */
  uint32_t dw0;
  uint8_t page[64]; /* the head of what was transferred to the host */
  uint32_t len;
  uint8_t told_a[CTRLS], told_g[CTRLS]; /* events delivered */
} moment;
extern moment now;
extern const world *W;
extern env *E; /* in the arena */

/* The first thing found wrong; its invariant of docs/design.md. */
extern char violation[512];
void broken(int invariant, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define MUST(invariant, condition, ...)                                                            \
  do {                                                                                             \
    if (!(condition))                                                                              \
      broken(invariant, __VA_ARGS__);                                                              \
  } while (0)

/* arena.c */
void arena_start(void);
extern const nvmens_mem arena_mem;
void *arena_env(void);
unsigned arena_blocks(void); /* in use */
typedef struct snapshot snapshot;
void arena_base(void); /* what snapshots are relative to */
snapshot *arena_save(size_t *size);
void arena_free(snapshot *);
void arena_expand(const snapshot *); /* into a buffer, from which it is */
void arena_restore(void);            /* ... restored, fast */
void arena_keep(void);               /* the state as it is, for arena_back */
void arena_back(void);

/* canon.c: the only file that looks into the library's objects */
enum { CANON_ROOM = 1024 };
size_t canon(uint8_t out[CANON_ROOM], bool logs_as_read);
typedef struct digest {
  uint64_t lo, hi;
} digest;
digest canon_digest(bool logs_as_read);
bool in_log(const ctl *, int log, uint32_t nsid);
bool log_has_snapshot(const ctl *, int log);
uint32_t source_states(const ctl *, int state); /* by A_LOG, G_LOG, 2 + post: bits */
uint32_t reported_of_type(const ctl *, uint8_t type);
/* peek.c: what only the library knows */
bool any_mark(const ctl *);
bool wanted(const ctl *, uint32_t nsid); /* WANTED */
bool fenced(const ctl *, uint32_t nsid); /* FENCED */
uint8_t next_cntlid(const uint8_t hostid[16]);
bool owes(const ctl *, uint32_t nsid); /* scans */
bool silent(const ctl *);
bool reads_ids(const ctl *);    /* it has sent CNS 03h (R64) */
bool opens(const ctl *);        /* something, and is not open yet */
bool remembered(uint32_t nsid); /* some host may have a disk of it */
bool lets_go(const ctl *);      /* when it reads the log once more */
bool is_stranger(const ctl *);
bool is_newcomer(const ctl *); /* that owes (R66) */
uint64_t path_deadline(void);  /* of paths and hosts */
bool gate_closing(const ctl *, uint32_t nsid);
bool bell_rung(void);
const char *not_at_rest(void); /* what is queued or held between calls; NULL: nothing */

/* hooks.c */
extern const nvmens_host hooks;
extern uint8_t cells[NVMENS_MACHINES][16][6]; /* steps seen: machine, event, state */
extern bool tracing;
void world_start(const world *);
nvmens_ident ident_of(uint8_t who);
obj *obj_of(uint32_t nsid); /* allocated or on its way out */
obj *obj_new(void);
void ctl_start(ctl *);

/* wants.c */
bool should(const obj *, const ctl *); /* R56 */
bool seen_by_host(const ctl *, uint32_t nsid);
void find_keepers(void);
void wish(const obj *, ctl *, uint8_t wish);
void end_auto(obj *);
void ctrl_wishes(ctl *, bool comes);
bool follows_only(const obj *, const ctl *);
void follow_fences(void);
void attached_by_now(void);
void check_hosts(void);
void check_shown_elsewhere(const ctl *, uint32_t nsid);
int expect_detach(const obj *, const ctl *, bool surprise);

/* act.c */
typedef enum outcome { SKIPPED, DONE, REFUSED } outcome; /* REFUSED: nothing may have changed */
outcome act(action);
outcome said(int err, int expected, const char *call); /* compares them */
unsigned all_actions(action out[256]);
const char *action_text(action);
void after_action(void); /* what a call leaves is compared with what the rules say */
void note(ctl *, int log, uint32_t nsid, bool loud);
void note_all(uint32_t nsid);
void begin_leave(ctl *, uint32_t nsid, uint8_t state, uint64_t due);
void leaves_draining(ctl *, uint32_t nsid);
unsigned waiting(void);
ctl *ready(uint8_t c);
int expect_attach(const obj *, const ctl *);
void attach_truth(obj *, ctl *);
void remove_truth(obj *, bool surprise, uint64_t due, uint8_t owner);

/* admin.c: commands */
slot *submit(ctl *, uint8_t kind, uint8_t opcode, uint32_t nsid, const uint32_t cdw[6]);
void simple(ctl *, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11);
outcome act_host(action);
/* logs.c, mgmt.c, ctrls.c: groups of actions */
outcome act_log(action);
outcome act_mgmt(action);
outcome act_ctrl(action);
void read_page(ctl *, int log, bool keep, uint32_t offset, uint32_t len);

/* host.c */
outcome host_arm(ctl *);
outcome host_scan(ctl *);
void host_start(ctl *);
void host_event(ctl *);
bool host_is_lazy(const host *);
void host_goes(host *); /* its controller is gone */
void hosts_give_up(void);
void hosts_arm(void);
uint8_t host_of(const ctl *);

/* check.c, finish.c: in every state; after it the state is no longer what it was */
void check_state(digest);
void check_futures(void);
uint32_t state_features(void);
bool told_again(void);         /* in this world */
bool deliverable(const ctl *); /* an AER is parked, and an event could be sent */

/* search.c */
typedef struct result {
  uint32_t states, depth;
  uint64_t transitions;
  uint32_t pairs[FEATURES]; /* that occurred on one path */
  double seconds;
} result;
bool explore(const world *, result *);
bool replay(const world *, const char *path);

#endif
