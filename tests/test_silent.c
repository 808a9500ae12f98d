/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_silent.c: a host that asks for events and does not read the log is waited for no longer than
 * host_wait_ns (R63, H4). Hosts that do not ask for events are in test_fenced.c.
 */
#include "disks.h"

/* Two listening paths of one host that have seen A, and then B takes its place. */
static rig *two(const nvmens_subsys_config *config, rig_ctrl **p, rig_ctrl **q)
{
  rig *r = disks_rig(config);

  *p = disks_path(r, 1);
  *q = disks_path(r, 1);
  disks_put(r, 1, 'A');
  HEARS(*p, "1");
  HEARS(*q, "1");
  disks_swap(r, 1, 'B');
  return r;
}

/* The timer is to begin with the next poll, and ends at the time given. */
static void runs_until(rig *r, uint64_t end)
{
  ck_assert_uint_le(more_next(r), r->now);
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), end);
}

START_TEST(R63_a_silent_path_is_not_waited_for)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);
  rig_ns *b = rig_find(r, 1);

  runs_until(r, r->now + WAIT_NS);
  rig_pass(r, WAIT_NS / 2);
  HEARS(p, "1");
  HEARS(p, "1");
  rig_poll(r);
  rig_pass(r, WAIT_NS / 2 - 1);
  WANTED(b, p, HOST);
  SILENT(p);
  rig_log_clear(r);
  rig_pass(r, 1);
  ck_assert_str_eq(rig_log(r), "attached n2 c0");
  ATTACHED(b, p);
  WANTED(b, q, HOST); /* for itself it waits on */
  HEARS(p, "1");
  SILENT(p);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_pass(r, 100 * WAIT_NS);
  WANTED(b, q, HOST);
  IDS(q, "");
  rig_end(r);
}
END_TEST

/* Two that are waited for as long are silent together: the lowest CNTLID gets what is private. */
START_TEST(R57_the_lowest_of_two_that_are_silent_gets_a_private_namespace)
{
  rig_ctrl *low, *p, *q;
  rig *r = disks_rig(NULL);
  rig_ns *ns;

  low = disks_down(r, 1);
  p = disks_path(r, 1);
  q = disks_path(r, 1);
  disks_put(r, 1, 'A');
  HEARS(p, "1");
  HEARS(q, "1");
  disks_take(r, 1);
  ns = disks_private(r, 1, 'A'); /* as private it is another for the host's other paths */
  WANTED(ns, low, HOST);
  WANTED(ns, p, HOST);
  WANTED(ns, q, HOST);
  rig_poll(r);
  rig_pass(r, WAIT_NS);
  ATTACHED(ns, low);
  WANTED(ns, q, DRAIN);
  rig_end(r);
}
END_TEST

/* What waited for p at p waits for p at q, by one call: the timer runs on. */
START_TEST(R63_a_plug_does_not_begin_the_wait_anew)
{
  nvmens_ns_config config = disks_config(1, 'B');
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);
  uint64_t end;

  disks_take(r, 1);
  config.shared = config.auto_attach = 0;
  config.home_given = 1;
  config.home_cntlid = (uint16_t)rig_cntlid(q);
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), p), 0);
  WANTED(rig_find(r, 1), p, HOST);
  rig_poll(r);
  end = r->now + WAIT_NS;
  rig_pass(r, WAIT_NS / 2);
  ck_assert_int_eq(rig_plug(rig_find(r, 1)), 0);
  WANTED(rig_find(r, 1), q, HOST);
  ck_assert_uint_eq(more_next(r), end);
  rig_end(r);
}
END_TEST

START_TEST(R63_the_wait_is_of_the_configuration)
{
  rig_ctrl *p, *q;
  rig *r = two(&(nvmens_subsys_config){.host_wait_ns = 77}, &p, &q);

  HEARS(p, "1");
  HEARS(p, "1");
  runs_until(r, r->now + 77);
  rig_pass(r, 76);
  WANTED(rig_find(r, 1), p, HOST);
  rig_pass(r, 1);
  ATTACHED(rig_find(r, 1), p);
  rig_end(r);
}
END_TEST

/* A call without a time does not know when it was: what begins then begins with the next poll. */
START_TEST(R63_the_timer_begins_with_the_next_poll)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);
  unsigned wakes = r->wakes;

  HEARS(p, "1");
  HEARS(p, "1");
  ck_assert_uint_gt(wakes, 0); /* T8: next_deadline has become earlier */
  r->now += 5 * WAIT_NS;
  rig_poll(r);
  WANTED(rig_find(r, 1), p, HOST);
  ck_assert_uint_eq(more_next(r), r->now + WAIT_NS);
  rig_pass(r, WAIT_NS);
  ATTACHED(rig_find(r, 1), p);
  rig_end(r);
}
END_TEST

