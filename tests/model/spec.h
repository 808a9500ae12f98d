/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec.h: the reference model: what libnvmens should do, written from docs/ alone, in flat arrays,
 * and sharing nothing with lib/. There is one model in a process.
 *
 * The model runs in lockstep with the library. A verb m_x() is called beside nvmens_x() and gives
 * its answer; the hooks that follow wait in a queue of effects, and each hook that the library
 * calls must be the next one there. A command that needs a hook while it is being taken (transfer,
 * identify, prepare) is a frame on a stack and is resumed when that hook returns.
 *
 * Controllers, namespaces and commands are small numbers here. A namespace is known by the place of
 * its NSID in the sorted pool of NSIDs of the run.
 */
#ifndef NVMENS_TESTS_MODEL_SPEC_H
#define NVMENS_TESTS_MODEL_SPEC_H

#include <nvmens/nvmens.h>
#include <nvmens/wire.h>
#include <string.h>

#include "breaks.h"

enum {
  M_CTRLS = 4,
  M_NSIDS = 12,
  M_CMDS = 48,
  M_OBJS = 64,
  M_EFFECTS = 512,
  M_FRAMES = 64,
  M_PREPS = 1088
};
enum { M_SRCS = 28, M_SRC4 = 8, M_SRC1C = 11 };
enum { M_NONE = -1, M_ABANDONED = 64, M_ABANDONED_ALL = 1024 };
enum { ASK_NONE, ASK_ATTACH, ASK_DETACH };
enum { OWES_NONE, OWES_ONCE, OWES_TWICE };
enum { T_OFF, T_DUE, T_RUNS }; /* DUE: the next poll begins it */
enum { M_MEMORIES = 256, M_KEPT = 256, M_PAST = 128, M_HOSTS = 8, M_LAST = 16 };

/* Kinds of hooks. */
typedef enum m_kind {
  K_NONE,
  K_ATTACHED,
  K_DETACHED,
  K_CREATED,
  K_RELEASED,
  K_CTRL_RELEASED,
  K_DRAIN,
  K_ABORT,
  K_COMPLETE,
  K_DROP,
  K_PREPARE,
  K_TRANSFER,
  K_IDENTIFY,
  K_KINDS,
  K_DELIVER = K_KINDS /* no hook: what can be delivered is, at once */
} m_kind;

typedef struct m_config { /* of a run; what is not here is in cfg */
  nvmens_subsys_config cfg;
  uint8_t no_prepare, no_drain, no_identify;
  uint8_t drivers; /* two bits for each controller: see drivers.c */
  uint8_t nnsids;
  uint8_t quiet;          /* bit n: the driver of controller n asks for no events */
  uint64_t now;           /* when it begins */
  uint32_t nsid[M_NSIDS]; /* ascending; every NSID that can ever be given out */
} m_config;

/* Who a namespace is, to a host. */
typedef struct m_id {
  nvmens_ident ident;
  uint8_t csi, shared;
  uint8_t any; /* none that is known */
} m_id;

typedef struct m_ns {
  uint8_t state; /* nvmens_ns_state */
  uint8_t reason;
  uint8_t over; /* released is queued */
  int8_t owner; /* the delete command */
  int16_t obj;  /* the backend's object */
  uint32_t gen;
  nvmens_ns_config c;
  uint8_t born;     /* host made */
  uint8_t keeper;   /* host ID; 0: none (R56) */
  uint8_t stand_in; /* its home stands in for a keeper */
} m_ns;

typedef struct m_att {
  uint8_t state; /* nvmens_att_state */
  uint8_t open;
  uint8_t hook_due;     /* attached is queued */
  uint8_t detached_due; /* detached is queued */
  uint8_t in_detached;  /* it is running */
  uint8_t hook_done;    /* the backend's half of the drain */
  uint8_t begun;        /* drain_begin was called and has returned */
  int8_t owner;         /* the detach command that started this drain */
  int16_t obj;
  uint32_t gen;  /* of the attachment */
  uint32_t born; /* when it was WANTED: the latest goes first */
  uint32_t token;
  uint64_t deadline;
  uint32_t timer; /* when it was started */
  uint32_t held;  /* commands in flight by the gate */
  uint8_t ever;   /* was attached once */
  uint8_t asked;  /* ASK_*: the last explicit attach or detach (R56) */
  uint8_t seen;   /* its host may have a disk of it (R60) */
  uint8_t owes;   /* OWES_*: the path, of this NSID (R60) */
  uint8_t waited; /* something waits for this path and NSID, or may have been refused (R65) */
  m_id is, owed;  /* what is attached; what it owes */
  uint64_t since; /* when it left, or the reset, or the read that made it ONCE */
} m_att;

