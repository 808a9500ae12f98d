/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_gate.c: the data path on one thread (R51, C16, C17, G1-G3; the file head of gate.h). Most of
 * it runs twice, with membarrier and with fences.
 */
#include "rig_more.h"

#define PATH       ((uint16_t)NVMENS_SC_INTERNAL_PATH_ERROR)
#define SQ_DELETED ((uint16_t)NVMENS_SC_ABORTED_SQ_DELETED)

static uint8_t mode; /* of the test that runs */

static rig *gate_rig(uint8_t policy)
{
  return rig_new(&(nvmens_subsys_config){.nn = 2048, .inactive_io = policy, .gate_mode = mode});
}

/* A test that runs in both modes. */
#define GATE_TEST(name)                                                                            \
  static void name##_in(rig *r);                                                                   \
  START_TEST(name)                                                                                 \
  {                                                                                                \
    for (mode = NVMENS_GATE_AUTO; mode <= NVMENS_GATE_FENCE; mode++)                               \
      name##_in(gate_rig(NVMENS_IO_AUTO));                                                         \
  }                                                                                                \
  END_TEST                                                                                         \
  static void name##_in(rig *r)

/* ---- begin and end ---- */

GATE_TEST(G1_a_begin_holds_the_backends_object)
{
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_uint_eq(io.sf, 0);
  ck_assert_ptr_eq(io.ns, ns);
  ck_assert_ptr_nonnull(io.ticket.slot);
  ck_assert_uint_eq(rig_att(ns, c).in_flight, 1);
  rig_io_end(&io);
  ck_assert_uint_eq(rig_att(ns, c).in_flight, 0);
  rig_end(r);
}

GATE_TEST(G2_no_begin_after_the_close)
{
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(rig_att(ns, c).open, 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0); /* another attach has opened it */
  rig_end(r);
}

static uint16_t seen;

static void begin_in_hook(rig *r, const rig_event *e)
{
  (void)e;
  seen = more_begin(r, r->react_arg, 1);
}

GATE_TEST(G2_the_gate_is_closed_when_drain_begins)
{
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  r->react_arg = rig_lane(c);
  r->react = begin_in_hook;
  r->react_on = RIG_BIT(RIG_DRAIN);
  seen = 0;
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(seen, DNR02);
  rig_end(r);
}

GATE_TEST(G3_the_last_end_wakes_and_the_others_may)
{
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io a = rig_io_begin(r, lane, 1), b = rig_io_begin(r, lane, 1);
  unsigned wakes = r->wakes;

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_io_end(&a);
  rig_rest(r);
  wakes = r->wakes;
  rig_io_end_remote(&b);
  ck_assert_uint_gt(r->wakes, wakes);
  rig_rest(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}

/* ---- who is refused, and how ---- */

GATE_TEST(R2_an_invalid_nsid_is_refused_with_00b)
{
  nvmens_lane *lane = rig_lane(rig_ctrl_on(r));

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(more_begin(r, lane, 0), DNR0B);
  ck_assert_uint_eq(more_begin(r, lane, 2049), DNR0B);
  ck_assert_uint_eq(more_begin(r, lane, 0xFFFFFFFE), DNR0B);
  rig_end(r);
}

GATE_TEST(R2_all_namespaces_are_refused_with_002)
{
  nvmens_lane *lane = rig_lane(rig_ctrl_on(r));

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(more_begin(r, lane, NVMENS_NSID_ALL), DNR02);
  rig_end(r);
}

GATE_TEST(R2_an_inactive_nsid_is_refused_with_002)
{
  nvmens_lane *lane = rig_lane(rig_ctrl_on(r));

  ck_assert_uint_eq(more_begin(r, lane, 7), DNR02); /* unallocated */
  rig_ns_loose(r, 7);
  ck_assert_uint_eq(more_begin(r, lane, 7), DNR02); /* unattached */
  ck_assert_uint_eq(more_begin(r, lane, 2048), DNR02);
  rig_end(r);
}

GATE_TEST(R51_a_controller_that_is_not_ready_refuses_with_008)
{
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  nvmens_lane *lane = rig_lane(c);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(more_begin(r, lane, 1), SQ_DELETED); /* never enabled */
  rig_enable(c);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_reset(c);
  ck_assert_uint_eq(more_begin(r, lane, 1), SQ_DELETED);
  ck_assert_uint_eq(more_begin(r, lane, 7), SQ_DELETED);
  rig_enable(c);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_shutdown(c);
  ck_assert_uint_eq(more_begin(r, lane, 1), SQ_DELETED);
  rig_end(r);
}

GATE_TEST(C17_late_io_after_an_unplug_is_answered)
{
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_end(r);
}

START_TEST(G1_a_refusal_leaves_no_ticket)
{
  rig *r = rig_new(NULL);
  nvmens_lane *lane = rig_lane(rig_ctrl_on(r));
  nvmens_ticket ticket = {(nvmens_slot *)lane, NULL};
  void *user;

  ck_assert_uint_eq(nvmens_io_begin(lane, 1, &ticket, &user).sf, DNR02);
  ck_assert_ptr_null(ticket.slot);
  rig_end(r);
}
END_TEST

/* ---- C16: another path ---- */

/* Two controllers, of these hosts, with namespace 1 attached to both and then not to the first. */
static nvmens_lane *lost_path(rig *r, uint8_t host0, uint8_t host1)
{
  rig_ctrl *a = more_ctrl_of(r, host0);
  rig_ns *ns;

  more_ctrl_of(r, host1);
  ns = rig_ns_auto(r, 1);
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  return rig_lane(a);
}

GATE_TEST(C16_another_path_of_the_same_host_gets_300)
{
  nvmens_lane *lane = lost_path(r, 5, 5);

  ck_assert_uint_eq(more_begin(r, lane, 1), PATH); /* no DNR */
  rig_end(r);
}

GATE_TEST(C16_the_path_of_another_host_does_not_count)
{
  nvmens_lane *lane = lost_path(r, 5, 6);

  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_end(r);
}

GATE_TEST(C16_unknown_hosts_are_not_the_same)
{
  nvmens_lane *lane = lost_path(r, 0, 0);

  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_end(r);
}

GATE_TEST(C16_all_bytes_of_the_hostid_count)
{
  rig_ctrl *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1, [15] = 1}});
  rig_ctrl *b = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1, [15] = 2}});
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_enable(a);
  rig_enable(b);
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, rig_lane(a), 1), DNR02);
  rig_end(r);
}

