/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.c: failures, and the watchdog.
 *
 * The watchdog is a thread of its own that takes leaf locks only. Before it asks the library
 * anything it tries the library's lock with a limit, and an alarm ends the process if an answer
 * does not come.
 */
#include "hotswap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REASONS_SHOWN = 20 };

void watch_fail(struct world *w, const char *format, ...)
{
  char line[256];
  va_list args;

  if (atomic_fetch_add(&w->failures, 1) >= REASONS_SHOWN)
    return;
  va_start(args, format);
  vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  fprintf(stderr, "nvmens-hotswap: FAILED: %s\n", line);
}

static bool lock_within(pthread_mutex_t *lock, unsigned seconds)
{
  struct timespec limit;

  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += seconds;
  return pthread_mutex_timedlock(lock, &limit) == 0;
}

static void dump_port(struct world *w, struct port *p)
{
  struct driver *d = &p->driver;
  nvmens_ctrl_info c;

  if (lock_within(&d->lock, 1)) {
    fprintf(stderr,
            "  driver %u: sent %" PRIu64 ", completed %" PRIu64 ", dropped %" PRIu64
            ", AERs parked %" PRIu32 ", delivered %" PRIu64 ", handled %" PRIu64 "\n",
            p->index, d->sent, d->completed, d->dropped, d->parked, d->delivered, d->handled);
    pthread_mutex_unlock(&d->lock);
  }
  if (!lock_within(&p->lock, 1)) {
    fprintf(stderr, "  controller %u: its lock is held\n", p->cntlid);
    return;
  }
  if (p->ctrl && nvmens_ctrl_query(p->ctrl, &c) == 0)
    fprintf(stderr,
            "  controller %u: %s, attached %" PRIu32 ", draining %" PRIu32 ", AERs %" PRIu32
            ", owed %" PRIu32 ", reported %" PRIu32 ", 0Bh %08" PRIX32 "\n",
            c.cntlid, nvmens_state_name(NVMENS_M_CTRL, c.state), c.attached, c.draining, c.parked,
            c.owed, c.reported, c.aec);
  else
    fprintf(stderr, "  controller %u: removed%s\n", p->cntlid, d->released ? "" : ", not released");
  (void)w;
  pthread_mutex_unlock(&p->lock);
}

static void dump_namespace(struct world *w, uint32_t nsid, uint64_t now)
{
  nvmens_att_info a;
  nvmens_ns_info n;
  nvmens_nsref ref;

  if (nvmens_ns_find(w->subsys, nsid, &ref) || nvmens_ns_query(w->subsys, ref, &n))
    return;
  fprintf(stderr, "  NSID %" PRIu32 ": %s, attached %" PRIu32 ", draining %" PRIu32 "\n", nsid,
          nvmens_state_name(NVMENS_M_NS, n.state), n.attached, n.draining);
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct port *p = &w->port[i];

    if (!lock_within(&p->lock, 1))
      continue;
    if (p->ctrl && nvmens_att_query(w->subsys, ref, p->ctrl, &a) == 0 &&
        a.state != NVMENS_ATT_DETACHED) {
      fprintf(stderr, "    controller %u: %s, gate %s, %" PRIu32 " in flight", p->cntlid,
              nvmens_state_name(NVMENS_M_ATTACHMENT, a.state), a.open ? "open" : "closed",
              a.in_flight);
      if (a.deadline != UINT64_MAX)
        fprintf(stderr, ", deadline %s %.1f ms", a.deadline < now ? "passed by" : "in",
                (double)(a.deadline < now ? now - a.deadline : a.deadline - now) / 1e6);
      fputc('\n', stderr);
    }
    pthread_mutex_unlock(&p->lock);
  }
}

static void dump_threads(struct world *w)
{
  unsigned jobs = 0;

  for (unsigned i = 0; i < w->opt.threads; i++)
    fprintf(stderr, "  I/O thread %u: begun %" PRIu64 ", ended %" PRIu64 "%s\n", i,
            peek(&w->io[i].begun), peek(&w->io[i].ended),
            atomic_load(&w->io[i].exited) ? ", exited" : "");
  if (!lock_within(&w->control.lock, 1))
    return;
  for (struct job *j = w->control.jobs; j; j = j->next)
    jobs++;
  fprintf(stderr, "  control: %u namespaces leaving, %u jobs\n", w->control.leaving, jobs);
  pthread_mutex_unlock(&w->control.lock);
}

