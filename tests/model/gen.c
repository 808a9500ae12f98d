/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gen.c: random configurations and steps, and both as text.
 */
#include "gen.h"

#include <inttypes.h>

static uint64_t state;

static uint32_t any(void)
{
  uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));

  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (uint32_t)((z ^ (z >> 31)) >> 16);
}

static uint32_t roll(uint32_t below)
{
  return any() % below;
}

/* ---- configuration ---- */

/* Small, or huge and sparse with few namespaces; the lowest NSIDs are always in the pool. */
static void make_nsids(m_config *m)
{
  static const uint32_t far[] = {1000, 1025, 0x10000, 0x7fffffff, 0x80000001, 0xfffffffc, 0xfffffffd};
  uint32_t low = 4 + roll(5);

  m->nnsids = 0;
  for (uint32_t n = 1; n <= low && m->nnsids < 8; n++)
    m->nsid[m->nnsids++] = n;
  m->cfg.nn = low;
  m->cfg.mnan = roll(3) ? 0 : 1 + roll(low);
  if (roll(6))
    return;
  m->cfg.nn = roll(2) ? NVMENS_NSID_MAX : 0xfffffffd;
  m->cfg.mnan = low - 1;
  for (unsigned i = 0; i < 7 && m->nnsids < M_NSIDS; i++)
    if (roll(2))
      m->nsid[m->nnsids++] = far[i];
  if (m->cfg.nn == NVMENS_NSID_MAX)
    m->nsid[m->nnsids < M_NSIDS ? m->nnsids++ : M_NSIDS - 1] = NVMENS_NSID_MAX;
}

static void make_conf(m_config *m)
{
  nvmens_subsys_config *c = &m->cfg;

  memset(m, 0, sizeof(*m));
  make_nsids(m);
  c->max_ctrls = roll(4) ? 0 : 2 + roll(2);
  c->aerl = (uint8_t)roll(4);
  c->aerl_is_zero = c->aerl == 0 && roll(2);
  c->mask_scope = (uint8_t)roll(2);
  c->inactive_io = (uint8_t)roll(2);
  c->tnvmcap.lo = roll(3) ? 0 : 2048u * 512 + roll(4) * 1000;
  c->maxdna = roll(4) ? 0 : 1 + roll(8);
  c->maxcna = roll(4) ? 0 : 1 + roll(4);
  c->csi_supported = roll(2) ? 1 : (roll(3) ? 5 : 7);
  c->aec_supported = roll(4) ? 0 : (roll(2) ? NVMENS_AEC_ATTACHED_NS : 0x80b01);
  c->aec_default = roll(2) ? 0 : (NVMENS_AEC_ATTACHED_NS | (roll(2) ? NVMENS_AEC_ALLOCATED_NS : 0));
  if (c->aec_supported)
    c->aec_default &= c->aec_supported;
  c->deadline_ns = roll(3) ? 4000 : 1;
  if (!roll(3)) {
    c->nlbaf = (uint8_t)(1 + roll(3));
    for (int i = 0; i < c->nlbaf; i++)
      c->lbaf[i] = (nvmens_lbaf){(uint8_t)(9 + 3 * roll(2)), (uint8_t)roll(4),
                                 (uint16_t)(8 * roll(2))};
  }
  c->gate_mode = roll(8) ? NVMENS_GATE_FENCE : NVMENS_GATE_AUTO;
  m->no_prepare = !roll(12);
  m->no_drain = !roll(8);
  m->no_identify = !roll(6);
}

/* ---- steps ---- */

