/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_coroutines.c: hooks that are suspended, as QEMU's coroutines are. Those of one thread end in
 * any order, and while one is suspended the main loop goes on (T3, T4, R35).
 */
#include "rig_more.h"
#include <ucontext.h>

enum { COROUTINES = 2, STACK = 256 * 1024 };

typedef struct coroutine {
  ucontext_t context;
  rig_ctrl *c;
  uint32_t nsid;
  rig_cmd *cmd;
  int inside; /* a hook */
  int over;
  char *stack;
} coroutine;

static struct {
  ucontext_t main;
  coroutine co[COROUTINES];
  int now; /* COROUTINES: the main loop */
  rig_kind in;
} w;

/* ---- coroutines ---- */

static void go(int to)
{
  int from = w.now;

  w.now = to;
  swapcontext(from == COROUTINES ? &w.main : &w.co[from].context,
              to == COROUTINES ? &w.main : &w.co[to].context);
}

/* The rig takes hooks to nest; here each is on its own. */
static void suspend(rig *r, const rig_event *e)
{
  coroutine *self = &w.co[w.now];
  const int hooks = r->hooks;

  if (w.now == COROUTINES || e->kind != w.in)
    return;
  r->hooks = 0;
  self->inside = 1;
  go(COROUTINES);
  self->inside = 0;
  r->hooks = hooks;
}

static void body(void)
{
  coroutine *self = &w.co[w.now];
  static uint8_t page[COROUTINES][NVMENS_PAGE];
  uint8_t *data = page[self - w.co];

  if (w.in == RIG_PREPARE) {
    memset(data, 0, NVMENS_PAGE);
    data[0] = 1; /* one controller */
    self->cmd = rig_admin(self->c, .opcode = NVMENS_OP_NS_ATTACHMENT, .nsid = self->nsid,
                          .data = data, .size = NVMENS_PAGE);
  } else {
    self->cmd = rig_admin(self->c, .opcode = NVMENS_OP_IDENTIFY, .nsid = self->nsid, .data = data,
                          .size = NVMENS_PAGE);
  }
  self->over = 1;
  go(COROUTINES);
}

/* Runs it until it is suspended in the hook. */
static void begin(int i, rig_ctrl *c, uint32_t nsid)
{
  coroutine *co = &w.co[i];

  co->c = c;
  co->nsid = nsid;
  co->over = 0;
  co->stack = malloc(STACK);
  RIG_MUST(co->stack && getcontext(&co->context) == 0);
  co->context.uc_stack.ss_sp = co->stack;
  co->context.uc_stack.ss_size = STACK;
  makecontext(&co->context, body, 0);
  go(i);
  ck_assert_int_eq(co->inside, 1);
}

static void end(int i)
{
  go(i);
  ck_assert_int_eq(w.co[i].over, 1);
  free(w.co[i].stack);
}

/* Two namespaces, two controllers, neither attached. */
static rig *setup(rig_kind in, rig_ctrl *c[2])
{
  rig *r = rig_new_without(NULL, RIG_NO_LOCK);

  w.now = COROUTINES;
  w.in = in;
  for (uint32_t i = 0; i < 2; i++) {
    c[i] = rig_ctrl_on(r);
    rig_ns_new(r,
               &(nvmens_ns_config){.nsid = i + 1, .shared = 1, .auto_attach = in != RIG_PREPARE});
  }
  r->prepare = RIG_PREPARE_DONE;
  r->react = suspend;
  r->react_on = RIG_BIT(in);
  return r;
}

static const rig_kind kind[] = {RIG_TRANSFER, RIG_IDENTIFY, RIG_PREPARE};

START_TEST(T4_the_first_in_is_the_first_out)
{
  rig_ctrl *c[2];
  rig *r = setup(kind[_i], c);

  begin(0, c[0], 1);
  begin(1, c[0], 2);
  end(0);
  end(1);
  RIG_OK(w.co[0].cmd);
  RIG_OK(w.co[1].cmd);
  rig_reset(c[0]);
  ck_assert_uint_eq(c[0]->resets, 1);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_returns_while_a_hook_is_suspended)
{
  rig_ctrl *c[2];
  rig *r = setup(kind[_i], c);

  begin(0, c[0], 1);
  begin(1, c[1], 2);
  nvmens_ctrl_reset(c[0]->c);
  ck_assert_uint_eq(c[0]->resets, 0);
  nvmens_ctrl_reset(c[1]->c);
  end(1);
  ck_assert_uint_eq(c[0]->resets, 0);
  ck_assert_uint_eq(c[1]->resets, 1);
  end(0);
  ck_assert_uint_eq(c[0]->resets, 1);
  ck_assert_uint_eq(w.co[0].cmd->dropped, 1);
  ck_assert_uint_eq(w.co[1].cmd->dropped, 1);
  rig_end(r);
}
END_TEST

/* Its namespace is unplugged and its controller removed; both go when the hook has returned. */
START_TEST(T4_what_a_suspended_hook_names_goes_after_it)
{
  rig_ctrl *c[2];
  rig *r = setup(kind[_i], c);
  rig_ns *ns = rig_find(r, 1);
  nvmens_ctrl *ctrl = c[0]->c;

  begin(0, c[0], 1);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  ck_assert_int_eq(nvmens_ns_unplug(r->s, ns->ref, NVMENS_SURPRISE, r->now, RIG_NEVER), 0);
  nvmens_ctrl_del(ctrl);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  ck_assert_int_eq(c[0]->released, 0);
  ck_assert_int_eq(ns->released, w.in == RIG_TRANSFER); /* transfer names none */
  end(0);
  ck_assert_int_eq(c[0]->released, 1);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("coroutines");
  TCase *t = tcase_create("coroutines");

  tcase_add_loop_test(t, T4_the_first_in_is_the_first_out, 0, 3);
  tcase_add_loop_test(t, R35_a_reset_returns_while_a_hook_is_suspended, 0, 3);
  tcase_add_loop_test(t, T4_what_a_suspended_hook_names_goes_after_it, 0, 3);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