START_TEST(R63_a_read_begins_the_timer_anew)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);

  HEARS(p, "1");
  HEARS(p, "1");
  rig_poll(r);
  rig_pass(r, WAIT_NS - 1);
  HEARS(q, "1");
  runs_until(r, r->now + WAIT_NS);
  rig_pass(r, WAIT_NS - 1);
  WANTED(rig_find(r, 1), p, HOST);
  rig_pass(r, 1);
  ATTACHED(rig_find(r, 1), p);
  WANTED(rig_find(r, 1), q, HOST);
  rig_end(r);
}
END_TEST

/* _i: a peek, a read that fails, one with no event sent. */
START_TEST(R63_a_read_that_does_not_count_does_not_begin_it_anew)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);
  uint64_t end;

  HEARS(p, "1");
  HEARS(p, "1");
  rig_poll(r);
  end = more_next(r);
  rig_pass(r, WAIT_NS / 2);
  if (_i < 2)
    ck_assert_uint_eq(rig_heard(q), RIG_EV4);
  if (_i == 0)
    rig_changed(q, RIG_LID4, RIG_PEEK);
  else if (_i == 2)
    disks_log(q);
  else {
    uint8_t page[NVMENS_PAGE];

    r->fail_transfer = 1;
    RIG_FAILS(rig_get_log(q, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), r->transfer_sf);
  }
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), end);
  rig_pass(r, end - r->now);
  ATTACHED(rig_find(r, 1), p);
  rig_end(r);
}
END_TEST

START_TEST(R63_the_timer_stops_when_nothing_waits_any_more)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);

  rig_poll(r);
  ck_assert_uint_ne(more_next(r), RIG_NEVER);
  disks_take(r, 1);
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_pass(r, 2 * WAIT_NS);
  disks_put(r, 1, 'C');
  WANTED(rig_find(r, 1), p, HOST);
  runs_until(r, r->now + WAIT_NS); /* anew: q was not silent */
  rig_end(r);
}
END_TEST

START_TEST(R63_the_timer_stops_when_the_host_has_read)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);

  rig_poll(r);
  HEARS(p, "1");
  HEARS(p, "1");
  HEARS(q, "1");
  HEARS(q, "1");
  ATTACHED(rig_find(r, 1), p);
  HEARS(p, "1");
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_end(r);
}
END_TEST

START_TEST(R63_nothing_waits_and_no_timer_runs)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  disks_take(r, 1); /* it owes, and nobody wants the NSID */
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_pass(r, 2 * WAIT_NS);
  disks_put(r, 1, 'B');
  WANTED(rig_find(r, 1), p, HOST);
  rig_end(r);
}
END_TEST

/* One path only: it is silent, and what waits for it waits on. Its reads end the wait. */
START_TEST(R63_what_waits_for_its_own_path_waits_on)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  disks_swap(r, 1, 'B');
  rig_poll(r);
  rig_pass(r, WAIT_NS);
  rig_pass(r, 1000 * WAIT_NS);
  WANTED(rig_find(r, 1), p, HOST);
  IDS(p, "");
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(rig_find(r, 1), p);
  rig_end(r);
}
END_TEST

/* p has B, while q, which was silent, has A. */
static rig *q_silent(rig_ctrl **p, rig_ctrl **q)
{
  rig *r = two(NULL, p, q);

  rig_poll(r);
  HEARS(*p, "1");
  HEARS(*p, "1");
  rig_pass(r, WAIT_NS);
  ATTACHED(rig_find(r, 1), *p);
  HEARS(*p, "1");
  SILENT(*p);
  return r;
}