static const uint8_t base[W_NOPS] = {
    [OP_ctrl_new] = 6,     [OP_ctrl_del] = 2,      [OP_enable] = 8,       [OP_reset] = 4,
    [OP_shutdown] = 1,     [OP_ns_new] = 14,       [OP_ns_attach] = 12,   [OP_ns_detach] = 10,
    [OP_ns_plug] = 5,      [OP_ns_unplug] = 7,     [OP_ns_update] = 6,    [OP_ns_find] = 1,
    [OP_done] = 14,        [OP_prepared] = 8,      [OP_poll] = 8,         [OP_pass] = 6,
    [OP_aer] = 16,         [OP_aer_abort] = 2,     [OP_post] = 6,         [OP_latch] = 3,
    [OP_was_read] = 4,     [OP_lane_new] = 3,      [OP_lane_del] = 1,     [OP_io_begin] = 10,
    [OP_io_next] = 2,      [OP_io_end] = 9,        [OP_io_end_remote] = 2, [OP_identify] = 16,
    [OP_get_log] = 16,     [OP_get_feature] = 1,   [OP_set_feature] = 6,  [OP_create] = 8,
    [OP_delete] = 5,       [OP_attach] = 12,       [OP_detach] = 8,       [OP_abort] = 2,
    [OP_other] = 1,        [OP_drain_mode] = 4,    [OP_prepare_mode] = 3, [OP_fail_transfer] = 2,
    [OP_fail_identify] = 1, [OP_query] = 2,        [OP_rest] = 1,
};

typedef struct weights {
  uint32_t op[W_NOPS], sum;
  uint32_t armed; /* one step in so many is kept for a hook; 0: none */
  uint32_t few;   /* numbers stay small: mostly valid arguments */
} weights;

static void make_weights(weights *w)
{
  static const uint8_t times[] = {0, 1, 2, 2, 4, 4, 8, 24};

  w->sum = 0;
  for (int i = 0; i < W_NOPS; i++) {
    w->op[i] = base[i] * times[roll(8)];
    if (i == OP_ctrl_new || i == OP_enable || i == OP_ns_new)
      w->op[i] = base[i] * 4;
    w->sum += w->op[i];
  }
  w->armed = roll(2) ? 0 : 4 + roll(16);
  w->few = roll(3);
}

static void make_step(const weights *w, w_step *s)
{
  uint32_t at = roll(w->sum);
  uint8_t op = 0;

  while (at >= w->op[op])
    at -= w->op[op++];
  s->op = op;
  s->when = w->armed && !roll(w->armed) ? (uint8_t)(1 + roll(K_KINDS - 1)) : 0;
  for (int i = 0; i < W_ARGS; i++)
    s->a[i] = (uint8_t)(w->few && roll(8) ? roll(128) : roll(256));
}

void gen_make(gen_run *r, uint64_t seed)
{
  unsigned every;
  weights w;

  state = seed;
  make_conf(&r->conf);
  r->drivers = (uint8_t)(roll(4) ? 0 : 1 + roll(3));
  make_weights(&w);
  every = roll(8) ? 97 : 1 + roll(8);
  r->n = 60 + roll(GEN_STEPS - 60);
  for (unsigned i = 0; i < r->n; i++) {
    make_step(&w, &r->step[i]);
    if (i < 3 && i % 2 == 0)
      r->step[i] = (w_step){OP_ctrl_new, 0, {(uint8_t)i, 0, 0, (uint8_t)(roll(4) ? 1 : roll(3))}};
    else if (i < 4 && i % 2)
      r->step[i] = (w_step){OP_enable, 0, {(uint8_t)(i - 1), 0}};
    else if (i % every == every - 1)
      r->step[i] = (w_step){every < 10 ? OP_query : OP_pages, 0, {0}};
  }
}

/* ---- as text ---- */

void gen_print(FILE *out, const gen_run *r)
{
  const nvmens_subsys_config *c = &r->conf.cfg;

  fprintf(out,
          "config nn=%u mnan=%u max_ctrls=%u aerl=%u aerl_is_zero=%u mask_scope=%u inactive_io=%u "
          "tnvmcap=%" PRIu64 " maxdna=%" PRIu64 " maxcna=%u csi=%u aec=%u aec_default=%u "
          "deadline=%" PRIu64 " gate=%u no_prepare=%u no_drain=%u no_identify=%u drivers=%u\n",
          c->nn, c->mnan, c->max_ctrls, c->aerl, c->aerl_is_zero, c->mask_scope, c->inactive_io,
          c->tnvmcap.lo, c->maxdna, c->maxcna, c->csi_supported, c->aec_supported, c->aec_default,
          c->deadline_ns, c->gate_mode, r->conf.no_prepare, r->conf.no_drain, r->conf.no_identify,
          r->drivers);
  fprintf(out, "nsids");
  for (int i = 0; i < r->conf.nnsids; i++)
    fprintf(out, " %u", r->conf.nsid[i]);
  fprintf(out, "\n");
  for (int i = 0; i < c->nlbaf; i++)
    fprintf(out, "lbaf %u %u %u\n", c->lbaf[i].lbads, c->lbaf[i].rp, c->lbaf[i].ms);
  for (unsigned i = 0; i < r->n; i++) {
    const w_step *s = &r->step[i];

    fprintf(out, "%s %s %u %u %u %u %u %u %u\n", w_hook_name[s->when], w_op_name[s->op], s->a[0],
            s->a[1], s->a[2], s->a[3], s->a[4], s->a[5], s->a[6]);
  }
}

