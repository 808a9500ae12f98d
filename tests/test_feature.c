/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_feature.c: Get and Set Features 0Bh as commands, and OAES (R32-R34, C1).
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

#define FID NVMENS_FID_ASYNC_EVENT_CONFIG

static rig_cmd *get(rig_ctrl *c, unsigned sel)
{
  return rig_admin(c, .opcode = NVMENS_OP_GET_FEATURES, .cdw10 = FID | sel << 8);
}

START_TEST(R32_0Bh_is_zero_by_default)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_uint_eq(rig_get_aec(c), 0);
  ck_assert_uint_eq(nvmens_aec(c->c), 0);
  ck_assert_uint_eq(rig_info(c).aec, 0);
  rig_end(r);
}
END_TEST

START_TEST(C1_0Bh_takes_the_namespace_notices)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_set_aec(c, RIG_BIT4 | RIG_BIT1C | 0xFF));
  ck_assert_uint_eq(rig_get_aec(c), RIG_BIT4 | RIG_BIT1C | 0xFF);
  ck_assert_uint_eq(nvmens_aec(c->c), RIG_BIT4 | RIG_BIT1C | 0xFF);
  RIG_OK(rig_set_aec(c, 0));
  ck_assert_uint_eq(rig_get_aec(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R33_unsupported_bits_are_an_invalid_field)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  unsigned bit;

  for (bit = 9; bit < 32; bit++)
    if (bit != 19)
      RIG_FAILS(rig_set_aec(c, UINT32_C(1) << bit), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  RIG_FAILS(rig_set_aec(c, RIG_BIT1C | NVMENS_AEC_ANA), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  ck_assert_uint_eq(rig_get_aec(c), RIG_BIT4); /* as it was */
  rig_end(r);
}
END_TEST

START_TEST(R33_the_configuration_says_what_is_supported)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_supported = RIG_BIT4 | NVMENS_AEC_FIRMWARE});
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_set_aec(c, RIG_BIT4 | NVMENS_AEC_FIRMWARE));
  RIG_FAILS(rig_set_aec(c, RIG_BIT1C), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  RIG_FAILS(rig_set_aec(c, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(R33_it_cannot_be_saved)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_admin(c, .opcode = NVMENS_OP_SET_FEATURES, .cdw10 = FID | UINT32_C(1) << 31,
                      .cdw11 = RIG_BIT4),
            RIG_DNR(NVMENS_SC_FEATURE_NOT_SAVEABLE));
  ck_assert_uint_eq(rig_get_aec(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R33_select_current_default_saved_supported)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_default = 0x03});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  ck_assert_uint_eq(RIG_OK(get(c, 0))->dw0, RIG_BIT4);
  ck_assert_uint_eq(RIG_OK(get(c, 1))->dw0, 0x03);
  ck_assert_uint_eq(RIG_OK(get(c, 2))->dw0, 0x03); /* nothing is saved: the default */
  ck_assert_uint_eq(RIG_OK(get(c, 3))->dw0, 4);    /* changeable, not saveable, not per namespace */
  rig_end(r);
}
END_TEST

START_TEST(R33_reserved_selects_are_an_invalid_field)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned sel;

  for (sel = 4; sel < 8; sel++)
    RIG_FAILS(get(c, sel), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(R33_it_is_not_of_a_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint32_t nsid[] = {1, 2, 0xFFFFFFFE};
  unsigned i;

  rig_ns_auto(r, 1);
  for (i = 0; i < 3; i++)
    RIG_FAILS(rig_admin(c, .opcode = NVMENS_OP_SET_FEATURES, .nsid = nsid[i], .cdw10 = FID,
                        .cdw11 = RIG_BIT4),
              RIG_DNR(NVMENS_SC_FEATURE_NOT_PER_NS));
  ck_assert_uint_eq(rig_get_aec(c), 0);
  RIG_OK(rig_admin(c, .opcode = NVMENS_OP_SET_FEATURES, .nsid = NVMENS_NSID_ALL, .cdw10 = FID,
                   .cdw11 = RIG_BIT4));
  ck_assert_uint_eq(rig_get_aec(c), RIG_BIT4);
  rig_end(r);
}
END_TEST

START_TEST(R33_other_features_are_not_ours)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned fid;

  for (fid = 0; fid < 256; fid++)
    if (fid != FID) {
      ck_assert_int_eq(rig_admin(c, .opcode = NVMENS_OP_SET_FEATURES, .cdw10 = fid)->taken, 0);
      ck_assert_int_eq(rig_admin(c, .opcode = NVMENS_OP_GET_FEATURES, .cdw10 = fid)->taken, 0);
    }
  rig_end(r);
}
END_TEST

START_TEST(R33_other_opcodes_are_not_ours)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t ours[] = {0x02, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x15};
  unsigned op;

  for (op = 0; op < 256; op++)
    if (!memchr(ours, (int)op, sizeof(ours)))
      ck_assert_int_eq(rig_admin(c, .opcode = (uint8_t)op)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R35_0Bh_goes_back_to_its_default)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_default = RIG_BIT1C});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_reset(c);
  ck_assert_uint_eq(nvmens_aec(c->c), RIG_BIT1C);
  rig_enable(c);
  ck_assert_uint_eq(rig_get_aec(c), RIG_BIT1C);
  rig_end(r);
}
END_TEST

START_TEST(R32_0Bh_is_each_controllers_own)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_listening(r, RIG_BIT4), *c1 = rig_ctrl_on(r);

  ck_assert_uint_eq(rig_get_aec(c0), RIG_BIT4);
  ck_assert_uint_eq(rig_get_aec(c1), 0);
  rig_end(r);
}
END_TEST

START_TEST(C1_oaes_shows_the_notices)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_id_ctrl page;

  memset(&page, 0, sizeof(page));
  nvmens_identify_ctrl(c->c, &page);
  ck_assert_uint_eq(nvmens_get32(page.oaes) & ~UINT32_C(0xFF), RIG_BIT4 | RIG_BIT1C);
  rig_end(r);
}
END_TEST

START_TEST(R34_the_smart_bits_are_not_in_oaes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_id_ctrl page;

  memset(&page, 0, sizeof(page));
  nvmens_identify_ctrl(c->c, &page);
  ck_assert_uint_eq(page.oaes[0], 0); /* bits 7:0 of OAES are reserved */
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("feature", R32_0Bh_is_zero_by_default, C1_0Bh_takes_the_namespace_notices,
                 R33_unsupported_bits_are_an_invalid_field,
                 R33_the_configuration_says_what_is_supported, R33_it_cannot_be_saved,
                 R33_select_current_default_saved_supported,
                 R33_reserved_selects_are_an_invalid_field, R33_it_is_not_of_a_namespace,
                 R33_other_features_are_not_ours, R33_other_opcodes_are_not_ours,
                 R35_0Bh_goes_back_to_its_default, R32_0Bh_is_each_controllers_own,
                 C1_oaes_shows_the_notices, R34_the_smart_bits_are_not_in_oaes);
}
