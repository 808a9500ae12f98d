/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig.h: a backend and a host for tests, in one struct.
 *
 * The backend half: an allocator that counts and can fail, hooks that record what was called and
 * whose behaviour can be set. The host half: admin commands with their data, and their answers.
 * The hooks check by themselves: effects do not nest and run unlocked, no command is answered twice
 * or written after its answer, no hook names a released object, nothing is detached with I/O in
 * flight. After every call through the rig nvmens_subsys_check() is asked (not inside hooks).
 *
 * The identify hook sets the last byte of its page to 5Ah. A program links rig.c, rig_backend.c and
 * rig_host.c.
 *
 * Namespaces are named n1, n2 ... and controllers c0, c1 ... in the order in which they were made.
 */
#ifndef NVMENS_TESTS_RIG_H
#define NVMENS_TESTS_RIG_H

#include <check.h>
#include <nvmens/gate.h>
#include <nvmens/nvmens.h>
#include <nvmens/wire.h>
#include <stdlib.h>
#include <string.h>

typedef struct rig rig;
typedef struct rig_ctrl rig_ctrl;
typedef struct rig_ns rig_ns;
typedef struct rig_cmd rig_cmd;

enum { RIG_CTRLS = 72 };       /* most controllers of one rig */
enum { RIG_SEC = 1000000000 }; /* nanoseconds */
#define RIG_NEVER   UINT64_MAX /* deadline: none */
#define RIG_DNR(sc) ((uint16_t)((sc) | NVMENS_SF_DNR))

/* What a hook was; in masks 1u << kind. */
typedef enum rig_kind {
  RIG_ATTACHED,
  RIG_DETACHED,
  RIG_RELEASED,
  RIG_CTRL_RELEASED,
  RIG_DRAIN,
  RIG_ABORT,
  RIG_COMPLETE,
  RIG_DROP,
  RIG_CREATED,
  RIG_RESET_DONE,
  RIG_PREPARE,
  RIG_TRANSFER,
  RIG_IDENTIFY,
  RIG_KINDS
} rig_kind;
#define RIG_BIT(kind) (1u << (kind))
/* the default of log_mask */
#define RIG_LOG_EFFECTS (RIG_BIT(RIG_CREATED) - 1)

typedef struct rig_event {
  rig_kind kind;
  rig_ns *ns;     /* NULL: none */
  rig_ctrl *ctrl; /* NULL: none */
  rig_cmd *cmd;   /* NULL: none */
  nvmens_token token;
  uint16_t sf;
  uint32_t dw0;
  uint64_t error_info;
  nvmens_reason reason;
  void *data; /* transfer: the library's buffer, with len; identify: the page */
  size_t len;
} rig_event;

typedef enum rig_drain {
  RIG_DRAIN_DONE,    /* drain_begin returns DONE */
  RIG_DRAIN_PENDING, /* PENDING; the test calls rig_drained */
  RIG_DRAIN_EARLY,   /* nvmens_done inside drain_begin, which returns PENDING */
  RIG_DRAIN_DOUBLE   /* nvmens_done inside drain_begin, which returns DONE */
} rig_drain;

typedef enum rig_prepare {
  RIG_PREPARE_INSIDE, /* nvmens_prepared inside the hook, which returns PENDING */
  RIG_PREPARE_DONE,   /* DONE for attach; create as INSIDE */
  RIG_PREPARE_PENDING /* PENDING; the test calls rig_prepared */
} rig_prepare;

struct rig_cmd {
  nvmens_cmd cmd; /* filled with A5h once answered: nobody may write it from then on */
  rig *rig;
  rig_ctrl *ctrl;
  rig_cmd *next;
  uint16_t cid;
  uint8_t *data; /* the host's buffer; the test's */
  size_t size;   /* of data */
  uint8_t *own;  /* such a buffer, if it is the rig's; freed by rig_end */
  size_t moved;  /* by transfer */
  unsigned transfers;
  int taken;
  unsigned done;    /* cmd_complete calls: 0 or 1 */
  unsigned dropped; /* cmd_drop calls: 0 or 1 */
  int old;          /* it was under way at a rig_reset */
  unsigned order;   /* the nth answer of the rig, from 1 */
  uint16_t sf;      /* of the completion; FFFFh before */
  uint32_t dw0;
  uint64_t error_info;
};

