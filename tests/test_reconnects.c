/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_reconnects.c: a host that reconnects while its former controller is still being removed
 * (R66, R67); newcomers that read log 04h in pieces (R61); the path that stayed (R65, H2). Others:
 * test_newcomers.c.
 */
#include "disks.h"

/* ---- a former controller that is still being removed ---- */

/*
 * Host 1 has lost a path with Z under NSID 5. Its path c has seen A under NSID 1, which is gone,
 * and is being removed while a command holds X, under NSID 9, there.
 */
static void goes(rig *r, uint8_t pci, rig_ctrl **c, rig_io *io)
{
  rig_ctrl *lost = disks_path(r, 1);

  ck_assert_int_eq(rig_attach(disks_loose(r, 5, 'Z'), lost), 0);
  HEARS(lost, "5");
  rig_ctrl_del(lost);
  *c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .pci = pci});
  disks_listen(*c);
  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'A'), *c), 0);
  ck_assert_int_eq(rig_attach(disks_loose(r, 9, 'X'), *c), 0);
  disks_settle(*c);
  *io = rig_io_begin(r, rig_lane(*c), 9);
  ck_assert_uint_eq(io->sf, 0);
  disks_take(r, 1);
  rig_ctrl_del(*c);
  ck_assert_int_eq((*c)->released, 0);
}

/* Of host 1, with a CNTLID of its own: it does not inherit what was attached explicitly (R67). */
static rig_ctrl *comes(rig *r)
{
  rig_ctrl *n =
      rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 20, .cntlid_given = 1, .hostid = {1}});

  disks_listen(n);
  return n;
}

static void ends(rig_ctrl *c, rig_io *io)
{
  rig_io_end_remote(io);
  rig_rest(c->rig);
  ck_assert_int_eq(c->released, 1);
}

/* H3: what is owed there counts as remembered from then on. */
START_TEST(R66_a_newcomer_waits_for_what_is_owed_where_it_was)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c, *n;
  rig_io io;
  rig_ns *b;

  goes(r, 0, &c, &io);
  b = disks_put(r, 1, 'B');
  n = comes(r);
  WANTED(b, n, HOST);
  IDS(n, "");
  ck_assert_int_eq(rig_attach(rig_find(r, 9), n), 0);
  ATTACHED(rig_find(r, 9), n); /* the same that it may have */
  HEARS(n, "1 5 9");
  WANTED(b, n, HOST);
  if (_i)
    ends(c, &io); /* what was owed is remembered then */
  WANTED(b, n, HOST);
  HEARS(n, "1");
  ATTACHED(b, n);
  IDS(n, "1 9");
  if (!_i)
    ends(c, &io);
  ATTACHED(b, n);
  SILENT(n);
  rig_end(r);
}
END_TEST

/* Its disks go with it; the other path is remembered, but not with this NSID. */
START_TEST(R67_a_newcomer_does_not_wait_for_what_is_owed_by_a_pci_path)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c, *n;
  rig_io io;

  goes(r, 1, &c, &io);
  disks_put(r, 1, 'B');
  n = comes(r);
  ATTACHED(rig_find(r, 1), n);
  WANTED(disks_swap(r, 5, 'Y'), n, HOST); /* it is a newcomer */
  IDS(n, "1");
  HEARS(n, "5"); /* what the pci path owes is not listed (R65) */
  HEARS(n, "5");
  ATTACHED(rig_find(r, 5), n);
  SILENT(n);
  ends(c, &io);
  rig_end(r);
}
END_TEST

/* H2: p has the same X as the path that goes, and (_i) B, which the host may have refused there. */
START_TEST(R65_a_newcomer_is_told_of_what_is_shown_while_its_former_path_owes)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *c, *n;
  rig_io io;
  rig_ns *b;

  goes(r, 0, &c, &io);
  b = disks_loose(r, 1, 'B');
  ck_assert_int_eq(rig_attach(rig_find(r, 9), p), 0);
  if (_i)
    ck_assert_int_eq(rig_attach(b, p), 0);
  disks_settle(p);
  n = comes(r);
  if (_i) {
    HEARS(n, "1 5 9");
    HEARS(n, "1");
    HEARS(p, "1"); /* n has let go */
  }
  SILENT(n);
  SILENT(p);
  ends(c, &io);
  rig_end(r);
}
END_TEST

/* ---- reads in pieces ---- */

/* A path of host 1 that has seen A under NSID 1 has gone; n has come, and B waits for it. */
static rig_ctrl *newcomer(rig *r)
{
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  rig_ctrl_del(c);
  disks_swap(r, 1, 'B');
  c = disks_path(r, 1);
  WANTED(rig_find(r, 1), c, HOST);
  return c;
}

/* Of log 04h; all that is listed here is in the former half. */
static void read_half(rig_ctrl *c, int rae, uint64_t lpo)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_get_log(c, RIG_LID4, rae, lpo, NVMENS_PAGE / 2, page));
}

/* R61 b: its snapshot was taken after the read that made it ONCE. */
START_TEST(R66_the_last_piece_of_a_newcomers_read_counts_for_its_snapshot)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *n = newcomer(r);
  rig_ns *b = rig_find(r, 1);

  HEARS(n, "1");
  ck_assert_uint_eq(rig_heard(n), RIG_EV4);
  read_half(n, RIG_PEEK, 0);
  WANTED(b, n, HOST);
  read_half(n, RIG_CONSUME, NVMENS_PAGE / 2);
  ATTACHED(b, n);
  HEARS(n, "1");
  SILENT(n);
  rig_end(r);
}
END_TEST

