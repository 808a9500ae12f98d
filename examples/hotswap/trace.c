/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.c: the steps of the machines as Chrome trace-event JSON, which Perfetto opens.
 *
 * A process per controller and one for the subsystem; in it a track per namespace with its state,
 * tracks for the controller, its notices and its driver, and counters. The trace hook runs under
 * the library's lock, so it only notes; all formatting waits for the end.
 */
#include "hotswap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 14, CHUNKS = 256 }; /* four million records, then the rest is counted only */
enum rec_kind { REC_STEP, REC_FLIGHT, REC_AERS, REC_SPAN };

struct rec {
  uint64_t at, until;
  const char *name;
  uint32_t nsid, detail;
  uint16_t cntlid;
  uint8_t kind, machine, event, from, to;
};

struct trace {
  pthread_mutex_t lock;
  uint64_t start, lost;
  unsigned used, chunks;
  struct rec *chunk[CHUNKS];
  uint32_t *last; /* in flight as noted last, by CNTLID and NSID */
};
enum { LAST_NSIDS = MAX_NAMESPACES + HOST_ROOM + 1 };

/* ---- noting ---- */

struct trace *trace_new(void)
{
  struct trace *t = calloc(1, sizeof(*t));

  if (!t)
    return NULL;
  t->last = calloc((size_t)(MAX_PORTS + 1) * LAST_NSIDS, sizeof(*t->last));
  if (!t->last) {
    free(t);
    return NULL;
  }
  pthread_mutex_init(&t->lock, NULL);
  t->start = now_ns();
  return t;
}

void trace_del(struct trace *t)
{
  if (!t)
    return;
  for (unsigned i = 0; i < t->chunks; i++)
    free(t->chunk[i]);
  pthread_mutex_destroy(&t->lock);
  free(t->last);
  free(t);
}

static void note(struct trace *t, struct rec r)
{
  pthread_mutex_lock(&t->lock);
  r.at = r.at ? r.at : now_ns();
  if (t->used == t->chunks * (unsigned)CHUNK && t->chunks < CHUNKS) {
    t->chunk[t->chunks] = malloc(CHUNK * sizeof(struct rec));
    t->chunks += t->chunk[t->chunks] != NULL;
  }
  if (t->used < t->chunks * (unsigned)CHUNK) {
    t->chunk[t->used / CHUNK][t->used % CHUNK] = r;
    t->used++;
  } else {
    t->lost++;
  }
  pthread_mutex_unlock(&t->lock);
}

void trace_step(struct trace *t, const nvmens_trace *s)
{
  if (t)
    note(t, (struct rec){.kind = REC_STEP,
                         .machine = s->machine,
                         .event = s->event,
                         .from = s->from,
                         .to = s->to,
                         .cntlid = s->cntlid,
                         .nsid = s->nsid,
                         .detail = s->detail});
}

void trace_in_flight(struct trace *t, uint16_t cntlid, uint32_t nsid, uint32_t count)
{
  uint32_t *last = &t->last[(size_t)cntlid * LAST_NSIDS + nsid];

  if (*last == count)
    return;
  *last = count;
  note(t, (struct rec){.kind = REC_FLIGHT, .cntlid = cntlid, .nsid = nsid, .detail = count});
}

void trace_aers(struct trace *t, uint16_t cntlid, uint32_t parked, uint32_t owed)
{
  uint32_t *last = &t->last[(size_t)cntlid * LAST_NSIDS]; /* NSID 0 has no flights */

  if (*last == parked * 16 + owed + 1)
    return;
  *last = parked * 16 + owed + 1;
  note(t, (struct rec){.kind = REC_AERS, .cntlid = cntlid, .nsid = owed, .detail = parked});
}

void trace_span(struct trace *t, uint16_t cntlid, const char *name, uint64_t from, uint64_t to)
{
  note(t, (struct rec){.kind = REC_SPAN, .cntlid = cntlid, .name = name, .at = from, .until = to});
}

/* ---- writing ---- */

enum { TID_CTRL = 1, TID_DRIVER = 2, TID_NOTICE = 3, TID_NS = 1000, TID_MARK = 100000 };
enum { PID_SUBSYS = 1, PID_CTRL = 10, TRACKS_PER_PID = 3 + 256 };