struct rig_ctrl {
  rig *rig;
  nvmens_ctrl *c; /* NULL until nvmens_ctrl_new has returned, and after release */
  unsigned id;    /* c0, c1 ... */
  int owned, released;
  unsigned resets; /* reset_done calls */
};

struct rig_ns {
  rig *rig;
  rig_ns *next;
  unsigned id; /* n1, n2 ... */
  nvmens_nsref ref;
  nvmens_ident ident;
  int owned;                /* the library has it: released is to come */
  int prepared, created;    /* times: given to nvmens_prepared; the hook */
  int released;             /* times */
  nvmens_reason reason;     /* of released */
  int drain;                /* rig_drain of this namespace, or -1: the rig's */
  uint8_t on[RIG_CTRLS];    /* attached, and not yet detached, by the hooks */
  uint32_t held[RIG_CTRLS]; /* I/O in flight through rig_io_begin */
  nvmens_token token[RIG_CTRLS];
};

typedef struct rig_io {
  nvmens_lane *lane;
  nvmens_ticket ticket;
  uint16_t sf; /* 0: begun */
  rig_ns *ns;
  rig_ctrl *ctrl;
} rig_io;

struct rig {
  nvmens_subsys *s;
  uint64_t now;
  /* the allocator */
  unsigned allocs;     /* calls so far */
  unsigned live;       /* blocks */
  unsigned fail_alloc; /* n: the nth call from here fails; 0: none */
  int fail_all;        /* every call from that one on fails (set before it) */
  unsigned failed;     /* calls that failed so far */
  size_t bytes;        /* asked for so far */
  /* hooks */
  rig_drain drain;
  rig_prepare prepare;
  uint16_t prepare_sf;                     /* INSIDE: the status given to nvmens_prepared */
  int identify_fails;                      /* the identify hook returns -1 */
  unsigned fail_transfer;                  /* n: the nth transfer from here fails; 0: none */
  uint16_t transfer_sf;                    /* with this; default 4004h */
  void (*react)(rig *, const rig_event *); /* called at the end of the hooks in react_on */
  uint32_t react_on;                       /* RIG_BIT()s */
  void *react_arg;
  void (*on_trace)(rig *, const nvmens_trace *);
  nvmens_token prepare_token; /* the latest prepare that is PENDING */
  nvmens_intent intent;       /* of the latest prepare; pointers in it are dead */
  unsigned wakes;
  unsigned hooks;   /* depth of hooks now running */
  unsigned effects; /* depth of effects: 0 or 1 */
  int locked;
  int no_check; /* rig_check does nothing (long loops) */
  /* what was recorded */
  uint32_t log_mask; /* RIG_BIT()s of what is recorded */
  rig_event *log;
  size_t nlog, alog;
  unsigned answers, idents;
  char text[2][16384]; /* of rig_list_text, in turn */
  unsigned turn;
  char *log_text;
  /* objects */
  rig_ctrl *ctrl[RIG_CTRLS];
  unsigned nctrl;
  rig_ns *ns;
  unsigned nns;
  rig_cmd *cmds;
  uint16_t next_cid;
  nvmens_lane *lane[RIG_CTRLS];
  rig_ctrl *lane_ctrl[RIG_CTRLS];
  unsigned nlane;
};

