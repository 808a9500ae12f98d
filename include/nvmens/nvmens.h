/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvmens.h: the namespace lifecycle of an NVMe subsystem (control path; the data path is gate.h).
 *
 * The host is the NVMe driver at the other end; the backend is the program that links this library.
 * Rn, Cn are the project's numbered rules (docs/rules.md) and host requirements.
 *
 * Errors. int: 0, or a negative NVMENS_ERR_* for the programmer. nvmens_status: for the host. A
 * call that fails has changed nothing. NULL where an object is needed is NVMENS_ERR_INVAL.
 *
 * Memory is taken only by *_new, plug, attach and by commands that need a buffer.
 *
 * Threads
 *  T1 One subsystem is one control domain; subsystems never interact (T6).
 *  T2 With the hooks lock and unlock any thread may make any control call. Without them the backend
 *     serialises its control calls, hooks' calls included.
 *  T3 Effects (the hooks that say so) run one at a time per subsystem, lock released, on whichever
 *     thread is flushing, before or after the causing call returns. They must not block.
 *  T4 Any call but nvmens_subsys_del may come from a hook, except from wake, lock, unlock, trace,
 *     barrier.
 *     Effects that such a call causes are appended; nothing nests.
 *  T5 nvmens_io_begin and nvmens_io_end may run at any time beside control calls.
 *  T7 A token is valid from the entry of the hook that is given it, and is never reused. The first
 *     of nvmens_done and a returned NVMENS_DONE counts; anything later is refused and harmless.
 *  T8 wake is called when nvmens_next_deadline becomes earlier, when a drain may have ended, and
 *     when effects are left over. Times are nanoseconds of any monotonic clock of the backend's.
 */
#ifndef NVMENS_NVMENS_H
#define NVMENS_NVMENS_H

#include <nvmens/version.h>
#include <nvmens/wire.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NVMENS_API
#define NVMENS_API __attribute__((visibility("default")))
#endif

typedef struct nvmens_subsys nvmens_subsys;
typedef struct nvmens_ctrl nvmens_ctrl;

/* What a call of the backend's may end in. */
typedef enum nvmens_err {
  NVMENS_OK = 0,
  NVMENS_ERR_INVAL = -1,        /* an argument is out of its range, or NULL */
  NVMENS_ERR_NOMEM = -2,        /* the allocator said no */
  NVMENS_ERR_EXISTS = -3,       /* NSID, CNTLID or identity in use; already attached */
  NVMENS_ERR_STALE = -4,        /* the namespace reference or token is of the past */
  NVMENS_ERR_NOT_ATTACHED = -5, /* nothing to detach */
  NVMENS_ERR_BUSY = -6,         /* draining, deleting, or still in use: try later */
  NVMENS_ERR_PRIVATE = -7,      /* a private namespace has its one controller */
  NVMENS_ERR_LIMIT = -8,        /* NSIDs, count, controllers or attachments are used up */
  NVMENS_ERR_CAPACITY = -9,     /* more than UNVMCAP */
  NVMENS_ERR_COMMAND_SET = -10, /* CSI not supported, or not enabled by CC.CSS */
  NVMENS_ERR_KIND = -11,        /* the controller is not an I/O controller */
  NVMENS_ERR_NOT_FOUND = -12    /* no such NSID, CNTLID, command */
} nvmens_err;
NVMENS_API const char *nvmens_strerror(int err);

/* Status for the host: see NVMENS_SF in wire.h. All failures carry DNR but 005h-008h and 300h. */
typedef struct nvmens_status {
  uint16_t sf;
} nvmens_status;

/* A namespace as a value. gen tells it from an earlier one of the same NSID. {0, 0} names none. */
typedef struct nvmens_nsref {
  uint32_t nsid;
  uint32_t gen;
} nvmens_nsref;

typedef uint64_t nvmens_token; /* never 0 */

