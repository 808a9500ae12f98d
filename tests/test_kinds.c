/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_kinds.c: what a controller of each type has; the rest is not announced, is refused, and has
 * no effect (R70).
 */
#include "rig_more.h"

enum { ADMIN, DISCOVERY, KINDS };

#define DISCOVERY_BITS UINT32_C(0xF0000000)
#define ALL_BITS       UINT32_C(0xFFFFFFFF)
#define OPCODE         RIG_DNR(NVMENS_SC_INVALID_OPCODE)
#define LOG_PAGE       RIG_DNR(NVMENS_SC_INVALID_LOG_PAGE)

static uint8_t page[NVMENS_PAGE];
static nvmens_id_ctrl id;

static rig_ctrl *down(rig *r, uint8_t kind, uint8_t hostid)
{
  return rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = kind, .hostid = {hostid}});
}

static rig_ctrl *up(rig *r, uint8_t kind)
{
  rig_ctrl *c = down(r, kind, 0);

  rig_enable(c);
  return c;
}

/* One that may have each bit of feature 0Bh, and two namespaces on an I/O controller. */
static rig *world(rig_ctrl **io)
{
  rig *r = rig_new(&(nvmens_subsys_config){
      .aec_supported = ALL_BITS, .aec_default = DISCOVERY_BITS | 1, .tnvmcap = {1 << 30, 2}});

  *io = rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  rig_ns_auto(r, 2);
  return r;
}

static void fill(const rig_ctrl *c)
{
  memset(&id, 0, sizeof(id));
  nvmens_identify_ctrl(c->c, &id);
}

/* ---- discovery controllers ---- */

