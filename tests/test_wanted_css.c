/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wanted_css.c: a namespace whose command set CC.CSS does not allow is not attached, and is
 * when it does (R57 2, R58, R59).
 */
#include "disks.h"

#define NOT_ENABLED RIG_DNR(NVMENS_SC_COMMAND_SET_NOT_ENABLED)

static rig *zoned_rig(uint32_t maxcna)
{
  return disks_rig(
      &(nvmens_subsys_config){.csi_supported = 5, .maxcna = maxcna, .aec_default = RIG_BIT4});
}

/* Zoned, shared, auto attach. */
static rig_ns *zoned(rig *r, uint32_t nsid, char who)
{
  nvmens_ns_config config = disks_config(nsid, who);

  config.csi = NVMENS_CSI_ZNS;
  return rig_ns_new(r, &config);
}

/* It is not to be seen on this controller, nor used. */
static void hidden(rig_ctrl *c, nvmens_lane *lane, uint32_t nsid)
{
  uint8_t page[NVMENS_PAGE];

  IDS(c, "");
  ck_assert_int_eq(disks_who(c, nsid), 0);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, nsid, page));
  ck_assert(more_zero(page, 0, sizeof(page)));
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_INDEPENDENT, nsid, page));
  ck_assert(more_zero(page, 0, sizeof(page)));
  ck_assert_str_eq(more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, nsid, 0), "0:");
  ck_assert_uint_eq(more_begin(c->rig, lane, nsid), DNR02);
}

static const char *zoned_ids(rig_ctrl *c)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_identify_full(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, 0, NVMENS_CSI_ZNS, page));
  return rig_list_text(c->rig, page);
}

START_TEST(R59_zoned_and_attached_while_disabled_it_is_not_there_under_nvm_only)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *z = zoned(r, 1, 'Z');
  const uint32_t css = _i ? NVMENS_CSS_ADMIN_ONLY : NVMENS_CSS_NVM;

  ATTACHED(z, c); /* never enabled, it allows all */
  rig_log_clear(r);
  disks_enable(c, css);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0");
  WANTED(z, c, COMMAND_SET);
  hidden(c, lane, 1);
  SILENT(c);
  rig_log_clear(r);
  rig_reset(c);
  WANTED(z, c, COMMAND_SET); /* of the last enable: the next one tells */
  disks_enable(c, css);
  WANTED(z, c, COMMAND_SET);
  rig_reset(c);
  ck_assert_str_eq(rig_log(r), "");
  disks_enable(c, NVMENS_CSS_ALL);
  ck_assert_str_eq(rig_log(r), "attached n1 c0");
  ATTACHED(z, c);
  IDS(c, "1");
  ck_assert_str_eq(zoned_ids(c), "1");
  ck_assert_int_eq(disks_who(c, 1), 'Z');
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

START_TEST(R59_admin_only_allows_no_command_set)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *a = disks_put(r, 1, 'A');

  disks_enable(c, NVMENS_CSS_ADMIN_ONLY);
  WANTED(a, c, COMMAND_SET);
  hidden(c, lane, 1);
  rig_reset(c);
  disks_enable(c, NVMENS_CSS_NVM);
  ATTACHED(a, c);
  IDS(c, "1");
  rig_end(r);
}
END_TEST

START_TEST(R59_what_is_allowed_stays)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *a = disks_put(r, 1, 'A'), *z = zoned(r, 2, 'Z');

  rig_log_clear(r);
  disks_enable(c, NVMENS_CSS_NVM);
  ck_assert_str_eq(rig_log(r), "drain n2 c0; detached n2 c0");
  ATTACHED(a, c);
  WANTED(z, c, COMMAND_SET);
  IDS(c, "1");
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R59_a_host_is_not_told_of_it)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1), *d = disks_down(r, 2);

  disks_enable(d, NVMENS_CSS_ALL);
  RIG_OK(rig_set_aec(d, RIG_BIT1C));
  zoned(r, 1, 'Z');
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C);
  rig_changed(d, RIG_LID1C, RIG_CONSUME);
  disks_enable(c, NVMENS_CSS_NVM);
  SILENT(c);
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C); /* R40: as of every detach */
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

/* The drain of R59 is one like others: it may take its time. */
START_TEST(R59_it_is_wanted_when_it_has_drained)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *z = zoned(r, 1, 'Z');

  z->drain = RIG_DRAIN_PENDING;
  disks_enable(c, NVMENS_CSS_NVM);
  ck_assert_int_eq(more_att(z, c), NVMENS_ATT_DRAINING);
  hidden(c, lane, 1);
  if (_i) {
    rig_reset(c); /* the drain goes on; then it is attached, where the next enable allows it */
    disks_enable(c, NVMENS_CSS_ALL);
    STATE(z, c, DRAINING, DRAIN);
    ck_assert_int_eq(rig_drained(z, c), 0);
    rig_rest(r);
    ATTACHED(z, c);
    HEARS(c, "1");
  } else {
    ck_assert_int_eq(rig_drained(z, c), 0);
    rig_rest(r);
    WANTED(z, c, COMMAND_SET);
  }
  rig_end(r);
}
END_TEST

