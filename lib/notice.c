/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notice.c: the events of one controller and the AERs that wait for them (R26-R36). Floor 2.
 *
 * Invariants: a source is on the list iff it is not CLEAR; a source with its bit off is not
 * REPORTED; at most one source of a mask scope is REPORTED. The list is short: it holds kinds, not
 * events.
 */
#include "notice.h"

static uint8_t type_of(uint16_t source)
{
  uint8_t type = (uint8_t)(source / 256);

  return type >= 5 ? (uint8_t)(type + 1) : type;
}

static uint32_t dw0_of(const nvmens_notices *n, uint16_t source)
{
  return type_of(source) | (uint32_t)(source % 256) << 8 | (uint32_t)n->source[source].lid << 16;
}

static bool enabled(const nvmens_notices *n, const nvmens_source *s)
{
  return !s->mask || (s->mask & n->aec);
}

void nvmens_notice_init(nvmens_notices *n, nvmens_core *core, uint16_t cntlid, uint8_t scope)
{
  n->core = core;
  n->cntlid = cntlid;
  n->scope = scope;
  n->parked_end = &n->parked;
  n->source[NVMENS_SOURCE_ATTACHED].lid = NVMENS_LID_CHANGED_ATTACHED_NS;
  n->source[NVMENS_SOURCE_ATTACHED].mask = NVMENS_AEC_ATTACHED_NS;
  n->source[NVMENS_SOURCE_ALLOCATED].lid = NVMENS_LID_CHANGED_ALLOCATED_NS;
  n->source[NVMENS_SOURCE_ALLOCATED].mask = NVMENS_AEC_ALLOCATED_NS;
}

void nvmens_notice_park(nvmens_notices *n, nvmens_cmd *aer)
{
  aer->park_next = NULL;
  *n->parked_end = aer;
  n->parked_end = &aer->park_next;
  n->parked_count++;
}

static nvmens_cmd *take(nvmens_notices *n, nvmens_cmd **at)
{
  nvmens_cmd *aer = *at;

  if (!aer)
    return NULL;
  *at = aer->park_next;
  if (!*at)
    n->parked_end = at;
  n->parked_count--;
  return aer;
}

nvmens_cmd *nvmens_notice_unpark(nvmens_notices *n)
{
  return take(n, &n->parked);
}

nvmens_cmd *nvmens_notice_unpark_cid(nvmens_notices *n, uint16_t cid)
{
  nvmens_cmd **at = &n->parked;

  while (*at && (*at)->cid != cid)
    at = &(*at)->park_next;
  return take(n, at);
}

static void unlink_source(nvmens_notices *n, uint16_t source)
{
  uint16_t *at = &n->first;

  while (*at && *at != source + 1)
    at = &n->source[*at - 1].next;
  if (*at)
    *at = n->source[source].next;
  n->source[source].next = 0;
}

static void link_last(nvmens_notices *n, uint16_t source)
{
  uint16_t *at = &n->first;

  while (*at)
    at = &n->source[*at - 1].next;
  *at = (uint16_t)(source + 1);
}

/* The list holds REPORTED sources too, so that a mask is found without looking at all of them. */
static void step(nvmens_notices *n, uint16_t source, unsigned event)
{
  nvmens_source *s = &n->source[source];
  const nvmens_subject subject = {n->cntlid, 0, dw0_of(n, source)};
  const nvmens_cell *cell = nvmens_step(n->core, NVMENS_M_NOTICE, &s->state, event, subject);

  if (cell->actions & NVMENS_DO_JOIN)
    n->coalesced++;
  if (cell->actions & NVMENS_DO_QUEUE) {
    unlink_source(n, source);
    link_last(n, source);
  }
  if (s->state == NVMENS_NOTICE_CLEAR)
    unlink_source(n, source);
}

void nvmens_notice_change(nvmens_notices *n, uint16_t source, bool loud)
{
  if (loud)
    n->source[source].seq = ++n->seq;
  step(n, source, loud ? NVMENS_EV_CHANGE : NVMENS_EV_QUIET_CHANGE);
}

void nvmens_notice_post(nvmens_notices *n, uint16_t source, uint8_t lid, uint32_t mask)
{
  if (n->source[source].state !=
      NVMENS_NOTICE_REPORTED) { /* else the host acts on what it was told */
    n->source[source].lid = lid;
    n->source[source].mask = mask;
  }
  nvmens_notice_change(n, source, true);
}

static bool masked(const nvmens_notices *n, uint16_t source)
{
  for (uint16_t at = n->first; at; at = n->source[at - 1].next)
    if (n->source[at - 1].state == NVMENS_NOTICE_REPORTED &&
        (n->scope == NVMENS_MASK_EVENT ? at - 1 == source : type_of(at - 1) == type_of(source)))
      return true;
  return false;
}

