/* SPDX-License-Identifier: BSD-3-Clause */
/* world.c: the subsystem, its ports, and the threads. */
#include "hotswap.h"

#include <stdlib.h>
#include <string.h>

/* ---- ports ---- */

void ctrl_obj_free(struct ctrl_obj *obj)
{
  obj->magic = 0;
#ifdef HOTSWAP_SANITIZED
  free(obj);
#else /* kept to the end, so that a hook that names it is seen */
  pthread_mutex_lock(&obj->port->driver.lock);
  obj->next = obj->port->gone;
  obj->port->gone = obj;
  pthread_mutex_unlock(&obj->port->driver.lock);
#endif
}

int port_plug(struct world *w, struct port *p)
{
  struct ctrl_obj *obj = calloc(1, sizeof(*obj));
  nvmens_ctrl_config config;
  int rc;

  if (!obj)
    return NVMENS_ERR_NOMEM;
  obj->magic = CTRL_LIVE;
  obj->port = p;
  memset(&config, 0, sizeof(config));
  config.cntlid = p->cntlid;
  config.cntlid_given = 1;
  config.hostid[0] = (uint8_t)(1 + HOST_OF(p));
  pthread_mutex_lock(&p->driver.lock);
  p->driver.released = false;
  pthread_mutex_unlock(&p->driver.lock);
  pthread_mutex_lock(&p->lock);
  rc = nvmens_ctrl_new(&p->ctrl, w->subsys, &config, obj);
  if (rc)
    p->ctrl = NULL;
  atomic_fetch_add(&p->epoch, 1);
  pthread_mutex_unlock(&p->lock);
  if (rc) {
    free(obj);
    watch_fail(w, "nvmens_ctrl_new: %s", nvmens_strerror(rc));
  }
  return rc;
}

void port_unplug(struct world *w, struct port *p)
{
  nvmens_ctrl_info c;
  nvmens_ctrl *ctrl;

  pthread_mutex_lock(&p->lock);
  ctrl = p->ctrl;
  p->ctrl = NULL;
  atomic_fetch_add(&p->epoch, 1);
  if (ctrl && nvmens_ctrl_query(ctrl, &c) == 0) {
    pthread_mutex_lock(&w->stats.lock);
    w->stats.sent += c.sent;
    w->stats.coalesced += c.coalesced;
    pthread_mutex_unlock(&w->stats.lock);
  }
  nvmens_ctrl_del(ctrl);
  pthread_mutex_unlock(&p->lock);
}

/* ---- making it ---- */

static void cond_init(pthread_cond_t *cond)
{
  pthread_condattr_t attr;

  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(cond, &attr);
  pthread_condattr_destroy(&attr);
}

static int port_init(struct world *w, unsigned index)
{
  struct port *p = &w->port[index];
  struct driver *d = &p->driver;

  p->index = index;
  p->cntlid = (uint16_t)(index + 1);
  pthread_mutex_init(&p->lock, NULL);
  d->world = w;
  d->port = p;
  d->kind = index % 2 ? DRIVER_SPDK : DRIVER_LINUX;
  d->rng.state = w->opt.seed * 1000003 + 500 + index;
  d->events_tail = &d->events;
  d->busy = true;
  pthread_mutex_init(&d->lock, NULL);
  cond_init(&d->cond);
  d->view = calloc(w->nn + 1, sizeof(*d->view));
  d->allocated = calloc(w->nn + 1, 1);
  d->listed = calloc(w->nn + 1, 1);
  d->had = calloc(w->nn + 1, 1);
  return d->view && d->allocated && d->listed && d->had ? 0 : NVMENS_ERR_NOMEM;
}

static int subsys_init(struct world *w)
{
  nvmens_subsys_config config;

  memset(&config, 0, sizeof(config));
  config.nn = w->nn;
  config.deadline_ns = HOST_DEADLINE;
  config.tnvmcap.lo = (uint64_t)w->nn * MAX_BLOCKS * BLOCK;
  config.maxcna = w->nn;
  config.nlbaf = 1;
  config.lbaf[0].lbads = 9;
  config.gate_mode = w->opt.gate_mode;
  config.mask_scope = w->opt.mask_scope;
  return nvmens_subsys_new(&w->subsys, &config, hooks(w), NULL, w);
}

