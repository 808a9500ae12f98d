/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * search.c: every action in every state, breadth first, until nothing new comes. What was visited
 * is kept as 128 bits of the canonical form; what waits to be expanded as a snapshot. The way to a
 * state is that of its first finding, hence a shortest one.
 */
#include "explore.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef struct node {
  uint32_t parent, features; /* features: each is on some way to it */
  uint8_t action;
} node;

static node *nodes;
static uint32_t count, room;
static digest *visited; /* open addressing; {0, 0}: free */
static uint32_t *which; /* beside it: the node */
static uint32_t mask;
static snapshot **waiting_for; /* by node, from `head` on */
static action actions[256];
static unsigned nactions;
static volatile uint32_t at_node; /* being expanded */
static volatile int at_action;    /* -1: none */

static void *grow(void *old, size_t size)
{
  void *p = realloc(old, size);

  if (!p) {
    fprintf(stderr, "no memory\n");
    exit(1);
  }
  return p;
}

/* ---- actions as text ---- */

#define K_NAME(name) #name,
static const char *const kind_name[] = {K_LIST(K_NAME)};

const char *action_text(action a)
{
  static char text[64];

  snprintf(text, sizeof(text), "%s ctrl %u nsid %u %u", kind_name[a.kind], a.c, a.n, a.x);
  return text;
}

static bool by_nsid(uint8_t kind)
{
  return kind <= K_IO_REMOTE || kind == K_DONE || kind == K_READ_FLIP || kind == K_CMD_ATTACH ||
         kind == K_CMD_DETACH || kind == K_CMD_DELETE || kind == K_CMD_FAILS || kind == K_LOOK ||
         kind == K_LOOK_FAILS;
}

static bool by_ctrl(uint8_t kind)
{
  return kind >= K_ATTACH && kind != K_UPDATE && kind != K_POLL && kind != K_TICK &&
         kind != K_PREPARED && kind != K_PREPARE_FAILED && kind != K_SUBSYS_DEL;
}

/* The values of x: from `first` on, how many. */
static unsigned variants(uint8_t kind, unsigned *first)
{
  *first = 0;
  if (kind == K_NEW || kind == K_NEW_BARE) {
    *first = 1;
    return W->whos;
  }
  if (kind == K_CMD_ATTACH || kind == K_CMD_DETACH) { /* sets of controllers */
    *first = 1;
    return (1u << W->ctrls) - 1;
  }
  if (kind >= K_READ && kind <= K_READ_RESET)
    return LOGS;
  if (kind == K_POST)
    return W->posts ? W->posts : POSTS;
  if ((kind == K_OWN_READ || kind == K_STAMP_READ) && W->posts == 1)
    return 1;
  if (kind == K_OWN_READ || kind == K_STAMP_READ || kind == K_PREPARED ||
      kind == K_PREPARE_FAILED || kind == K_ABORT)
    return 2;
  if (kind == K_AEC)
    return !W->aecs[0] ? 0 : !W->aecs[1] ? 1 : !W->aecs[2] ? 2 : 3;
  return 1;
}

static bool left_out(const action *a)
{
  uint8_t logs = W->logs ? W->logs : 1;

  if (a->kind >= K_READ && a->kind <= K_READ_RESET && !(logs >> a->x & 1))
    return true;
  if (a->kind == K_DONE)
    return false; /* what it drains it gives back */
  return (by_ctrl(a->kind) && (W->idle_ctrls >> a->c & 1)) || (W->idle_ns >> a->n & 1);
}

unsigned all_actions(action out[256])
{
  unsigned n = 0, first;

  for (uint8_t kind = 0; kind < KINDS; kind++) {
    unsigned more = variants(kind, &first);

    if (!(W->kinds >> kind & 1))
      continue;
    for (uint8_t c = 0; c < (by_ctrl(kind) ? W->ctrls : 1); c++)
      for (uint8_t nsid = 1; nsid <= (by_nsid(kind) ? W->nsids : 1); nsid++)
        for (unsigned x = first; x < first + more; x++) {
          action a = {kind, c, by_nsid(kind) ? nsid : 0, (uint8_t)x};

          if (!left_out(&a) && n < 255)
            out[n++] = a;
        }
  }
  return n;
}