typedef struct m_src {
  uint8_t type, info, lid;
  uint8_t state; /* 0 CLEAR, 1 PENDING, 2 REPORTED */
  uint32_t mask;
  uint64_t since; /* PENDING since */
  uint64_t loud;  /* the last change */
} m_src;

typedef struct m_log {
  uint8_t latched[M_NSIDS], since[M_NSIDS];
  uint8_t snapped;         /* there is a snapshot */
  uint8_t served[M_NSIDS]; /* which of its entries were transferred */
  uint8_t gone[M_NSIDS];   /* and consumed: they leave at the next latch */
  uint64_t stamp;          /* when */
} m_log;

typedef struct m_ctrl {
  uint8_t used;
  uint8_t state; /* nvmens_ctrl_state */
  uint8_t kind;
  uint8_t css;
  uint16_t cntlid;
  uint8_t hostid;
  uint8_t end_due;   /* ctrl_released is queued */
  uint8_t node;      /* a delivery is queued */
  uint8_t in_answer; /* an answer of its is being given */
  uint8_t pci;
  uint8_t silent;      /* R63 */
  uint8_t timer;       /* T_* */
  uint8_t newcomer;    /* OWES_*, as a whole (R66) */
  uint8_t stranger;    /* 1: to be told once more; 2: its host's other paths, at the next read */
  uint8_t followed;    /* on its way out: another has its explicit attaches and detaches (R67) */
  uint8_t descs;       /* the host has sent CNS 03h since it was enabled (R64) */
  uint64_t until;      /* the timer */
  uint64_t since;      /* newcomer: as in m_att */
  uint64_t listed;     /* stranger: as since */
  uint64_t came, went; /* went: its removal has begun */
  uint32_t epoch;
  uint32_t born; /* the first epoch */
  uint32_t aec;
  int16_t parked[8];
  uint32_t nparked;
  uint64_t sent, coalesced;
  m_log log[2]; /* 04h, 1Ch */
  m_src src[M_SRCS];
} m_ctrl;

enum { C_FREE, C_INLINE, C_PARKED, C_PREPARE, C_DRAIN, C_ENDING };
typedef struct m_cmd {
  uint8_t state;
  uint8_t ctrl;
  uint8_t create; /* of a prepare */
  uint16_t cid;
  uint16_t sf;
  uint32_t epoch;
  uint32_t dw0;
  uint64_t info;
  uint32_t waits;
  uint32_t born; /* when it was taken */
  uint64_t deadline;
  uint32_t timer;
  nvmens_sqe sqe;
  uint16_t nlist, list[8]; /* CNTLIDs */
  uint16_t count;          /* of the list as given */
  nvmens_ns_config make;   /* create */
  uint64_t lbstm;
  uint8_t dps;
  uint32_t gen; /* attach: of the namespace */
} m_cmd;

typedef struct m_prep {   /* until it is answered, whatever becomes of its command */
  uint32_t token;         /* 0: free */
  int16_t cmd;            /* M_NONE: answered or dropped */
  int8_t ctrl;            /* named by its hook, while that is inside */
  uint8_t create, inside; /* its hook has not returned */
  uint8_t host;           /* 0: all without a host ID */
  uint8_t forgotten;      /* that host, since */
  uint8_t answered;
  int16_t back; /* object to be given back then */
} m_prep;

/* What a path that went away may still have of an NSID (R67). */
typedef struct m_memory {
  uint8_t used, host, ns, timer;
  m_id id;
  uint64_t went, until;
} m_memory;

/* An explicit attach or detach of a controller that went (R67). */
typedef struct m_kept {
  uint8_t host, ns, asked;
  uint16_t cntlid;
} m_kept;

typedef struct m_past { /* CNTLIDs of controllers that went, the latest last (R68) */
  uint8_t host;
  uint16_t cntlid;
} m_past;

typedef struct m_host { /* by host ID */
  uint8_t away;         /* it has no controller, and is remembered */
  uint64_t went;
} m_host;

typedef struct m_effect {
  uint8_t kind; /* m_kind */
  int8_t ctrl, ns, cmd;
  int16_t obj;
  uint8_t reason;
  uint8_t loose; /* its neighbours may come first; see m_hint() */
  uint16_t sf;
  uint32_t gen, token, dw0;
  uint64_t info;
} m_effect;

typedef struct m_frame {
  int cmd;
  uint8_t want; /* K_TRANSFER, K_IDENTIFY, K_PREPARE; K_NONE: through */
  uint8_t dir, cns, csi;
  uint8_t counts; /* a read of log 04h: it began while REPORTED (R61) */
  uint8_t stage;  /* of Identify: 1 the backend was asked, 2 the page goes out */
  int8_t ns;
  int16_t obj; /* of identify */
  uint32_t gen;
  uint32_t len;
  uint32_t lpo;
  uint64_t stamp;
  uint8_t page[NVMENS_PAGE];
} m_frame;