typedef enum nvmens_wait { NVMENS_DONE = 0, NVMENS_PENDING = 1 } nvmens_wait;
typedef enum nvmens_taken { NVMENS_NOT_MINE = 0, NVMENS_TAKEN = 1 } nvmens_taken;
typedef enum nvmens_dir { NVMENS_FROM_HOST = 0, NVMENS_TO_HOST = 1 } nvmens_dir;
typedef enum nvmens_mode {
  NVMENS_ORDERLY = 0, /* commands in flight end by themselves, until the deadline */
  NVMENS_SURPRISE = 1 /* drain_abort at once */
} nvmens_mode;
typedef enum nvmens_reason {
  NVMENS_UNPLUGGED = 0,    /* nvmens_ns_unplug, or the end of the subsystem */
  NVMENS_HOST_DELETED = 1, /* Namespace Management, delete */
  NVMENS_CREATE_FAILED = 2 /* prepared, but the create did not happen */
} nvmens_reason;

typedef struct nvmens_u128 {
  uint64_t lo, hi;
} nvmens_u128;

typedef struct nvmens_lbaf {
  uint8_t lbads; /* log2 of the data size in bytes: 9 .. 32 */
  uint8_t rp;    /* relative performance, 0 best .. 3 */
  uint16_t ms;   /* metadata bytes */
} nvmens_lbaf;
#define NVMENS_LBAFS 16

/* At least one of uuid, nguid, eui64 is not zero (R5). Unique in the subsystem (C15). */
typedef struct nvmens_ident {
  uint8_t uuid[16];
  uint8_t nguid[16];
  uint8_t eui64[8];
} nvmens_ident;

/*
 * One command of the host's, embedded in the backend's request. The library fills it; nothing need
 * be set before. It belongs to the library from the call that takes it until cmd_complete or
 * cmd_drop is called for it. Every member is private.
 */
typedef struct nvmens_cmd {
  struct nvmens_cmd *next, *prev, *park_next;
  struct nvmens_effect {
    struct nvmens_effect *next;
    void (*run)(struct nvmens_subsys *, struct nvmens_effect *);
  } effect;
  struct nvmens_ctrl *ctrl;
  struct nvmens_prep *prep;
  struct nvmens_debt *debts;
  uint64_t error_info;
  uint32_t dw0;
  uint32_t epoch;
  uint32_t waits;
  uint16_t cid;
  uint16_t sf;
  uint8_t state;
  uint8_t spare[3];
} nvmens_cmd;

/* ---- configuration ---- */

typedef enum nvmens_mask_scope { NVMENS_MASK_TYPE = 0, NVMENS_MASK_EVENT = 1 } nvmens_mask_scope;
typedef enum nvmens_inactive_io { NVMENS_IO_AUTO = 0, NVMENS_IO_SPEC = 1 } nvmens_inactive_io;
typedef enum nvmens_gate_mode {
  NVMENS_GATE_AUTO = 0, /* membarrier where the kernel has it, else fences */
  NVMENS_GATE_FENCE = 1
} nvmens_gate_mode;

/* Zero in a field means its default; start from {0}. */
typedef struct nvmens_subsys_config {
  uint32_t nn;          /* 1 .. FFFFFFFEh; default 1024 (R1) */
  uint32_t mnan;        /* most namespaces allocated, at most nn; default 0: nn of them (R4) */
  uint32_t max_ctrls;   /* default 64, at most FFF0h */
  uint8_t aerl;         /* 0's based: aerl + 1 AERs; default 3 (C2). For one AER see aerl_is_zero */
  uint8_t aerl_is_zero; /* 1: AERL is 0 */
  uint8_t mask_scope;   /* nvmens_mask_scope (R28) */
  uint8_t inactive_io;  /* nvmens_inactive_io (R51, C16) */
  nvmens_u128 tnvmcap;  /* bytes; default 0: capacity is not accounted (R54) */
  uint64_t maxdna;      /* most attachments in the subsystem; 0: no limit (127h) */
  uint32_t maxcna;      /* most attachments of one I/O controller; 0: no limit (127h) */
  uint32_t csi_supported; /* bit n: CSI n; default 1 (NVM) */
  /* Bits of feature 0Bh; default 7:0, 8 and 19 (R34). Of these and of aec_default each controller
   * has those that its type may have: a discovery controller bits 31:28, the others 27:0 (R70). */
  uint32_t aec_supported;
  uint32_t aec_default; /* default 0 (R32) */
  uint64_t deadline_ns; /* drains and prepares of host commands; finite; default 10 s (C17) */
  /* How long the other paths of a host wait for one that asks for events and does not read the log
   * (H4, R63); finite; default 10 s. */
  uint64_t host_wait_ns;
  /* How long a host is taken to keep its disks on a path without a controller, while it reconnects
   * (R67); not less than the hosts' own limit, as Linux's ctrl_loss_tmo (600 s); finite; default
   * 15 min. */
  uint64_t host_memory_ns;
  nvmens_lbaf lbaf[NVMENS_LBAFS]; /* formats for create and for namespaces that give none */
  uint8_t nlbaf;                  /* default: one format of 512 bytes */
  uint8_t gate_mode;              /* nvmens_gate_mode */
} nvmens_subsys_config;