void watch_hang(struct world *w, const char *what)
{
  static atomic_flag once = ATOMIC_FLAG_INIT;

  while (atomic_flag_test_and_set(&once))
    sleep_ns(S);
  alarm(20);
  fprintf(stderr, "\nnvmens-hotswap: HANG: %s\n", what);
  dump_threads(w);
  if (lock_within(&w->lib_lock, 2)) {
    pthread_mutex_unlock(&w->lib_lock);
    for (unsigned i = 0; i < w->opt.controllers; i++)
      dump_port(w, &w->port[i]);
    for (uint32_t nsid = 1; nsid <= w->nn; nsid++)
      dump_namespace(w, nsid, now_ns());
  } else {
    fprintf(stderr, "  the library's lock is held\n");
  }
  _exit(1);
}

/* ---- the watchdog ---- */

static void progress_line(struct world *w, uint64_t now)
{
  char swaps[32], commands[32], events[32];
  uint64_t begun = 0, handled = 0;
  unsigned leaving;

  for (unsigned i = 0; i < w->opt.threads; i++)
    begun += tally_sum(&w->io[i].tally);
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    pthread_mutex_lock(&w->port[i].driver.lock);
    handled += w->port[i].driver.handled;
    pthread_mutex_unlock(&w->port[i].driver.lock);
  }
  pthread_mutex_lock(&w->control.lock);
  leaving = w->control.leaving;
  pthread_mutex_unlock(&w->control.lock);
  format_count(swaps, peek(&w->stats.swaps));
  format_count(commands, begun);
  format_count(events, handled);
  printf("%6.1f s  %8s swaps  %12s commands  %8s events  %2u leaving\n",
         (double)(now - w->started) / 1e9, swaps, commands, events, leaving);
  fflush(stdout);
}

/* A thread's beat, and when it was last seen to move. */
struct pulse {
  uint64_t beat, since;
};

static void look(struct world *w, struct pulse *p, _Atomic uint64_t *beat, _Atomic bool *exited,
                 const char *who)
{
  uint64_t now = now_ns(), b = peek(beat);

  if (b != p->beat || !p->since || atomic_load(exited)) {
    p->beat = b;
    p->since = now;
  } else if (now - p->since > WAIT_LIMIT + 5 * S) {
    watch_hang(w, who);
  }
}

static void look_at_places(struct world *w)
{
  uint64_t now = now_ns();
  bool late = false;

  pthread_mutex_lock(&w->control.lock);
  for (unsigned i = 0; i < w->opt.namespaces; i++) {
    const struct place *p = &w->control.place[i];

    if (p->state == PLACE_LEAVING && now > p->unplug_at && now - p->unplug_at > WAIT_LIMIT)
      late = true;
  }
  pthread_mutex_unlock(&w->control.lock);
  if (late)
    watch_hang(w, "an unplugged namespace is not released");
}

static void *watch_main(void *world)
{
  static struct pulse io[MAX_THREADS], driver[MAX_PORTS], control, mine;
  struct world *w = world;
  uint64_t every = w->opt.run_ns > 20 * S ? 5 * S : S, next = w->started + every;

  while (!atomic_load(&w->watch_over)) {
    uint64_t now = now_ns();

    for (unsigned i = 0; i < w->opt.threads; i++)
      look(w, &io[i], &w->io[i].beat, &w->io[i].exited, "an I/O thread stands still");
    for (unsigned i = 0; i < w->opt.controllers; i++) {
      struct driver *d = &w->port[i].driver;

      look(w, &driver[i], &d->beat, &d->exited, "a driver stands still");
    }
    look(w, &control, &w->control.beat, &w->control.exited, "the control thread stands still");
    look(w, &mine, &w->beat, &w->watch_over, "main stands still");
    look_at_places(w);
    if (now >= next && phase_of(w) < PHASE_DRAIN) {
      next += every;
      progress_line(w, now);
    }
    sleep_ns(20 * MS);
  }
  return NULL;
}

int watch_start(struct world *w)
{
  return pthread_create(&w->watchdog, NULL, watch_main, w);
}

void watch_end(struct world *w)
{
  atomic_store(&w->watch_over, true);
  pthread_join(w->watchdog, NULL);
}

void watch_until(struct world *w, bool (*there)(struct world *), const char *what)
{
  uint64_t limit = now_ns() + WAIT_LIMIT;

  while (!there(w)) {
    if (now_ns() > limit)
      watch_hang(w, what);
    bump(&w->beat);
    sleep_ns(2 * MS);
  }
  bump(&w->beat);
}
