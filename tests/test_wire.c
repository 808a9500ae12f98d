/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wire.c: sizes, offsets and constants of wire.h against the headers of libnvme, which other
 * people wrote. What libnvme 1.3 does not know yet is checked against the numbers of the rules.
 */
#include <nvme/types.h>
#include <nvmens/wire.h>
#include <stddef.h>
#include "rig_main.h"

#define SAME(ours, theirs)    ck_assert_uint_eq((unsigned)(ours), (unsigned)(theirs))
#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define SAME_MEMBER(ours, our_member, theirs, their_member)                                        \
  do {                                                                                             \
    SAME(offsetof(ours, our_member), offsetof(theirs, their_member));                              \
    SAME(SIZE_OF(ours, our_member), SIZE_OF(theirs, their_member));                                \
  } while (0)

START_TEST(R6_identify_namespace_lies_as_in_libnvme)
{
#define NS(member) SAME_MEMBER(nvmens_id_ns, member, struct nvme_id_ns, member)
  SAME(sizeof(nvmens_id_ns), sizeof(struct nvme_id_ns));
  NS(nsze);
  NS(ncap);
  NS(nuse);
  NS(nsfeat);
  NS(nlbaf);
  NS(flbas);
  NS(mc);
  NS(dpc);
  NS(dps);
  NS(nmic);
  NS(rescap);
  NS(nvmcap);
  NS(anagrpid);
  NS(nsattr);
  NS(nvmsetid);
  NS(endgid);
  NS(nguid);
  NS(eui64);
  NS(lbaf);
}
END_TEST

START_TEST(R6_lba_format_lies_as_in_libnvme)
{
  SAME(sizeof(nvmens_wire_lbaf), sizeof(struct nvme_lbaf));
  SAME_MEMBER(nvmens_wire_lbaf, ms, struct nvme_lbaf, ms);
  SAME_MEMBER(nvmens_wire_lbaf, lbads, struct nvme_lbaf, ds);
  SAME_MEMBER(nvmens_wire_lbaf, rp, struct nvme_lbaf, rp);
}
END_TEST

START_TEST(R6_independent_identify_lies_as_in_libnvme)
{
#define IND(member)                                                                                \
  SAME_MEMBER(nvmens_id_ns_independent, member, struct nvme_id_independent_id_ns, member)
  SAME(sizeof(nvmens_id_ns_independent), sizeof(struct nvme_id_independent_id_ns));
  IND(nsfeat);
  IND(nmic);
  IND(rescap);
  IND(fpi);
  IND(anagrpid);
  IND(nsattr);
  IND(nvmsetid);
  IND(endgid);
  IND(nstat);
}
END_TEST

START_TEST(R6_identify_controller_lies_as_in_libnvme)
{
#define CTRL(member) SAME_MEMBER(nvmens_id_ctrl, member, struct nvme_id_ctrl, member)
  SAME(sizeof(nvmens_id_ctrl), sizeof(struct nvme_id_ctrl));
  CTRL(cmic);
  CTRL(cntlid);
  CTRL(oaes);
  CTRL(ctratt);
  CTRL(cntrltype);
  CTRL(oacs);
  CTRL(aerl);
  CTRL(lpa);
  CTRL(tnvmcap);
  CTRL(unvmcap);
  CTRL(anatt);
  CTRL(anacap);
  CTRL(anagrpmax);
  CTRL(nanagrpid);
  CTRL(nn);
  CTRL(mnan);
  CTRL(maxdna);
  CTRL(maxcna);
}
END_TEST