static bool own(uint16_t source)
{
  return source == NVMENS_SOURCE_ATTACHED || source == NVMENS_SOURCE_ALLOCATED;
}

int nvmens_notice_next(const nvmens_notices *n, bool held)
{
  for (uint16_t at = n->first; at; at = n->source[at - 1].next) {
    uint16_t source = (uint16_t)(at - 1);
    const nvmens_source *s = &n->source[source];

    if (s->state == NVMENS_NOTICE_PENDING && !(held && own(source)) && enabled(n, s) &&
        !masked(n, source))
      return source;
  }
  return -1;
}

uint32_t nvmens_notice_deliver(nvmens_notices *n, uint16_t source)
{
  uint8_t type = type_of(source);
  bool self = type == NVMENS_AER_IMMEDIATE || type == NVMENS_AER_ONE_SHOT;

  n->sent++;
  step(n, source, self ? NVMENS_EV_DELIVER_SELF : NVMENS_EV_DELIVER);
  return dw0_of(n, source);
}

/* The event that happens to a source, or NONE. */
enum { NONE = -1 };
typedef struct nvmens_sweep {
  int (*event)(const nvmens_notices *, uint16_t source, const struct nvmens_sweep *);
  uint64_t seq;
  uint32_t aec;
  uint8_t lid;
  bool left;
} sweep_t;

static void sweep_one(nvmens_notices *n, uint16_t source, const sweep_t *sweep)
{
  int event = sweep->event(n, source, sweep);

  if (event != NONE)
    step(n, source, (unsigned)event);
}

/* Each source that is not CLEAR once, though some move to the end; the library's own always. */
static void sweep_all(nvmens_notices *n, const sweep_t *sweep)
{
  static const uint16_t mine[] = {NVMENS_SOURCE_ATTACHED, NVMENS_SOURCE_ALLOCATED};
  uint32_t count = 0;
  uint16_t at, next;

  for (at = n->first; at; at = n->source[at - 1].next)
    count++;
  for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
    if (n->source[mine[i]].state == NVMENS_NOTICE_CLEAR)
      sweep_one(n, mine[i], sweep);
  for (at = n->first; count--; at = next) {
    next = n->source[at - 1].next;
    sweep_one(n, (uint16_t)(at - 1), sweep);
  }
}

static int read_event(const nvmens_notices *n, uint16_t source, const sweep_t *sweep)
{
  const nvmens_source *s = &n->source[source];

  if (s->lid != sweep->lid)
    return NONE;
  return sweep->left || s->seq > sweep->seq ? NVMENS_EV_READ_PART : NVMENS_EV_READ;
}

void nvmens_notice_read(nvmens_notices *n, uint8_t lid, uint64_t seq, bool left)
{
  sweep_all(n, &(sweep_t){.event = read_event, .lid = lid, .seq = seq, .left = left});
}

static int peek_event(const nvmens_notices *n, uint16_t source, const sweep_t *sweep)
{
  return n->source[source].lid == sweep->lid ? NVMENS_EV_PEEK : NONE;
}

void nvmens_notice_peek(nvmens_notices *n, uint8_t lid)
{
  sweep_all(n, &(sweep_t){.event = peek_event, .lid = lid});
}

static int bit_event(const nvmens_notices *n, uint16_t source, const sweep_t *sweep)
{
  const nvmens_source *s = &n->source[source];
  bool was = !s->mask || (s->mask & sweep->aec);

  if (was == enabled(n, s))
    return NONE;
  return was ? NVMENS_EV_BIT_OFF : NVMENS_EV_BIT_ON;
}

void nvmens_notice_set_aec(nvmens_notices *n, uint32_t aec)
{
  const sweep_t sweep = {.event = bit_event, .aec = n->aec};

  n->aec = aec;
  sweep_all(n, &sweep);
}

static int reset_event(const nvmens_notices *n, uint16_t source, const sweep_t *sweep)
{
  (void)n, (void)source, (void)sweep;
  return NVMENS_EV_NOTICE_RESET;
}

void nvmens_notice_reset(nvmens_notices *n, uint32_t aec)
{
  sweep_all(n, &(sweep_t){.event = reset_event});
  n->from = ++n->seq;
  n->aec = aec;
}

uint32_t nvmens_notice_count(const nvmens_notices *n, uint8_t state)
{
  uint32_t count = 0;

  for (uint16_t at = n->first; at; at = n->source[at - 1].next)
    count += n->source[at - 1].state == state && enabled(n, &n->source[at - 1]);
  return count;
}