/* The values of CNTRLTYPE. What a type does not have is not announced, is refused, and has no
 * effect: a discovery controller has AER, Abort and feature 0Bh only; an administrative controller
 * manages namespaces and hears of them, and has none attached (R70). */
typedef enum nvmens_ctrl_kind {
  NVMENS_CTRL_IO = 1,
  NVMENS_CTRL_DISCOVERY = 2,
  NVMENS_CTRL_ADMIN = 3
} nvmens_ctrl_kind;

typedef struct nvmens_ctrl_config {
  uint16_t cntlid; /* used if cntlid_given; else the lowest free one */
  uint8_t cntlid_given;
  uint8_t kind; /* nvmens_ctrl_kind; default I/O */
  /* 1: the host's disks come and go with this controller (PCI Express). 0: the host may keep them
   * while it reconnects to another controller (NVMe over Fabrics), see R66, R67. */
  uint8_t pci;
  uint8_t hostid[16]; /* all zero: unknown, no other controller counts as the same host's */
} nvmens_ctrl_config;

typedef struct nvmens_ns_config {
  uint32_t nsid; /* 0: a free one of which no host may have a disk, if there is one (R69) */
  uint8_t csi;   /* NVMENS_CSI_* */
  uint8_t shared;
  uint8_t auto_attach; /* attach to the controllers that are and to those to come (R56) */
  uint8_t home_given;  /* private: home_cntlid is its controller; else see R56 */
  uint16_t home_cntlid;
  uint8_t flbas; /* index of the format in use */
  uint8_t nlbaf; /* 0: the subsystem's formats */
  nvmens_lbaf lbaf[NVMENS_LBAFS];
  uint64_t nsze; /* blocks */
  uint64_t ncap; /* blocks; 0: nsze */
  uint32_t anagrpid;
  uint16_t nvmsetid, endgid;
  uint8_t write_protected;
  nvmens_ident ident;
} nvmens_ns_config;

/* For nvmens_ns_update: the fields named by `set`. */
enum {
  NVMENS_SET_SIZE = 1,
  NVMENS_SET_FORMAT = 2,
  NVMENS_SET_WRITE_PROTECT = 4,
  NVMENS_SET_OTHER = 8
};
typedef struct nvmens_ns_attrs {
  uint32_t set; /* OR of NVMENS_SET_*; OTHER: something in the backend's part of Identify changed */
  uint8_t flbas;           /* FORMAT */
  uint8_t write_protected; /* WRITE_PROTECT */
  uint64_t nsze, ncap;     /* SIZE, in blocks; ncap 0: nsze */
} nvmens_ns_attrs;

/* ---- hooks ---- */

/* What the host asks for, given to prepare. Valid during that call only. */
typedef struct nvmens_intent {
  uint8_t create; /* 1: create a namespace; 0: attach one */
  uint8_t csi;
  uint8_t flbas, dps, nmic;
  uint32_t nsid;       /* attach: which; create: 0, chosen later */
  void *ns_user;       /* attach */
  uint64_t nsze, ncap; /* create, blocks */
  uint8_t lbads;       /* create: log2 of the block size in bytes */
  uint16_t ms;         /* create: metadata bytes of a block */
  uint32_t anagrpid;
  uint16_t nvmsetid, endgid;
  uint64_t lbstm;
  const void *data;       /* create: the host's 4096 bytes */
  const uint16_t *cntlid; /* attach: the controllers, ascending */
  uint16_t ncntlid;
} nvmens_intent;