typedef struct m_model {
  m_config conf;
  uint64_t now, seq;
  uint64_t told, first; /* the largest and the first time that the library was told */
  uint64_t forgot;      /* the first time known after a host with disks was forgotten */
  uint8_t is_told, has_forgotten, forgot_now; /* forgot_now: that time is still to come */
  uint8_t changed[M_NSIDS]; /* log 1Ch is to have it: 1 loud, 2 but not at quiet[] */
  int8_t quiet[M_NSIDS];
  uint8_t contended; /* more wait for a limit than there is room: the library chooses */
  int reading;       /* and a read waits for that: its controller + 1 */
  uint8_t asking;    /* an explicit attach */
  int plugging;      /* a namespace + 1 */
  int listed;        /* what is let in there is in that page, if it is of a new snapshot */
  uint8_t snaps;     /* it is */
  uint8_t loose;     /* effects of now: the rules do not say in which order */
  m_memory memory[M_MEMORIES];
  m_kept kept[M_KEPT];
  int nkept;
  m_past past[M_PAST];
  int npast;
  m_host host[M_HOSTS];
  uint32_t gens, tokens;
  nvmens_u128 used;
  m_ctrl ctrl[M_CTRLS];
  m_ns ns[M_NSIDS];
  m_att att[M_CTRLS][M_NSIDS];
  m_cmd cmd[M_CMDS];
  m_prep prep[M_PREPS];
  m_effect eff[M_EFFECTS];
  uint32_t head, tail;
  m_frame frame[M_FRAMES];
  int depth;
  int inside;                 /* what is called is called from a hook */
  int order[M_CTRLS], norder; /* controllers by CNTLID */
} m_model;
extern m_model M;

/* ---- spec_core.c: the queue, events, logs ---- */
void m_init(const m_config *);
m_effect *m_queue(m_kind);
m_effect *m_queue_att(m_kind, int ns, int ctrl);
const m_effect *m_next(void); /* the next hook that is due, NULL: none; m_took() takes it */
/* The library has called a hook for this controller and command. An event that was caused inside a
 * hook, or that attached held back, may come before or after its neighbours: the contract does not
 * say when it is looked at again. */
void m_hint(const m_effect *got);
m_effect m_took(void);
void m_finish(const m_effect *, int done); /* the hook has returned */
int m_slot(uint32_t nsid);                 /* place of an NSID; M_NONE */
void m_reorder(void);
m_src *m_source(m_ctrl *, uint8_t type, uint8_t info);
int m_src_on(const m_ctrl *, const m_src *);
void m_loud(m_ctrl *, m_src *);
void m_record(int ctrl, int which, int ns, int loud);
void m_record_all(int which, int ns, int quiet_ctrl);
void m_deliver(int ctrl, int loose);
void m_deliver_all(void);
void m_src_read(m_ctrl *, m_src *, int left);
int m_post(int ctrl, uint8_t type, uint8_t info, uint8_t lid, uint32_t mask);
void m_was_read(int ctrl, uint8_t lid, uint64_t stamp, uint32_t epoch);
void m_set_aec(int ctrl, uint32_t aec);

/* ---- spec_ctrl.c: controllers, AERs ---- */
int m_is_discovery(int ctrl); /* R70 */
uint32_t m_aec_may(int ctrl); /* bits of feature 0Bh that it may have */
uint32_t m_aec_default(int ctrl);
int m_ctrl_new(int ctrl, int cntlid, uint8_t kind, uint8_t hostid, int pci);
void m_ctrl_del(int ctrl);
int m_ctrl_enable(int ctrl, uint32_t cc);
void m_ctrl_reset(int ctrl);
void m_ctrl_shutdown(int ctrl);
void m_ctrl_settled(int ctrl);
uint16_t m_aer(int ctrl, int cmd, uint16_t cid);
int m_aer_abort(int ctrl, uint16_t cid);
void m_end(int cmd, uint16_t sf, uint32_t dw0, uint64_t info);
void m_drop(int cmd);
void m_info(int ctrl, nvmens_ctrl_info *);

