/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_nomem.c: scenario 24 and principle 4: every allocation of every call fails, once or from
 * then on; the call fails cleanly, and made again it does what it would have done. What must not
 * fail takes no memory at all.
 */
#include "rig.h"
#include "rig_main.h"

#include <stdio.h>

/* Controllers 0 and 1 listen; namespace 1 is attached to both, 2 to none. */
static rig *world(void)
{
  rig *r = rig_new(&(nvmens_subsys_config){.tnvmcap = {UINT64_C(1) << 40, 0}});
  unsigned i;

  for (i = 0; i < 2; i++)
    rig_listening(r, RIG_BIT4);
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  for (i = 0; i < 2; i++) {
    rig_changed(r->ctrl[i], RIG_LID4, RIG_CONSUME);
    rig_changed(r->ctrl[i], RIG_LID1C, RIG_CONSUME);
  }
  return r;
}

/* All that the hosts can see. */
static void picture(rig *r, char *text, size_t size)
{
  size_t at = 0;
  unsigned i;

  for (i = 0; i < r->nctrl; i++) {
    rig_ctrl *c = r->ctrl[i];
    const nvmens_ctrl_info info = rig_info(c);
    nvmens_id_ctrl page;

    if (info.state != NVMENS_CTRL_READY)
      rig_enable(c);
    memset(&page, 0, sizeof(page));
    nvmens_identify_ctrl(c->c, &page);
    at += (size_t)snprintf(text + at, size - at, "c%u %u/%u/%u:", i, info.attached, info.draining,
                           info.owed);
    at += (size_t)snprintf(text + at, size - at, " active %s,", rig_ids(c, 0x02));
    at += (size_t)snprintf(text + at, size - at, " allocated %s,", rig_ids(c, 0x10));
    at += (size_t)snprintf(text + at, size - at, " 04h %s,", rig_changed(c, RIG_LID4, RIG_PEEK));
    at += (size_t)snprintf(text + at, size - at, " 1Ch %s,", rig_changed(c, RIG_LID1C, RIG_PEEK));
    at += (size_t)snprintf(text + at, size - at, " free %02x%02x%02x%02x; ", page.unvmcap[4],
                           page.unvmcap[3], page.unvmcap[2], page.unvmcap[1]);
  }
}

/* Returns 0 or NVMENS_ERR_NOMEM. */
typedef int operation(rig *);

static void once(operation *run, unsigned n, int persistent, const char *expected, int *last)
{
  static char before[65536], after[65536];
  rig *r = world();
  int rc;

  picture(r, before, sizeof(before));
  r->failed = 0;
  r->fail_all = persistent;
  r->fail_alloc = n;
  rc = run(r);
  r->fail_alloc = 0;
  *last = r->failed == 0;
  if (rc != 0) {
    ck_assert_int_eq(rc, NVMENS_ERR_NOMEM);
    ck_assert_uint_gt(r->failed, 0);
    rig_check(r);
    picture(r, after, sizeof(after));
    ck_assert_str_eq(after, before); /* it changed nothing */
    ck_assert_int_eq(run(r), 0);
  }
  picture(r, after, sizeof(after));
  ck_assert_str_eq(after, expected);
  rig_end(r);
}

static unsigned every_allocation(operation *run)
{
  static char expected[65536];
  rig *r = world();
  unsigned n, most = 0;
  int persistent, last;

  ck_assert_int_eq(run(r), 0);
  picture(r, expected, sizeof(expected));
  rig_end(r);
  for (persistent = 0; persistent < 2; persistent++)
    for (n = 1, last = 0; !last; n++) {
      ck_assert_uint_lt(n, 1000);
      once(run, n, persistent, expected, &last);
      most = n > most ? n : most;
    }
  return most - 1;
}

static int status(const rig_cmd *cmd)
{
  RIG_MUST(cmd->done);
  RIG_MUST(cmd->sf == 0 || cmd->sf == NVMENS_SC_INTERNAL_ERROR); /* 006h, no DNR */
  return cmd->sf ? NVMENS_ERR_NOMEM : 0;
}

static int new_ns(rig *r)
{
  return rig_ns_try(r, &(nvmens_ns_config){.nsid = 3, .shared = 1, .auto_attach = 1}, NULL);
}

static int new_ctrl(rig *r)
{
  return rig_ctrl_try(r, NULL, NULL);
}

static int attach(rig *r)
{
  return rig_attach(rig_find(r, 2), r->ctrl[1]);
}

static int plug(rig *r)
{
  return rig_plug(rig_find(r, 2));
}

static int lane(rig *r)
{
  nvmens_lane *made = NULL;
  int rc = nvmens_lane_new(&made, r->ctrl[0]->c);

  rig_check(r);
  nvmens_lane_del(made);
  return rc;
}

static int host_create(rig *r)
{
  return status(rig_host_create(r->ctrl[0], 64, 1));
}

static int host_attach(rig *r)
{
  return status(rig_host_attach(r->ctrl[0], 2, r->ctrl[1]));
}

static int host_attach_prepared(rig *r)
{
  r->prepare = RIG_PREPARE_DONE;
  return status(rig_host_attach(r->ctrl[0], 2, r->ctrl[1]));
}