typedef struct nvmens_trace nvmens_trace;

/*
 * Hooks marked E are effects (T3). Unset hooks do nothing; an unset drain_begin is DONE.
 * cmd_complete, cmd_drop and transfer are required.
 */
typedef struct nvmens_host {
  /* E: post the completion. dw0: CQE dword 0; error_info: command specific information for the
   * backend's Error Information log (R12, R20), 0 if there is none. */
  void (*cmd_complete)(void *ctrl_user, nvmens_cmd *, nvmens_status, uint32_t dw0,
                       uint64_t error_info);
  /* E: the command is of the past (reset, removal): free it, post nothing. */
  void (*cmd_drop)(void *ctrl_user, nvmens_cmd *);
  /* Move data of a command, from nvmens_admin on its caller's thread, lock released. len may be
   * less than the command asks for where the data end; the rest is the backend's to zero or leave.
   * A status other than 0 ends the command with it, nothing consumed. This hook, prepare and
   * identify may return on another thread than they were called on, and in any order. */
  nvmens_status (*transfer)(void *ctrl_user, nvmens_cmd *, void *buf, size_t len, nvmens_dir);
  /* Create and attach by the host need the backend first. Called like transfer. DONE: go on (attach
   * only); PENDING: nvmens_prepared() follows, or was called. Without it Namespace Management is
   * not offered and its commands end with Invalid Opcode. Answer each, also when its command has
   * ended meanwhile (reset, deadline): while 64 of those are unanswered of one host, or 1024 of
   * all hosts, create and attach of that host, or of all, end with 006h (R71). */
  nvmens_wait (*prepare)(void *ctrl_user, nvmens_cmd *, const nvmens_intent *, nvmens_token);
  /* E: the host has made a namespace of what was prepared: before any other effect of it, and
   * before the command completes. prepare and identify, no effects, may name it earlier. */
  void (*created)(void *ns_user, nvmens_nsref);
  void (*attached)(void *ns_user, void *ctrl_user); /* E: before the gate opens */
  void (*detached)(void *ns_user, void *ctrl_user); /* E: no command of this controller holds it */
  void (*released)(void *ns_user, nvmens_reason);   /* E: the last word on ns_user */
  void (*ctrl_released)(void *ctrl_user);           /* E: the last word on ctrl_user */
  /* E: once after nvmens_ctrl_reset, when no hook names a command of before it any more. After
   * several resets it is called once at least, and last for the last one. Not called any more once
   * nvmens_ctrl_del was: ctrl_released follows. */
  void (*reset_done)(void *ctrl_user);
  /* E: wait for (begin) or end (abort) the commands that hold the namespace by this controller and
   * that the gate does not count. PENDING: nvmens_done() follows, or was called. */
  nvmens_wait (*drain_begin)(void *ns_user, void *ctrl_user, nvmens_token);
  void (*drain_abort)(void *ns_user, void *ctrl_user, nvmens_token);
  /* The backend's part of an Identify page, zeroed; the library's fields are written over it.
   * Called like transfer. ns_user is NULL for CNS 06h and for NSID FFFFFFFFh. Non-zero: 006h. The
   * namespace is not released while it runs. */
  int (*identify)(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page4096);
  /* From any thread, lock held or not: make nvmens_poll run soon. May be spurious. Must not call
   * the library nor wait for the lock. */
  void (*wake)(void *user);
  void (*lock)(void *user);
  void (*unlock)(void *user);
  void (*trace)(void *user, const nvmens_trace *); /* under the lock; must not call the library */
  /* The kernel refuses membarrier to this process, which it did not at first: because of a filter
   * of system calls, or for lack of memory. Make every thread that calls nvmens_io_* execute a full
   * memory barrier after this call has begun, then return 0. A backend whose only such thread is
   * the caller's just returns 0. Anything else: it could not, and the library tries again, the
   * kernel first, in its next call or when nvmens_next_deadline says. Until then no drain ends of a
   * gate that was opened before, nor is drain_begin called, nor drain_abort where there is a
   * drain_begin; gates opened from now on do not need it. Under the lock: it must not call the
   * library, and a thread that it waits for may wait for the lock (a signal reaches that one). */
  int (*barrier)(void *user);
} nvmens_host;