static int read_config(const char *line, gen_run *r)
{
  nvmens_subsys_config *c = &r->conf.cfg;
  unsigned aerl, zero, scope, inactive, gate, no[3], drivers;
  int n;

  n = sscanf(line,
             "config nn=%u mnan=%u max_ctrls=%u aerl=%u aerl_is_zero=%u mask_scope=%u "
             "inactive_io=%u tnvmcap=%" SCNu64 " maxdna=%" SCNu64 " maxcna=%u csi=%u aec=%u "
             "aec_default=%u deadline=%" SCNu64 " gate=%u no_prepare=%u no_drain=%u "
             "no_identify=%u drivers=%u",
             &c->nn, &c->mnan, &c->max_ctrls, &aerl, &zero, &scope, &inactive, &c->tnvmcap.lo,
             &c->maxdna, &c->maxcna, &c->csi_supported, &c->aec_supported, &c->aec_default,
             &c->deadline_ns, &gate, &no[0], &no[1], &no[2], &drivers);
  c->aerl = (uint8_t)aerl;
  c->aerl_is_zero = (uint8_t)zero;
  c->mask_scope = (uint8_t)scope;
  c->inactive_io = (uint8_t)inactive;
  c->gate_mode = (uint8_t)gate;
  r->conf.no_prepare = (uint8_t)no[0];
  r->conf.no_drain = (uint8_t)no[1];
  r->conf.no_identify = (uint8_t)no[2];
  r->drivers = (uint8_t)drivers;
  return n == 19;
}

static int find(const char *name, const char *const *names, int n)
{
  for (int i = 0; i < n; i++)
    if (strcmp(names[i], name) == 0)
      return i;
  return -1;
}

static int read_step(const char *line, gen_run *r)
{
  w_step *s = &r->step[r->n];
  char when[16], op[24];
  unsigned a[W_ARGS];
  int o, k;

  if (r->n == GEN_STEPS || sscanf(line, "%15s %23s %u %u %u %u %u %u %u", when, op, &a[0], &a[1],
                                  &a[2], &a[3], &a[4], &a[5], &a[6]) != 9)
    return 0;
  k = find(when, w_hook_name, K_KINDS);
  o = find(op, w_op_name, W_NOPS);
  if (k < 0 || o < 0)
    return 0;
  s->when = (uint8_t)k;
  s->op = (uint8_t)o;
  for (int i = 0; i < W_ARGS; i++)
    s->a[i] = (uint8_t)a[i];
  r->n++;
  return 1;
}

int gen_read(FILE *in, gen_run *r)
{
  char line[512], *at, *end;
  unsigned f[3];
  int number = 0;

  memset(r, 0, sizeof(*r));
  while (fgets(line, sizeof(line), in)) {
    number++;
    if (line[0] == '#' || line[0] == '\n')
      continue;
    if (strncmp(line, "config ", 7) == 0) {
      if (!read_config(line, r))
        return number;
    } else if (strncmp(line, "nsids", 5) == 0) {
      for (at = line + 5; r->conf.nnsids < M_NSIDS; at = end) {
        uint32_t nsid = (uint32_t)strtoul(at, &end, 10);

        if (end == at)
          break;
        r->conf.nsid[r->conf.nnsids++] = nsid;
      }
    } else if (sscanf(line, "lbaf %u %u %u", &f[0], &f[1], &f[2]) == 3) {
      nvmens_lbaf fmt = {(uint8_t)f[0], (uint8_t)f[1], (uint16_t)f[2]};

      r->conf.cfg.lbaf[r->conf.cfg.nlbaf++] = fmt;
    } else if (!read_step(line, r)) {
      return number;
    }
  }
  return 0;
}
