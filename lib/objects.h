/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * objects.h: the objects, so that the files of floor 3 can see each other's. Floor 3.
 *
 * Ownership: the subsystem owns controllers, namespaces, hosts, gates and tokens; a controller owns
 * its attachments, one for each NSID that it ever had; a namespace lists those attachments that
 * refer to it, from WANTED until `detached` is called. A host (nvmens_paths) owns what it may still
 * have of each NSID (nvmens_disk); it outlives its controllers while there is something to be
 * remembered (R67).
 * Everything but what the gate's data path reads is under the subsystem's lock.
 */
#ifndef NVMENS_LIB_OBJECTS_H
#define NVMENS_LIB_OBJECTS_H

#include "changed.h"
#include "core.h"
#include "gate_ctl.h"
#include "ident_set.h"
#include "notice.h"
#include "nsid_set.h"
#include "outbox.h"
#include "step.h"
#include "timer.h"
#include "tokens.h"

typedef struct nvmens_ns nvmens_ns;

/* What a path that went away is remembered for (R67). */
typedef struct nvmens_past {
  struct nvmens_past *next;
  uint64_t identity; /* of the disk that it may still have, if has_disk and not any */
  uint64_t until;    /* when the disk is forgotten; UINT64_MAX: the next poll decides */
  uint64_t serial;   /* of its going away, against nvmens_ctrl.born */
  uint16_t cntlid;
  uint8_t wish; /* of the namespace that has the NSID now: they end together */
  uint8_t has_disk : 1, any : 1, shared : 1;
} nvmens_past;

/* One NSID as one host sees it: by its controllers, and by those that went away. */
typedef struct nvmens_disk {
  struct nvmens_paths *host;
  struct nvmens_attachment *atts; /* by CNTLID */
  nvmens_past *past;              /* the last that went away first */
  struct nvmens_disk *next_due;   /* to be settled by the call under way */
  uint32_t nsid;
  uint16_t pending; /* attachments WANTED or FENCED */
  uint16_t visible; /* ATTACHED or FENCED */
  uint16_t serving; /* ATTACHED, at a controller that is READY */
  uint16_t owed;    /* with a mark */
  uint16_t told;    /* with told */
  uint8_t answers;  /* the number of those serving by which barred I/O is answered: 0, 1, 2: more */
  uint8_t due;      /* in the list */
} nvmens_disk;

/* The paths of one host: its controllers, and what it may still have (H1-H5). */
typedef struct nvmens_paths {
  struct nvmens_paths *next;
  nvmens_subsys *subsys;
  nvmens_ctrl *first;    /* by CNTLID */
  nvmens_nsid_set disks; /* nvmens_disk */
  nvmens_timer timer;    /* when the next of the past is to be looked at */
  uint32_t npast;        /* of disks */
  uint32_t nwishes;
  uint16_t left[16];   /* CNTLIDs of controllers that went away, the last at nleft - 1 */
  uint32_t unanswered; /* of what it asked the backend for (R71), if known */
  uint8_t nleft;
  uint8_t known; /* it has a host ID */
  uint8_t hostid[16];
} nvmens_paths;

/* Why an attachment is WANTED (R57). FENCE: nothing but its own path, which does not answer. */
enum {
  NVMENS_WAIT_NOTHING = NVMENS_WAITS_FOR_NOTHING,
  NVMENS_WAIT_DRAINING = NVMENS_WAITS_FOR_DRAIN,
  NVMENS_WAIT_COMMAND_SET = NVMENS_WAITS_FOR_COMMAND_SET,
  NVMENS_WAIT_DISK = NVMENS_WAITS_FOR_HOST,
  NVMENS_WAIT_LIMIT = NVMENS_WAITS_FOR_LIMIT,
  NVMENS_WAIT_FENCE
};
enum { NVMENS_WISH_NONE, NVMENS_WISH_ATTACH, NVMENS_WISH_DETACH }; /* an explicit one (R56) */

/* What a command waits for: one drain, or one delete. */
typedef struct nvmens_debt {
  nvmens_cmd *owner; /* NULL: nobody waits */
  struct nvmens_debt *next, *prev;
} nvmens_debt;