/* NULL: the C library's. Alignment as malloc's. Called under the lock. */
typedef struct nvmens_mem {
  void *user;
  void *(*alloc)(void *user, size_t size);
  void (*free)(void *user, void *ptr);
} nvmens_mem;

/* ---- subsystem ---- */

NVMENS_API int nvmens_subsys_new_sized(nvmens_subsys **, const nvmens_subsys_config *, size_t,
                                       const nvmens_host *, size_t, const nvmens_mem *, size_t,
                                       void *user);
/* config may be NULL (all defaults), mem too. user is given to wake, lock, unlock, trace, barrier.
 * Returns INVAL, NOMEM. */
static inline int nvmens_subsys_new(nvmens_subsys **out, const nvmens_subsys_config *config,
                                    const nvmens_host *host, const nvmens_mem *mem, void *user)
{
  return nvmens_subsys_new_sized(out, config, sizeof(*config), host, sizeof(*host), mem,
                                 sizeof(*mem), user);
}
/* Ends what is left (detached, released, ctrl_released are called for each) and frees everything.
 * BUSY, nothing changed: there is a lane, a drain, a removal, a reset, an effect, a command of the
 * host's, a prepare without an answer, a command that holds a namespace, or a hook under way (this
 * call may come from it). BUSY, begun: a drain_begin that it called is PENDING;
 * call again after nvmens_done; nothing new can be made meanwhile (BUSY). NULL is 0. */
NVMENS_API int nvmens_subsys_del(nvmens_subsys *);
/* Walks every invariant (docs/design.md). 0, or the number of the first that does not hold, and
 * *why. For tests: O(everything). Threads: as a control call. */
NVMENS_API int nvmens_subsys_check(nvmens_subsys *, const char **why);

/* ---- controllers ---- */

NVMENS_API int nvmens_ctrl_new_sized(nvmens_ctrl **, nvmens_subsys *, const nvmens_ctrl_config *,
                                     size_t, void *ctrl_user);
/* A disabled controller, with what auto attach gives it (R24, P11). config may be NULL.
 * Returns INVAL, NOMEM, EXISTS (CNTLID), LIMIT, BUSY (the subsystem ends). Calls back: attached. */
static inline int nvmens_ctrl_new(nvmens_ctrl **out, nvmens_subsys *s,
                                  const nvmens_ctrl_config *config, void *ctrl_user)
{
  return nvmens_ctrl_new_sized(out, s, config, sizeof(*config), ctrl_user);
}
/* Surprise for all its attachments; its commands are dropped. Ends in ctrl_released; the pointer is
 * good for nothing but nvmens_lane_del and nvmens_io_* from now on. NULL: nothing. */
NVMENS_API void nvmens_ctrl_del(nvmens_ctrl *);
/* CC.EN 0 to 1. cc is Controller Configuration: CSS decides the command sets. INVAL: reserved or
 * unsupported CSS; BUSY: not disabled; STALE: being removed. */
NVMENS_API int nvmens_ctrl_enable(nvmens_ctrl *, uint32_t cc);
/* Controller Level Reset (R35). Attachments stay, drains go on, commands end in cmd_drop. It does
 * not wait for hooks that run on other threads: reset_done is called when the last old command has
 * ended, perhaps before this call returns. Until then CSTS.RDY is to stay 1. */
NVMENS_API void nvmens_ctrl_reset(nvmens_ctrl *);
/* CC.SHN: no more events; commands end with 005h (R37). Reset makes it usable again. */
NVMENS_API void nvmens_ctrl_shutdown(nvmens_ctrl *);
/* Fills what the library owns of CNS 01h: CMIC bit 1, CNTLID, OAES, CNTRLTYPE, OACS bit 3, AERL,
 * LPA bit 2, TNVMCAP, UNVMCAP, NN, MNAN, MAXDNA, MAXCNA. Other bits and fields stay. For a
 * discovery controller CMIC bit 1 and LPA bit 2 stay too, OACS bit 3 is cleared, and TNVMCAP and
 * what follows here are 0 (R70). */