START_TEST(R57_plugged_under_nvm_only_it_is_attached_under_all)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *z;

  disks_enable(c, _i ? NVMENS_CSS_ADMIN_ONLY : NVMENS_CSS_NVM);
  z = zoned(r, 1, 'Z');
  WANTED(z, c, COMMAND_SET);
  hidden(c, lane, 1);
  SILENT(c);
  ck_assert_str_eq(disks_log(c), "");
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 0);
  rig_reset(c);
  WANTED(z, c, COMMAND_SET);
  disks_enable(c, NVMENS_CSS_ALL);
  ATTACHED(z, c);
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 1);
  IDS(c, "1");
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

START_TEST(R57_plugged_under_all_it_is_told)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);

  disks_enable(c, NVMENS_CSS_ALL);
  ATTACHED(zoned(r, 1, 'Z'), c);
  HEARS(c, "1");
  ck_assert_str_eq(zoned_ids(c), "1");
  rig_end(r);
}
END_TEST

START_TEST(R58_an_explicit_attach_is_refused_under_another_command_set)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  nvmens_ns_config config = disks_config(1, 'Z');
  rig_ns *z;

  config.csi = NVMENS_CSI_ZNS;
  config.auto_attach = 0;
  z = rig_ns_new(r, &config);
  disks_enable(c, NVMENS_CSS_NVM);
  ck_assert_int_eq(rig_attach(z, c), NVMENS_ERR_COMMAND_SET);
  RIG_FAILS(rig_host_attach(c, 1, c), NOT_ENABLED);
  DETACHED(z, c);
  rig_reset(c);
  DETACHED(z, c);                        /* refused is not remembered */
  ck_assert_int_eq(rig_attach(z, c), 0); /* disabled, it refuses none */
  WANTED(z, c, COMMAND_SET);
  disks_enable(c, NVMENS_CSS_NVM);
  WANTED(z, c, COMMAND_SET); /* an explicit attach is as good as auto attach */
  ck_assert_int_eq(rig_attach(z, c), NVMENS_ERR_EXISTS);
  RIG_FAILS(rig_host_attach(c, 1, c), RIG_DNR(NVMENS_SC_NS_ALREADY_ATTACHED));
  RIG_OK(rig_host_detach(c, 1, c));
  rig_reset(c);
  disks_enable(c, NVMENS_CSS_ALL);
  DETACHED(z, c);
  rig_end(r);
}
END_TEST

START_TEST(R57_a_place_that_a_command_set_frees_is_taken)
{
  rig *r = zoned_rig(1);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *z = zoned(r, 1, 'Z'), *a = disks_put(r, 2, 'A');

  ATTACHED(z, c);
  WANTED(a, c, LIMIT);
  disks_enable(c, NVMENS_CSS_NVM);
  WANTED(z, c, COMMAND_SET); /* named before the limit, which is reached too */
  ATTACHED(a, c);
  IDS(c, "2");
  rig_reset(c);
  disks_enable(c, NVMENS_CSS_ALL);
  WANTED(z, c, LIMIT);
  disks_take(r, 2);
  ATTACHED(z, c);
  rig_end(r);
}
END_TEST

/* The lowest that can have it gets it. */
START_TEST(R57_a_private_namespace_passes_a_controller_whose_command_set_is_another)
{
  rig *r = zoned_rig(0);
  rig_ctrl *p = disks_down(r, 1), *q = disks_down(r, 1);
  nvmens_ns_config config = disks_config(1, 'Z');
  rig_ns *z;

  config.csi = NVMENS_CSI_ZNS;
  config.shared = 0;
  disks_enable(p, NVMENS_CSS_NVM);
  disks_enable(q, NVMENS_CSS_ALL);
  z = rig_ns_new(r, &config);
  ATTACHED(z, q);
  WANTED(z, p, DRAIN); /* elsewhere comes first */
  rig_ctrl_del(q);
  WANTED(z, p, COMMAND_SET);
  rig_reset(p);
  WANTED(z, p, COMMAND_SET);
  disks_enable(p, NVMENS_CSS_ALL);
  ATTACHED(z, p);
  rig_end(r);
}
END_TEST

/* The one where it has drained is one of those that wait, and comes before a later one. */
START_TEST(R57_what_has_drained_goes_to_the_lowest_that_may_have_it)
{
  rig *r = zoned_rig(0);
  rig_ctrl *low = disks_down(r, 1), *one = disks_down(r, 1), *two = disks_down(r, 1);
  rig_ns *ns;

  disks_enable(low, NVMENS_CSS_ADMIN_ONLY);
  ns = disks_private(r, 1, 'A');
  WANTED(ns, low, DRAIN); /* elsewhere comes first */
  ATTACHED(ns, one);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, one, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_plug(ns), 0);
  WANTED(ns, two, DRAIN);
  ck_assert_int_eq(rig_drained(ns, one), 0);
  ATTACHED(ns, one);
  WANTED(ns, two, DRAIN);
  rig_end(r);
}
END_TEST