START_TEST(R65_a_silent_path_that_reads_again_tells_the_others)
{
  rig_ctrl *p, *q;
  rig *r = q_silent(&p, &q);

  HEARS(q, "1");
  SILENT(p);
  HEARS(q, "1");
  ATTACHED(rig_find(r, 1), q);
  HEARS(p, "1"); /* it may have refused B */
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

/* _i: a read that counts, a reset, bit 8 off and on. It is waited for again. */
START_TEST(R63_silence_ends)
{
  rig_ctrl *p, *q;
  rig *r = q_silent(&p, &q);
  rig_ns *x;

  disks_put(r, 2, 'X');
  HEARS(p, "2");
  x = disks_swap(r, 2, 'Y');
  HEARS(p, "2");
  HEARS(p, "2");
  ATTACHED(x, p); /* q is silent still: it is not waited for */
  if (_i == 0) {
    ck_assert_uint_eq(rig_heard(q), RIG_EV4);
    disks_log(q);
  } else if (_i == 1) {
    rig_reset(q);
    disks_listen(q);
  } else {
    RIG_OK(rig_set_aec(q, 0));
    RIG_OK(rig_set_aec(q, RIG_BIT4));
  }
  x = disks_swap(r, 2, 'Z');
  HEARS(p, "2");
  HEARS(p, "2");
  WANTED(x, p, HOST); /* q has had X */
  runs_until(r, r->now + WAIT_NS);
  rig_end(r);
}
END_TEST

/* Before the snapshot of the read: that read is a scan of what it finds ONCE. */
START_TEST(R63_silence_ends_with_the_begin_of_a_read)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, &p, &q);
  rig_ns *b = rig_find(r, 1);

  rig_poll(r);
  HEARS(q, "1");
  rig_poll(r);
  rig_pass(r, WAIT_NS); /* both are silent; q has read once */
  WANTED(b, p, HOST);
  WANTED(b, q, HOST);
  HEARS(q, "1");
  ATTACHED(b, q); /* p is silent and not waited for */
  WANTED(b, p, HOST);
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  HEARS(q, "1"); /* R65 */
  rig_end(r);
}
END_TEST

START_TEST(H4_a_silent_host_delays_no_other_host)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 2);

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  HEARS(q, "1");
  disks_swap(r, 1, 'B');
  HEARS(q, "1");
  HEARS(q, "1");
  ATTACHED(rig_find(r, 1), q);
  WANTED(rig_find(r, 1), p, HOST);
  rig_end(r);
}
END_TEST

START_TEST(H4_a_private_namespace_waits_no_longer_either)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *ns = disks_loose_private(r, 1, 'A');

  ck_assert_int_eq(rig_attach(ns, q), 0);
  HEARS(q, "1");
  ck_assert_int_eq(rig_detach(ns, q, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, p), 0);
  WANTED(ns, p, HOST);
  runs_until(r, r->now + WAIT_NS);
  rig_pass(r, WAIT_NS);
  ATTACHED(ns, p);
  HEARS(p, "1");
  HEARS(q, "1");
  SILENT(p);
  HEARS(q, "1"); /* R65: nothing waits for q, but p was refused; q lets go, and p is told */
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

/* Each path has a timer of its own. */
START_TEST(R63_paths_are_silent_each_at_its_time)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1), *o = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  HEARS(q, "1");
  HEARS(o, "1");
  b = disks_swap(r, 1, 'B');
  rig_poll(r);
  HEARS(p, "1");
  HEARS(p, "1");
  rig_pass(r, WAIT_NS / 2);
  HEARS(o, "1");
  rig_poll(r);
  rig_pass(r, WAIT_NS / 2); /* q */
  WANTED(b, p, HOST);
  ck_assert_uint_eq(more_next(r), r->now + WAIT_NS / 2);
  rig_pass(r, WAIT_NS / 2); /* o */
  ATTACHED(b, p);
  WANTED(b, q, HOST);
  WANTED(b, o, HOST);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("silent");
  TCase *t = tcase_create("silent");

  tcase_add_test(t, R63_a_silent_path_is_not_waited_for);
  tcase_add_test(t, R57_the_lowest_of_two_that_are_silent_gets_a_private_namespace);
  tcase_add_test(t, R63_a_plug_does_not_begin_the_wait_anew);
  tcase_add_test(t, R63_the_wait_is_of_the_configuration);
  tcase_add_test(t, R63_the_timer_begins_with_the_next_poll);
  tcase_add_test(t, R63_a_read_begins_the_timer_anew);
  tcase_add_loop_test(t, R63_a_read_that_does_not_count_does_not_begin_it_anew, 0, 3);
  tcase_add_test(t, R63_the_timer_stops_when_nothing_waits_any_more);
  tcase_add_test(t, R63_the_timer_stops_when_the_host_has_read);
  tcase_add_test(t, R63_nothing_waits_and_no_timer_runs);
  tcase_add_test(t, R63_what_waits_for_its_own_path_waits_on);
  tcase_add_test(t, R65_a_silent_path_that_reads_again_tells_the_others);
  tcase_add_loop_test(t, R63_silence_ends, 0, 3);
  tcase_add_test(t, R63_silence_ends_with_the_begin_of_a_read);
  tcase_add_test(t, H4_a_silent_host_delays_no_other_host);
  tcase_add_test(t, H4_a_private_namespace_waits_no_longer_either);
  tcase_add_test(t, R63_paths_are_silent_each_at_its_time);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