START_TEST(R66_pieces_of_one_snapshot_are_one_scan_of_a_newcomer)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *n = newcomer(r);
  rig_ns *b = rig_find(r, 1);

  for (unsigned i = 0; i < 3; i++) { /* the other half is not read: it is told again */
    ck_assert_uint_eq(rig_heard(n), RIG_EV4);
    read_half(n, RIG_CONSUME, NVMENS_PAGE / 2);
    WANTED(b, n, HOST);
  }
  HEARS(n, "1");
  ATTACHED(b, n);
  SILENT(n);
  rig_end(r);
}
END_TEST

/* ---- a path that stayed ---- */

/* p stays, c goes; A is swapped for B, which p has then. Linux has refused it: c's disk. */
static rig *p_stays(rig_ctrl **p)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;

  *p = disks_path(r, 1);
  c = disks_path(r, 1);
  disks_put(r, 1, 'A');
  HEARS(*p, "1");
  HEARS(c, "1");
  rig_ctrl_del(c);
  rig_poll(r);
  disks_swap(r, 1, 'B');
  HEARS(*p, "1");
  HEARS(*p, "1");
  ATTACHED(rig_find(r, 1), *p); /* it is no newcomer */
  SILENT(*p);
  return r;
}

START_TEST(R65_the_paths_that_stayed_are_told_when_a_path_has_gone_for_good)
{
  rig_ctrl *p;
  rig *r = p_stays(&p);

  rig_pass(r, MEMORY_NS - 1);
  SILENT(p);
  rig_pass(r, 1);
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

START_TEST(H2_the_paths_that_stayed_are_told_when_a_newcomer_lets_go)
{
  rig_ctrl *p, *n;
  rig *r = p_stays(&p);

  n = disks_path(r, 1);
  WANTED(rig_find(r, 1), n, HOST);
  HEARS(n, "1");
  SILENT(p);
  HEARS(n, "1");
  ATTACHED(rig_find(r, 1), n);
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

/* m still owes, so that A is remembered; n was one, and has scanned twice. */
START_TEST(R65_who_has_let_go_is_not_told_of_what_is_shown)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *c = disks_path(r, 1), *n, *m;
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  HEARS(c, "1");
  rig_ctrl_del(c);
  disks_take(r, 1);
  disks_settle(p);
  n = disks_path(r, 1);
  m = disks_path(r, 1);
  for (uint32_t nsid = 5; nsid < 8; nsid++) {
    disks_put(r, nsid, (char)nsid);
    disks_settle(p);
    disks_settle(n);
  }
  rig_heard(m);
  b = disks_loose(r, 1, 'B');
  ck_assert_int_eq(rig_attach(b, p), 0);
  ATTACHED(b, p);
  SILENT(n);
  rig_end(r);
}
END_TEST

/* Both had A: one went before n came, and is released after the other, which went later. */
START_TEST(R67_what_went_first_counts_whichever_is_released_first)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1), *d = disks_path(r, 1), *n;
  rig_ns *a = disks_loose(r, 1, 'A'), *b;
  rig_io io;

  ck_assert_int_eq(rig_attach(a, c), 0);
  ck_assert_int_eq(rig_attach(a, d), 0);
  ck_assert_int_eq(rig_attach(disks_loose(r, 9, 'X'), c), 0);
  disks_settle(c);
  disks_settle(d);
  io = rig_io_begin(r, rig_lane(c), 9);
  disks_take(r, 1);
  rig_ctrl_del(c);
  n = comes(r);
  rig_ctrl_del(d);
  ck_assert_int_eq(d->released, 1);
  ends(c, &io);
  b = disks_put(r, 1, 'B');
  WANTED(b, n, HOST);
  HEARS(n, "1 9");
  WANTED(b, n, HOST);
  HEARS(n, "1");
  ATTACHED(b, n);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("reconnects");
  TCase *t = tcase_create("reconnects");

  tcase_add_loop_test(t, R66_a_newcomer_waits_for_what_is_owed_where_it_was, 0, 2);
  tcase_add_test(t, R67_a_newcomer_does_not_wait_for_what_is_owed_by_a_pci_path);
  tcase_add_loop_test(t, R65_a_newcomer_is_told_of_what_is_shown_while_its_former_path_owes, 0, 2);
  tcase_add_test(t, R66_the_last_piece_of_a_newcomers_read_counts_for_its_snapshot);
  tcase_add_test(t, R66_pieces_of_one_snapshot_are_one_scan_of_a_newcomer);
  tcase_add_test(t, R65_the_paths_that_stayed_are_told_when_a_path_has_gone_for_good);
  tcase_add_test(t, H2_the_paths_that_stayed_are_told_when_a_newcomer_lets_go);
  tcase_add_test(t, R65_who_has_let_go_is_not_told_of_what_is_shown);
  tcase_add_test(t, R67_what_went_first_counts_whichever_is_released_first);
  suite_add_tcase(s, t);
  return rig_main(s);
}
