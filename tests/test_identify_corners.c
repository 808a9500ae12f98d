/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_identify_corners.c: Identify where the backend has its say, where what is shown changes
 * under way, and where lists end (R3, R6, R9, C14, P16).
 */
#include "ns.h"
#include "rig_more.h"
#include "subsys.h"

enum { CSI_KV = 1 };

static uint8_t page[NVMENS_PAGE];
static uint64_t used;
static unsigned acted;

static void act(rig *r, void (*react)(rig *, const rig_event *), rig_kind on)
{
  acted = 0;
  r->react = react;
  r->react_on = RIG_BIT(on);
}

static void put_use(rig *r, const rig_event *e)
{
  (void)r;
  nvmens_put64(((nvmens_id_ns *)e->data)->nuse, used);
}

static uint64_t nuse_given(rig_ctrl *c, uint64_t given)
{
  used = given;
  more_page(c, NVMENS_CNS_NS, 1, page);
  return nvmens_get64(((nvmens_id_ns *)page)->nuse);
}

START_TEST(R6_nuse_is_the_backends_up_to_the_capacity)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1); /* 1000h blocks */
  act(r, put_use, RIG_IDENTIFY);
  ck_assert_uint_eq(nuse_given(c, 5), 5);
  ck_assert_uint_eq(nuse_given(c, 0x1000), 0x1000);
  ck_assert_uint_eq(nuse_given(c, 0x1001), 0x1000);
  ck_assert_uint_eq(nuse_given(c, 0), 0x1000);
  rig_end(r);
}
END_TEST

START_TEST(R6_pages_of_another_command_set)
{
  rig *r = rig_new(&(nvmens_subsys_config){.csi_supported = 1 | 1 << CSI_KV});
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(nvmens_ctrl_enable(c->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = CSI_KV, .shared = 1, .auto_attach = 1});
  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page); /* it has no blocks to count */
  ck_assert(more_zero(page, 0, NVMENS_PAGE - 1));
  ck_assert_uint_eq(page[NVMENS_PAGE - 1], 0x5A);
  RIG_OK(rig_identify_full(c, NVMENS_CNS_CSI_ALLOCATED_NS, 1, 0, CSI_KV, page));
  RIG_FAILS(rig_identify_full(c, NVMENS_CNS_CSI_ALLOCATED_NS, 1, 0, 0, page), DNR02);
  RIG_FAILS(rig_identify_full(c, NVMENS_CNS_CSI_ALLOCATED_NS, 1, 0, 5, page), DNR02);
  RIG_OK(rig_identify_full(c, NVMENS_CNS_CSI_ALLOCATED_NS, 2, 0, CSI_KV, page));
  ck_assert(more_zero(page, 0, NVMENS_PAGE));
  rig_end(r);
}
END_TEST

START_TEST(R6_command_sets_of_a_controller_that_is_not_there)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_identify_full(c, NVMENS_CNS_COMMAND_SETS, 0, 0, 0, page));
  RIG_OK(rig_identify_full(c, NVMENS_CNS_COMMAND_SETS, 0, ANY, 0, page));
  RIG_FAILS(rig_identify_full(c, NVMENS_CNS_COMMAND_SETS, 0, 7, 0, page), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R25_cmic_says_whether_there_may_be_more_controllers)
{
  rig *r = rig_new(&(nvmens_subsys_config){.max_ctrls = 1}), *more = rig_new(NULL);
  nvmens_id_ctrl id;

  memset(&id, 0, sizeof(id));
  nvmens_identify_ctrl(rig_ctrl_on(r)->c, &id);
  ck_assert_uint_eq(id.cmic, 0);
  nvmens_identify_ctrl(rig_ctrl_on(more)->c, &id);
  ck_assert_uint_eq(id.cmic, NVMENS_CMIC_MULTI_CTRL);
  rig_end(r);
  rig_end(more);
}
END_TEST

/* ---- more than a page of controllers; the rig has no room for so many ---- */

static void ended(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                  uint64_t error_info)
{
  (void)ctrl_user, (void)cmd, (void)dw0, (void)error_info;
  ck_assert_uint_eq(status.sf, 0);
}

static void dropped(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)ctrl_user, (void)cmd;
  ck_abort_msg("nothing is reset");
}

static nvmens_status to_page(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                             nvmens_dir dir)
{
  (void)ctrl_user, (void)cmd, (void)dir;
  memcpy(page, buf, len);
  return (nvmens_status){0};
}

