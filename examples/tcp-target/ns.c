/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns.c: namespaces as this target has them: a backend, an identity, and whether the backend plays
 * dead. What the host sees of a namespace is the library's.
 */
#include "conn.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static bool new_uuid(uint8_t uuid[16])
{
  size_t have = 0;

  while (have < 16) {
    ssize_t n = getrandom(uuid + have, 16 - have, 0);

    if (n > 0)
      have += (size_t)n;
    else if (errno != EINTR)
      return false; /* without an identity there is no namespace */
  }
  uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x40);
  uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
  return true;
}

static ns *ns_alloc(target *t, uint32_t block)
{
  ns *n = calloc(1, sizeof(*n));

  if (!n || !new_uuid(n->ident.uuid)) {
    free(n);
    return NULL;
  }
  n->t = t;
  n->block = block;
  atomic_init(&n->refs, 1);
  pthread_mutex_init(&n->lock, NULL);
  return n;
}

static void ns_list(ns *n)
{
  target *t = n->t;

  pthread_mutex_lock(&t->lock);
  n->serial = ++t->last_serial;
  n->next = t->namespaces;
  t->namespaces = n;
  pthread_mutex_unlock(&t->lock);
}

ns *ns_create(target *t, uint64_t bytes, uint32_t block)
{
  ns *n = ns_alloc(t, block);

  if (!n)
    return NULL;
  if (backend_open_ram(&n->b, bytes)) {
    pthread_mutex_destroy(&n->lock);
    free(n);
    return NULL;
  }
  ns_list(n);
  return n;
}

void ns_put(ns *n)
{
  if (atomic_fetch_sub(&n->refs, 1) != 1)
    return;
  pthread_mutex_destroy(&n->lock);
  free(n);
}

static void ns_unlist(ns *n)
{
  target *t = n->t;

  pthread_mutex_lock(&t->lock);
  for (ns **at = &t->namespaces; *at; at = &(*at)->next)
    if (*at == n) {
      *at = n->next;
      break;
    }
  pthread_mutex_unlock(&t->lock);
}

void ns_released(ns *n)
{
  ns_unlist(n);
  pthread_mutex_lock(&n->lock);
  n->released = true;
  backend_close(&n->b);
  pthread_mutex_unlock(&n->lock);
}

void ns_free_unused(ns *n)
{
  ns_released(n);
  ns_put(n);
}

/* The host hears of a smaller size before the blocks go, of a larger one once they are there. */
const char *ns_resize(ns *n, uint64_t bytes)
{
  nvmens_subsys *s = n->t->subsys;
  nvmens_ns_attrs attrs = {.set = NVMENS_SET_SIZE, .nsze = bytes / n->block};
  nvmens_nsref ref;
  const char *why = NULL;
  uint64_t old;
  int err;

  if (bytes == 0 || bytes % n->block)
    return "not a multiple of the block size";
  if (nvmens_ns_find(s, n->nsid, &ref))
    return error_word(NVMENS_ERR_STALE);
  pthread_mutex_lock(&n->lock);
  old = n->released ? 0 : atomic_load(&n->b.size);
  if (!n->released && bytes > old)
    why = backend_resize(&n->b, bytes);
  pthread_mutex_unlock(&n->lock);
  if (why)
    return why;
  err = nvmens_ns_update(s, ref, &attrs);
  pthread_mutex_lock(&n->lock);
  if (!n->released && (err ? bytes > old : bytes < old))
    why = backend_resize(&n->b, err ? old : bytes);
  pthread_mutex_unlock(&n->lock);
  return err ? error_word(err) : why;
}

const char *ns_add(target *t, const ns_spec *spec)
{
  ns *n = ns_alloc(t, spec->block);
  nvmens_ns_config config = {0};
  nvmens_nsref ref;
  const char *why;
  int err;

  if (!n)
    return "out of memory";
  why = spec->file ? backend_open_file(&n->b, spec->path, spec->block)
                   : backend_open_ram(&n->b, spec->size);
  if (why) {
    ns_put(n);
    return why;
  }
  if (spec->uuid_given)
    memcpy(n->ident.uuid, spec->uuid, 16);
  config.nsid = spec->nsid;
  config.shared = !spec->priv;
  config.auto_attach = !spec->detached;
  config.flbas = spec->block == 4096;
  config.nsze = atomic_load(&n->b.size) / spec->block;
  config.ident = n->ident;
  n->nsid = spec->nsid;
  ns_list(n);
  err = nvmens_ns_new(t->subsys, &config, n, &ref);
  if (err) {
    ns_free_unused(n);
    return error_word(err);
  }
  return NULL;
}

ns *ns_get(target *t, uint32_t nsid)
{
  ns *n;

  pthread_mutex_lock(&t->lock);
  for (n = t->namespaces; n && n->nsid != nsid; n = n->next)
    ;
  if (n)
    atomic_fetch_add(&n->refs, 1);
  pthread_mutex_unlock(&t->lock);
  return n;
}

size_t ns_all(target *t, ns ***out)
{
  size_t count = 0;

  pthread_mutex_lock(&t->lock);
  for (ns *n = t->namespaces; n; n = n->next)
    count++;
  *out = malloc((count + 1) * sizeof(**out));
  count = 0;
  for (ns *n = *out ? t->namespaces : NULL; n; n = n->next) {
    atomic_fetch_add(&n->refs, 1);
    (*out)[count++] = n;
  }
  pthread_mutex_unlock(&t->lock);
  return count;
}

void ns_stall(ns *n, enum stall how)
{
  target *t = n->t;
  req *orphans = NULL;

  pthread_mutex_lock(&n->lock);
  atomic_store(&n->stall, how);
  if (how != STALL_HARD) {
    orphans = n->orphans;
    n->orphans = NULL;
  }
  pthread_mutex_unlock(&n->lock);
  while (orphans) {
    req *r = orphans;

    orphans = r->next;
    nvmens_io_end_remote(t->subsys, r->ticket);
    conn_put(r->conn);
  }
  pthread_mutex_lock(&t->lock);
  for (conn *c = t->conns; c; c = c->next)
    conn_kick(c);
  pthread_mutex_unlock(&t->lock);
}
