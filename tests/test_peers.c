/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_peers.c: mistakes of existing targets that are about attachments, removal and identify (P7,
 * P10-P18, P20, P21, P23, P26). Those about events and logs are with the events and logs: P1-P3,
 * P8, P22, P25 in test_event_switch.c, P4, P6, P9 in test_log*.c, P5 in test_aer.c, P19 in
 * test_change.c.
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

static uint16_t try_io(rig *r, nvmens_lane *lane, uint32_t nsid)
{
  rig_io io = rig_io_begin(r, lane, nsid);

  if (io.sf == 0)
    rig_io_end(&io);
  return io.sf;
}

START_TEST(P7_no_notice_while_bit_8_is_clear)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  rig_unplug(rig_ns_auto(r, 1), NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

START_TEST(P10_a_detach_survives_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  RIG_OK(rig_host_detach(c0, 1, c0));
  rig_reenable(c0);
  rig_reenable(c1);
  ck_assert_str_eq(rig_ids(c0, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(rig_ids(c1, NVMENS_CNS_ACTIVE_NS_LIST),
                   "1"); /* R24: and so does an attachment */
  rig_end(r);
}
END_TEST

START_TEST(P10_a_hosts_attachment_survives_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  RIG_OK(rig_host_attach(c, 1, c));
  rig_shutdown(c);
  rig_reenable(c);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 1); /* it never went */
  rig_end(r);
}
END_TEST

START_TEST(P10_a_detach_is_kept_until_an_explicit_attach)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  RIG_OK(rig_host_detach(c, 1, c));
  rig_ctrl_on(r); /* evaluates auto attach, for itself only */
  rig_ns_auto(r, 2);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "2");
  ck_assert_int_eq(rig_plug(ns), 0); /* a host's detach notwithstanding */
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(P11_plugged_before_the_first_io_queue_it_is_there_and_told)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4); /* CC.EN is 1, there is no lane */

  rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_uint_eq(try_io(r, rig_lane(c), 1), 0);
  rig_end(r);
}
END_TEST

START_TEST(P11_plugged_while_disabled_it_is_there_silently)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_default = RIG_BIT4});
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  rig_ns_auto(r, 1);
  rig_enable(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(P11_plugged_before_the_controller_was_made_it_is_there)
{
  rig *r = rig_new(NULL);

  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  ck_assert_str_eq(rig_ids(rig_ctrl_on(r), NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(P12_a_private_namespace_goes_to_one_controller)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1});

  ck_assert_str_eq(rig_ids(c0, NVMENS_CNS_ACTIVE_NS_LIST), "1"); /* the lowest CNTLID */
  ck_assert_str_eq(rig_ids(c1, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_int_eq(rig_attach(ns, c1), NVMENS_ERR_PRIVATE);
  RIG_FAILS(rig_host_attach(c1, 1, c1), RIG_DNR(NVMENS_SC_NS_IS_PRIVATE));
  rig_end(r);
}
END_TEST

START_TEST(P12_a_private_namespace_goes_to_its_home)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);

  rig_ns_new(r, &(nvmens_ns_config){
                    .nsid = 1, .auto_attach = 1, .home_given = 1, .home_cntlid = rig_cntlid(c1)});
  ck_assert_str_eq(rig_ids(c0, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(rig_ids(c1, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(P12_a_draining_private_namespace_is_still_attached_elsewhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1});

  ns->drain = RIG_DRAIN_PENDING;
  rig_detach(ns, c0, NVMENS_SURPRISE, RIG_NEVER);
  ck_assert_int_eq(rig_attach(ns, c1), 0); /* R58: follows the drain */
  ck_assert_uint_eq(rig_att(ns, c1).state, NVMENS_ATT_WANTED);
  rig_drained(ns, c0);
  rig_rest(r);
  ck_assert_uint_eq(rig_att(ns, c1).state, NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(P13_what_arrives_during_the_drain_is_answered_and_not_counted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_io io = rig_io_begin(r, lane, 1);
  unsigned i;

  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  for (i = 0; i < 100; i++)
    ck_assert_uint_ne(try_io(r, lane, 1), 0);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_uint_ne(try_io(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

START_TEST(P14_identify_of_all_namespaces_gives_common_capabilities)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_id_ns page;

  RIG_OK(rig_identify(c, NVMENS_CNS_NS, NVMENS_NSID_ALL, &page));
  ck_assert_uint_eq(page.lbaf[0].lbads, 9);
  rig_end(r);
}
END_TEST

START_TEST(P14_without_namespace_management_it_is_an_invalid_namespace)
{
  rig *r = rig_new_without(NULL, RIG_NO_PREPARE);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t page[NVMENS_PAGE];

  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS, NVMENS_NSID_ALL, page),
            RIG_DNR(NVMENS_SC_INVALID_NS_OR_FORMAT));
  rig_end(r);
}
END_TEST

START_TEST(P15_every_drain_counts_anew)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c);
  unsigned i;

  for (i = 0; i < 20; i++) {
    rig_io io = rig_io_begin(r, lane, 1);

    ck_assert_uint_eq(io.sf, 0);
    rig_detach(ns, c, i % 2 ? NVMENS_SURPRISE : NVMENS_ORDERLY, RIG_NEVER);
    rig_rest(r);
    ck_assert_uint_eq(ns->on[0], 1);
    ck_assert_uint_eq(rig_att(ns, c).in_flight, 1);
    if (i % 3)
      rig_io_end(&io);
    else
      rig_io_end_remote(&io);
    rig_rest(r);
    ck_assert_uint_eq(ns->on[0], 0);
    rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER); /* nothing to drain: NOT_ATTACHED */
    ck_assert_int_eq(rig_attach(ns, c), 0);
  }
  rig_end(r);
}
END_TEST

START_TEST(P16_a_late_removal_does_not_hit_the_new_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *old = rig_ns_auto(r, 1), *fresh;

  rig_unplug(old, NVMENS_ORDERLY, RIG_NEVER);
  fresh = rig_ns_auto(r, 1);
  ck_assert_uint_eq(fresh->ref.nsid, old->ref.nsid);
  ck_assert_uint_ne(fresh->ref.gen, old->ref.gen);
  ck_assert_int_eq(rig_unplug(old, NVMENS_SURPRISE, 0), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_detach(old, c, NVMENS_ORDERLY, 0), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_resize(old, 5), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_attach(old, c), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_plug(old), NVMENS_ERR_STALE);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  ck_assert_int_eq(fresh->released, 0);
  rig_end(r);
}
END_TEST

START_TEST(P17_remove_and_add_is_told_and_serves_the_new_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *old = rig_ns_auto(r, 1), *fresh;
  nvmens_lane *lane = rig_lane(c);
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_ptr_eq(io.ns, old);
  rig_io_end(&io);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_unplug(old, NVMENS_ORDERLY, RIG_NEVER);
  fresh = rig_ns_auto(r, 1);
  for (unsigned scan = 0; scan < 2; scan++) { /* H1: the host drops the old disk first (R61) */
    ck_assert_uint_ne(try_io(r, lane, 1), 0);
    ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
    ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  }
  io = rig_io_begin(r, lane, 1);
  ck_assert_ptr_eq(io.ns, fresh);
  rig_io_end(&io);
  ck_assert_int_eq(old->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(P18_a_drain_freezes_nothing_else)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4), *late;
  rig_ns *stuck = rig_ns_auto(r, 1);
  rig_cmd *cmd;
  uint8_t page[NVMENS_PAGE];

  stuck->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_delete(c, 1);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, page));
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  RIG_OK(rig_host_create(c, 64, 1));
  RIG_OK(rig_host_attach(c, 2, c));
  late = rig_ctrl_on(r); /* a new connection */
  ck_assert_str_eq(rig_ids(late, NVMENS_CNS_ALLOCATED_NS_LIST), "2");
  RIG_OK(rig_host_delete(late, 2));
  ck_assert(rig_is_open(cmd));
  rig_pass(r, 60 * (uint64_t)RIG_SEC);
  RIG_OK(cmd); /* and it has a limit */
  rig_end(r);
}
END_TEST

START_TEST(P20_dnr_and_dw0_reach_the_backend)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_delete(c, 5);

  ck_assert_uint_eq(cmd->sf & NVMENS_SF_DNR, NVMENS_SF_DNR);
  rig_ns_loose(r, 1);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 64, 1))->dw0, 2);
  rig_end(r);
}
END_TEST