static int host_detach(rig *r)
{
  return status(rig_host_detach(r->ctrl[0], 1, r->ctrl[1]));
}

static int host_delete(rig *r)
{
  return status(rig_host_delete(r->ctrl[0], 1));
}

static int host_delete_all(rig *r)
{
  return status(rig_host_delete(r->ctrl[0], NVMENS_NSID_ALL));
}

static uint8_t page[NVMENS_PAGE];

static int identify_list(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_ACTIVE_NS_LIST, 0, page));
}

static int identify_ns(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_NS, 1, page));
}

static int identify_descriptors(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_NS_DESC_LIST, 1, page));
}

static int read_log(rig *r)
{
  int rc;

  rig_resize(rig_find(r, 1), 0x3000);
  rc = status(rig_get_log(r->ctrl[0], RIG_LID4, RIG_PEEK, 0, sizeof(page), page));
  rig_resize(rig_find(r, 1), 0x1000);
  return rc;
}

START_TEST(S24_subsys_new)
{
  unsigned n = 1;

  while (rig_try(NULL, n) != 0) {
    ck_assert_int_eq(rig_try(NULL, n), NVMENS_ERR_NOMEM);
    ck_assert_uint_lt(n++, 1000);
  }
  ck_assert_uint_gt(n, 1);
}
END_TEST

START_TEST(S24_ns_new)
{
  ck_assert_uint_gt(every_allocation(new_ns), 0);
}
END_TEST

START_TEST(S24_ctrl_new)
{
  ck_assert_uint_gt(every_allocation(new_ctrl), 0);
}
END_TEST

START_TEST(S24_attach)
{
  ck_assert_uint_gt(every_allocation(attach), 0);
}
END_TEST

START_TEST(S24_plug)
{
  ck_assert_uint_gt(every_allocation(plug), 0);
}
END_TEST

START_TEST(S24_lane_new)
{
  ck_assert_uint_gt(every_allocation(lane), 0);
}
END_TEST

START_TEST(S24_host_create)
{
  ck_assert_uint_gt(every_allocation(host_create), 0);
}
END_TEST

START_TEST(S24_host_attach)
{
  ck_assert_uint_gt(every_allocation(host_attach), 0);
  ck_assert_uint_gt(every_allocation(host_attach_prepared), 0);
}
END_TEST

START_TEST(S24_host_detach)
{
  every_allocation(host_detach);
}
END_TEST

START_TEST(S24_host_delete)
{
  every_allocation(host_delete);
  every_allocation(host_delete_all);
}
END_TEST

START_TEST(S24_identify)
{
  every_allocation(identify_list);
  every_allocation(identify_ns);
  every_allocation(identify_descriptors);
}
END_TEST

/* Principle 4: nothing below may take memory. */
static void starve(rig *r)
{
  r->fail_all = 1;
  r->fail_alloc = 1;
  r->failed = 0;
}

START_TEST(S24_removal_takes_no_memory)
{
  rig *r = world();
  rig_ns *ns = rig_find(r, 1), *two = rig_find(r, 2);

  ck_assert_int_eq(rig_attach(two, r->ctrl[0]), 0);
  starve(r);
  ck_assert_int_eq(rig_detach(two, r->ctrl[0], NVMENS_ORDERLY, 5), 0);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, 5), 0);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_uint_eq(r->failed, 0);
  r->fail_alloc = 0;
  ck_assert_str_eq(rig_changed(r->ctrl[0], RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(S24_events_take_no_memory)
{
  rig *r = world();
  rig_ctrl *c = r->ctrl[0];

  rig_aer(c);
  starve(r);
  ck_assert_int_eq(rig_resize(rig_find(r, 1), 0x2000), 0);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0), 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00020101);
  RIG_OK(rig_set_aec(c, 0));
  RIG_OK(rig_abort(c, rig_aer(c)->cid));
  ck_assert_uint_eq(r->failed, 0);
  r->fail_alloc = 0;
  rig_end(r);
}
END_TEST

START_TEST(S24_the_controllers_life_takes_no_memory)
{
  rig *r = world();

  starve(r);
  rig_reenable(r->ctrl[0]);
  rig_shutdown(r->ctrl[0]);
  rig_reenable(r->ctrl[0]);
  rig_ctrl_del(r->ctrl[1]);
  rig_rest(r);
  ck_assert_uint_eq(r->failed, 0);
  r->fail_alloc = 0;
  rig_end(r);
}
END_TEST

START_TEST(S24_a_log_read_that_fails_loses_no_event)
{
  every_allocation(read_log);
}
END_TEST

int main(void)
{
  return RIG_RUN("nomem", S24_subsys_new, S24_ns_new, S24_ctrl_new, S24_attach, S24_plug,
                 S24_lane_new, S24_host_create, S24_host_attach, S24_host_detach, S24_host_delete,
                 S24_identify, S24_removal_takes_no_memory, S24_events_take_no_memory,
                 S24_the_controllers_life_takes_no_memory,
                 S24_a_log_read_that_fails_loses_no_event);
}
