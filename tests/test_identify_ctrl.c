/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_identify_ctrl.c: what the library fills in of CNS 01h, and what it does not take (R4, R6,
 * R25, R34, C1, C2, C10).
 */
#include "rig_more.h"

static nvmens_id_ctrl id;

static void fill(const rig_ctrl *c)
{
  memset(&id, 0, sizeof(id));
  nvmens_identify_ctrl(c->c, &id);
}

START_TEST(R6_cns01_has_the_defaults)
{
  rig *r = rig_new(NULL);

  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(nvmens_get32(id.nn), 1024);
  ck_assert_uint_eq(nvmens_get32(id.mnan), 0); /* R4: NN of them */
  ck_assert_uint_eq(id.aerl, 3);               /* C2 */
  ck_assert_uint_eq(id.cntrltype, NVMENS_CTRL_IO);
  ck_assert(more_zero(id.tnvmcap, 0, 16));
  ck_assert(more_zero(id.unvmcap, 0, 16));
  ck_assert(more_zero(id.maxdna, 0, 16));
  ck_assert_uint_eq(nvmens_get32(id.maxcna), 0);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns01_has_what_was_configured)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 77,
                                           .mnan = 5,
                                           .aerl = 9,
                                           .tnvmcap = {0x1122334455667788, 0x99},
                                           .maxdna = 0x123456789A,
                                           .maxcna = 12});

  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(nvmens_get32(id.nn), 77);
  ck_assert_uint_eq(nvmens_get32(id.mnan), 5);
  ck_assert_uint_eq(id.aerl, 9);
  ck_assert_uint_eq(nvmens_get64(id.tnvmcap), 0x1122334455667788);
  ck_assert_uint_eq(nvmens_get64(id.tnvmcap + 8), 0x99);
  ck_assert_uint_eq(nvmens_get64(id.unvmcap), 0x1122334455667788);
  ck_assert_uint_eq(nvmens_get64(id.unvmcap + 8), 0x99);
  ck_assert_uint_eq(nvmens_get64(id.maxdna), 0x123456789A);
  ck_assert(more_zero(id.maxdna, 8, 16));
  ck_assert_uint_eq(nvmens_get32(id.maxcna), 12);
  rig_end(r);
}
END_TEST

START_TEST(R26_cns01_has_aerl_0)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl_is_zero = 1});

  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(id.aerl, 0);
  rig_end(r);
}
END_TEST

START_TEST(C1_cns01_offers_the_namespace_events)
{
  rig *r = rig_new(NULL);

  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(nvmens_get32(id.oaes) >> 8,
                    (NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS) >> 8);
  rig_end(r);
}
END_TEST

START_TEST(R34_cns01_offers_the_events_configured)
{
  rig *r =
      rig_new(&(nvmens_subsys_config){.aec_supported = NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ANA});

  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(nvmens_get32(id.oaes) >> 8, (NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ANA) >> 8);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns01_offers_namespace_management_with_a_prepare_hook)
{
  rig *r = rig_new(NULL);

  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(nvmens_get16(id.oacs), NVMENS_OACS_NS_MANAGEMENT);
  rig_end(r);
  r = rig_new_without(NULL, RIG_NO_PREPARE);
  fill(rig_ctrl_on(r));
  ck_assert_uint_eq(nvmens_get16(id.oacs), 0);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns01_says_many_controllers_and_extended_logs)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ctrl_on(r);
  fill(c);
  ck_assert_uint_eq(id.cmic, NVMENS_CMIC_MULTI_CTRL);
  ck_assert_uint_eq(id.lpa, NVMENS_LPA_EXTENDED_DATA);
  rig_end(r);
}
END_TEST

START_TEST(R25_cns01_has_its_own_cntlid_and_kind)
{
  rig *r = rig_new(NULL);

  fill(rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 0xABCD, .cntlid_given = 1}));
  ck_assert_uint_eq(nvmens_get16(id.cntlid), 0xABCD);
  fill(rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN}));
  ck_assert_uint_eq(id.cntrltype, NVMENS_CTRL_ADMIN);
  fill(rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_DISCOVERY}));
  ck_assert_uint_eq(id.cntrltype, NVMENS_CTRL_DISCOVERY);
  rig_end(r);
}
END_TEST

