/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_unplug.c: the life of a namespace as the backend sees it: create, unplug, find, references
 * (the table "namespace" of docs/states.md; R3-R5, R15, R40, R55, C15, P16, P17).
 */
#include "rig_more.h"

static const char *allocated(rig_ctrl *c)
{
  return rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST);
}

static int unplug(rig_ns *ns, nvmens_mode mode)
{
  return rig_unplug(ns, mode, RIG_NEVER);
}

/* ---- create ---- */

START_TEST(namespace_create_of_absent)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 5);

  ck_assert_uint_eq(ns->ref.nsid, 5);
  ck_assert_uint_ne(ns->ref.gen, 0);
  ck_assert_int_eq(more_ns(ns).state, NVMENS_NS_ALLOCATED);
  ck_assert_str_eq(allocated(c), "5");
  rig_end(r);
}
END_TEST

START_TEST(namespace_create_of_allocated_exists)
{
  rig *r = rig_new(NULL);

  rig_ns_loose(r, 5);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 5}, NULL), NVMENS_ERR_EXISTS);
  rig_end(r);
}
END_TEST

START_TEST(namespace_create_of_deleting_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = more_pending(r, c, 1), *next;

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1}, NULL), NVMENS_ERR_BUSY);
  next = rig_ns_loose(r, 0); /* an automatic NSID skips it */
  ck_assert_uint_eq(next->ref.nsid, 2);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_uint_eq(rig_ns_loose(r, 0)->ref.nsid, 3); /* R69: the host has a disk of 1 yet */
  more_hear(c);
  ck_assert_int_eq(rig_attach(next, c), 0);
  more_hear(c); /* a second scan begins */
  ck_assert_uint_eq(rig_ns_loose(r, 0)->ref.nsid, 1);
  rig_end(r);
}
END_TEST

START_TEST(R8_an_automatic_nsid_is_the_lowest_free_one)
{
  rig *r = rig_new(NULL);

  rig_ns_loose(r, 1);
  rig_ns_loose(r, 3);
  ck_assert_uint_eq(rig_ns_loose(r, 0)->ref.nsid, 2);
  ck_assert_uint_eq(rig_ns_loose(r, 0)->ref.nsid, 4);
  rig_end(r);
}
END_TEST

START_TEST(R4_the_count_is_limited_by_nn)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2});

  rig_ns_loose(r, 0);
  rig_ns_loose(r, 0);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 0}, NULL), NVMENS_ERR_LIMIT);
  rig_end(r);
}
END_TEST

START_TEST(R4_the_count_is_limited_by_mnan)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 1000, .mnan = 2});

  rig_ns_loose(r, 1000);
  rig_ns_loose(r, 7);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 8}, NULL), NVMENS_ERR_LIMIT);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 0}, NULL), NVMENS_ERR_LIMIT);
  rig_end(r);
}
END_TEST

START_TEST(R15_the_count_comes_back_at_released)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 10, .mnan = 1});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 2}, NULL), NVMENS_ERR_LIMIT);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_ns_loose(r, 2);
  rig_end(r);
}
END_TEST

START_TEST(C15_an_identity_is_used_once)
{
  rig *r = rig_new(NULL);
  static const nvmens_ns_config first = {
      .nsid = 1, .ident = {.uuid = {1, 1}, .nguid = {2, 2}, .eui64 = {3, 3}}};
  nvmens_ns_config config = {.nsid = 2};

  rig_ns_new(r, &first);
  memcpy(config.ident.uuid, first.ident.uuid, 16);
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), NVMENS_ERR_EXISTS);
  config = (nvmens_ns_config){.nsid = 2, .ident = {.uuid = {9}}};
  memcpy(config.ident.nguid, first.ident.nguid, 16);
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), NVMENS_ERR_EXISTS);
  config = (nvmens_ns_config){.nsid = 2, .ident = {.uuid = {9}}};
  memcpy(config.ident.eui64, first.ident.eui64, 8);
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), NVMENS_ERR_EXISTS);
  config = (nvmens_ns_config){.nsid = 2, .ident = {.uuid = {9}}};
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), 0);
  rig_end(r);
}
END_TEST