START_TEST(R6_identify_controller_lies_as_in_the_rules)
{
  SAME(offsetof(nvmens_id_ctrl, cmic), 76);
  SAME(offsetof(nvmens_id_ctrl, cntlid), 78);
  SAME(offsetof(nvmens_id_ctrl, oaes), 92);
  SAME(offsetof(nvmens_id_ctrl, ctratt), 96);
  SAME(offsetof(nvmens_id_ctrl, cntrltype), 111);
  SAME(offsetof(nvmens_id_ctrl, oacs), 256);
  SAME(offsetof(nvmens_id_ctrl, aerl), 259);
  SAME(offsetof(nvmens_id_ctrl, lpa), 261);
  SAME(offsetof(nvmens_id_ctrl, tnvmcap), 280);
  SAME(offsetof(nvmens_id_ctrl, unvmcap), 296);
  SAME(offsetof(nvmens_id_ctrl, anatt), 342);
  SAME(offsetof(nvmens_id_ctrl, anacap), 343);
  SAME(offsetof(nvmens_id_ctrl, anagrpmax), 344);
  SAME(offsetof(nvmens_id_ctrl, nanagrpid), 348);
  SAME(offsetof(nvmens_id_ctrl, nn), 516);
  SAME(offsetof(nvmens_id_ctrl, mnan), 540);
  SAME(offsetof(nvmens_id_ctrl, maxdna), 544);
  SAME(offsetof(nvmens_id_ctrl, maxcna), 560);
  SAME(offsetof(nvmens_id_ns_independent, nmic), 1);
  SAME(offsetof(nvmens_id_ns_independent, anagrpid), 4);
  SAME(offsetof(nvmens_id_ns_independent, nstat), 14);
}
END_TEST

/* libnvme creates with a struct nvme_id_ns. */
START_TEST(R9_create_data_lie_as_in_libnvme_and_the_rules)
{
#define CREATE(member, at)                                                                         \
  do {                                                                                             \
    SAME_MEMBER(nvmens_ns_create, member, struct nvme_id_ns, member);                              \
    SAME(offsetof(nvmens_ns_create, member), at);                                                  \
  } while (0)
  SAME(sizeof(nvmens_ns_create), 4096);
  CREATE(nsze, 0);
  CREATE(ncap, 8);
  CREATE(flbas, 26);
  CREATE(dps, 29);
  CREATE(nmic, 30);
  CREATE(anagrpid, 92);
  CREATE(nvmsetid, 100);
  CREATE(endgid, 102);
  CREATE(lbstm, 384);
}
END_TEST

START_TEST(R18_controller_list_lies_as_in_libnvme)
{
  SAME(sizeof(nvmens_ctrl_list), sizeof(struct nvme_ctrl_list));
  SAME_MEMBER(nvmens_ctrl_list, count, struct nvme_ctrl_list, num);
  SAME_MEMBER(nvmens_ctrl_list, cntlid, struct nvme_ctrl_list, identifier);
  SAME(NVMENS_LIST_CTRLS, NVME_ID_CTRL_LIST_MAX);
}
END_TEST

START_TEST(R42_namespace_list_lies_as_in_libnvme)
{
  SAME(sizeof(nvmens_ns_list), sizeof(struct nvme_ns_list));
  SAME(NVMENS_LIST_NSIDS, NVME_ID_NS_LIST_MAX);
  SAME(NVMENS_PAGE, NVME_IDENTIFY_DATA_SIZE);
}
END_TEST

START_TEST(R5_descriptor_lies_as_in_libnvme)
{
  SAME(sizeof(nvmens_ns_desc), offsetof(struct nvme_ns_id_desc, nid));
  SAME_MEMBER(nvmens_ns_desc, nidt, struct nvme_ns_id_desc, nidt);
  SAME_MEMBER(nvmens_ns_desc, nidl, struct nvme_ns_id_desc, nidl);
  SAME(NVMENS_NIDT_EUI64, NVME_NIDT_EUI64);
  SAME(NVMENS_NIDT_NGUID, NVME_NIDT_NGUID);
  SAME(NVMENS_NIDT_UUID, NVME_NIDT_UUID);
  SAME(NVMENS_NIDT_CSI, NVME_NIDT_CSI);
}
END_TEST