START_TEST(R70_a_discovery_controller_does_not_manage)
{
  rig_ctrl *io, *d;
  rig *r = world(&io);

  d = up(r, NVMENS_CTRL_DISCOVERY);
  rig_log_clear(r);
  RIG_FAILS(rig_host_delete(d, 1), OPCODE);
  RIG_FAILS(rig_host_delete(d, NVMENS_NSID_ALL), OPCODE);
  RIG_FAILS(rig_host_delete(d, 77), OPCODE);
  RIG_FAILS(rig_host_create(d, 8, 1), OPCODE);
  RIG_FAILS(rig_host_attach(d, 1, io), OPCODE);
  RIG_FAILS(rig_host_detach(d, 1, io), OPCODE);
  RIG_FAILS(rig_admin(d, .opcode = NVMENS_OP_NS_MANAGEMENT, .cdw10 = 7), OPCODE);
  ck_assert_uint_eq(rig_count(r, RIG_PREPARE) + rig_count(r, RIG_TRANSFER), 0);
  ck_assert_uint_eq(rig_count(r, RIG_DRAIN), 0);
  ck_assert_str_eq(rig_ids(io, NVMENS_CNS_ACTIVE_NS_LIST), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R70_a_discovery_controller_shows_no_namespace)
{
  static const uint8_t cns[] = {0x00, 0x02, 0x03, 0x05, 0x06, 0x07, 0x08, 0x10,
                                0x11, 0x12, 0x13, 0x1A, 0x1B, 0x1C, 0x1F};
  rig_ctrl *io, *d;
  rig *r = world(&io);

  d = up(r, NVMENS_CTRL_DISCOVERY);
  rig_log_clear(r);
  for (size_t i = 0; i < sizeof(cns); i++) {
    RIG_FAILS(rig_identify(d, cns[i], 1, page), DNR02);
    RIG_FAILS(rig_identify(d, cns[i], NVMENS_NSID_ALL, page), DNR02);
  }
  ck_assert_uint_eq(rig_count(r, RIG_IDENTIFY) + rig_count(r, RIG_TRANSFER), 0);
  ck_assert_int_eq(rig_identify(d, NVMENS_CNS_CTRL, 0, page)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R70_a_discovery_controller_has_no_log_of_namespaces)
{
  rig_ctrl *io, *d;
  rig *r = world(&io);

  d = up(r, NVMENS_CTRL_DISCOVERY);
  RIG_FAILS(rig_get_log(d, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), LOG_PAGE);
  RIG_FAILS(rig_get_log(d, RIG_LID1C, RIG_PEEK, 3, sizeof(page), page), LOG_PAGE);
  ck_assert_int_eq(rig_get_log(d, 0x70, RIG_CONSUME, 0, 1024, page)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R70_a_discovery_controller_hears_of_no_namespace)
{
  rig_ctrl *io, *d;
  rig *r = world(&io);
  rig_cmd *aer;

  d = up(r, NVMENS_CTRL_DISCOVERY);
  aer = rig_aer(d);
  RIG_FAILS(rig_set_aec(d, RIG_BIT4), DNR02);
  RIG_FAILS(rig_set_aec(d, DISCOVERY_BITS | RIG_BIT1C), DNR02);
  RIG_OK(rig_host_create(io, 8, 1));
  RIG_OK(rig_host_delete(io, 1));
  rig_rest(r);
  ck_assert(rig_is_open(aer));
  ck_assert_uint_eq(rig_info(d).owed + rig_info(d).reported + rig_info(d).coalesced, 0);
  RIG_OK(rig_abort(d, aer->cid)); /* R36 */
  RIG_FAILS(aer, NVMENS_SC_ABORTED_BY_REQUEST);
  rig_end(r);
}
END_TEST

START_TEST(R70_a_discovery_controller_has_the_events_of_its_backend)
{
  rig_ctrl *io, *d;
  rig *r = world(&io);

  d = up(r, NVMENS_CTRL_DISCOVERY);
  RIG_OK(rig_set_aec(d, UINT32_C(1) << 31));
  ck_assert_int_eq(rig_post(d, NVMENS_AER_NOTICE, 0xF0, 0x70, UINT32_C(1) << 31), 0);
  ck_assert_uint_eq(rig_event_now(d), 0x0070F002);
  ck_assert_int_eq(rig_post(d, NVMENS_AER_SMART, 0, NVMENS_LID_SMART, 1), 0);
  ck_assert_uint_eq(rig_heard(d), 0); /* its bit cannot be on */
  rig_end(r);
}
END_TEST

START_TEST(R70_what_is_refused_is_taken_as_anything_else)
{
  rig_ctrl *io, *d;
  rig *r = world(&io);

  d = down(r, NVMENS_CTRL_DISCOVERY, 0);
  RIG_FAILS(rig_host_delete(d, 1), NVMENS_SC_ABORTED_SQ_DELETED);
  rig_enable(d);
  RIG_FAILS(rig_host_delete(d, 1), OPCODE);
  rig_shutdown(d);
  RIG_FAILS(rig_identify(d, NVMENS_CNS_ALLOCATED_NS_LIST, 0, page), NVMENS_SC_ABORTED_POWER_LOSS);
  rig_end(r);
}
END_TEST

START_TEST(R70_without_prepare_it_is_the_same)
{
  rig *r = rig_new_without(NULL, RIG_NO_PREPARE);
  rig_ctrl *d = up(r, NVMENS_CTRL_DISCOVERY);

  RIG_FAILS(rig_host_delete(d, 1), OPCODE);
  fill(d);
  ck_assert_uint_eq(nvmens_get16(id.oacs), 0);
  rig_end(r);
}
END_TEST

/* ---- administrative controllers ---- */

START_TEST(R70_an_administrative_controller_manages_and_hears_of_it)
{
  rig_ctrl *io, *a;
  rig *r = world(&io);

  a = up(r, NVMENS_CTRL_ADMIN);
  RIG_OK(rig_set_aec(a, RIG_BIT4 | RIG_BIT1C));
  RIG_OK(rig_host_create(a, 8, 1));
  ck_assert_uint_eq(rig_event_now(a), RIG_EV1C);
  ck_assert_str_eq(rig_changed(a, RIG_LID1C, RIG_CONSUME), "3");
  RIG_OK(rig_host_attach(a, 3, io));
  ck_assert_uint_eq(rig_event_now(a), RIG_EV1C);
  ck_assert_str_eq(rig_ids(a, NVMENS_CNS_ALLOCATED_NS_LIST), "1 2 3");
  RIG_OK(rig_host_delete(a, NVMENS_NSID_ALL));
  ck_assert_str_eq(rig_ids(io, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(rig_changed(a, RIG_LID1C, RIG_CONSUME), "1 2 3"); /* R41 */
  rig_end(r);
}
END_TEST

START_TEST(R70_to_an_administrative_controller_nothing_is_attached)
{
  rig_ctrl *io, *a;
  rig *r = world(&io);

  a = up(r, NVMENS_CTRL_ADMIN);
  RIG_OK(rig_set_aec(a, RIG_BIT4));
  rig_ns_auto(r, 3);
  ck_assert_uint_eq(rig_heard(a), 0);
  ck_assert_str_eq(rig_changed(a, RIG_LID4, RIG_CONSUME), "");
  ck_assert_str_eq(rig_ids(a, NVMENS_CNS_ACTIVE_NS_LIST), "");
  more_page(a, NVMENS_CNS_NS, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  RIG_FAILS(rig_identify(a, NVMENS_CNS_NS_DESC_LIST, 1, page), DNR02);
  ck_assert_str_eq(more_ctrls(a, NVMENS_CNS_CTRL_LIST, 0, 0), "1: 0");
  rig_end(r);
}
END_TEST

/* ---- feature 0Bh and CNS 01h ---- */

START_TEST(R70_each_type_has_its_bits_of_feature_0Bh)
{
  static const uint32_t may[] = {[NVMENS_CTRL_IO] = 0x0FFFFFFF,
                                 [NVMENS_CTRL_DISCOVERY] = 0xF0000000,
                                 [NVMENS_CTRL_ADMIN] = 0x07F9D7FF};
  rig_ctrl *io;
  rig *r = world(&io);

  for (uint8_t kind = NVMENS_CTRL_IO; kind <= NVMENS_CTRL_ADMIN; kind++) {
    rig_ctrl *c = up(r, kind);

    for (unsigned bit = 0; bit < 32; bit++)
      RIG_FAILS(rig_set_aec(c, UINT32_C(1) << bit), may[kind] >> bit & 1 ? 0 : DNR02);
    RIG_OK(rig_set_aec(c, may[kind]));
    fill(c);
    ck_assert_uint_eq(nvmens_get32(id.oaes), may[kind] & 0x8FFBFF00); /* R34 */
  }
  rig_end(r);
}
END_TEST

START_TEST(R70_the_default_of_feature_0Bh_is_of_its_type)
{
  static const uint32_t bits[] = {
      [NVMENS_CTRL_IO] = 1, [NVMENS_CTRL_DISCOVERY] = 0xF0000000, [NVMENS_CTRL_ADMIN] = 1};
  rig_ctrl *io;
  rig *r = world(&io);

  for (uint8_t kind = NVMENS_CTRL_IO; kind <= NVMENS_CTRL_ADMIN; kind++) {
    rig_ctrl *c = up(r, kind);

    ck_assert_uint_eq(rig_get_aec(c), bits[kind]);
    ck_assert_uint_eq(RIG_OK(rig_admin(c, .opcode = NVMENS_OP_GET_FEATURES,
                                       .cdw10 = NVMENS_FID_ASYNC_EVENT_CONFIG | 1 << 8))
                          ->dw0,
                      bits[kind]);
    RIG_OK(rig_set_aec(c, 0));
    rig_reenable(c); /* R35 */
    ck_assert_uint_eq(nvmens_aec(c->c), bits[kind]);
  }
  rig_end(r);
}
END_TEST

START_TEST(R70_a_configuration_without_its_bits_leaves_it_none)
{
  rig *r = rig_new(NULL);
  rig_ctrl *d = up(r, NVMENS_CTRL_DISCOVERY);

  fill(d);
  ck_assert_uint_eq(nvmens_get32(id.oaes), 0);
  RIG_FAILS(rig_set_aec(d, 1), DNR02);
  RIG_FAILS(rig_set_aec(d, UINT32_C(1) << 31), DNR02);
  RIG_OK(rig_set_aec(d, 0));
  rig_end(r);
}
END_TEST

START_TEST(R70_cns01_of_a_discovery_controller_has_nothing_of_namespaces)
{
  rig_ctrl *io, *d;
  rig *r = world(&io);
  nvmens_id_ctrl want;

  d = up(r, NVMENS_CTRL_DISCOVERY);
  memset(&want, 0xFF, sizeof(want));
  nvmens_put16(want.cntlid, rig_cntlid(d));
  nvmens_put32(want.oaes, UINT32_C(1) << 31);
  want.cntrltype = NVMENS_CTRL_DISCOVERY;
  nvmens_put16(want.oacs, 0xFFFF & ~NVMENS_OACS_NS_MANAGEMENT);
  want.aerl = 3;
  memset(want.tnvmcap, 0, sizeof(want.tnvmcap));
  memset(want.unvmcap, 0, sizeof(want.unvmcap));
  memset(want.nn, 0, sizeof(want.nn));
  memset(want.mnan, 0, sizeof(want.mnan));
  memset(want.maxdna, 0, sizeof(want.maxdna));
  memset(want.maxcna, 0, sizeof(want.maxcna));
  memset(&id, 0xFF, sizeof(id));
  nvmens_identify_ctrl(d->c, &id);
  ck_assert_mem_eq(&id, &want, sizeof(id));
  fill(d);
  ck_assert_uint_eq(id.cmic | id.lpa, 0);
  rig_end(r);
}
END_TEST

START_TEST(R70_cns01_of_an_administrative_controller_is_as_that_of_an_io_controller)
{
  rig_ctrl *io, *a;
  rig *r = world(&io);
  nvmens_id_ctrl other;

  a = up(r, NVMENS_CTRL_ADMIN);
  fill(io);
  other = id;
  fill(a);
  ck_assert_uint_eq(nvmens_get16(id.oacs), NVMENS_OACS_NS_MANAGEMENT);
  nvmens_put16(other.cntlid, rig_cntlid(a));
  other.cntrltype = NVMENS_CTRL_ADMIN;
  memcpy(other.oaes, id.oaes, sizeof(id.oaes));
  ck_assert_mem_eq(&id, &other, sizeof(id));
  rig_end(r);
}
END_TEST

/* ---- hosts: only I/O controllers have disks ---- */

START_TEST(R66_what_is_not_io_is_no_newcomer)
{
  static const uint8_t kinds[KINDS] = {NVMENS_CTRL_ADMIN, NVMENS_CTRL_DISCOVERY};

  for (unsigned i = 0; i < KINDS; i++) {
    rig *r = rig_new(&(nvmens_subsys_config){.host_memory_ns = RIG_SEC});
    rig_ctrl *c = down(r, NVMENS_CTRL_IO, 1);
    rig_ns *ns;

    rig_enable(c);
    ns = rig_ns_auto(r, 1);
    rig_ctrl_del(c);
    rig_enable(down(r, kinds[i], 1)); /* it never lets go of anything */
    rig_poll(r);
    rig_pass(r, RIG_SEC);
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
    ck_assert_uint_eq(rig_ns_loose(r, 0)->ref.nsid, 1); /* R69: it is forgotten in time */
    rig_end(r);
  }
}
END_TEST

/* Host 1 has attached namespace 1 to a controller that is going and drains. */
static rig *leaving(rig_ctrl **c, rig_ns **ns)
{
  rig *r = rig_new(NULL);

  rig_enable(down(r, NVMENS_CTRL_DISCOVERY, 1));
  *c = down(r, NVMENS_CTRL_IO, 1);
  *ns = rig_ns_loose(r, 1);
  (*ns)->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(*ns, *c), 0);
  nvmens_ctrl_del((*c)->c);
  (*c)->c = NULL;
  return r;
}

START_TEST(R67_what_is_not_io_follows_nobody)
{
  rig_ctrl *c;
  rig_ns *ns;
  rig *r = leaving(&c, &ns);

  rig_enable(down(r, NVMENS_CTRL_DISCOVERY, 1));
  ck_assert_int_eq(rig_att(ns, down(r, NVMENS_CTRL_IO, 1)).state, NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_end(r);
}
END_TEST

static void come_back(rig *r, const rig_event *e)
{
  (void)e;
  r->react_on = 0;
  r->react_arg = down(r, NVMENS_CTRL_IO, 1);
}

START_TEST(R67_what_is_not_io_is_followed_by_nobody)
{
  rig_ctrl *c, *d;
  rig_ns *ns;
  rig *r = leaving(&c, &ns);

  d = r->ctrl[0];
  rig_aer(d);
  r->react = come_back;
  r->react_on = RIG_BIT(RIG_DROP);
  nvmens_ctrl_del(d->c); /* the one with the lowest CNTLID that is going */
  d->c = NULL;
  ck_assert_int_eq(rig_att(ns, r->react_arg).state, NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R70_a_discovery_controller_does_not_manage,
      R70_a_discovery_controller_shows_no_namespace,
      R70_a_discovery_controller_has_no_log_of_namespaces,
      R70_a_discovery_controller_hears_of_no_namespace,
      R70_a_discovery_controller_has_the_events_of_its_backend,
      R70_what_is_refused_is_taken_as_anything_else,
      R70_without_prepare_it_is_the_same,
      R70_an_administrative_controller_manages_and_hears_of_it,
      R70_to_an_administrative_controller_nothing_is_attached,
      R70_each_type_has_its_bits_of_feature_0Bh,
      R70_the_default_of_feature_0Bh_is_of_its_type,
      R70_a_configuration_without_its_bits_leaves_it_none,
      R70_cns01_of_a_discovery_controller_has_nothing_of_namespaces,
      R70_cns01_of_an_administrative_controller_is_as_that_of_an_io_controller,
      R66_what_is_not_io_is_no_newcomer,
      R67_what_is_not_io_follows_nobody,
      R67_what_is_not_io_is_followed_by_nobody,
  };

  return MORE_RUN("kinds", tests);
}