/* ---- spec_ns.c: namespaces and attachments ---- */
uint32_t m_format(const nvmens_ns_config *, unsigned i, nvmens_lbaf *);
nvmens_u128 m_bytes(const nvmens_ns_config *);
int m_ns_new(const nvmens_ns_config *, int obj, int host_made, nvmens_nsref *out);
int m_ident_in_use(const nvmens_ident *);
int m_ns_attach(nvmens_nsref, int ctrl);
int m_ns_detach(nvmens_nsref, int ctrl, int mode, uint64_t now, uint64_t deadline);
int m_ns_plug(nvmens_nsref);
int m_ns_unplug(nvmens_nsref, int mode, uint64_t now, uint64_t deadline);
int m_ns_update(nvmens_nsref, const nvmens_ns_attrs *);
int m_ns_find(uint32_t nsid, nvmens_nsref *out);
int m_ns_next(uint32_t after, nvmens_nsref *out);
int m_attach_why(int ns, int ctrl); /* NVMENS_ERR_* of an attach */
void m_attach(int ns, int ctrl);
void m_settle(int cmd);
void m_released(int ns);
void m_unattach(int ns, int ctrl, int surprise, uint64_t deadline);
void m_abort(int ns, int ctrl);
void m_drained(int ns, int ctrl);
void m_quiet(int ns);
void m_delete_look(int ns);
int m_delete(int ns, int cmd, uint64_t deadline);
int m_done(uint32_t token);
uint64_t m_next_deadline(void);
void m_poll(uint64_t now);
uint64_t m_after(uint64_t now, uint64_t ns);

/* ---- spec_want.c: what should be attached (R56-R59, R64) ---- */
int m_should(int ns, int ctrl);
int m_draining(const m_att *);
int m_hindered(int ns, int ctrl);
int m_css_allows(uint32_t css, uint8_t csi);
unsigned m_waits_for(int ns, int ctrl); /* nvmens_waits_for */
void m_look(void);
void m_commit(void); /* looks at what is wanted, records 1Ch, delivers */
void m_change(int ns, int quiet_ctrl);
void m_choose(int (*lib_state)(int ns, int ctrl), const m_effect *got);
void m_keeper(int ns);
int m_detach(int ns, int ctrl); /* explicit, of what needs no drain: 0, or NVMENS_ERR_* */
void m_ask(int ns, int ctrl);
void m_unask(int ns, int ctrl); /* an explicit detach has been done */
void m_forget_asked(int ns, int plug);
void m_unfence(int ns, int ctrl, int record);
void m_identity_seen(int ns, int ctrl);

/* ---- spec_path.c: a host and its disks (R60-R63, R65) ---- */
int m_same_id(const m_id *, const m_id *);
m_id m_id_of(int ns);
int m_answers(int ctrl);
int m_own_path(int ns, int ctrl);
int m_other_path(int ns, int ctrl, int q);
void m_leave(int ns, int ctrl);
void m_tell_path(int ctrl, int ns, const m_id *);
void m_tell_paths(int ctrl, int ns, const m_id *);
void m_waiting(void);
void m_read_begins(int ctrl, uint64_t stamp);
void m_read_reached(int ctrl, int counts, uint64_t stamp);
void m_read_done(int ctrl);
void m_path_reset(int ctrl);
void m_list_owed(int ctrl);
void m_list_seen(int ctrl);
void m_time(uint64_t now);
uint64_t m_finite(uint64_t now, uint64_t ns);
uint64_t m_host_deadline(void);
void m_host_poll(void);

/* ---- spec_memory.c: what outlives a controller (R66-R69) ---- */
enum { M_MAY_HAVE = M_MEMORIES + M_CTRLS * M_NSIDS };
int m_may_have(int ctrl, int i, int *ns, const m_id **id);
int m_remembered(uint8_t host, uint64_t before, int ns, const m_id *but);
void m_arrives(int ctrl, int chosen);
void m_gone(int ctrl);
uint16_t m_choose_cntlid(uint8_t host);
uint32_t m_choose_nsid(void);
void m_memory_poll(void);
void m_forget_old(void);
uint64_t m_memory_deadline(void);

/* ---- spec_admin.c, spec_manage.c, spec_page.c: commands ---- */
int m_admin(int ctrl, int cmd, const nvmens_sqe *); /* nvmens_taken; pushes a frame */
void m_resume(m_frame *, uint16_t sf_or_rc, const uint8_t *page);
void m_identify(m_frame *);
void m_identified(m_frame *);
uint16_t m_log_begin(m_frame *);
void m_log_done(m_frame *);
void m_manage(m_frame *);
void m_manage_data(m_frame *);
void m_attachment(m_frame *);
void m_attachment_data(m_frame *);
const m_prep *m_prep_of(uint32_t token);
int m_prepared(uint32_t token, uint16_t sf, const nvmens_ident *, int obj, nvmens_nsref *);
int m_give_back(int obj);
void m_prep_begin(m_frame *);
void m_prep_done(m_frame *, int wait);
void m_prep_late(int cmd);
void m_prep_dropped(int cmd);
void m_log_lists(int ns); /* the page of the innermost command */
size_t m_data_len(const nvmens_sqe *);
int m_old(int cmd); /* a reset or a removal has come between */
void m_identify_ctrl(int ctrl, uint8_t *page);
uint16_t m_io_answer(int ctrl, uint32_t nsid);
uint16_t m_io_begin(int ctrl, uint32_t nsid);

#endif
