/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs.c: what a line on the control socket does. Control thread only; calls of the library that
 * name a controller are made with its life lock held, so that it cannot end meanwhile.
 */
#define _POSIX_C_SOURCE 200809L
#include "control.h"
#include <stdlib.h>
#include <string.h>

enum { WORDS = 72 }; /* a verb and arguments: a detach may name every controller */

typedef struct line {
  target *t;
  client *c;
  int n;
  const char *word[WORDS];
} line;

static const char *nsid_of(const line *l, uint32_t *out)
{
  uint64_t n;

  if (l->n < 2 || parse_number(l->word[1], 1, NVMENS_NSID_MAX, &n))
    return "NSID out of range";
  *out = (uint32_t)n;
  return NULL;
}

static const char *find(const line *l, nvmens_nsref *ref)
{
  uint32_t nsid;
  const char *why = nsid_of(l, &nsid);
  int err = why ? 0 : nvmens_ns_find(l->t->subsys, nsid, ref);

  return err ? error_word(err) : why;
}

static const char *verb_add(line *l)
{
  ns_spec spec = {.block = 512};
  const char *why = nsid_of(l, &spec.nsid);

  if (!why && spec.nsid > l->t->opt.nn)
    why = "NSID out of range";
  if (!why)
    why = l->n < 3 ? "neither ram:SIZE nor file:PATH" : spec_source(&spec, l->word[2]);
  for (int i = 3; !why && i < l->n; i++)
    why = spec_word(&spec, l->word[i]);
  if (!why && !spec.file && spec.size % spec.block)
    why = "not a multiple of the block size";
  return why ? why : ns_add(l->t, &spec);
}

static const char *verb_remove(line *l)
{
  uint64_t deadline = l->t->opt.deadline_ns;
  nvmens_mode mode = NVMENS_ORDERLY;
  bool wait = true;
  nvmens_nsref ref;
  const char *why = NULL;
  ns *n;
  int err;

  for (int i = 2; i < l->n && !why; i++) {
    if (strcmp(l->word[i], "surprise") == 0)
      mode = NVMENS_SURPRISE;
    else if (strcmp(l->word[i], "nowait") == 0)
      wait = false;
    else if (strcmp(l->word[i], "deadline=none") == 0)
      deadline = UINT64_MAX;
    else if (strncmp(l->word[i], "deadline=", 9) == 0)
      why = parse_seconds(l->word[i] + 9, &deadline);
    else if (strcmp(l->word[i], "orderly") != 0)
      why = "unknown word";
  }
  if (!why)
    why = find(l, &ref);
  if (why)
    return why;
  n = ns_get(l->t, ref.nsid);
  if (!n)
    return error_word(NVMENS_ERR_STALE);
  if (wait)
    l->c->waits_for = n->serial; /* its release comes by the mailbox, so not before we return */
  err = nvmens_ns_unplug(l->t->subsys, ref, mode, now_ns(), deadline);
  if (err)
    l->c->waits_for = 0;
  ns_put(n);
  return err ? error_word(err) : NULL;
}

static const char *attach_one(line *l, nvmens_nsref ref, ctrl *k, bool attach, nvmens_mode mode)
{
  int err = NVMENS_ERR_NOT_FOUND;

  pthread_mutex_lock(&k->life);
  if (!k->gone && attach)
    err = nvmens_ns_attach(l->t->subsys, ref, k->lib);
  else if (!k->gone)
    err = nvmens_ns_detach(l->t->subsys, ref, k->lib, mode, now_ns(), l->t->opt.deadline_ns);
  pthread_mutex_unlock(&k->life);
  return err ? error_word(err) : NULL;
}

/* In the order given; the first that fails ends the line, those before it stay. */
static const char *attach_or_detach(line *l, bool attach)
{
  bool surprise = !attach && l->n > 2 && strcmp(l->word[l->n - 1], "surprise") == 0;
  int last = l->n - surprise;
  nvmens_nsref ref;
  const char *why = find(l, &ref);

  if (!why && last < 3)
    why = "which controller?";
  for (int i = 2; i < last && !why; i++) {
    uint64_t cntlid;
    ctrl *k;

    why = parse_number(l->word[i], 0, NVMENS_CNTLID_MAX, &cntlid);
    k = why ? NULL : ctrl_get(l->t, (uint16_t)cntlid);
    if (!k)
      return why ? why : "no such controller";
    why = attach_one(l, ref, k, attach, surprise ? NVMENS_SURPRISE : NVMENS_ORDERLY);
    ctrl_put(k);
  }
  return why;
}