static unsigned controllers_from(nvmens_ctrl *ctrl, uint16_t first)
{
  nvmens_sqe sqe = {.opcode = NVMENS_OP_IDENTIFY};
  nvmens_cmd cmd;

  nvmens_put32(sqe.cdw10, NVMENS_CNS_CTRL_LIST | (uint32_t)first << 16);
  ck_assert_int_eq(nvmens_admin(ctrl, &cmd, &sqe, 0), NVMENS_TAKEN);
  return nvmens_get16(((const nvmens_ctrl_list *)page)->count);
}

START_TEST(R6_a_controller_list_ends_at_2047)
{
  const nvmens_host host = {.cmd_complete = ended, .cmd_drop = dropped, .transfer = to_page};
  const nvmens_subsys_config config = {.max_ctrls = 2100};
  nvmens_subsys *s;
  nvmens_ctrl *c;

  ck_assert_int_eq(nvmens_subsys_new(&s, &config, &host, NULL, NULL), 0);
  for (unsigned i = 0; i < 2049; i++)
    ck_assert_int_eq(nvmens_ctrl_new(&c, s, NULL, NULL), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(c, 0), 0);
  ck_assert_uint_eq(controllers_from(c, 0), 2047);
  ck_assert_uint_eq(nvmens_get16(((const nvmens_ctrl_list *)page)->cntlid[2046]), 2046);
  ck_assert_uint_eq(controllers_from(c, 1), 2047);
  ck_assert_uint_eq(controllers_from(c, 2), 2047);
  ck_assert_uint_eq(controllers_from(c, 3), 2046);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

/* ---- it changes under way ---- */

static void shut_down(rig *r, const rig_event *e)
{
  (void)r;
  nvmens_ctrl_shutdown(e->ctrl->c);
}

static void replace(rig *r, const rig_event *e)
{
  (void)e;
  if (acted++)
    return;
  ck_assert_int_eq(nvmens_ns_unplug(r->s, rig_find(r, 1)->ref, NVMENS_ORDERLY, 0, RIG_NEVER), 0);
  rig_ns_auto(r, 1);
}

static void detach_it(rig *r, const rig_event *e)
{
  (void)e;
  ck_assert_int_eq(nvmens_ns_unplug(r->s, rig_find(r, 1)->ref, NVMENS_ORDERLY, 0, RIG_NEVER), 0);
}

/* Namespace 1 has been replaced, and the host has not looked yet: FENCED (R64). */
static rig *replaced(rig_ctrl **c)
{
  rig *r = rig_new(NULL);

  *c = rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  replace(r, NULL);
  ck_assert_int_eq(more_att(rig_find(r, 1), *c), NVMENS_ATT_FENCED);
  return r;
}

/* The page is on its way while this happens; then nothing was attached by it. */
static void not_opened_if(void (*react)(rig *, const rig_event *))
{
  rig_ctrl *c;
  rig *r = replaced(&c);

  rig_log_clear(r);
  act(r, react, RIG_TRANSFER);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
  r->react = NULL;
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 0);
  rig_end(r);
}

START_TEST(R64_what_has_gone_while_it_was_shown_opens_nothing)
{
  rig_ctrl *c;
  rig *r;

  acted = 0;
  r = replaced(&c);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
  ck_assert_int_eq(more_att(rig_find(r, 1), c), NVMENS_ATT_ATTACHED);
  rig_end(r);
  acted = 0;
  not_opened_if(shut_down);
  acted = 0;
  not_opened_if(detach_it);
  acted = 0;
  not_opened_if(replace);
}
END_TEST

/* As many others are in the hook as the counter of 16 bits held, and the namespace is removed. */
static void unplug_beside_many(rig *r, const rig_event *e)
{
  nvmens_ns *ns = nvmens_ns_of(r->s, 1);

  if (acted++)
    return;
  ns->pins += 65535;
  ck_assert_int_eq(rig_unplug(e->ns, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_int_eq(e->ns->released, 0);
  ns->pins -= 65535;
}

START_TEST(T4_65536_identify_hooks_at_once_hold_their_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  act(r, unplug_beside_many, RIG_IDENTIFY);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, page));
  ck_assert_uint_eq(acted, 1);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("identify_corners", T4_65536_identify_hooks_at_once_hold_their_namespace,
                 R6_nuse_is_the_backends_up_to_the_capacity, R6_pages_of_another_command_set,
                 R6_command_sets_of_a_controller_that_is_not_there,
                 R25_cmic_says_whether_there_may_be_more_controllers,
                 R6_a_controller_list_ends_at_2047,
                 R64_what_has_gone_while_it_was_shown_opens_nothing);
}