/* ---- the way to a state ---- */

static void print_way(uint32_t to, int last)
{
  static uint8_t way[4096];
  unsigned n = 0;

  for (; to && n < sizeof(way); to = nodes[to].parent)
    way[n++] = nodes[to].action;
  printf("  %u actions from the start of world %s:\n", n + (last >= 0), W->name);
  for (unsigned i = n; i > 0; i--)
    printf("  %3u  %s\n", n - i + 1, action_text(actions[way[i - 1]]));
  if (last >= 0)
    printf("  %3u  %s\n", n + 1, action_text(actions[last]));
  printf("  again, step by step: --replay %s ", W->name);
  for (unsigned i = n; i > 0; i--)
    printf("%u%s", way[i - 1], i > 1 || last >= 0 ? "," : "");
  if (last >= 0)
    printf("%d", last);
  printf("%s\n", n || last >= 0 ? "" : "-");
  fflush(stdout);
}

static void died(int number)
{
  signal(number, SIG_DFL);
  printf("VIOLATION in %s: signal %d\n", W->name, number);
  print_way(at_node, at_action);
  raise(number);
}

static bool report(uint32_t at, int last)
{
  if (!violation[0])
    return false;
  printf("VIOLATION in %s: %s\n", W->name, violation);
  print_way(at, last);
  return true;
}

/* ---- visited ---- */

static uint32_t place_of(digest d)
{
  uint32_t at = (uint32_t)d.lo & mask;

  while ((visited[at].lo || visited[at].hi) && (visited[at].lo != d.lo || visited[at].hi != d.hi))
    at = (at + 1) & mask;
  return at;
}

static void rehash(void)
{
  const uint32_t size = mask ? mask + 1 : 0, twice = size ? size * 2 : 1u << 16;
  digest *old = visited;
  uint32_t *old_which = which;

  visited = grow(NULL, twice * sizeof(*visited));
  memset(visited, 0, twice * sizeof(*visited));
  which = grow(NULL, twice * sizeof(*which));
  mask = twice - 1;
  for (uint32_t i = 0; i < size; i++)
    if (old[i].lo || old[i].hi) {
      uint32_t at = place_of(old[i]);

      visited[at] = old[i];
      which[at] = old_which[i];
    }
  free(old);
  free(old_which);
}

/* The node of a state; `count`, and room for it, if it is new. */
static uint32_t node_of(digest d)
{
  uint32_t at;

  if (!mask || count > mask / 3 * 2)
    rehash();
  at = place_of(d);
  if (!visited[at].lo && !visited[at].hi) {
    visited[at] = d;
    which[at] = count;
  }
  return which[at];
}

static void add(uint32_t parent, unsigned by, uint32_t features)
{
  size_t size;

  if (count == room) {
    room = room ? room * 2 : 1u << 12;
    nodes = grow(nodes, room * sizeof(*nodes));
    waiting_for = grow(waiting_for, room * sizeof(snapshot *));
  }
  nodes[count] = (node){parent, features, (uint8_t)by};
  waiting_for[count] = arena_save(&size);
  count++;
}

static void clear(void)
{
  for (uint32_t i = 0; i < count; i++)
    arena_free(waiting_for[i]);
  free(nodes);
  free(waiting_for);
  free(visited);
  free(which);
  nodes = NULL;
  waiting_for = NULL;
  visited = NULL;
  which = NULL;
  count = room = mask = 0;
}

/* ---- the search ---- */