static int threads_init(struct world *w)
{
  w->io = calloc(w->opt.threads, sizeof(*w->io));
  w->control.place = calloc(w->opt.namespaces, sizeof(*w->control.place));
  w->birth = calloc(BIRTHS, sizeof(*w->birth));
  w->owner = calloc(w->nn + 1, sizeof(*w->owner));
  if (!w->io || !w->control.place || !w->birth || !w->owner)
    return NVMENS_ERR_NOMEM;
  for (unsigned i = 0; i < w->opt.threads; i++) {
    w->io[i].world = w;
    w->io[i].index = i;
    w->io[i].rng.state = w->opt.seed * 1000003 + 1 + i;
  }
  for (unsigned i = 0; i < w->opt.namespaces; i++)
    w->control.place[i].wish = i + 1;
  return 0;
}

int world_new(struct world *w, const struct options *opt)
{
  int rc;

  memset(w, 0, sizeof(*w));
  w->opt = *opt;
  w->nn = opt->namespaces + HOST_ROOM;
  w->effect_rng.state = opt->seed * 1000003 + 900;
  w->control.rng.state = opt->seed * 1000003 + 901;
  pthread_mutex_init(&w->lib_lock, NULL);
  pthread_mutex_init(&w->stats.lock, NULL);
  pthread_mutex_init(&w->store.lock, NULL);
  pthread_mutex_init(&w->control.lock, NULL);
  cond_init(&w->control.cond);
  if (opt->trace && !(w->trace = trace_new()))
    return NVMENS_ERR_NOMEM;
  rc = threads_init(w);
  if (!rc)
    rc = subsys_init(w);
  for (unsigned i = 0; i < opt->controllers && !rc; i++)
    rc = port_init(w, i);
  for (unsigned i = 0; i < opt->controllers && !rc; i++)
    rc = port_plug(w, &w->port[i]);
  for (unsigned i = 0; i < opt->namespaces && !rc; i++)
    rc = swap_plug(w, i, &w->control.rng);
  return rc;
}

int world_start(struct world *w)
{
  int rc;

  w->started = now_ns();
  rc = watch_start(w);
  if (!rc)
    rc = pthread_create(&w->control.thread, NULL, swap_main, w);
  for (unsigned i = 0; i < w->opt.controllers && !rc; i++)
    rc = pthread_create(&w->port[i].driver.thread, NULL, driver_main, &w->port[i].driver);
  for (unsigned i = 0; i < w->opt.threads && !rc; i++)
    rc = pthread_create(&w->io[i].thread, NULL, io_main, &w->io[i]);
  return rc;
}

static bool threads_gone(struct world *w)
{
  bool gone = atomic_load(&w->control.exited);

  for (unsigned i = 0; i < w->opt.controllers; i++)
    gone = gone && atomic_load(&w->port[i].driver.exited);
  for (unsigned i = 0; i < w->opt.threads; i++)
    gone = gone && atomic_load(&w->io[i].exited);
  return gone;
}

void world_join(struct world *w)
{
  watch_until(w, threads_gone, "the threads do not stop");
  pthread_join(w->control.thread, NULL);
  for (unsigned i = 0; i < w->opt.controllers; i++)
    pthread_join(w->port[i].driver.thread, NULL);
  for (unsigned i = 0; i < w->opt.threads; i++)
    pthread_join(w->io[i].thread, NULL);
}

void world_free(struct world *w)
{
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct driver *d = &w->port[i].driver;

    while (w->port[i].gone) {
      struct ctrl_obj *obj = w->port[i].gone;

      w->port[i].gone = obj->next;
      free(obj);
    }
    driver_events_del(d);
    free(d->view);
    free(d->allocated);
    free(d->listed);
    free(d->had);
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&w->port[i].lock);
  }
  store_empty(w);
  free(w->io);
  free(w->birth);
  free(w->owner);
  free(w->control.place);
  trace_del(w->trace);
  pthread_cond_destroy(&w->control.cond);
  pthread_mutex_destroy(&w->control.lock);
  pthread_mutex_destroy(&w->store.lock);
  pthread_mutex_destroy(&w->stats.lock);
  pthread_mutex_destroy(&w->lib_lock);
}
