/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timer.c: deadlines in a leftist heap. Floor 0.
 *
 * A million drains may end at one moment and each stop its timer under the lock, so one call has to
 * be short, not only the average of many: set and stop take O(log n) steps, and nothing recurses.
 *
 * Invariants
 *  1 A timer is not earlier than the one above it. Earlier: by deadline, then by order of setting.
 *  2 rank is 1 + the rank of right, and right's rank is at most left's (none: 0). So the way down
 *    by right is at most log2(n + 1) long; the way by left may be n long and is never walked.
 *  3 A timer that is not running has no links.
 */
#include "timer.h"

#include <stddef.h>

static bool is_before(const nvmens_timer *a, const nvmens_timer *b)
{
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* Makes invariant 2 hold for t if it holds below. Returns whether the rank changed. */
static bool settle(nvmens_timer *t)
{
  unsigned left = t->left ? t->left->rank : 0;
  unsigned right = t->right ? t->right->rank : 0;
  uint8_t rank = (uint8_t)(1 + (left < right ? left : right));
  bool changed = rank != t->rank;

  if (left < right) {
    nvmens_timer *swap = t->left;

    t->left = t->right;
    t->right = swap;
  }
  t->rank = rank;
  return changed;
}

/* One heap of two, by zipping their right sides; either may be NULL. */
static nvmens_timer *meld(nvmens_timer *a, nvmens_timer *b)
{
  nvmens_timer *top = NULL, *up = NULL, **link = &top;

  while (a && b) {
    if (is_before(b, a)) {
      nvmens_timer *swap = a;

      a = b;
      b = swap;
    }
    *link = a;
    a->up = up;
    up = a;
    link = &a->right;
    a = a->right;
  }
  if (!a)
    a = b;
  *link = a;
  if (a)
    a->up = up;
  for (; up; up = up->up)
    settle(up);
  return top;
}

void nvmens_timer_stop(nvmens_timers *timers, nvmens_timer *t)
{
  nvmens_timer *up = t->up, *below;

  if (!t->running)
    return;
  below = meld(t->left, t->right);
  if (below)
    below->up = up;
  if (!up)
    timers->first = below;
  else if (up->left == t)
    up->left = below;
  else
    up->right = below;
  /* Ranks grow strictly along the ancestors that change, hence there are at most log2(n + 1). */
  while (up && settle(up))
    up = up->up;
  t->left = t->right = t->up = NULL;
  t->running = false;
}

void nvmens_timer_set(nvmens_timers *timers, nvmens_timer *t, uint64_t at)
{
  nvmens_timer_stop(timers, t);
  t->at = at;
  t->order = timers->sets++;
  t->rank = 1;
  t->running = true;
  timers->first = meld(timers->first, t);
}