typedef struct nvmens_attachment {
  nvmens_timer timer; /* first: from a timer to its attachment */
  nvmens_ctrl *ctrl;
  nvmens_ns *ns; /* NULL: at rest */
  nvmens_slot *slot;
  nvmens_debt debt;                            /* the drain, of a detach command */
  struct nvmens_attachment *ns_next, *ns_prev; /* of the namespace */
  struct nvmens_attachment *next, *prev;       /* gates that close; or of ctrl->wanted */
  struct nvmens_attachment *owed_next, *owed_prev;
  struct nvmens_attachment *path_next; /* of the disk */
  nvmens_disk *disk;
  nvmens_past *past; /* reserved for when the controller goes */
  uint64_t identity; /* of what is ATTACHED; else of what the path owes scans for, if it does */
  uint64_t latch;    /* a read counts if its snapshot is another one (R61) */
  nvmens_effect drain_begin, drain_abort;
  nvmens_effect edge; /* attached, or detached: never both are due */
  uint32_t nsid;
  uint32_t place;    /* of its tokens */
  uint32_t enables;  /* the controller was READY since iff its own count differs (R60) */
  uint32_t wish_gen; /* the namespace that wish is about */
  uint16_t outcome;  /* of the backend's half, for the trace */
  uint8_t state;     /* nvmens_att_state */
  uint8_t mark;      /* scans that the path owes */
  uint8_t wish;
  uint8_t waits;         /* NVMENS_WAIT_* while WANTED or FENCED */
  uint8_t shared : 1;    /* as identity */
  uint8_t opening : 1;   /* ATTACHED, `attached` has not returned */
  uint8_t had : 1;       /* it was WANTED here, if no more (R51) */
  uint8_t hook_done : 1; /* the backend's half of the drain */
  uint8_t begin_due : 1; /* drain_begin is to be called, or waits for the barrier */
  uint8_t waited : 1;    /* something waits for what this path owes for this NSID (R63) */
  uint8_t told : 1;      /* that, or another path may have been refused for it (R65) */
} nvmens_attachment;

struct nvmens_ns {
  nvmens_subsys *subsys;
  void *user;
  nvmens_debt debt; /* of a delete that completes when this is quiet or late */
  nvmens_attachment *attachments;
  nvmens_ns *changed_next; /* of those to be recorded in log 1Ch */
  nvmens_paths *keeper;    /* private, without a home: whose controllers it goes to (R56) */
  const nvmens_lbaf *lbaf; /* the subsystem's, or its own */
  uint64_t nsze, ncap;
  nvmens_ident ident;
  uint64_t identity; /* ident and csi, hashed */
  nvmens_effect released;
  uint32_t nsid, gen;
  uint16_t count[6]; /* attachments that refer to it, by state; CNTLIDs end at FFEFh */
  uint32_t anagrpid;
  uint32_t pins; /* hooks that use `user` without holding the gate: a call each */
  uint16_t nvmsetid, endgid;
  uint16_t home;
  uint16_t flbas : 4, nlbaf : 5, reason : 2;
  uint16_t leaving : 1; /* `released` is queued, or was called */
  uint16_t shared : 1, auto_attach : 1, write_protected : 1;
  uint16_t home_found : 1;   /* home stands in for a keeper without a host ID */
  uint16_t keeper_found : 1; /* by the ctrl_new under way */
  uint16_t changed : 1;      /* in the subsystem's list of those */
  uint8_t csi;
  uint8_t state; /* nvmens_ns_state */
};

typedef void nvmens_prepared_go(struct nvmens_prep *, const nvmens_ident *);

typedef struct nvmens_prep_data { /* of the host's */
  uint16_t cntlid[NVMENS_LIST_CTRLS];
  uint8_t page[NVMENS_PAGE];
} nvmens_prep_data;

typedef struct nvmens_prep { /* a command that waits for the backend */
  nvmens_timer timer;        /* first, as in nvmens_attachment */
  nvmens_subsys *subsys;
  nvmens_ctrl *ctrl; /* while cmd is there */
  nvmens_cmd *cmd;   /* NULL: it ended meanwhile */
  struct nvmens_prep *next, *prev;
  void *ns_user;      /* prepared, and to be given back */
  nvmens_effect last; /* created, or released(CREATE_FAILED) */
  nvmens_nsref ref;   /* attach: which; create: what came of it */
  uint32_t place;
  nvmens_prepared_go *go;
  nvmens_prep_data *data; /* NULL: nobody needs them any more */
  uint32_t *count;        /* where it counts among the unanswered, if it does (R71) */
  uint8_t create, csi, answered, in_hook, telling;
  uint16_t ncntlid;
} nvmens_prep;

enum { NVMENS_TOKEN_DRAIN = 1, NVMENS_TOKEN_PREP = 2 };