START_TEST(C15_identifiers_of_zero_are_not_the_same)
{
  rig *r = rig_new(NULL);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .ident = {.eui64 = {1}}});
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 2, .ident = {.eui64 = {2}}});
  rig_end(r);
}
END_TEST

START_TEST(C15_an_identity_is_free_after_released)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);
  nvmens_ns_config config = {.nsid = 2, .ident = ns->ident};

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), NVMENS_ERR_EXISTS);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), 0);
  rig_end(r);
}
END_TEST

/* ---- unplug ---- */

START_TEST(namespace_unplug_of_allocated)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_log_clear(r);
  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; released n1");
  ck_assert_int_eq(ns->reason, NVMENS_UNPLUGGED);
  ck_assert_str_eq(allocated(c), "");
  rig_end(r);
}
END_TEST

START_TEST(namespace_unplug_of_unattached_is_released_at_once)
{
  rig *r = rig_new(NULL);
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_str_eq(rig_log(r), "released n1");
  ck_assert_int_eq(more_ns(ns).state, NVMENS_NS_ABSENT);
  rig_end(r);
}
END_TEST

START_TEST(namespace_unplug_surprise_of_allocated_aborts_each)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, a, 1);

  ck_assert_int_eq(rig_attach(ns, b), 0);
  rig_log_clear(r);
  ck_assert_int_eq(unplug(ns, NVMENS_SURPRISE), 0);
  ck_assert_uint_eq(rig_count(r, RIG_DRAIN), 2);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), 2);
  ck_assert_int_eq(more_ns(ns).state, NVMENS_NS_DELETING);
  ck_assert_int_eq(rig_drained(ns, a), 0);
  ck_assert_int_eq(ns->released, 0);
  ck_assert_int_eq(rig_drained(ns, b), 0);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(namespace_unplug_of_deleting_joins)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  rig_log_clear(r);
  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_str_eq(rig_log(r), "");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), NVMENS_ERR_STALE);
  rig_end(r);
}
END_TEST

START_TEST(namespace_unplug_surprise_of_deleting_aborts)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  rig_log_clear(r);
  ck_assert_int_eq(unplug(ns, NVMENS_SURPRISE), 0);
  ck_assert_str_eq(rig_log(r), "abort n1 c0");
  ck_assert_int_eq(unplug(ns, NVMENS_SURPRISE), 0); /* ABORTING stays */
  ck_assert_str_eq(rig_log(r), "abort n1 c0");
  rig_end(r);
}
END_TEST

START_TEST(namespace_unplug_of_a_host_deleted_one_joins)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(ns, c), 0);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(namespace_delete_of_an_unplugged_one_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  RIG_FAILS(rig_host_delete(c, 1), DNR02);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(ns->reason, NVMENS_UNPLUGGED);
  rig_end(r);
}
END_TEST

START_TEST(R55_a_write_protected_namespace_is_unplugged)
{
  rig *r = rig_new(NULL);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .write_protected = 1});

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_UNPLUGGED);
  rig_end(r);
}
END_TEST

START_TEST(C17_a_deadline_of_0_is_due_at_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, 0), 0);
  ck_assert_int_eq(rig_count(r, RIG_DRAIN), 1);
  ck_assert_uint_le(more_next(r), r->now);
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  rig_end(r);
}
END_TEST

/* ---- references ---- */

START_TEST(P16_a_stale_reference_is_refused_everywhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_ns_info info;
  nvmens_att_info att;

  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), NVMENS_ERR_STALE);
  ck_assert_int_eq(unplug(ns, NVMENS_SURPRISE), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_plug(ns), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_resize(ns, 5), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_ns_query(r->s, ns->ref, &info), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_att_query(r->s, ns->ref, c->c, &att), NVMENS_ERR_STALE);
  rig_end(r);
}
END_TEST