static const char *verb_attach(line *l)
{
  return attach_or_detach(l, true);
}

static const char *verb_detach(line *l)
{
  return attach_or_detach(l, false);
}

static const char *verb_resize(line *l)
{
  uint32_t nsid;
  uint64_t size;
  const char *why = nsid_of(l, &nsid);
  ns *n;

  if (!why)
    why = l->n != 3 || parse_size(l->word[2], &size) ? "not a size" : NULL;
  if (why)
    return why;
  n = ns_get(l->t, nsid);
  if (!n)
    return error_word(NVMENS_ERR_NOT_FOUND);
  why = ns_resize(n, size);
  ns_put(n);
  return why;
}

/* The bits of feature 0Bh that let an event pass; 0: no bit does. */
static uint32_t event_bits(uint64_t type, uint64_t info)
{
  if (type == NVMENS_AER_SMART)
    return NVMENS_AEC_SMART;
  if (type == NVMENS_AER_NOTICE && info == 1)
    return NVMENS_AEC_FIRMWARE;
  return 0;
}

static const char *verb_event(line *l)
{
  uint64_t type, info, lid;
  ctrl **all;
  size_t count;
  int err = 0;

  if (l->n != 4 || parse_number(l->word[1], 0, 7, &type) ||
      parse_number(l->word[2], 0, 255, &info) || parse_number(l->word[3], 0, 255, &lid))
    return "not TYPE INFO LID, decimal";
  count = ctrl_all(l->t, &all);
  for (size_t i = 0; i < count; i++) {
    pthread_mutex_lock(&all[i]->life);
    if (!all[i]->gone && !all[i]->discovery && !err)
      err = nvmens_event_post(all[i]->lib, (uint8_t)type, (uint8_t)info, (uint8_t)lid,
                              event_bits(type, info));
    pthread_mutex_unlock(&all[i]->life);
    ctrl_put(all[i]);
  }
  free(all);
  return err ? error_word(err) : NULL;
}

static const char *stall_or_not(line *l, enum stall how)
{
  uint32_t nsid;
  const char *why = nsid_of(l, &nsid);
  ns *n = why ? NULL : ns_get(l->t, nsid);

  if (!n)
    return why ? why : error_word(NVMENS_ERR_NOT_FOUND);
  ns_stall(n, how);
  ns_put(n);
  return NULL;
}

static const char *verb_stall(line *l)
{
  bool hard = l->n == 3 && strcmp(l->word[2], "hard") == 0;

  if (l->n > 3 || (l->n == 3 && !hard))
    return "unknown word";
  return stall_or_not(l, hard ? STALL_HARD : STALL_SOFT);
}

static const char *verb_unstall(line *l)
{
  return l->n > 2 ? "unknown word" : stall_or_not(l, STALL_NO);
}

static const char *verb_status(line *l)
{
  status_say(l->t, l->c);
  return NULL;
}

static const char *verb_watch(line *l)
{
  l->c->watch = true;
  return NULL;
}

static const char *verb_check(line *l)
{
  const char *why = NULL;

  return nvmens_subsys_check(l->t->subsys, &why) ? why : NULL;
}

static const char *verb_quit(line *l)
{
  atomic_store(&l->t->quit, true);
  kick(l->t->main_fd);
  return NULL;
}

static const struct verb {
  const char *name;
  const char *(*run)(line *); /* NULL: done, or c->waits_for is set */
} verbs[] = {
    {"add", verb_add},       {"remove", verb_remove},   {"attach", verb_attach},
    {"detach", verb_detach}, {"resize", verb_resize},   {"event", verb_event},
    {"stall", verb_stall},   {"unstall", verb_unstall}, {"status", verb_status},
    {"watch", verb_watch},   {"check", verb_check},     {"quit", verb_quit},
};

void verb_run(target *t, client *c, char *text)
{
  line l = {.t = t, .c = c};
  const char *why = "unknown verb";
  char *save = NULL;

  for (char *w = strtok_r(text, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
    if (l.n == WORDS) {
      client_end(c, "too many words");
      return;
    }
    l.word[l.n++] = w;
  }
  if (l.n == 0)
    return;
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
    if (strcmp(l.word[0], verbs[i].name) == 0)
      why = verbs[i].run(&l);
  if (!c->waits_for)
    client_end(c, why);
}