struct nvmens_ctrl {
  nvmens_subsys *subsys;
  void *user;
  nvmens_gate *gate;
  nvmens_paths *host;
  nvmens_ctrl *path_next;    /* of the host */
  nvmens_nsid_set atts;      /* every NSID it ever had: nvmens_attachment */
  nvmens_nsid_set active;    /* ATTACHED, FENCED, WANTED, and what is wanted while it leaves */
  nvmens_cmd *cmds;          /* taken and not ended */
  nvmens_attachment *owed;   /* those with a mark */
  nvmens_attachment *wanted; /* WANTED or FENCED */
  nvmens_timer patience;     /* while something waits for this path and it answers (R63) */
  nvmens_effect deliver, released, reset_done;
  nvmens_changed changed[2]; /* by NVMENS_LOG_* */
  uint64_t born, went;       /* serials: when it was made, and when it began to go */
  uint64_t owes_latch;       /* as nvmens_attachment.latch */
  uint64_t listed_latch;     /* the same for a stranger that has listed (R66) */
  uint32_t live;             /* attachments that refer to a namespace */
  uint32_t count[6];         /* of those, by state */
  uint32_t ntold;            /* with told */
  uint32_t nwaited;          /* attachments with waited */
  uint32_t enables;          /* how often it was enabled */
  uint32_t opening;          /* of those, ATTACHED and not yet open */
  uint32_t epoch;
  uint32_t ncmds;     /* commands of this epoch, until their hook has returned */
  uint32_t ncmds_old; /* those of earlier ones */
  uint32_t pins;      /* hooks that use `user`, but for those of a command */
  uint32_t css;
  uint16_t cntlid;
  uint8_t kind, state;
  uint8_t resetting;   /* reset_done is due when ncmds_old is 0 */
  nvmens_ctrl *before; /* of this host and going, while ctrl_new asks what it had (R67) */
  uint8_t succeeded;   /* going, and another has asked that */
  uint8_t pci;         /* the host's disks come and go with it */
  uint8_t owes;        /* a newcomer: scans that it owes as a whole (R66) */
  uint8_t stranger;    /* NVMENS_STRANGER_* */
  uint8_t silent;      /* it was waited for and did not read (R63) */
  uint8_t configured;  /* it was enabled: css is valid */
  uint8_t reads_ids;   /* it has sent CNS 03h since it was enabled (R64) */
  uint8_t counting;    /* patience runs; else the next poll begins it */
  nvmens_notices notices;
};
enum { NVMENS_LOG_ATTACHED = 0, NVMENS_LOG_ALLOCATED = 1 };
enum { NVMENS_STRANGER_NO, NVMENS_STRANGER_UNLISTED, NVMENS_STRANGER_TOLD };

struct nvmens_subsys {
  nvmens_core core;
  nvmens_subsys_config config;
  nvmens_nsid_set ns;  /* every namespace not ABSENT */
  nvmens_ctrl **ctrl;  /* by CNTLID */
  nvmens_gate *gates;  /* in use and free ones */
  nvmens_paths *hosts; /* in the order in which they lost their last controller */
  nvmens_attachment *closing;
  nvmens_ns *changed; /* to be recorded in log 1Ch by nvmens_deliver_all */
  nvmens_disk *due;   /* to be settled by nvmens_disks_settle */
  nvmens_prep *preps;
  nvmens_ident_set idents;
  nvmens_tokens tokens;
  nvmens_timers timers;      /* of attachments */
  nvmens_timers patience;    /* of controllers */
  nvmens_timers forgetting;  /* of hosts */
  nvmens_timers prep_timers; /* of commands that wait for the backend */
  nvmens_bell bell;
  nvmens_u128 unvmcap;
  uint64_t attached;        /* attachments neither DETACHED nor WANTED, against MAXDNA */
  uint64_t serial;          /* of controllers that came or went */
  uint64_t strangers_until; /* UINT64_MAX: no time is known yet (R66) */
  uint64_t deadline;        /* of the call under way: when its drains are over */
  uint64_t told;            /* the next deadline as the backend knows it */
  uint64_t barrier_at;      /* when the barrier is to be tried again; UINT64_MAX: none failed */
  uint32_t nctrl, ctrl_room;
  uint32_t ndeleting; /* namespaces DELETING */
  uint32_t gen;
  uint32_t unanswered;           /* preps without a command that are not answered (R71) */
  uint32_t unanswered_unknown;   /* of those, of hosts without a host ID */
  uint32_t unanswered_forgotten; /* and of hosts that are forgotten */
  uint8_t barrier_due; /* a gate was closed by the call under way, or no barrier worked since */
  uint8_t look_due;    /* what waits for the barrier was looked at in vain */
  uint8_t deliver_due; /* a log has changed */
  uint8_t ending;      /* nvmens_subsys_del has begun */
};

enum { NVMENS_CMD_RUNNING, NVMENS_CMD_PARKED, NVMENS_CMD_WAITING, NVMENS_CMD_ENDING };

/* One outcome in both tongues: for the host and for the backend. {0, 0} is success. */
typedef struct nvmens_verdict {
  uint16_t sf;
  int16_t err;
} nvmens_verdict;

#define NVMENS_VERDICT(sf, err) ((nvmens_verdict){(uint16_t)(sf), (int16_t)(err)})
#define NVMENS_VERDICT_OK       NVMENS_VERDICT(0, 0)
#define NVMENS_VERDICT_NOMEM    NVMENS_VERDICT(NVMENS_SC_INTERNAL_ERROR, NVMENS_ERR_NOMEM)

#define NVMENS_OBJECT(pointer, type, member)                                                       \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* That long after now; UINT64_MAX is never. */
static inline uint64_t nvmens_after(const nvmens_subsys *s, uint64_t ns)
{
  return ns > UINT64_MAX - s->core.now ? UINT64_MAX : s->core.now + ns;
}

static inline nvmens_verdict nvmens_verdict_of(const nvmens_cell *cell)
{
  return cell->kind == NVMENS_GO ? NVMENS_VERDICT_OK : NVMENS_VERDICT(cell->sf, cell->err);
}

static inline nvmens_subject nvmens_about_att(const nvmens_attachment *att)
{
  return (nvmens_subject){att->ctrl->cntlid, att->nsid, att->outcome};
}

#endif
