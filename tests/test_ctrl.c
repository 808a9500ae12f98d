/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ctrl.c: controllers: enable, reset, shutdown, removal, epochs, CNTLIDs, kinds (R24, R25,
 * R35, R37, C2, C18, P3, P10).
 */
#include "rig_more.h"

#define CSS(x)        ((uint32_t)(x) << NVMENS_CC_CSS_SHIFT)
#define SQ_DELETED    ((uint16_t)NVMENS_SC_ABORTED_SQ_DELETED)
#define POWER_LOSS    ((uint16_t)NVMENS_SC_ABORTED_POWER_LOSS)
#define AEC_ATTACHED  NVMENS_AEC_ATTACHED_NS
#define AEC_ALLOCATED NVMENS_AEC_ALLOCATED_NS

static uint8_t page[NVMENS_PAGE];

static int state(rig_ctrl *c)
{
  return rig_info(c).state;
}

/* ---- enable ---- */

START_TEST(ctrl_starts_disabled_and_becomes_ready)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(state(c), NVMENS_CTRL_DISABLED);
  rig_enable(c);
  ck_assert_int_eq(state(c), NVMENS_CTRL_READY);
  rig_end(r);
}
END_TEST

START_TEST(ctrl_enable_twice_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(nvmens_ctrl_enable(c->c, 0), NVMENS_ERR_BUSY);
  rig_shutdown(c);
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, 0), NVMENS_ERR_BUSY);
  rig_reset(c);
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, 0), 0);
  rig_end(r);
}
END_TEST

START_TEST(ctrl_enable_with_a_reserved_css_fails)
{
  rig *r = rig_new(&(nvmens_subsys_config){.csi_supported = 7});
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  for (uint32_t css = 1; css <= 5; css++)
    ck_assert_int_eq(nvmens_ctrl_enable(c->c, CSS(css)), NVMENS_ERR_INVAL);
  ck_assert_int_eq(state(c), NVMENS_CTRL_DISABLED);
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, CSS(NVMENS_CSS_ALL)), 0);
  rig_end(r);
}
END_TEST

START_TEST(ctrl_enable_ignores_the_rest_of_cc)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(nvmens_ctrl_enable(c->c, 0x00460001), 0); /* what Linux writes */
  rig_end(r);
}
END_TEST

/* ---- reset ---- */

START_TEST(R24_attachments_survive_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1), *loose = rig_ns_loose(r, 2);

  rig_log_clear(r);
  rig_reset(c);
  ck_assert_str_eq(rig_log(r), "");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_enable(c);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(loose, c), NVMENS_ATT_DETACHED); /* P10 */
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_drops_parked_aers_without_a_completion)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *a = rig_aer(c), *b = rig_aer(c);

  rig_reset(c);
  ck_assert_uint_eq(a->dropped, 1);
  ck_assert_uint_eq(b->dropped, 1);
  ck_assert_uint_eq(rig_info(c).parked, 0);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_drops_events_and_logs)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_info(c).owed, 1);
  rig_reenable(c);
  ck_assert_uint_eq(rig_info(c).owed, 0);
  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  ck_assert(rig_is_open(rig_aer(c)));
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  ck_assert_str_eq(rig_changed(c, RIG_LID1C, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(P3_a_mask_from_before_a_reset_does_not_mute)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4); /* reported, never read */
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_restores_the_default_of_feature_0b)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_default = AEC_ALLOCATED});
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_uint_eq(rig_get_aec(c), AEC_ALLOCATED);
  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  ck_assert_uint_eq(rig_get_aec(c), AEC_ATTACHED);
  rig_reenable(c);
  ck_assert_uint_eq(rig_get_aec(c), AEC_ALLOCATED);
  ck_assert_uint_eq(nvmens_aec(c->c), AEC_ALLOCATED);
  rig_end(r);
}
END_TEST

START_TEST(R24_what_happens_while_disabled_is_there_after_the_enable)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *old = rig_ns_auto(r, 1);

  rig_reset(c);
  ck_assert_int_eq(rig_unplug(old, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_ns_auto(r, 2);
  rig_enable(c);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "2");
  ck_assert_uint_eq(rig_info(c).owed, 0); /* hosts rescan */
  rig_end(r);
}
END_TEST