START_TEST(P21_even_a_surprise_waits_for_the_commands)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);

  rig_unplug(ns, NVMENS_SURPRISE, 0);
  rig_pass(r, RIG_SEC);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(P23_sparse_nsids_cost_nothing_in_between)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = NVMENS_NSID_MAX});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  static const uint32_t nsid[] = {1, 0x7FFFFFFF, 0xFFFFFFFD};
  nvmens_lane *lane = rig_lane(c);
  unsigned i;

  for (i = 0; i < 3; i++) {
    rig_ns_auto(r, nsid[2 - i]);
    ck_assert_uint_eq(try_io(r, lane, nsid[2 - i]), 0);
  }
  for (i = 0; i < 100; i++) /* an O(NSID) walk would be noticed */
    ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1 2147483647 4294967293");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2147483647 4294967293");
  ck_assert_uint_lt(r->bytes, 1 << 20);
  rig_end(r);
}
END_TEST

START_TEST(P26_a_parked_aer_can_be_aborted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  ck_assert_uint_eq(RIG_OK(rig_abort(c, aer->cid))->dw0, 0);
  RIG_FAILS(aer, NVMENS_SC_ABORTED_BY_REQUEST);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "peers", P7_no_notice_while_bit_8_is_clear, P10_a_detach_survives_a_reset,
      P10_a_hosts_attachment_survives_a_reset, P10_a_detach_is_kept_until_an_explicit_attach,
      P11_plugged_before_the_first_io_queue_it_is_there_and_told,
      P11_plugged_while_disabled_it_is_there_silently,
      P11_plugged_before_the_controller_was_made_it_is_there,
      P12_a_private_namespace_goes_to_one_controller, P12_a_private_namespace_goes_to_its_home,
      P12_a_draining_private_namespace_is_still_attached_elsewhere,
      P13_what_arrives_during_the_drain_is_answered_and_not_counted,
      P14_identify_of_all_namespaces_gives_common_capabilities,
      P14_without_namespace_management_it_is_an_invalid_namespace, P15_every_drain_counts_anew,
      P16_a_late_removal_does_not_hit_the_new_namespace,
      P17_remove_and_add_is_told_and_serves_the_new_one, P18_a_drain_freezes_nothing_else,
      P20_dnr_and_dw0_reach_the_backend, P21_even_a_surprise_waits_for_the_commands,
      P23_sparse_nsids_cost_nothing_in_between, P26_a_parked_aer_can_be_aborted);
}