/* The page that the library may write, one bit for each bit that is its own. */
static void own_bits(nvmens_id_ctrl *mask)
{
  memset(mask, 0, sizeof(*mask));
  mask->cmic = NVMENS_CMIC_MULTI_CTRL;
  memset(mask->cntlid, 0xFF, sizeof(mask->cntlid));
  memset(mask->oaes, 0xFF, sizeof(mask->oaes));
  mask->cntrltype = 0xFF;
  nvmens_put16(mask->oacs, NVMENS_OACS_NS_MANAGEMENT);
  mask->aerl = 0xFF;
  mask->lpa = NVMENS_LPA_EXTENDED_DATA;
  memset(mask->tnvmcap, 0xFF, sizeof(mask->tnvmcap));
  memset(mask->unvmcap, 0xFF, sizeof(mask->unvmcap));
  memset(mask->nn, 0xFF, sizeof(mask->nn));
  memset(mask->mnan, 0xFF, sizeof(mask->mnan));
  memset(mask->maxdna, 0xFF, sizeof(mask->maxdna));
  memset(mask->maxcna, 0xFF, sizeof(mask->maxcna));
}

START_TEST(R6_cns01_leaves_what_is_the_backends)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static uint8_t ones[NVMENS_PAGE], zeroes[NVMENS_PAGE];
  nvmens_id_ctrl mask;
  const uint8_t *own = (const uint8_t *)&mask;

  own_bits(&mask);
  memset(ones, 0xFF, sizeof(ones));
  nvmens_identify_ctrl(c->c, ones);
  nvmens_identify_ctrl(c->c, zeroes);
  for (size_t i = 0; i < sizeof(ones); i++) {
    ck_assert_uint_eq(ones[i] | own[i], 0xFF);
    ck_assert_uint_eq(zeroes[i] & ~own[i], 0);
    ck_assert_uint_eq(ones[i] & own[i], zeroes[i] & own[i]);
  }
  rig_end(r);
}
END_TEST

START_TEST(C10_nn_is_fixed)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 16});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 16);

  fill(c);
  ck_assert_uint_eq(nvmens_get32(id.nn), 16);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_reenable(c);
  fill(c);
  ck_assert_uint_eq(nvmens_get32(id.nn), 16);
  rig_end(r);
}
END_TEST

/* ---- what is not taken ---- */

START_TEST(R6_cns01_is_the_backends)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(rig_identify(c, NVMENS_CNS_CTRL, 0, &id)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R6_pages_of_others_are_not_taken)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t others[] = {0x04, 0x09, 0x0A, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19};

  for (size_t i = 0; i < sizeof(others); i++)
    ck_assert_int_eq(rig_identify(c, others[i], 0, &id)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R6_a_reserved_cns_does_not_succeed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_identify(c, 0x7F, 0, &id);

  if (cmd->taken)
    RIG_FAILS(cmd, DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R6_opcodes_of_others_are_not_taken)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t ours[] = {
      NVMENS_OP_GET_LOG_PAGE,  NVMENS_OP_IDENTIFY,      NVMENS_OP_ABORT,
      NVMENS_OP_SET_FEATURES,  NVMENS_OP_GET_FEATURES,  NVMENS_OP_ASYNC_EVENT_REQUEST,
      NVMENS_OP_NS_MANAGEMENT, NVMENS_OP_NS_ATTACHMENT,
  };

  for (unsigned op = 0; op < 256; op++)
    if (!memchr(ours, (int)op, sizeof(ours)))
      ck_assert_int_eq(rig_admin(c, .opcode = (uint8_t)op)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R45_logs_and_features_of_others_are_not_taken)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(rig_get_log(c, NVMENS_LID_SMART, 0, 0, 512, &id)->taken, 0);
  ck_assert_int_eq(rig_admin(c, .opcode = NVMENS_OP_GET_FEATURES, .cdw10 = 0x07)->taken, 0);
  ck_assert_int_eq(rig_admin(c, .opcode = NVMENS_OP_SET_FEATURES, .cdw10 = 0x07)->taken, 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R6_cns01_has_the_defaults,
      R6_cns01_has_what_was_configured,
      R26_cns01_has_aerl_0,
      C1_cns01_offers_the_namespace_events,
      R34_cns01_offers_the_events_configured,
      R6_cns01_offers_namespace_management_with_a_prepare_hook,
      R6_cns01_says_many_controllers_and_extended_logs,
      R25_cns01_has_its_own_cntlid_and_kind,
      R6_cns01_leaves_what_is_the_backends,
      C10_nn_is_fixed,
      R6_cns01_is_the_backends,
      R6_pages_of_others_are_not_taken,
      R6_a_reserved_cns_does_not_succeed,
      R6_opcodes_of_others_are_not_taken,
      R45_logs_and_features_of_others_are_not_taken,
  };

  return MORE_RUN("identify_ctrl", tests);
}