/* A way leads here on which `before` was, for each of them; then comes what is on this step. */
static void take_pairs(result *r, uint32_t before, uint32_t step)
{
  for (unsigned f = 0; f < FEATURES; f++) {
    if (step >> f & 1)
      r->pairs[f] |= before | step;
    if ((before | step) >> f & 1)
      r->pairs[f] |= step;
  }
}

/* One action in one state. Whether what comes of it is a state of its own. */
static bool try(unsigned index, digest here, digest *there)
{
  outcome what;

  memset(&now, 0, sizeof(now));
  now.inside.kind = KINDS;
  at_action = (int)index;
  what = act(actions[index]);
  if (what == SKIPPED)
    return false;
  if (!E->over)
    after_action();
  if (violation[0])
    return true;
  *there = canon_digest(false);
  if (what == REFUSED)
    MUST(21, there->lo == here.lo && there->hi == here.hi, "a call that failed changed the state");
  return true;
}

static bool check_new(digest d)
{
  if (!E->over) {
    check_state(d);
    if (!violation[0])
      check_futures();
  }
  return !violation[0];
}

static bool expand(uint32_t from, digest here, result *r)
{
  const uint32_t before = nodes[from].features;
  digest there;

  for (unsigned i = 0; i < nactions; i++) {
    uint32_t step, to;

    if (!try(i, here, &there)) {
      if (violation[0])
        return false;
      continue; /* it was not done: nothing to restore */
    }
    r->transitions++;
    if (violation[0])
      return false;
    step = now.features | (E->over ? 0 : state_features());
    take_pairs(r, before, step);
    to = node_of(there);
    if (to == count) {
      add(from, i, before | step);
      if (!check_new(there))
        return false;
    } else {
      nodes[to].features |= before | step;
    }
    arena_restore();
  }
  return true;
}

static bool start(const world *w, result *r)
{
  digest d;

  world_start(w);
  nactions = all_actions(actions);
  at_node = 0;
  at_action = -1;
  d = canon_digest(false);
  arena_base();
  node_of(d);
  add(0, 0, state_features());
  take_pairs(r, nodes[0].features, nodes[0].features);
  return !violation[0] && check_new(d);
}

bool explore(const world *w, result *r)
{
  uint32_t level_end = 1;
  bool good;
  struct timespec from, to;

  memset(r, 0, sizeof(*r));
  clock_gettime(CLOCK_MONOTONIC, &from);
  signal(SIGSEGV, died);
  signal(SIGABRT, died);
  good = start(w, r);
  for (uint32_t next = 0; good && next < count; next++) {
    if (next == level_end) {
      r->depth++;
      level_end = count;
    }
    at_node = next;
    arena_expand(waiting_for[next]);
    arena_free(waiting_for[next]);
    waiting_for[next] = NULL;
    good = E->over || expand(next, canon_digest(false), r);
  }
  r->states = count;
  if (!good)
    report(at_node, at_action);
  signal(SIGSEGV, SIG_DFL);
  signal(SIGABRT, SIG_DFL);
  clear();
  clock_gettime(CLOCK_MONOTONIC, &to);
  r->seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
  return good;
}

bool replay(const world *w, const char *path)
{
  digest d, there;

  world_start(w);
  nactions = all_actions(actions);
  arena_base();
  tracing = true;
  while (!violation[0] && *path >= '0' && *path <= '9') {
    char *rest;
    unsigned long index = strtoul(path, &rest, 10);

    path = *rest ? rest + 1 : rest;
    if (index >= nactions) {
      fprintf(stderr, "no action %lu\n", index);
      return false;
    }
    printf("%s\n", action_text(actions[index]));
    d = canon_digest(false);
    if (!try((unsigned)index, d, &there))
      printf("    (not possible here)\n");
  }
  printf("then, the checks of the state it ends in\n");
  if (!violation[0])
    check_new(canon_digest(false));
  if (violation[0])
    printf("VIOLATION in %s: %s\n", w->name, violation);
  tracing = false;
  return !violation[0];
}