struct open_state {
  uint64_t since;
  uint8_t state;
  bool named;
};

struct writer {
  FILE *out;
  const struct trace *trace;
  uint32_t nn;
  const char *comma;
  uint64_t end;
  struct open_state *ns, *att, *mark, *ctrl, *notice;
};

static unsigned pid_of(uint16_t cntlid)
{
  return cntlid == NVMENS_CNTLID_ANY ? PID_SUBSYS : PID_CTRL + cntlid;
}

static double us(const struct writer *x, uint64_t at)
{
  return at < x->trace->start ? 0 : (double)(at - x->trace->start) / 1e3;
}

/* n: a number in its name, 0 for none. */
static void name_track(struct writer *x, unsigned pid, unsigned tid, const char *name, uint32_t n)
{
  fprintf(x->out,
          "%s{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"",
          x->comma, pid, tid);
  if (n)
    fprintf(x->out, "%s %" PRIu32 "\"}}", name, n);
  else
    fprintf(x->out, "%s\"}}", name);
  fprintf(x->out,
          ",\n{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":"
          "{\"sort_index\":%u}}",
          pid, tid, tid);
  x->comma = ",\n";
}

static void slice(struct writer *x, unsigned pid, unsigned tid, const char *name, uint64_t from,
                  uint64_t to)
{
  fprintf(x->out, "%s{\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f,\"dur\":%.3f,\"name\":\"%s\"}",
          x->comma, pid, tid, us(x, from), us(x, to) - us(x, from), name ? name : "?");
  x->comma = ",\n";
}

/* The track of a machine: where its open state is kept, its number, its name. */
static struct open_state *track(struct writer *x, const struct rec *r, unsigned *tid,
                                const char **name, uint32_t *n)
{
  uint32_t lid;
  size_t at = (size_t)(r->cntlid == NVMENS_CNTLID_ANY ? 0 : r->cntlid) * (x->nn + 1) + r->nsid;

  if (r->nsid > x->nn || (r->cntlid != NVMENS_CNTLID_ANY && r->cntlid > MAX_PORTS))
    return NULL;
  *n = r->nsid;
  switch (r->machine) {
  case NVMENS_M_CTRL:
    *tid = TID_CTRL;
    *name = "controller";
    return &x->ctrl[r->cntlid % (MAX_PORTS + 1)];
  case NVMENS_M_NS:
    *tid = TID_NS + r->nsid;
    *name = "NSID";
    return &x->ns[r->nsid];
  case NVMENS_M_ATTACHMENT:
    *tid = TID_NS + r->nsid;
    *name = "NSID";
    return &x->att[at];
  case NVMENS_M_MARK:
    *tid = TID_MARK + r->nsid;
    *name = "mark of NSID";
    return &x->mark[at];
  default:
    lid = r->detail >> 16 & 0xFF;
    *tid = TID_NOTICE + lid;
    *name = lid == NVMENS_LID_CHANGED_ATTACHED_NS    ? "attached event"
            : lid == NVMENS_LID_CHANGED_ALLOCATED_NS ? "allocated event"
                                                     : "event of the backend's";
    return &x->notice[(size_t)(r->cntlid % (MAX_PORTS + 1)) * 256 + lid];
  }
}

static void close_state(struct writer *x, const struct rec *r, unsigned tid,
                        const struct open_state *o, uint64_t until)
{
  /* In every machine but the controller's the first state means that there is nothing. */
  if (o->since && (o->state || r->machine == NVMENS_M_CTRL))
    slice(x, pid_of(r->cntlid), tid, nvmens_state_name(r->machine, o->state), o->since, until);
}