START_TEST(R24_a_disabled_controller_is_attached_and_detached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r), *off = rig_ctrl_new(r, NULL);
  rig_ns *ns = rig_ns_loose(r, 1);

  RIG_OK(rig_host_attach(c, 1, off));
  ck_assert_int_eq(more_att(ns, off), NVMENS_ATT_ATTACHED);
  RIG_OK(rig_host_detach(c, 1, off));
  ck_assert_int_eq(more_att(ns, off), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(C18_an_aer_of_the_old_epoch_is_never_completed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *old = rig_aer(c), *fresh;

  rig_reenable(c);
  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  fresh = rig_aer(c);
  rig_ns_auto(r, 1);
  RIG_OK(fresh);
  ck_assert_uint_eq(old->done, 0);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_of_a_disabled_controller_changes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_reset(c);
  rig_reset(c);
  ck_assert_int_eq(state(c), NVMENS_CTRL_DISABLED);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

/* ---- who answers what ---- */

static void expect_all(rig_ctrl *c, uint16_t sf)
{
  RIG_FAILS(rig_identify(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, page), sf);
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, NVMENS_PAGE, page), sf);
  RIG_FAILS(rig_set_aec(c, 0), sf);
  RIG_FAILS(rig_aer(c), sf);
  RIG_FAILS(rig_host_create(c, 8, 1), sf);
  RIG_FAILS(rig_host_delete(c, 1), sf);
  RIG_FAILS(MORE_ATTACH(c, 1, 0), sf);
}

START_TEST(R37_a_controller_that_is_shut_down_answers_005)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_shutdown(c);
  ck_assert_int_eq(state(c), NVMENS_CTRL_SHUTDOWN);
  expect_all(c, POWER_LOSS);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_disabled_controller_answers_008)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_reset(c);
  expect_all(c, SQ_DELETED);
  rig_end(r);
}
END_TEST

START_TEST(R37_no_event_after_a_shutdown)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer;

  RIG_OK(rig_set_aec(c, AEC_ATTACHED));
  aer = rig_aer(c);
  rig_shutdown(c);
  rig_ns_auto(r, 1);
  rig_rest(r);
  ck_assert(!(aer->done && aer->sf == 0));
  rig_end(r);
}
END_TEST

START_TEST(R37_a_shutdown_leaves_attachments)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_shutdown(c);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_reenable(c);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(R37_a_shutdown_of_a_disabled_controller_is_harmless)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  rig_shutdown(c);
  rig_reset(c);
  rig_enable(c);
  ck_assert_int_eq(state(c), NVMENS_CTRL_READY);
  rig_end(r);
}
END_TEST

/* ---- CNTLIDs and kinds ---- */

START_TEST(R25_the_lowest_free_cntlid_is_chosen)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_new(r, NULL), *b = rig_ctrl_new(r, NULL);

  ck_assert_uint_eq(rig_cntlid(a), 0);
  ck_assert_uint_eq(rig_cntlid(b), 1);
  rig_ctrl_del(a);
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, NULL)), 0);
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, NULL)), 2);
  rig_end(r);
}
END_TEST

START_TEST(R25_a_cntlid_is_used_once)
{
  rig *r = rig_new(NULL);
  nvmens_ctrl_config config = {.cntlid = 5, .cntlid_given = 1};

  rig_ctrl_new(r, &config);
  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), NVMENS_ERR_EXISTS);
  config.cntlid = 0;
  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), 0);
  rig_end(r);
}
END_TEST

START_TEST(R25_a_cntlid_is_at_most_ffef)
{
  rig *r = rig_new(NULL);
  nvmens_ctrl_config config = {.cntlid = NVMENS_CNTLID_MAX, .cntlid_given = 1};

  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), 0);
  config.cntlid = NVMENS_CNTLID_MAX + 1;
  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), NVMENS_ERR_INVAL);
  config.cntlid = 0xFFFF;
  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

START_TEST(R25_the_number_of_controllers_is_limited)
{
  rig *r = rig_new(&(nvmens_subsys_config){.max_ctrls = 2});
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  rig_ctrl_new(r, NULL);
  ck_assert_int_eq(rig_ctrl_try(r, NULL, NULL), NVMENS_ERR_LIMIT);
  rig_ctrl_del(c);
  ck_assert_int_eq(rig_ctrl_try(r, NULL, NULL), 0);
  rig_end(r);
}
END_TEST