GATE_TEST(C16_the_other_path_must_be_ready)
{
  nvmens_lane *lane = lost_path(r, 5, 5);

  rig_reset(r->ctrl[1]);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_enable(r->ctrl[1]);
  ck_assert_uint_eq(more_begin(r, lane, 1), PATH);
  rig_shutdown(r->ctrl[1]);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_end(r);
}

GATE_TEST(C16_the_other_path_must_be_attached)
{
  nvmens_lane *lane = lost_path(r, 5, 5);
  rig_ns *ns = r->ns;

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, r->ctrl[1], NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02); /* DRAINING does not count */
  ck_assert_int_eq(rig_drained(ns, r->ctrl[1]), 0);
  ck_assert_int_eq(rig_attach(ns, r->ctrl[1]), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), PATH);
  rig_ctrl_del(r->ctrl[1]);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_end(r);
}

GATE_TEST(C16_a_path_that_comes_later_counts)
{
  rig_ctrl *a = more_ctrl_of(r, 5);
  nvmens_lane *lane = rig_lane(a);
  rig_ns *ns = rig_ns_auto(r, 1);

  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  more_ctrl_of(r, 5); /* auto attach */
  ck_assert_uint_eq(more_begin(r, lane, 1), PATH);
  rig_end(r);
}

GATE_TEST(C16_while_draining_the_other_path_counts_too)
{
  rig_ctrl *a = more_ctrl_of(r, 5);
  rig_ns *ns = more_pending(r, a, 1);

  ck_assert_int_eq(rig_attach(ns, more_ctrl_of(r, 5)), 0);
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, rig_lane(a), 1), PATH);
  rig_end(r);
}

GATE_TEST(C16_a_namespace_that_was_never_here_is_refused_with_002)
{
  rig_ctrl *a = more_ctrl_of(r, 5), *b = more_ctrl_of(r, 5);

  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 1), b), 0);
  ck_assert_uint_eq(more_begin(r, rig_lane(a), 1), DNR02);
  rig_end(r);
}

GATE_TEST(C16_an_unplugged_namespace_has_no_other_path)
{
  rig_ctrl *a = more_ctrl_of(r, 5), *b = more_ctrl_of(r, 5);
  rig_ns *ns = more_pending(r, a, 1);

  ck_assert_int_eq(rig_attach(ns, b), 0);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, rig_lane(a), 1), DNR02);
  ck_assert_uint_eq(more_begin(r, rig_lane(b), 1), DNR02);
  rig_end(r);
}

START_TEST(R51_policy_spec_never_answers_300)
{
  rig *r = gate_rig(NVMENS_IO_SPEC);
  nvmens_lane *lane = lost_path(r, 5, 5);

  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  rig_end(r);
}
END_TEST

/* ---- begin_next ---- */

/* The NSID held after this one, 0 for none; the command is ended at once. */
static uint32_t next_of(rig *r, nvmens_lane *lane, uint32_t after)
{
  nvmens_ticket ticket;
  uint32_t nsid = 99;
  void *user = NULL;

  ck_assert_uint_eq(nvmens_io_begin_next(lane, after, &nsid, &ticket, &user).sf, 0);
  if (nsid) {
    ck_assert_uint_eq(((rig_ns *)user)->ref.nsid, nsid);
    nvmens_io_end(lane, ticket);
  }
  rig_check(r);
  return nsid;
}