/* ---- the rig ---- */
enum { RIG_NO_PREPARE = 1, RIG_NO_LOCK = 2, RIG_NO_IDENTIFY = 4, RIG_NO_DRAIN = 8 };
rig *rig_new(const nvmens_subsys_config *); /* NULL: all defaults */
rig *rig_new_without(const nvmens_subsys_config *, unsigned hooks);
/* nvmens_subsys_new with the nth allocation failing (0: none); what it made is deleted again. */
int rig_try(const nvmens_subsys_config *, unsigned fail_alloc);
void rig_check(rig *);
void rig_poll(rig *);              /* nvmens_poll at now */
void rig_pass(rig *, uint64_t ns); /* time passes, then poll */
void rig_rest(rig *);              /* polls until wake is silent */
void rig_end(rig *); /* resets, ends drains and lanes, deletes; asserts that nothing is left */
/* What the hooks were, e.g. "drain n1 c0; detached n1 c0; released n1; complete c0 sf=4002 dw0=1";
 * sf, dw0, info (error_info) in hexadecimal and only if not 0; released: " deleted", " failed". */
const char *rig_log(rig *);
void rig_log_clear(rig *);
unsigned rig_count(const rig *, rig_kind); /* how many of them are recorded */

/* ---- the backend ---- */
rig_ctrl *rig_ctrl_new(rig *, const nvmens_ctrl_config *); /* disabled */
int rig_ctrl_try(rig *, const nvmens_ctrl_config *, rig_ctrl **);
rig_ctrl *rig_ctrl_on(rig *); /* default configuration, enabled with CC 0 */
void rig_enable(rig_ctrl *);
void rig_reset(rig_ctrl *);
void rig_reenable(rig_ctrl *); /* reset, enable */
void rig_shutdown(rig_ctrl *);
void rig_ctrl_del(rig_ctrl *);
/* Defaults: nsze 1000h, a generated UUID. rig_ns_new asserts success. */
rig_ns *rig_ns_new(rig *, const nvmens_ns_config *);
int rig_ns_try(rig *, const nvmens_ns_config *, rig_ns **);
rig_ns *rig_ns_auto(rig *, uint32_t nsid);  /* shared, auto attach; nsid 0: any */
rig_ns *rig_ns_loose(rig *, uint32_t nsid); /* shared, not attached */
rig_ns *rig_find(rig *, uint32_t nsid);     /* the namespace of this NSID now, NULL: none */
void rig_ident(rig *, nvmens_ident *);      /* a new UUID */
int rig_attach(rig_ns *, rig_ctrl *);
int rig_detach(rig_ns *, rig_ctrl *, nvmens_mode, uint64_t deadline_ns);
int rig_unplug(rig_ns *, nvmens_mode, uint64_t deadline_ns);
int rig_plug(rig_ns *);
int rig_resize(rig_ns *, uint64_t nsze);
int rig_drained(rig_ns *, rig_ctrl *); /* nvmens_done with the latest token of the pair */
int rig_done(rig *, nvmens_token);
/* Ends the latest PENDING prepare; create: with a new namespace, returned in *ns (may be NULL). */
int rig_prepared(rig *, uint16_t sf, rig_ns **ns);
int rig_post(rig_ctrl *, uint8_t type, uint8_t info, uint8_t lid, uint32_t aec_mask);
nvmens_ctrl_info rig_info(rig_ctrl *);
nvmens_att_info rig_att(rig_ns *, rig_ctrl *);
nvmens_lane *rig_lane(rig_ctrl *); /* deleted by rig_end */
void rig_lane_del(rig *, nvmens_lane *);
rig_io rig_io_begin(rig *, nvmens_lane *, uint32_t nsid);
void rig_io_end(rig_io *);
void rig_io_end_remote(rig_io *);