START_TEST(R1_nsids_are_those_of_libnvme)
{
  SAME(NVMENS_NSID_NONE, NVME_NSID_NONE);
  SAME(NVMENS_NSID_ALL, NVME_NSID_ALL);
  SAME(NVMENS_NSID_MAX, 0xFFFFFFFEu);
  SAME(NVMENS_CNTLID_MAX, 0xFFEF); /* R25 */
}
END_TEST

START_TEST(R6_cns_values_are_those_of_libnvme)
{
  SAME(NVMENS_CNS_NS, NVME_IDENTIFY_CNS_NS);
  SAME(NVMENS_CNS_CTRL, NVME_IDENTIFY_CNS_CTRL);
  SAME(NVMENS_CNS_ACTIVE_NS_LIST, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST);
  SAME(NVMENS_CNS_NS_DESC_LIST, NVME_IDENTIFY_CNS_NS_DESC_LIST);
  SAME(NVMENS_CNS_CSI_NS, NVME_IDENTIFY_CNS_CSI_NS);
  SAME(NVMENS_CNS_CSI_CTRL, NVME_IDENTIFY_CNS_CSI_CTRL);
  SAME(NVMENS_CNS_CSI_ACTIVE_NS_LIST, NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST);
  SAME(NVMENS_CNS_NS_INDEPENDENT, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS);
  SAME(NVMENS_CNS_ALLOCATED_NS_LIST, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST);
  SAME(NVMENS_CNS_ALLOCATED_NS, NVME_IDENTIFY_CNS_ALLOCATED_NS);
  SAME(NVMENS_CNS_NS_CTRL_LIST, NVME_IDENTIFY_CNS_NS_CTRL_LIST);
  SAME(NVMENS_CNS_CTRL_LIST, NVME_IDENTIFY_CNS_CTRL_LIST);
  SAME(NVMENS_CNS_CSI_ALLOCATED_NS_LIST, NVME_IDENTIFY_CNS_CSI_ALLOCATED_NS_LIST);
  SAME(NVMENS_CNS_CSI_ALLOCATED_NS, NVME_IDENTIFY_CNS_CSI_ID_NS_DATA_STRUCTURE);
  SAME(NVMENS_CNS_COMMAND_SETS, NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE);
  SAME(NVMENS_CNS_ALLOCATED_NS_INDEPENDENT, 0x1F); /* not in libnvme 1.3 */
}
END_TEST

START_TEST(R7_R18_selects_are_those_of_libnvme)
{
  SAME(NVMENS_NS_MGMT_CREATE, NVME_NS_MGMT_SEL_CREATE);
  SAME(NVMENS_NS_MGMT_DELETE, NVME_NS_MGMT_SEL_DELETE);
  SAME(NVMENS_NS_ATTACH, NVME_NS_ATTACH_SEL_CTRL_ATTACH);
  SAME(NVMENS_NS_DETACH, NVME_NS_ATTACH_SEL_CTRL_DEATTACH);
}
END_TEST

START_TEST(R7_opcodes_are_those_of_libnvme)
{
  SAME(NVMENS_OP_GET_LOG_PAGE, nvme_admin_get_log_page);
  SAME(NVMENS_OP_IDENTIFY, nvme_admin_identify);
  SAME(NVMENS_OP_ABORT, nvme_admin_abort_cmd);
  SAME(NVMENS_OP_SET_FEATURES, nvme_admin_set_features);
  SAME(NVMENS_OP_GET_FEATURES, nvme_admin_get_features);
  SAME(NVMENS_OP_ASYNC_EVENT_REQUEST, nvme_admin_async_event);
  SAME(NVMENS_OP_NS_MANAGEMENT, nvme_admin_ns_mgmt);
  SAME(NVMENS_OP_NS_ATTACHMENT, nvme_admin_ns_attach);
}
END_TEST