NVMENS_API void nvmens_identify_ctrl(const nvmens_ctrl *, void *page4096);

/* ---- namespaces ---- */

NVMENS_API int nvmens_ns_new_sized(nvmens_subsys *, const nvmens_ns_config *, size_t, void *ns_user,
                                   nvmens_nsref *out);
/* Allocates a namespace; auto_attach: and attaches it, now or when nothing is in the way any more.
 * A host that may still have a disk of another namespace of this NSID lets go of that first (H1 to
 * H4): until then nvmens_att_query says WANTED or FENCED, and waits_for HOST. May be called from
 * `released` of the namespace that had the NSID. Allocated event everywhere (R40).
 * Returns INVAL, NOMEM, EXISTS (NSID, identity), BUSY (NSID being deleted), LIMIT, CAPACITY,
 * COMMAND_SET. Calls back: attached. On failure ns_user stays the caller's. */
static inline int nvmens_ns_new(nvmens_subsys *s, const nvmens_ns_config *config, void *ns_user,
                                nvmens_nsref *out)
{
  return nvmens_ns_new_sized(s, config, sizeof(*config), ns_user, out);
}
/* Explicit attach. It may have to wait for a former attachment that drains, or for the host, which
 * may still have another disk of this NSID (R57, R58). Then it returns 0, nvmens_att_query says
 * WANTED or FENCED (or what drains, with waits_for), and `attached` is called when nothing is in
 * the way any more. Remembered for this host ID and CNTLID if the controller goes and comes back
 * (R67).
 * Returns STALE, EXISTS (attached or wanted), BUSY (the namespace or the controller is being
 * removed), KIND, PRIVATE (attached or wanted elsewhere), COMMAND_SET, LIMIT, NOMEM.
 * Calls back: attached. */
NVMENS_API int nvmens_ns_attach(nvmens_subsys *, nvmens_nsref, nvmens_ctrl *);
/* Explicit detach, remembered as an attach is. Published at once, drained then; ends in `detached`,
 * unless it was only WANTED or FENCED: then `attached` was not called either. deadline_ns counts
 * from now_ns; UINT64_MAX: none. Returns STALE, NOT_ATTACHED, BUSY (draining already; with SURPRISE
 * that is 0: it is aborted; 0 too where an attach was asked for meanwhile: it withdraws that). */
NVMENS_API int nvmens_ns_detach(nvmens_subsys *, nvmens_nsref, nvmens_ctrl *, nvmens_mode,
                                uint64_t now_ns, uint64_t deadline_ns);
/* Sets auto_attach and forgets all explicit attaches and detaches of this namespace (R56): it is
 * attached to every controller that auto attach covers, now or when nothing is in the way any more.
 * Returns STALE, BUSY (deleting), NOMEM. */
NVMENS_API int nvmens_ns_plug(nvmens_subsys *, nvmens_nsref);
/* Hot removal: unpublished everywhere at once, drained, released. Times as in detach. Also for a
 * namespace being deleted (joins: 0; SURPRISE aborts). The NSID and the identity are free again
 * when `released` is called; until then nvmens_ns_new says BUSY. Returns STALE. Calls back:
 * drain_begin, detached, released; all before it returns if nothing was in flight and no other
 * thread runs effects. */
NVMENS_API int nvmens_ns_unplug(nvmens_subsys *, nvmens_nsref, nvmens_mode, uint64_t now_ns,
                                uint64_t deadline_ns);
NVMENS_API int nvmens_ns_update_sized(nvmens_subsys *, nvmens_nsref, const nvmens_ns_attrs *,
                                      size_t);