START_TEST(P16_a_stale_reference_does_not_hit_the_next_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *old = rig_ns_auto(r, 1), *next;

  ck_assert_int_eq(unplug(old, NVMENS_ORDERLY), 0);
  next = rig_ns_auto(r, 1);
  ck_assert_uint_ne(next->ref.gen, old->ref.gen);
  ck_assert_int_eq(unplug(old, NVMENS_SURPRISE), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_detach(old, c, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_resize(old, 5), NVMENS_ERR_STALE);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  ck_assert_uint_eq(more_ns(next).nsze, 0x1000);
  rig_end(r);
}
END_TEST

START_TEST(P16_the_reference_of_nothing_is_stale)
{
  rig *r = rig_new(NULL);
  static const nvmens_nsref none, absent = {3, 1}, wild = {0xFFFFFFFF, 7};
  nvmens_ns_info info;

  rig_ns_loose(r, 1);
  ck_assert_int_eq(nvmens_ns_query(r->s, none, &info), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_ns_query(r->s, absent, &info), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_ns_query(r->s, wild, &info), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_ns_unplug(r->s, none, NVMENS_SURPRISE, r->now, 0), NVMENS_ERR_STALE);
  rig_end(r);
}
END_TEST

START_TEST(R3_find_tells_who_has_the_nsid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 7);
  nvmens_nsref ref;

  ck_assert_int_eq(nvmens_ns_find(r->s, 7, &ref), 0);
  ck_assert_uint_eq(ref.gen, ns->ref.gen);
  ck_assert_int_eq(unplug(ns, NVMENS_ORDERLY), 0);
  ck_assert_int_eq(nvmens_ns_find(r->s, 7, &ref), 0); /* being deleted */
  ck_assert_uint_eq(ref.gen, ns->ref.gen);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(nvmens_ns_find(r->s, 7, &ref), NVMENS_ERR_NOT_FOUND);
  ck_assert_int_eq(nvmens_ns_find(r->s, 0, &ref), NVMENS_ERR_NOT_FOUND);
  ck_assert_int_eq(nvmens_ns_find(r->s, 0xFFFFFFFF, &ref), NVMENS_ERR_NOT_FOUND);
  rig_end(r);
}
END_TEST

START_TEST(P17_remove_and_add_are_two_generations)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *old = rig_ns_auto(r, 1), *next;
  uint8_t page[NVMENS_PAGE];
  rig_io io;

  ck_assert_int_eq(unplug(old, NVMENS_ORDERLY), 0);
  next = rig_ns_auto(r, 1);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02); /* H1, R64: it has not been identified */
  more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, page);
  io = rig_io_begin(r, lane, 1);
  ck_assert_uint_eq(io.sf, 0);
  ck_assert_ptr_eq(io.ns, next);
  rig_io_end(&io);
  rig_end(r);
}
END_TEST

START_TEST(namespace_query_tells_what_is_known)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, a, 9);
  nvmens_ns_info info;

  rig_attach(ns, rig_ctrl_on(r));
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  info = more_ns(ns);
  ck_assert_uint_eq(info.nsid, 9);
  ck_assert_uint_eq(info.shared, 1);
  ck_assert_uint_eq(info.lbads, 9);
  ck_assert_uint_eq(info.attached, 1);
  ck_assert_uint_eq(info.draining, 1);
  ck_assert_ptr_eq(info.ns_user, ns);
  ck_assert_mem_eq(&info.ident, &ns->ident, sizeof(info.ident));
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      namespace_create_of_absent,
      namespace_create_of_allocated_exists,
      namespace_create_of_deleting_is_busy,
      R8_an_automatic_nsid_is_the_lowest_free_one,
      R4_the_count_is_limited_by_nn,
      R4_the_count_is_limited_by_mnan,
      R15_the_count_comes_back_at_released,
      C15_an_identity_is_used_once,
      C15_identifiers_of_zero_are_not_the_same,
      C15_an_identity_is_free_after_released,
      namespace_unplug_of_allocated,
      namespace_unplug_of_unattached_is_released_at_once,
      namespace_unplug_surprise_of_allocated_aborts_each,
      namespace_unplug_of_deleting_joins,
      namespace_unplug_surprise_of_deleting_aborts,
      namespace_unplug_of_a_host_deleted_one_joins,
      namespace_delete_of_an_unplugged_one_fails,
      R55_a_write_protected_namespace_is_unplugged,
      C17_a_deadline_of_0_is_due_at_once,
      P16_a_stale_reference_is_refused_everywhere,
      P16_a_stale_reference_does_not_hit_the_next_namespace,
      P16_the_reference_of_nothing_is_stale,
      R3_find_tells_who_has_the_nsid,
      P17_remove_and_add_are_two_generations,
      namespace_query_tells_what_is_known,
  };

  return MORE_RUN("unplug", tests);
}
