/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jobs.c: answers of the backend that come later, on the control thread.
 *
 * A backend of a drain may be released on another thread as soon as its answer was given, so
 * nothing of a job's backend is looked at after that.
 */
#include "hotswap.h"

#include <stdlib.h>
#include <string.h>

void job_add(struct world *w, const struct job *job)
{
  struct job *j = malloc(sizeof(*j));

  if (!j) {
    watch_fail(w, "out of memory for a job");
    return;
  }
  *j = *job;
  pthread_mutex_lock(&w->control.lock);
  j->next = w->control.jobs;
  w->control.jobs = j;
  pthread_mutex_unlock(&w->control.lock);
  swap_nudge(w);
}

void job_hasten(struct world *w, nvmens_token token, uint64_t due)
{
  pthread_mutex_lock(&w->control.lock);
  for (struct job *j = w->control.jobs; j; j = j->next)
    if (j->token == token && j->due > due)
      j->due = due;
  pthread_mutex_unlock(&w->control.lock);
  swap_nudge(w);
}

static void answer_prepare(struct world *w, struct job *j)
{
  nvmens_ident none = {{0}, {0}, {0}};
  bool with = j->be && j->status.sf == 0;
  int rc = nvmens_prepared(w->subsys, j->token, j->status,
                           with && memcmp(&j->ident, &none, sizeof(none)) ? &j->ident : NULL,
                           with ? j->be : NULL);

  if (j->be && (!with || rc == NVMENS_ERR_STALE))
    backend_free(w, j->be);
  if (rc && rc != NVMENS_ERR_STALE)
    watch_fail(w, "nvmens_prepared: %s", nvmens_strerror(rc));
  rc = nvmens_prepared(w->subsys, j->token, j->status, NULL, NULL);
  if (rc != NVMENS_ERR_STALE)
    watch_fail(w, "nvmens_prepared, a second answer: %s", nvmens_strerror(rc));
}

void jobs_answer(struct world *w, struct job *j)
{
  int rc;

  if (j->kind == JOB_PREPARED) {
    answer_prepare(w, j);
    return;
  }
  atomic_fetch_sub(&j->be->awaited[j->port], 1);
  rc = nvmens_done(w->subsys, j->token, j->status);
  if (rc)
    watch_fail(w, "nvmens_done, the first answer: %s", nvmens_strerror(rc));
  rc = nvmens_done(w->subsys, j->token, j->status);
  if (rc != NVMENS_ERR_STALE)
    watch_fail(w, "nvmens_done, a second answer: %s", nvmens_strerror(rc));
}

void jobs_run(struct world *w, uint64_t now)
{
  bool all = phase_of(w) >= PHASE_DRAIN;
  struct job *due = NULL, **link;

  pthread_mutex_lock(&w->control.lock);
  for (link = &w->control.jobs; *link;) {
    struct job *j = *link;

    if (j->due > now && !all) {
      link = &j->next;
      continue;
    }
    *link = j->next;
    j->next = due;
    due = j;
  }
  pthread_mutex_unlock(&w->control.lock);
  while (due) {
    struct job *j = due;

    due = j->next;
    jobs_answer(w, j);
    free(j);
  }
}

uint64_t jobs_next(struct world *w)
{
  uint64_t next = UINT64_MAX;

  pthread_mutex_lock(&w->control.lock);
  for (struct job *j = w->control.jobs; j; j = j->next)
    if (j->due < next)
      next = j->due;
  pthread_mutex_unlock(&w->control.lock);
  return next;
}