/* Resize, format, write protect. Returns STALE, BUSY (deleting), INVAL, CAPACITY. */
static inline int nvmens_ns_update(nvmens_subsys *s, nvmens_nsref ref, const nvmens_ns_attrs *attrs)
{
  return nvmens_ns_update_sized(s, ref, attrs, sizeof(*attrs));
}
/* The namespace, allocated or being deleted, that has this NSID, or the next one. NOT_FOUND. */
NVMENS_API int nvmens_ns_find(nvmens_subsys *, uint32_t nsid, nvmens_nsref *out);
NVMENS_API int nvmens_ns_next(nvmens_subsys *, uint32_t after, nvmens_nsref *out);

/* ---- time and answers ---- */

/* The backend's half of a drain has ended. The status is traced, not acted on: a drain cannot fail.
 * Returns STALE (unknown, answered, too late). */
NVMENS_API int nvmens_done(nvmens_subsys *, nvmens_token, nvmens_status);
/* Ends a PENDING prepare. A status other than 0 ends the command with it. ident: who a created
 * namespace is (R5); without one, or with one in use, the create ends with 006h. STALE: unknown or
 * answered: ns_user stays the caller's. Otherwise a created ns_user is the library's; if the create
 * does not happen it comes back by released(CREATE_FAILED). */
NVMENS_API int nvmens_prepared(nvmens_subsys *, nvmens_token, nvmens_status, const nvmens_ident *,
                               void *ns_user);
/* The earliest moment at which nvmens_poll has something to do; UINT64_MAX: none. */
NVMENS_API uint64_t nvmens_next_deadline(const nvmens_subsys *);
/* Looks at gates, then deadlines, then effects that were left over. now_ns never goes back. */
NVMENS_API void nvmens_poll(nvmens_subsys *, uint64_t now_ns);

/* ---- commands of the host ---- */

/* sqe: 64 bytes. Takes the Identify pages of R6 (not 01h), Namespace Management and Attachment, Get
 * Log Page 04h and 1Ch, Get and Set Features 0Bh, AER, and Abort of a parked AER, to refuse them
 * where the controller's type does not have them (R70); anything else is NOT_MINE and untouched.
 * What it takes ends in exactly one cmd_complete or cmd_drop, perhaps before it returns; do not
 * touch the command afterwards. Calls back: transfer, identify, prepare. */
NVMENS_API nvmens_taken nvmens_admin(nvmens_ctrl *, nvmens_cmd *, const void *sqe, uint64_t now_ns);
/* Bytes of the host's that nvmens_admin may fetch by transfer for this SQE: for transports that
 * must have them first. */
NVMENS_API size_t nvmens_admin_data_len(const void *sqe);
/* For backends that parse themselves. 0: parked, or already answered; else (105h, 005h, 008h) the
 * command is the caller's to complete. */
NVMENS_API nvmens_status nvmens_aer(nvmens_ctrl *, nvmens_cmd *, uint16_t cid);
/* Ends the oldest parked AER of this CID with 007h (R36). NOT_FOUND. */
NVMENS_API int nvmens_aer_abort(nvmens_ctrl *, uint16_t cid);
/* An event of the backend's own (SMART, errors ...). type 0-4, 6, 7; lid is the page whose reading
 * clears it; sent while a bit of aec_mask is on in feature 0Bh (0: always). A source is (type,
 * info); posting one that is pending coalesces (R30). Dropped (0) unless the controller is ready.
 * INVAL: type 5 or above 7, the library's own sources. Never fails for fullness, never allocates.
 */
NVMENS_API int nvmens_event_post(nvmens_ctrl *, uint8_t type, uint8_t info, uint8_t lid,
                                 uint32_t aec_mask);
/* Before copying a log of the backend's own; the stamp is for nvmens_log_was_read. */
NVMENS_API uint64_t nvmens_log_latch(nvmens_ctrl *, uint8_t lid);
/* After the host has the log, read with RAE=0: clears the sources of this page that are not newer
 * than the stamp (R29, R44). A stamp from before a reset does nothing. */
NVMENS_API void nvmens_log_was_read(nvmens_ctrl *, uint8_t lid, uint64_t stamp);
/* Feature 0Bh as it is. */
NVMENS_API uint32_t nvmens_aec(const nvmens_ctrl *);

#ifdef __cplusplus
}
#endif

#include <nvmens/query.h>

#endif