START_TEST(R22_only_io_controllers_are_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *d = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_DISCOVERY});
  rig_ctrl *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN});
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_uint_eq(rig_info(d).kind, NVMENS_CTRL_DISCOVERY);
  ck_assert_uint_eq(rig_info(a).kind, NVMENS_CTRL_ADMIN);
  ck_assert_int_eq(rig_attach(ns, d), NVMENS_ERR_KIND);
  ck_assert_int_eq(rig_attach(ns, a), NVMENS_ERR_KIND);
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_NOT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(R22_an_administrative_controller_manages)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN});
  rig_ctrl *c = rig_ctrl_on(r);

  rig_enable(a);
  RIG_OK(rig_host_create(a, 8, 1));
  RIG_OK(rig_host_attach(a, 1, c));
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

/* ---- removal ---- */

START_TEST(R25_ctrl_released_is_the_last_word)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_log_clear(r);
  rig_ctrl_del(c);
  ck_assert_uint_eq(aer->dropped, 1);
  ck_assert_int_eq(c->released, 1);
  ck_assert_int_eq(r->log[r->nlog - 1].kind, RIG_CTRL_RELEASED);
  ck_assert_int_eq(more_ns(ns).state, NVMENS_NS_ALLOCATED);
  ck_assert_uint_eq(more_ns(ns).attached, 0);
  rig_end(r);
}
END_TEST

START_TEST(R25_a_private_namespace_is_free_when_its_controller_is_gone)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1});

  ck_assert_int_eq(rig_attach(ns, a), 0);
  rig_ctrl_del(a);
  ck_assert_int_eq(rig_attach(ns, b), 0);
  rig_end(r);
}
END_TEST

START_TEST(R25_a_cntlid_is_taken_until_ctrl_released)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r), *other = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);
  const nvmens_ctrl_config config = {.cntlid = 0, .cntlid_given = 1};

  rig_ctrl_del(c);
  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), NVMENS_ERR_EXISTS);
  ck_assert_str_eq(more_ctrls(other, NVMENS_CNS_CTRL_LIST, 0, 0), "1: 1");
  RIG_FAILS(MORE_ATTACH(other, 1, 0), RIG_DNR(NVMENS_SC_INVALID_CTRL_LIST));
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_ctrl_try(r, &config, NULL), 0);
  rig_end(r);
}
END_TEST

START_TEST(R25_ctrl_del_of_null_does_nothing)
{
  nvmens_ctrl_del(NULL);
}
END_TEST

START_TEST(R18_the_survivors_have_the_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(b);

  rig_ns_auto(r, 1);
  rig_ctrl_del(a);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  ck_assert_str_eq(more_ctrls(b, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "1: 1");
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      ctrl_starts_disabled_and_becomes_ready,
      ctrl_enable_twice_is_busy,
      ctrl_enable_with_a_reserved_css_fails,
      ctrl_enable_ignores_the_rest_of_cc,
      R24_attachments_survive_a_reset,
      R35_a_reset_drops_parked_aers_without_a_completion,
      R35_a_reset_drops_events_and_logs,
      P3_a_mask_from_before_a_reset_does_not_mute,
      R35_a_reset_restores_the_default_of_feature_0b,
      R24_what_happens_while_disabled_is_there_after_the_enable,
      R24_a_disabled_controller_is_attached_and_detached,
      C18_an_aer_of_the_old_epoch_is_never_completed,
      R35_a_reset_of_a_disabled_controller_changes_nothing,
      R37_a_controller_that_is_shut_down_answers_005,
      R35_a_disabled_controller_answers_008,
      R37_no_event_after_a_shutdown,
      R37_a_shutdown_leaves_attachments,
      R37_a_shutdown_of_a_disabled_controller_is_harmless,
      R25_the_lowest_free_cntlid_is_chosen,
      R25_a_cntlid_is_used_once,
      R25_a_cntlid_is_at_most_ffef,
      R25_the_number_of_controllers_is_limited,
      R22_only_io_controllers_are_attached,
      R22_an_administrative_controller_manages,
      R25_ctrl_released_is_the_last_word,
      R25_a_private_namespace_is_free_when_its_controller_is_gone,
      R25_a_cntlid_is_taken_until_ctrl_released,
      R25_ctrl_del_of_null_does_nothing,
      R18_the_survivors_have_the_namespace,
  };

  return MORE_RUN("ctrl", tests);
}