#define GENERIC(name)  (NVME_SCT_GENERIC << NVME_SCT_SHIFT | NVME_SC_##name)
#define SPECIFIC(name) (NVME_SCT_CMD_SPECIFIC << NVME_SCT_SHIFT | NVME_SC_##name)
#define PATH(name)     (NVME_SCT_PATH << NVME_SCT_SHIFT | NVME_SC_ANA_##name)

START_TEST(R2_generic_status_codes_are_those_of_libnvme)
{
  SAME(NVMENS_SC_SUCCESS, GENERIC(SUCCESS));
  SAME(NVMENS_SC_INVALID_OPCODE, GENERIC(INVALID_OPCODE));
  SAME(NVMENS_SC_INVALID_FIELD, GENERIC(INVALID_FIELD));
  SAME(NVMENS_SC_DATA_TRANSFER_ERROR, GENERIC(DATA_XFER_ERROR));
  SAME(NVMENS_SC_ABORTED_POWER_LOSS, GENERIC(POWER_LOSS));
  SAME(NVMENS_SC_INTERNAL_ERROR, GENERIC(INTERNAL));
  SAME(NVMENS_SC_ABORTED_BY_REQUEST, GENERIC(ABORT_REQ));
  SAME(NVMENS_SC_ABORTED_SQ_DELETED, GENERIC(ABORT_QUEUE));
  SAME(NVMENS_SC_INVALID_NS_OR_FORMAT, GENERIC(INVALID_NS));
  SAME(NVMENS_SC_NS_WRITE_PROTECTED, GENERIC(NS_WRITE_PROTECTED));
  SAME(NVMENS_SC_NS_NOT_READY, GENERIC(NS_NOT_READY));
}
END_TEST

START_TEST(R13_R22_specific_status_codes_are_those_of_libnvme)
{
  SAME(NVMENS_SC_AER_LIMIT_EXCEEDED, SPECIFIC(ASYNC_LIMIT));
  SAME(NVMENS_SC_INVALID_LOG_PAGE, SPECIFIC(INVALID_LOG_PAGE));
  SAME(NVMENS_SC_INVALID_FORMAT, SPECIFIC(INVALID_FORMAT));
  SAME(NVMENS_SC_FEATURE_NOT_SAVEABLE, SPECIFIC(FEATURE_NOT_SAVEABLE));
  SAME(NVMENS_SC_FEATURE_NOT_CHANGEABLE, SPECIFIC(FEATURE_NOT_CHANGEABLE));
  SAME(NVMENS_SC_FEATURE_NOT_PER_NS, SPECIFIC(FEATURE_NOT_PER_NS));
  SAME(NVMENS_SC_NS_INSUFFICIENT_CAPACITY, SPECIFIC(NS_INSUFFICIENT_CAP));
  SAME(NVMENS_SC_NS_ID_UNAVAILABLE, SPECIFIC(NS_ID_UNAVAILABLE));
  SAME(NVMENS_SC_NS_ALREADY_ATTACHED, SPECIFIC(NS_ALREADY_ATTACHED));
  SAME(NVMENS_SC_NS_IS_PRIVATE, SPECIFIC(NS_IS_PRIVATE));
  SAME(NVMENS_SC_NS_NOT_ATTACHED, SPECIFIC(NS_NOT_ATTACHED));
  SAME(NVMENS_SC_THIN_PROVISIONING_UNSUPPORTED, SPECIFIC(THIN_PROV_NOT_SUPP));
  SAME(NVMENS_SC_INVALID_CTRL_LIST, SPECIFIC(CTRL_LIST_INVALID));
  SAME(NVMENS_SC_ANA_GROUP_INVALID, SPECIFIC(ANA_GROUP_ID_INVALID));
  SAME(NVMENS_SC_ANA_ATTACH_FAILED, SPECIFIC(ANA_ATTACH_FAILED));
  SAME(NVMENS_SC_NS_ATTACH_LIMIT, SPECIFIC(NS_ATTACHMENT_LIMIT_EXCEEDED));
  SAME(NVMENS_SC_COMMAND_SET_UNSUPPORTED, SPECIFIC(IOCS_NOT_SUPPORTED));
  SAME(NVMENS_SC_COMMAND_SET_NOT_ENABLED, SPECIFIC(IOCS_NOT_ENABLED));
  SAME(NVMENS_SC_INVALID_COMMAND_SET, SPECIFIC(INVALID_IOCS));
}
END_TEST

