/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctrl.c: controllers: one for each Connect to an Admin queue. Its thread makes it, uses it and
 * ends it; other threads look it up and hold ctrl.life around calls of the library.
 */
#include "conn.h"
#include <stdlib.h>
#include <string.h>

static bool take_slot(target *t, ctrl *c)
{
  bool found = false;

  pthread_mutex_lock(&t->lock);
  for (unsigned i = 0; i < MAX_CTRLS && !found; i++)
    if (!(t->slots >> i & 1)) {
      t->slots |= UINT64_C(1) << i;
      c->slot = i;
      found = true;
    }
  pthread_mutex_unlock(&t->lock);
  return found;
}

ctrl *ctrl_new(target *t, const connect_host *host, int *err)
{
  ctrl *c = calloc(1, sizeof(*c));
  nvmens_ctrl_config config = {0};
  nvmens_ctrl_info info;

  *err = NVMENS_ERR_NOMEM;
  if (!c)
    return NULL;
  *err = NVMENS_ERR_LIMIT;
  if (!take_slot(t, c)) {
    free(c);
    return NULL;
  }
  c->t = t;
  c->discovery = host->discovery;
  memcpy(c->hostid, host->hostid, 16);
  strcpy(c->hostnqn, host->hostnqn);
  atomic_init(&c->refs, 2); /* the connection's and the library's */
  sem_init(&c->reset_done, 0, 0);
  pthread_mutex_init(&c->life, NULL);
  config.kind = host->discovery ? NVMENS_CTRL_DISCOVERY : NVMENS_CTRL_IO;
  memcpy(config.hostid, host->hostid, 16);
  *err = nvmens_ctrl_new(&c->lib, t->subsys, &config, c);
  if (*err) {
    atomic_store(&c->refs, 1);
    ctrl_put(c);
    return NULL;
  }
  nvmens_ctrl_query(c->lib, &info);
  c->cntlid = info.cntlid;
  pthread_mutex_lock(&t->lock);
  c->next = t->ctrls;
  t->ctrls = c;
  pthread_mutex_unlock(&t->lock);
  return c;
}

void ctrl_put(ctrl *c)
{
  target *t = c->t;

  if (atomic_fetch_sub(&c->refs, 1) != 1)
    return;
  pthread_mutex_lock(&t->lock);
  t->slots &= ~(UINT64_C(1) << c->slot);
  pthread_mutex_unlock(&t->lock);
  pthread_mutex_destroy(&c->life);
  sem_destroy(&c->reset_done);
  free(c);
}

ctrl *ctrl_get(target *t, uint16_t cntlid)
{
  ctrl *c;

  pthread_mutex_lock(&t->lock);
  for (c = t->ctrls; c && (c->discovery || c->cntlid != cntlid); c = c->next)
    ;
  if (c)
    atomic_fetch_add(&c->refs, 1);
  pthread_mutex_unlock(&t->lock);
  return c;
}

size_t ctrl_all(target *t, ctrl ***out)
{
  size_t count = 0;

  *out = malloc(MAX_CTRLS * sizeof(**out));
  if (!*out)
    return 0;
  pthread_mutex_lock(&t->lock);
  for (ctrl *c = t->ctrls; c; c = c->next) {
    atomic_fetch_add(&c->refs, 1);
    (*out)[count++] = c;
  }
  pthread_mutex_unlock(&t->lock);
  return count;
}

void ctrl_kill_queues(ctrl *c)
{
  pthread_mutex_lock(&c->t->lock);
  atomic_store(&c->ready, false);
  for (int i = 1; i <= MAX_IO_QUEUES; i++)
    if (c->ioq[i]) {
      atomic_store(&c->ioq[i]->kill, true);
      conn_kick(c->ioq[i]);
    }
  pthread_mutex_unlock(&c->t->lock);
}

void ctrl_kick_queues(ctrl *c)
{
  pthread_mutex_lock(&c->t->lock);
  for (int i = 1; i <= MAX_IO_QUEUES; i++)
    if (c->ioq[i])
      conn_kick(c->ioq[i]);
  pthread_mutex_unlock(&c->t->lock);
}

void ctrl_end(ctrl *c)
{
  target *t = c->t;

  pthread_mutex_lock(&t->lock);
  for (ctrl **at = &t->ctrls; *at; at = &(*at)->next)
    if (*at == c) {
      *at = c->next;
      break;
    }
  pthread_mutex_unlock(&t->lock);
  ctrl_kill_queues(c);
  pthread_mutex_lock(&c->life);
  c->gone = true;
  nvmens_ctrl_del(c->lib);
  pthread_mutex_unlock(&c->life);
}