/* ---- the host ---- */
typedef struct rig_sqe {
  uint8_t opcode;
  uint32_t nsid;
  uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
  void *data; /* must live until the command has ended */
  size_t size;
  uint16_t cid; /* 0: the next one */
} rig_sqe;
rig_cmd *rig_cmd_new(rig_ctrl *); /* not submitted; for nvmens_aer, set taken. Freed by rig_end */
rig_cmd *rig_submit(rig_ctrl *, const rig_sqe *);
#define rig_admin(ctrl, ...) rig_submit((ctrl), &(rig_sqe){__VA_ARGS__})
static inline int rig_is_open(const rig_cmd *cmd) /* parked, or still at work */
{
  return cmd->taken && !cmd->done && !cmd->dropped;
}
rig_cmd *rig_aer(rig_ctrl *);
/* Parks an AER, expects its completion at once, and returns DW0. */
uint32_t rig_event_now(rig_ctrl *);
uint32_t rig_heard(rig_ctrl *); /* the same, but 0 if none came; the AER is aborted then */
rig_cmd *rig_set_aec(rig_ctrl *, uint32_t bits);
uint32_t rig_get_aec(rig_ctrl *);
rig_ctrl *rig_listening(rig *, uint32_t bits); /* rig_ctrl_on, and feature 0Bh set to bits */
rig_cmd *rig_abort(rig_ctrl *, uint16_t cid);
enum { RIG_CONSUME = 0, RIG_PEEK = 1 }; /* RAE */
rig_cmd *rig_get_log(rig_ctrl *, uint8_t lid, int rae, uint64_t lpo, uint32_t len, void *buf);
/* The whole page, read with NSID FFFFFFFFh, as text: "1 2 3", "" or "overflow". */
const char *rig_changed(rig_ctrl *, uint8_t lid, int rae);
/* A list of 32-bit numbers up to the first zero as such text. */
const char *rig_list_text(rig *, const void *page4096);
rig_cmd *rig_identify(rig_ctrl *, uint8_t cns, uint32_t nsid, void *page4096);
rig_cmd *rig_identify_full(rig_ctrl *, uint8_t cns, uint32_t nsid, uint16_t cntid, uint8_t csi,
                           void *page4096);
/* An Identify namespace list (02h, 10h) from 0 as text, and into out[1024] (may be NULL). */
const char *rig_ids(rig_ctrl *, uint8_t cns);
uint32_t rig_id_list(rig_ctrl *, uint8_t cns, uint32_t after, uint32_t *out);
/* Commands with data of the rig's. */
rig_cmd *rig_attachment(rig_ctrl *, unsigned sel, uint32_t nsid, const uint16_t *cntlid,
                        unsigned n);
uint16_t rig_cntlid(rig_ctrl *);
rig_cmd *rig_host_attach(rig_ctrl *issuer, uint32_t nsid, rig_ctrl *to);
rig_cmd *rig_host_detach(rig_ctrl *issuer, uint32_t nsid, rig_ctrl *from);
rig_cmd *rig_host_create(rig_ctrl *issuer, uint64_t nsze, int shared);
rig_cmd *rig_host_delete(rig_ctrl *issuer, uint32_t nsid);

/* What the rig asserts with: ck_assert writes to a file each time, and that is slow. */
#define RIG_SAY(what, ...)                                                                         \
  do {                                                                                             \
    if (!(what))                                                                                   \
      ck_abort_msg(__VA_ARGS__);                                                                   \
  } while (0)
#define RIG_MUST(what) RIG_SAY((what), "%s", #what)

#define RIG_OK(cmd)        rig_expect((cmd), 0, __FILE__, __LINE__)
#define RIG_FAILS(cmd, sf) rig_expect((cmd), (sf), __FILE__, __LINE__)
/* Asserts that the command has completed with this status; returns it. */
rig_cmd *rig_expect(rig_cmd *, uint16_t sf, const char *file, int line);

#define RIG_LID4  NVMENS_LID_CHANGED_ATTACHED_NS
#define RIG_LID1C NVMENS_LID_CHANGED_ALLOCATED_NS
#define RIG_BIT4  NVMENS_AEC_ATTACHED_NS
#define RIG_BIT1C NVMENS_AEC_ALLOCATED_NS
#define RIG_EV4   UINT32_C(0x00040002) /* R38 */
#define RIG_EV1C  UINT32_C(0x001C0902) /* R39 */

#endif