START_TEST(R49_R51_path_status_codes_are_those_of_libnvme)
{
  SAME(NVMENS_SC_INTERNAL_PATH_ERROR, PATH(INTERNAL_PATH_ERROR));
  SAME(NVMENS_SC_ANA_PERSISTENT_LOSS, PATH(PERSISTENT_LOSS));
  SAME(NVMENS_SC_ANA_INACCESSIBLE, PATH(INACCESSIBLE));
  SAME(NVMENS_SC_ANA_TRANSITION, PATH(TRANSITION));
}
END_TEST

START_TEST(C16_dnr_and_the_status_field_are_those_of_libnvme)
{
  SAME(NVMENS_SF_DNR, NVME_SC_DNR);
  SAME(NVMENS_SF(NVME_SCT_CMD_SPECIFIC, NVME_SC_NS_NOT_ATTACHED), NVMENS_SC_NS_NOT_ATTACHED);
}
END_TEST

START_TEST(R27_event_types_are_those_of_libnvme)
{
  SAME(NVMENS_AER_ERROR, NVME_AER_ERROR);
  SAME(NVMENS_AER_SMART, NVME_AER_SMART);
  SAME(NVMENS_AER_NOTICE, NVME_AER_NOTICE);
  SAME(NVMENS_AER_IMMEDIATE, 3); /* not in libnvme 1.3 */
  SAME(NVMENS_AER_ONE_SHOT, 4);
  SAME(NVMENS_AER_IO_COMMAND_SET, NVME_AER_CSS);
  SAME(NVMENS_AER_VENDOR, NVME_AER_VS);
  SAME(NVMENS_NOTICE_ATTACHED_NS_CHANGED, NVME_AER_NOTICE_NS_CHANGED);
  SAME(NVMENS_NOTICE_ALLOCATED_NS_CHANGED, 9); /* R39 */
}
END_TEST

START_TEST(R34_event_bits_are_those_of_libnvme)
{
  SAME(NVMENS_FID_ASYNC_EVENT_CONFIG, NVME_FEAT_FID_ASYNC_EVENT);
  SAME(NVMENS_AEC_ATTACHED_NS, NVME_FEATURE_AENCFG_NOTICE_NAMESPACE_ATTRIBUTES);
  SAME(NVMENS_AEC_ATTACHED_NS, NVME_CTRL_OAES_NA);
  SAME(NVMENS_AEC_FIRMWARE, NVME_FEATURE_AENCFG_NOTICE_FIRMWARE_ACTIVATION);
  SAME(NVMENS_AEC_FIRMWARE, NVME_CTRL_OAES_FA);
  SAME(NVMENS_AEC_ANA, NVME_FEATURE_AENCFG_NOTICE_ANA_CHANGE);
  SAME(NVMENS_AEC_ANA, NVME_CTRL_OAES_ANA);
  SAME(NVMENS_AEC_ALLOCATED_NS, 1u << 19);
  SAME(NVMENS_AEC_SMART, 0xFF);
}
END_TEST

START_TEST(R45_log_identifiers_are_those_of_libnvme)
{
  SAME(NVMENS_LID_ERROR, NVME_LOG_LID_ERROR);
  SAME(NVMENS_LID_SMART, NVME_LOG_LID_SMART);
  SAME(NVMENS_LID_FIRMWARE, NVME_LOG_LID_FW_SLOT);
  SAME(NVMENS_LID_CHANGED_ATTACHED_NS, NVME_LOG_LID_CHANGED_NS);
  SAME(NVMENS_LID_COMMAND_EFFECTS, NVME_LOG_LID_CMD_EFFECTS);
  SAME(NVMENS_LID_ANA, NVME_LOG_LID_ANA);
  SAME(NVMENS_LID_CHANGED_ALLOCATED_NS, 0x1C); /* R39 */
}
END_TEST