/* Of two hosts, as it was attached explicitly to a controller that auto attach does not cover. */
START_TEST(R57_what_has_drained_goes_to_the_lowest_of_whatever_host)
{
  rig *r = zoned_rig(0);
  rig_ctrl *one = disks_down(r, 1), *two = disks_down(r, 2);
  nvmens_ns_config config = disks_config(1, 'Z');
  rig_ns *z;

  config.csi = NVMENS_CSI_ZNS;
  config.shared = config.auto_attach = 0;
  z = rig_ns_new(r, &config);
  ck_assert_int_eq(rig_attach(z, two), 0);
  ck_assert_int_eq(rig_plug(z), 0);
  ATTACHED(z, two);
  WANTED(z, one, DRAIN);
  z->drain = RIG_DRAIN_PENDING;
  disks_enable(two, NVMENS_CSS_NVM);
  rig_reset(two);
  disks_enable(two, NVMENS_CSS_ALL); /* it is to come again when it has drained */
  ck_assert_int_eq(rig_drained(z, two), 0);
  ATTACHED(z, one);
  WANTED(z, two, DRAIN);
  rig_end(r);
}
END_TEST

/* R60: what leaves by R59 was seen in the life before, under 110b. */
START_TEST(R60_what_a_command_set_has_driven_out_is_owed)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *a;

  zoned(r, 1, 'Z');
  disks_enable(c, NVMENS_CSS_ALL);
  ck_assert_int_eq(disks_who(c, 1), 'Z');
  rig_reset(c);
  disks_enable(c, NVMENS_CSS_NVM);
  disks_take(r, 1);
  a = disks_put(r, 1, 'A');
  WANTED(a, c, HOST);
  HEARS(c, "1");
  HEARS(c, "1");
  ATTACHED(a, c);
  SILENT(c);
  rig_end(r);
}
END_TEST

/* The zoned one comes back under its identity: the path need not let go of it. */
START_TEST(R60_what_a_command_set_has_driven_out_comes_back_at_once)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *z = zoned(r, 1, 'Z');

  disks_enable(c, NVMENS_CSS_ALL);
  ck_assert_int_eq(disks_who(c, 1), 'Z');
  rig_reset(c);
  disks_enable(c, NVMENS_CSS_NVM);
  WANTED(z, c, COMMAND_SET);
  rig_reset(c);
  disks_enable(c, NVMENS_CSS_ALL);
  ATTACHED(z, c);
  IDS(c, "1");
  rig_end(r);
}
END_TEST

START_TEST(R57_the_command_set_is_named_before_the_disk)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *z;

  disks_put(r, 1, 'A');
  disks_enable(c, NVMENS_CSS_NVM);
  disks_take(r, 1);
  z = zoned(r, 1, 'Z');
  WANTED(z, c, COMMAND_SET);
  rig_reset(c);
  WANTED(z, c, COMMAND_SET);
  disks_enable(c, NVMENS_CSS_ALL);
  WANTED(z, c, HOST);
  HEARS(c, "1");
  HEARS(c, "1");
  ATTACHED(z, c);
  rig_end(r);
}
END_TEST

/* Of two that wait only the one that waits for its host is told of after a read, and once. */
START_TEST(R65_what_waits_for_its_command_set_is_not_told)
{
  rig *r = zoned_rig(0);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *b;

  disks_enable(c, NVMENS_CSS_NVM);
  disks_put(r, 1, 'A');
  rig_heard(c);
  disks_log(c);
  WANTED(zoned(r, 2, 'Z'), c, COMMAND_SET);
  b = disks_swap(r, 1, 'B');
  WANTED(b, c, HOST);
  HEARS(c, "1");
  HEARS(c, "1");
  ATTACHED(b, c);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("wanted_css");
  TCase *t = tcase_create("wanted_css");

  tcase_add_loop_test(t, R59_zoned_and_attached_while_disabled_it_is_not_there_under_nvm_only, 0,
                      2);
  tcase_add_test(t, R59_admin_only_allows_no_command_set);
  tcase_add_test(t, R59_what_is_allowed_stays);
  tcase_add_test(t, R59_a_host_is_not_told_of_it);
  tcase_add_loop_test(t, R59_it_is_wanted_when_it_has_drained, 0, 2);
  tcase_add_loop_test(t, R57_plugged_under_nvm_only_it_is_attached_under_all, 0, 2);
  tcase_add_test(t, R57_plugged_under_all_it_is_told);
  tcase_add_test(t, R58_an_explicit_attach_is_refused_under_another_command_set);
  tcase_add_test(t, R57_a_place_that_a_command_set_frees_is_taken);
  tcase_add_test(t, R57_a_private_namespace_passes_a_controller_whose_command_set_is_another);
  tcase_add_test(t, R57_what_has_drained_goes_to_the_lowest_that_may_have_it);
  tcase_add_test(t, R65_what_waits_for_its_command_set_is_not_told);
  tcase_add_test(t, R57_what_has_drained_goes_to_the_lowest_of_whatever_host);
  tcase_add_test(t, R60_what_a_command_set_has_driven_out_is_owed);
  tcase_add_test(t, R60_what_a_command_set_has_driven_out_comes_back_at_once);
  tcase_add_test(t, R57_the_command_set_is_named_before_the_disk);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