static void write_step(struct writer *x, const struct rec *r)
{
  const char *name, *event;
  struct open_state *o;
  unsigned tid;
  uint32_t n;

  o = track(x, r, &tid, &name, &n);
  if (!o)
    return;
  if (!o->named)
    name_track(x, pid_of(r->cntlid), tid, name, n);
  o->named = true;
  event = nvmens_event_name(r->machine, r->event);
  fprintf(x->out, "%s{\"ph\":\"i\",\"s\":\"t\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f,\"name\":\"%s\"",
          x->comma, pid_of(r->cntlid), tid, us(x, r->at), event ? event : "?");
  fprintf(x->out, ",\"args\":{\"detail\":%" PRIu32 "}}", r->detail);
  x->comma = ",\n";
  if (r->from == r->to && o->since)
    return;
  close_state(x, r, tid, o, r->at);
  o->state = r->to;
  o->since = r->at;
}

static void write_rec(struct writer *x, const struct rec *r)
{
  switch ((enum rec_kind)r->kind) {
  case REC_STEP:
    write_step(x, r);
    break;
  case REC_FLIGHT:
    fprintf(x->out,
            "%s{\"ph\":\"C\",\"pid\":%u,\"ts\":%.3f,\"name\":\"in flight, NSID %" PRIu32
            "\",\"args\":{\"commands\":%" PRIu32 "}}",
            x->comma, pid_of(r->cntlid), us(x, r->at), r->nsid, r->detail);
    x->comma = ",\n";
    break;
  case REC_AERS:
    fprintf(x->out,
            "%s{\"ph\":\"C\",\"pid\":%u,\"ts\":%.3f,\"name\":\"AERs\",\"args\":{\"parked\":%" PRIu32
            ",\"events owed\":%" PRIu32 "}}",
            x->comma, pid_of(r->cntlid), us(x, r->at), r->detail, r->nsid);
    x->comma = ",\n";
    break;
  case REC_SPAN:
    slice(x, pid_of(r->cntlid), TID_DRIVER, r->name, r->at, r->until);
    break;
  }
}

/* The states that are still open at the end; the last record of a track knows its names. */
static void write_open(struct writer *x)
{
  for (unsigned i = x->trace->used; i-- > 0;) {
    const struct rec *r = &x->trace->chunk[i / CHUNK][i % CHUNK];
    struct open_state *o;
    const char *name;
    unsigned tid;
    uint32_t n;

    if (r->kind != REC_STEP || !(o = track(x, r, &tid, &name, &n)))
      continue;
    close_state(x, r, tid, o, x->end);
    o->since = 0;
  }
}

static void write_processes(struct writer *x)
{
  for (unsigned c = 0; c <= MAX_PORTS; c++) {
    if (c && !x->ctrl[c].named)
      continue;
    fprintf(x->out, "%s{\"ph\":\"M\",\"pid\":%u,\"name\":\"process_name\",\"args\":{\"name\":\"",
            x->comma, c ? PID_CTRL + c : PID_SUBSYS);
    if (c)
      fprintf(x->out, "controller %u\"}}", c);
    else
      fprintf(x->out, "subsystem\"}}");
    x->comma = ",\n";
    if (c)
      name_track(x, PID_CTRL + c, TID_DRIVER, "host driver", 0);
  }
}

int trace_write(const struct trace *t, const char *path, uint32_t nn)
{
  struct writer x = {.trace = t, .nn = nn, .comma = "", .end = now_ns()};
  size_t pairs = (size_t)(MAX_PORTS + 1) * (nn + 1), notices = (size_t)(MAX_PORTS + 1) * 256;
  struct open_state *all = calloc(3 * pairs + notices + MAX_PORTS + 1, sizeof(*all));
  int bad;

  x.out = fopen(path, "w");
  if (!x.out || !all) {
    free(all);
    if (x.out)
      fclose(x.out);
    return -1;
  }
  x.ns = all;
  x.att = x.ns + pairs;
  x.mark = x.att + pairs;
  x.notice = x.mark + pairs;
  x.ctrl = x.notice + notices;
  fprintf(x.out, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"records lost\":\"%" PRIu64 "\"},\n",
          t->lost);
  fprintf(x.out, "\"traceEvents\":[\n");
  for (unsigned i = 0; i < t->used; i++)
    write_rec(&x, &t->chunk[i / CHUNK][i % CHUNK]);
  write_open(&x);
  write_processes(&x);
  fprintf(x.out, "\n]}\n");
  bad = ferror(x.out);
  bad |= fclose(x.out);
  free(all);
  return bad ? -1 : 0;
}