GATE_TEST(R2_begin_next_walks_the_active_namespaces)
{
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns;

  ck_assert_uint_eq(next_of(r, lane, 0), 0);
  rig_ns_auto(r, 3);
  rig_ns_loose(r, 4);
  ns = more_pending(r, c, 5);
  rig_ns_auto(r, 2048);
  ck_assert_uint_eq(next_of(r, lane, 0), 3);
  ck_assert_uint_eq(next_of(r, lane, 2), 3);
  ck_assert_uint_eq(next_of(r, lane, 3), 5);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(next_of(r, lane, 3), 2048);
  ck_assert_uint_eq(next_of(r, lane, 2048), 0);
  ck_assert_uint_eq(next_of(r, lane, 0xFFFFFFFF), 0);
  rig_end(r);
}

GATE_TEST(G1_begin_next_holds)
{
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_ticket ticket;
  uint32_t nsid;
  void *user;

  ck_assert_uint_eq(nvmens_io_begin_next(lane, 0, &nsid, &ticket, &user).sf, 0);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
  nvmens_io_end(lane, ticket);
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}

GATE_TEST(R51_begin_next_needs_a_ready_controller)
{
  nvmens_lane *lane = rig_lane(rig_ctrl_new(r, NULL));
  nvmens_ticket ticket;
  uint32_t nsid;
  void *user;

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(nvmens_io_begin_next(lane, 0, &nsid, &ticket, &user).sf, SQ_DELETED);
  rig_end(r);
}

GATE_TEST(C16_any_of_the_other_paths_counts)
{
  nvmens_lane *lane = lost_path(r, 5, 5);

  ck_assert_int_eq(rig_attach(r->ns, more_ctrl_of(r, 5)), NVMENS_ERR_EXISTS); /* by itself */
  ck_assert_int_eq(rig_detach(r->ns, r->ctrl[1], NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), PATH); /* the third has it */
  ck_assert_uint_eq(more_begin(r, rig_lane(r->ctrl[1]), 1), PATH);
  rig_end(r);
}

/* The moment at which the log says that it left: other threads are not kept from the gate then. */
static void begin_at_change(rig *r, const nvmens_trace *t)
{
  void *user;
  nvmens_ticket ticket;

  if (seen || t->machine != NVMENS_M_NOTICE || t->cntlid != 0)
    return;
  seen = nvmens_io_begin(r->react_arg, 1, &ticket, &user).sf;
  if (seen == 0)
    nvmens_io_end(r->react_arg, ticket);
}

GATE_TEST(C16_a_closed_gate_gives_the_right_answer_from_the_first)
{
  rig_ctrl *a = more_ctrl_of(r, 5), *b = more_ctrl_of(r, 5);
  rig_ns *ns = rig_ns_auto(r, 1);
  const uint16_t wanted[] = {PATH, DNR02, DNR02};

  r->react_arg = rig_lane(a);
  r->on_trace = begin_at_change;
  for (int i = 0; i < 3; i++) {
    if (i == 1)
      rig_reset(b); /* attached, but not ready */
    if (i == 2) {
      ck_assert_int_eq(rig_detach(ns, b, NVMENS_ORDERLY, RIG_NEVER), 0);
      rig_enable(b); /* ready, but not attached */
    }
    seen = 0;
    ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
    ck_assert_uint_eq(seen, wanted[i]);
    ck_assert_int_eq(rig_attach(ns, a), 0);
  }
  rig_end(r);
}

int main(void)
{
  const TTest *const tests[] = {
      G1_a_begin_holds_the_backends_object,
      G2_no_begin_after_the_close,
      G2_the_gate_is_closed_when_drain_begins,
      G3_the_last_end_wakes_and_the_others_may,
      R2_an_invalid_nsid_is_refused_with_00b,
      R2_all_namespaces_are_refused_with_002,
      R2_an_inactive_nsid_is_refused_with_002,
      R51_a_controller_that_is_not_ready_refuses_with_008,
      C17_late_io_after_an_unplug_is_answered,
      G1_a_refusal_leaves_no_ticket,
      C16_another_path_of_the_same_host_gets_300,
      C16_the_path_of_another_host_does_not_count,
      C16_unknown_hosts_are_not_the_same,
      C16_all_bytes_of_the_hostid_count,
      C16_the_other_path_must_be_ready,
      C16_the_other_path_must_be_attached,
      C16_a_path_that_comes_later_counts,
      C16_any_of_the_other_paths_counts,
      C16_a_closed_gate_gives_the_right_answer_from_the_first,
      C16_while_draining_the_other_path_counts_too,
      C16_a_namespace_that_was_never_here_is_refused_with_002,
      C16_an_unplugged_namespace_has_no_other_path,
      R51_policy_spec_never_answers_300,
      R2_begin_next_walks_the_active_namespaces,
      G1_begin_next_holds,
      R51_begin_next_needs_a_ready_controller,
  };

  return MORE_RUN("gate", tests);
}
