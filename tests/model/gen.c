/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gen.c: random configurations and steps.
 */
#include "gen.h"

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
  static const uint32_t far[] = {1000,       1025,       0x10000,   0x7fffffff,
                                 0x80000001, 0xfffffffc, 0xfffffffd};
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
  c->aec_supported = roll(4) ? 0 : (roll(2) ? NVMENS_AEC_ATTACHED_NS : 0xf80f2b01);
  c->aec_default = roll(2) ? 0 : (NVMENS_AEC_ATTACHED_NS | (roll(2) ? 0xc0080800 : 0));
  c->aec_default &= c->aec_supported ? c->aec_supported : 0x801ff;
  c->deadline_ns = roll(3) ? 4000 : 1;
  c->host_wait_ns = roll(3) ? 3000 + 500 * roll(40) : 0;
  c->host_memory_ns = roll(3) ? 10000 + 500 * roll(200) : 0;
  m->quiet = (uint8_t)(roll(3) ? 0 : roll(16));
  if (!roll(3)) {
    c->nlbaf = (uint8_t)(1 + roll(3));
    for (int i = 0; i < c->nlbaf; i++)
      c->lbaf[i] =
          (nvmens_lbaf){(uint8_t)(9 + 3 * roll(2)), (uint8_t)roll(4), (uint16_t)(8 * roll(2))};
  }
  c->gate_mode = roll(8) ? NVMENS_GATE_FENCE : NVMENS_GATE_AUTO;
  m->now = roll(32) ? 0 : UINT64_MAX - roll(20000);
  m->no_prepare = !roll(12);
  m->no_drain = !roll(8);
  m->no_identify = !roll(6);
}

/* ---- steps ---- */

static const uint8_t base[W_NOPS] = {
    [OP_ctrl_new] = 6,      [OP_ctrl_del] = 2,    [OP_enable] = 8,        [OP_reset] = 4,
    [OP_shutdown] = 1,      [OP_ns_new] = 14,     [OP_ns_attach] = 12,    [OP_ns_detach] = 10,
    [OP_ns_plug] = 5,       [OP_ns_unplug] = 7,   [OP_ns_update] = 6,     [OP_ns_find] = 1,
    [OP_done] = 14,         [OP_prepared] = 8,    [OP_poll] = 8,          [OP_pass] = 6,
    [OP_aer] = 16,          [OP_aer_abort] = 2,   [OP_post] = 6,          [OP_latch] = 3,
    [OP_was_read] = 4,      [OP_lane_new] = 3,    [OP_lane_del] = 1,      [OP_io_begin] = 10,
    [OP_io_next] = 2,       [OP_io_end] = 9,      [OP_io_end_remote] = 2, [OP_identify] = 16,
    [OP_get_log] = 16,      [OP_get_feature] = 1, [OP_set_feature] = 6,   [OP_create] = 8,
    [OP_delete] = 5,        [OP_attach] = 12,     [OP_detach] = 8,        [OP_abort] = 2,
    [OP_other] = 1,         [OP_drain_mode] = 4,  [OP_prepare_mode] = 3,  [OP_fail_transfer] = 2,
    [OP_fail_identify] = 1, [OP_query] = 2,       [OP_rest] = 1,          [OP_subsys_del] = 1,
    [OP_host] = 24,         [OP_swap] = 8,
};

/* Linux with two or three paths, whose namespaces come and go on each, and are swapped. */
static const uint8_t paths[W_NOPS] = {
    [OP_ctrl_new] = 4, [OP_ctrl_del] = 2,  [OP_enable] = 7,     [OP_reset] = 3,
    [OP_shutdown] = 1, [OP_ns_new] = 10,   [OP_ns_attach] = 16, [OP_ns_detach] = 14,
    [OP_ns_plug] = 2,  [OP_ns_unplug] = 6, [OP_ns_update] = 1,  [OP_done] = 4,
    [OP_prepared] = 2, [OP_poll] = 2,      [OP_pass] = 3,       [OP_get_log] = 2,
    [OP_create] = 2,   [OP_delete] = 2,    [OP_attach] = 4,     [OP_detach] = 4,
    [OP_rest] = 1,     [OP_host] = 60,     [OP_swap] = 10,
};

typedef struct weights {
  uint32_t op[W_NOPS], sum;
  uint32_t of_paths;
  uint32_t armed; /* one step in so many is kept for a hook; 0: none */
  uint32_t few;   /* numbers stay small: mostly valid arguments */
} weights;

static void make_weights(weights *w, uint32_t of_paths)
{
  static const uint8_t times[] = {0, 1, 2, 2, 4, 4, 8, 24};

  w->sum = 0;
  for (int i = 0; i < W_NOPS; i++) {
    w->op[i] = (of_paths ? paths[i] : base[i]) * times[roll(8)];
    if ((i == OP_ctrl_new && !of_paths) || i == OP_enable || i == OP_ns_new)
      w->op[i] = (of_paths ? paths[i] : base[i]) * 4;
    w->sum += w->op[i];
  }
  w->armed = roll(2) ? 0 : 4 + roll(16);
  w->few = roll(3);
  w->of_paths = of_paths;
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
  if (!w->of_paths)
    return;
  if (op == OP_ctrl_new) {
    s->a[2] = 0;
    s->a[3] = roll(8) ? 1 : 2;
  } else if (op == OP_ns_new || op == OP_swap) {
    s->a[1] = (uint8_t)((s->a[1] & 2) | (roll(8) != 0));
    s->a[3] = op == OP_swap ? 0 : s->a[3] & 1;
    s->a[5] = 0;
  } else if (op == OP_create) {
    s->a[3] = 1;
    s->a[4] = s->a[5] = 0;
  }
}

void gen_make(gen_run *r, uint64_t seed)
{
  unsigned every, looks, of_paths;
  weights w;

  state = seed;
  make_conf(&r->conf);
  r->conf.drivers = (uint8_t)(roll(2) ? 0 : (roll(2) ? roll(256) : 0x55)); /* 0x55: all Linux */
  of_paths = !roll(5);
  if (of_paths) {
    r->conf.drivers = 0x55;
    r->conf.cfg.maxdna = r->conf.cfg.maxcna = 0;
    r->conf.cfg.tnvmcap.lo = 0;
  }
  if (r->conf.drivers && r->conf.cfg.nn == NVMENS_NSID_MAX) {
    r->conf.cfg.nn--; /* CNS 03h cannot name that NSID: no host can have it */
    r->conf.nnsids--;
  }
  make_weights(&w, of_paths);
  every = roll(200) ? 1000 : 1; /* pages; */
  r->n = every == 1 ? 60 + roll(200) : 60 + roll(GEN_STEPS - 60);
  looks = roll(8) ? 97 : 1 + roll(8); /* queries */
  for (unsigned i = 0; i < r->n; i++) {
    make_step(&w, &r->step[i]);
    if (i < 3 && i % 2 == 0)
      r->step[i] = (w_step){OP_ctrl_new, 0, {(uint8_t)i, 0, 0, (uint8_t)(roll(4) ? 1 : roll(3))}};
    else if (i < 4 && i % 2)
      r->step[i] = (w_step){OP_enable, 0, {(uint8_t)(i - 1), 0}};
    else if (i % every == every - 1)
      r->step[i] = (w_step){OP_pages, 0, {0}};
    else if (i % looks == looks - 1)
      r->step[i] = (w_step){OP_query, 0, {0}};
  }
}