START_TEST(R6_flag_bits_are_those_of_libnvme)
{
  SAME(NVMENS_CMIC_MULTI_CTRL, NVME_CTRL_CMIC_MULTI_CTRL);
  SAME(NVMENS_OACS_NS_MANAGEMENT, NVME_CTRL_OACS_NS_MGMT);
  SAME(NVMENS_LPA_EXTENDED_DATA, NVME_CTRL_LPA_EXTENDED);
  SAME(NVMENS_NMIC_SHARED, NVME_NS_NMIC_SHARED);
  SAME(NVMENS_NSATTR_WP, NVME_NS_NSATTR_WRITE_PROTECTED);
  SAME(NVMENS_NSTAT_NRDY, 1); /* not in libnvme 1.3 */
}
END_TEST

START_TEST(R6_command_sets_are_those_of_libnvme)
{
  SAME(NVMENS_CSI_NVM, NVME_CSI_NVM);
  SAME(NVMENS_CSI_KV, NVME_CSI_KV);
  SAME(NVMENS_CSI_ZNS, NVME_CSI_ZNS);
  SAME(NVMENS_CC_CSS_SHIFT, NVME_CC_CSS_SHIFT);
  SAME(NVMENS_CC_CSS_MASK, NVME_CC_CSS_MASK);
  SAME(NVMENS_CSS_NVM, NVME_CC_CSS_NVM);
  SAME(NVMENS_CSS_ALL, NVME_CC_CSS_CSI);
  SAME(NVMENS_CSS_ADMIN_ONLY, NVME_CC_CSS_ADMIN);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("wire");
  TCase *tc = tcase_create("wire");

  tcase_add_test(tc, R6_identify_namespace_lies_as_in_libnvme);
  tcase_add_test(tc, R6_lba_format_lies_as_in_libnvme);
  tcase_add_test(tc, R6_independent_identify_lies_as_in_libnvme);
  tcase_add_test(tc, R6_identify_controller_lies_as_in_libnvme);
  tcase_add_test(tc, R6_identify_controller_lies_as_in_the_rules);
  tcase_add_test(tc, R9_create_data_lie_as_in_libnvme_and_the_rules);
  tcase_add_test(tc, R18_controller_list_lies_as_in_libnvme);
  tcase_add_test(tc, R42_namespace_list_lies_as_in_libnvme);
  tcase_add_test(tc, R5_descriptor_lies_as_in_libnvme);
  tcase_add_test(tc, R1_nsids_are_those_of_libnvme);
  tcase_add_test(tc, R6_cns_values_are_those_of_libnvme);
  tcase_add_test(tc, R7_R18_selects_are_those_of_libnvme);
  tcase_add_test(tc, R7_opcodes_are_those_of_libnvme);
  tcase_add_test(tc, R2_generic_status_codes_are_those_of_libnvme);
  tcase_add_test(tc, R13_R22_specific_status_codes_are_those_of_libnvme);
  tcase_add_test(tc, R49_R51_path_status_codes_are_those_of_libnvme);
  tcase_add_test(tc, C16_dnr_and_the_status_field_are_those_of_libnvme);
  tcase_add_test(tc, R27_event_types_are_those_of_libnvme);
  tcase_add_test(tc, R34_event_bits_are_those_of_libnvme);
  tcase_add_test(tc, R45_log_identifiers_are_those_of_libnvme);
  tcase_add_test(tc, R6_flag_bits_are_those_of_libnvme);
  tcase_add_test(tc, R6_command_sets_are_those_of_libnvme);
  suite_add_tcase(suite, tc);
  return rig_main(suite);
}
