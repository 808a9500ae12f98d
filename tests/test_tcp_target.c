/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_target.c: nvmens-tcp-target does what a host expects: pages, data, events, Namespace
 * Management (R7-R23, R38-R45, R51, R53). Exit 0, 1, or 77 if the target was not built.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcp_rig.h"

static uint8_t page[4096], data[131072], back[131072];

static void fill(uint8_t *at, size_t len, unsigned seed)
{
  for (size_t i = 0; i < len; i++)
    at[i] = (uint8_t)((i * 2654435761u >> 13) + seed);
}

static void pages(tcp_rig *rig)
{
  th_queue q;
  uint64_t value;
  uint8_t sqe[64];

  IS(th_connect(&q, "127.0.0.1", rig->port, &rig_id, 0, 0, 31, 0), 0);
  IS(th_identify(&q, 0x01, 0, 0, page), 0x400C); /* not enabled: Command Sequence Error */
  IS(th_property_get(&q, 0x00, &value), 0);
  IS(value & 0xFFFF, 127);
  IS(th_property_get(&q, 0x08, &value), 0);
  IS(value, 0x20100);
  IS(th_property_get(&q, 0x40, &value), 0x4002);
  IS(th_property_set(&q, 0x1C, 1), 0x4002);
  IS(th_enable(&q, true), 0);
  IS(th_identify(&q, 0x01, 0, 0, page), 0);
  IS(page[77], 5);                          /* MDTS */
  IS(rig_get(page + 78, 2), q.cntlid);      /* CNTLID */
  IS(page[111], 1);                         /* an I/O controller */
  IS(page[76] & 2, 2);                      /* CMIC: several controllers */
  IS(rig_get(page + 92, 4) & 0x100, 0x100); /* OAES (C1) */
  IS(page[256] & 8, 8);                     /* Namespace Management */
  IS(page[259] >= 3, 1);                    /* AERL (C2) */
  IS(rig_get(page + 516, 4), 1024);         /* NN */
  IS(rig_get(page + 1792, 4), 516);         /* IOCCSZ */
  IS(rig_get(page + 536, 4) & 3, 1);        /* SGLS */
  CLAIM(strcmp((char *)page + 768, rig_id.subnqn) == 0);
  IS(th_log(&q, 0x05, false, page, 4096), 0);
  IS(rig_get(page + 4 * 0x0D, 4) & 9, 9); /* NIC (R53) */
  IS(rig_get(page + 4 * 0x15, 4) & 9, 9);
  IS(rig_get(page + 1024 + 4 * 0x08, 4) & 3, 3);
  IS(th_log(&q, 0x02, false, page, 512), 0);
  IS(th_log(&q, 0x03, false, page, 512), 0);
  IS(th_log(&q, 0xC0, false, page, 512), 0x4109);
  memset(data, 0xFF, 8192); /* more than there is: zeroes */
  th_sqe(sqe, 0x06, 0);
  th_cdw(sqe, 10, 1);
  IS(th_run(&q, sqe, data, 8192, TH_READ, NULL), 0);
  CLAIM(data[77] == 5 && data[4096] == 0 && data[8191] == 0);
  IS(th_run(&q, sqe, data, 2048, TH_READ, NULL), 0x400F); /* no room */
  IS(th_feature(&q, 0x07, 0x00070007), 0);
  IS(th_feature(&q, 0x06, 2), 0x4002);
  IS(th_feature(&q, 0x0B, 1 << 27), 0x4002);
  IS(th_property_set(&q, 0x14, 0x00464001), 0); /* CC.SHN */
  IS(th_property_get(&q, 0x1C, &value), 0);
  IS(value >> 2 & 3, 2);
  th_close(&q);
}

static int simple(th_queue *q, uint8_t opcode, uint32_t nsid, uint32_t slba, uint32_t cdw11,
                  uint32_t cdw12, void *bytes, uint32_t len)
{
  uint8_t sqe[64];

  th_sqe(sqe, opcode, nsid);
  th_cdw(sqe, 10, slba);
  th_cdw(sqe, 11, cdw11);
  th_cdw(sqe, 12, cdw12);
  return th_run(q, sqe, bytes, len, len ? TH_INLINE : TH_NONE, NULL);
}

static void discovery(tcp_rig *rig)
{
  th_id id = rig_id;
  th_queue q;
  uint8_t log[2048];
  char port[8];

  id.subnqn = "nqn.2014-08.org.nvmexpress.discovery";
  IS(th_connect(&q, "127.0.0.1", rig->port, &id, 0, 0, 31, 0), 0);
  IS(th_enable(&q, true), 0);
  IS(th_identify(&q, 0x01, 0, 0, page), 0);
  IS(page[111], 2);
  IS(rig_get(page + 92, 4), 0);  /* OAES */
  IS(rig_get(page + 256, 2), 0); /* OACS */
  IS(page[261], 4);
  IS(rig_get(page + 516, 4), 0); /* NN */
  IS(th_identify(&q, 0x02, 0, 0, page), 0x4002);
  IS(simple(&q, 0x0D, 0xFFFFFFFF, 1, 0, 0, NULL, 0), 0x4001); /* delete all */
  IS(th_log(&q, 0x04, false, log, sizeof(log)), 0x4109);
  IS(th_feature(&q, 0x0B, 0x100), 0x4002);
  IS(th_log(&q, 0x70, false, log, sizeof(log)), 0);
  IS(rig_get(log + 8, 8), 1);
  snprintf(port, sizeof(port), "%u", rig->port);
  CLAIM(strcmp((char *)log + 1024 + 32, port) == 0);
  CLAIM(strcmp((char *)log + 1024 + 256, rig_id.subnqn) == 0);
  CLAIM(strcmp((char *)log + 1024 + 512, "127.0.0.1") == 0);
  th_close(&q);
}

static void read_write(tcp_rig *rig)
{
  th_queue a, q;

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  fill(data, sizeof(data), 1);
  IS(th_rw(&q, true, 1, 3, 16, data, 8192, TH_INLINE), 0);
  IS(th_rw(&q, false, 1, 3, 16, back, 8192, TH_READ), 0);
  CLAIM(memcmp(data, back, 8192) == 0);
  IS(th_rw(&q, true, 1, 100, 256, data, 131072, TH_R2T), 0);
  IS(q.r2ts, 1);
  IS(th_rw(&q, false, 1, 100, 256, back, 131072, TH_READ), 0);
  CLAIM(memcmp(data, back, 131072) == 0);
  IS(th_rw(&q, true, 2, 1, 2, data, 8192, TH_R2T), 0); /* blocks of 4096 */
  IS(th_rw(&q, false, 2, 2, 1, back, 4096, TH_READ), 0);
  CLAIM(memcmp(data + 4096, back, 4096) == 0);
  IS(th_rw(&q, true, 4, 8, 8, data, 4096, TH_INLINE), 0); /* a file */
  IS(th_rw(&q, false, 4, 0, 16, back, 8192, TH_READ), 0);
  CLAIM(memcmp(data, back + 4096, 4096) == 0 && back[0] == 0 && back[4095] == 0);
  /* what must fail, and how */
  IS(th_rw(&q, false, 1, 131072 - 7, 8, back, 4096, TH_READ), 0x4080);
  IS(th_rw(&q, false, 1, UINT64_MAX, 8, back, 4096, TH_READ), 0x4080);
  IS(th_rw(&q, false, 1, UINT64_C(1) << 55, 8, back, 4096, TH_READ), 0x4080); /* 2^64 bytes */
  IS(th_rw(&q, false, 1, 0, 8, back, 2048, TH_READ), 0x400F);
  IS(th_rw(&q, true, 1, 0, 257, data, 131072, TH_R2T), 0x4002); /* over MDTS */
  IS(th_rw(&q, false, 0, 0, 1, back, 512, TH_READ), 0x400B);
  IS(th_rw(&q, false, 1025, 0, 1, back, 512, TH_READ), 0x400B);
  IS(th_rw(&q, false, 77, 0, 1, back, 512, TH_READ), 0x4002);
  IS(th_rw(&q, false, 0xFFFFFFFF, 0, 1, back, 512, TH_READ), 0x4002);
  th_close(&q);
  th_close(&a);
}

static void other_io(tcp_rig *rig)
{
  th_queue a, q;
  uint8_t range[16] = {[4] = 8, [8] = 8};

  rig_admin(rig, &a);
  rig_io(rig, &q, &a, 1);
  for (uint32_t nsid = 1; nsid <= 4; nsid += 3) {
    fill(data, 8192, 7);
    IS(th_rw(&q, true, nsid, 0, 16, data, 8192, TH_INLINE), 0);
    IS(simple(&q, 0x05, nsid, 0, 0, 15, data, 8192), 0); /* Compare */
    data[5000]++;
    IS(simple(&q, 0x05, nsid, 0, 0, 15, data, 8192), 0x4285);
    data[5000]--;
    IS(simple(&q, 0x08, nsid, 4, 0, 3, NULL, 0), 0); /* Write Zeroes */
    memset(data + 2048, 0, 2048);
    IS(th_rw(&q, false, nsid, 0, 16, back, 8192, TH_READ), 0);
    CLAIM(memcmp(data, back, 8192) == 0);
    fill(data, 16384, 9); /* neither end of what is zeroed is on a page's border */
    IS(th_rw(&q, true, nsid, 0, 32, data, 16384, TH_R2T), 0);
    IS(simple(&q, 0x08, nsid, 1, 0, 19, NULL, 0), 0);
    memset(data + 512, 0, 20 * 512);
    IS(th_rw(&q, false, nsid, 0, 32, back, 16384, TH_READ), 0);
    CLAIM(memcmp(data, back, 16384) == 0);
    IS(simple(&q, 0x09, nsid, 0, 4, 0, range, 16), 0); /* Dataset Management, deallocate */
    memset(data + 4096, 0, 4096);
    IS(th_rw(&q, false, nsid, 0, 16, back, 8192, TH_READ), 0);
    CLAIM(memcmp(data, back, 8192) == 0);
    IS(simple(&q, 0x09, nsid, 1, 4, 0, range, 16), 0x400F); /* two ranges, room for one */
    IS(simple(&q, 0x00, nsid, 0, 0, 0, NULL, 0), 0);
  }
  IS(simple(&q, 0x00, 0xFFFFFFFF, 0, 0, 0, NULL, 0), 0);
  IS(simple(&q, 0x00, 99, 0, 0, 0, NULL, 0), 0x4002);
  IS(simple(&q, 0x0D, 1, 0, 0, 0, NULL, 0), 0x4001);
  th_close(&q);
  th_close(&a);
}

static void expect_event(th_queue *q, uint32_t dw0)
{
  th_cqe cqe = {0};

  IS(th_next(q, &cqe, 5000), 0);
  IS(cqe.sf, 0);
  IS(cqe.dw0, dw0);
}

static bool listed(const uint8_t *list, uint32_t nsid)
{
  for (int i = 0; i < 1024; i++)
    if (rig_get(list + 4 * i, 4) == nsid)
      return true;
  return false;
}

static void events(tcp_rig *rig)
{
  th_queue a;
  th_cqe cqe;
  char line[256];

  rig_admin(rig, &a);
  IS(th_feature(&a, 0x0B, 0x100), 0);
  CLAIM(th_park(&a) >= 0);
  CLAIM(rig_add(rig, "9 ram:8M"));
  expect_event(&a, 0x00040002);
  IS(th_identify(&a, 0x02, 0, 0, page), 0); /* C8: it is there before the event */
  CLAIM(listed(page, 9));
  CLAIM(th_park(&a) >= 0);
  IS(th_next(&a, &cqe, 50), TH_TIMEOUT); /* masked until the log is read (C4) */
  IS(th_log(&a, 0x04, true, page, 4096), 0);
  CLAIM(listed(page, 9));
  IS(th_log(&a, 0x04, false, page, 4096), 0);
  CLAIM(listed(page, 9)); /* RAE=1 only looked (C7) */
  CLAIM(rig_ctl(rig, NULL, 0, "resize 9 4M"));
  expect_event(&a, 0x00040002);
  IS(th_identify(&a, 0x00, 9, 0, page), 0);
  IS(rig_get(page, 8), 8192);
  IS(th_log(&a, 0x04, false, page, 4096), 0);
  CLAIM(th_park(&a) >= 0);
  CLAIM(rig_ctl(rig, NULL, 0, "remove 9"));
  expect_event(&a, 0x00040002);
  IS(th_identify(&a, 0x02, 0, 0, page), 0);
  CLAIM(!listed(page, 9));
  CLAIM(rig_add(rig, "9 ram:8M")); /* the NSID is free when remove has answered */
  CLAIM(rig_ctl(rig, NULL, 0, "watch"));
  CLAIM(rig_ctl(rig, line, sizeof(line), "remove 9"));
  CLAIM(strcmp(line, "event: released 9 unplugged") == 0);
  IS(th_feature(&a, 0x0B, 0x1FF), 0);
  CLAIM(th_park(&a) >= 0);
  CLAIM(rig_ctl(rig, NULL, 0, "event 1 1 2")); /* SMART: log 02h clears it */
  expect_event(&a, 0x00020101);
  IS(th_log(&a, 0x02, false, page, 512), 0);
  CLAIM(th_park(&a) >= 0);
  CLAIM(rig_ctl(rig, NULL, 0, "event 1 1 2"));
  expect_event(&a, 0x00020101);
  th_close(&a);
}

static int manage(th_queue *q, uint64_t blocks, uint8_t flbas, bool shared, th_cqe *cqe)
{
  uint8_t sqe[64];

  memset(page, 0, sizeof(page));
  for (int i = 0; i < 8; i++)
    page[i] = page[8 + i] = (uint8_t)(blocks >> 8 * i);
  page[26] = flbas;
  page[30] = shared;
  th_sqe(sqe, 0x0D, 0);
  return th_run(q, sqe, page, 4096, TH_INLINE, cqe);
}

static int attach(th_queue *q, uint32_t nsid, bool on, int count, const uint16_t *cntlid,
                  th_how how)
{
  uint8_t sqe[64], list[4096] = {(uint8_t)count};

  for (int i = 0; i < count; i++)
    list[2 + 2 * i] = (uint8_t)cntlid[i];
  th_sqe(sqe, 0x15, nsid);
  th_cdw(sqe, 10, !on);
  return th_run(q, sqe, list, 4096, how, NULL);
}

static void host_management(tcp_rig *rig)
{
  th_queue a, b, q;
  th_cqe cqe;
  uint8_t sqe[64];
  uint16_t both[2], wrong[2];

  rig_admin(rig, &a);
  rig_admin(rig, &b);
  rig_io(rig, &q, &a, 1);
  both[0] = a.cntlid;
  both[1] = b.cntlid;
  wrong[0] = a.cntlid;
  wrong[1] = 200;
  IS(manage(&a, 16384, 0, true, &cqe), 0);
  IS(cqe.dw0, 5); /* the lowest free NSID */
  IS(th_rw(&q, false, 5, 0, 8, back, 4096, TH_READ), 0x4002);
  IS(attach(&a, 5, true, 2, both, TH_R2T), 0); /* data by R2T on an Admin queue */
  IS(a.r2ts, 1);
  IS(attach(&a, 5, true, 1, both, TH_INLINE), 0x6118); /* M: the Error Information log has more */
  IS(th_rw(&q, true, 5, 0, 8, data, 4096, TH_INLINE), 0);
  IS(attach(&a, 5, false, 2, wrong, TH_INLINE), 0x611C);
  IS(th_log(&a, 0x01, false, page, 64), 0);
  IS(rig_get(page + 32, 8), 4);                   /* the offset of the entry (R20) */
  IS(attach(&a, 5, true, 1, both, TH_INLINE), 0); /* the first one was detached */
  IS(manage(&a, UINT64_C(1) << 40, 1, true, &cqe), 0x6115);
  IS(th_log(&a, 0x01, false, page, 64), 0);
  IS(rig_get(page, 8), 3);
  IS(rig_get(page + 32, 8) >> 40, 4096); /* bytes needed (R12) */
  IS(manage(&a, 16384, 2, true, &cqe), 0x410A);
  th_sqe(sqe, 0x0D, 5);
  th_cdw(sqe, 10, 1);
  IS(th_run(&b, sqe, NULL, 0, TH_NONE, NULL), 0);
  IS(th_run(&b, sqe, NULL, 0, TH_NONE, NULL), 0x4002);
  IS(th_rw(&q, false, 5, 0, 8, back, 4096, TH_READ), 0x4002);
  IS(th_identify(&a, 0x10, 0, 0, page), 0);
  CLAIM(!listed(page, 5));
  th_sqe(sqe, 0x80, 0);
  IS(th_run(&a, sqe, NULL, 0, TH_NONE, NULL), 0x4001);
  th_close(&q);
  th_close(&b);
  th_close(&a);
}

static void paths(tcp_rig *rig)
{
  th_queue a, b, q;
  char line[256];

  /* The controllers of before have let go of the private one. */
  CLAIM(rig_status(rig, "\"shared\":false,\"backend\":\"ram\",\"stall\":\"no\",\"attached\":0,"
                        "\"wanted\":0,\"fenced\":0,\"draining\":0"));
  rig_admin(rig, &a);
  rig_admin(rig, &b);
  rig_io(rig, &q, &a, 1);
  CLAIM(rig_ctl(rig, NULL, 0, "detach 1 %u", a.cntlid));
  /* 300h without DNR: the same host has another path (C16) */
  IS(th_rw(&q, false, 1, 0, 8, back, 4096, TH_READ), 0x300);
  CLAIM(!rig_ctl(rig, line, sizeof(line), "detach 1 %u", a.cntlid));
  CLAIM(strcmp(line, "error: not attached") == 0);
  CLAIM(rig_ctl(rig, NULL, 0, "attach 1 %u", a.cntlid));
  CLAIM(!rig_ctl(rig, line, sizeof(line), "attach 1 %u", a.cntlid));
  IS(th_rw(&q, false, 1, 0, 8, back, 4096, TH_READ), 0);
  IS(th_rw(&q, false, 3, 0, 8, back, 4096, TH_READ), 0); /* private: the first controller's */
  th_close(&q);
  th_close(&b);
  th_close(&a);
}

int main(void)
{
  char file[96], spec[128];
  const char *args[] = {"--ns",      "1=ram:64M",
                        "--ns",      "2=ram:16M,bs=4096",
                        "--ns",      "3=ram:16M,private",
                        "--ns",      spec,
                        "--tnvmcap", "1G",
                        NULL};
  tcp_rig rig;
  FILE *f;

  snprintf(file, sizeof(file), "test_tcp_target.%d.img", (int)getpid());
  f = fopen(file, "w");
  if (!f || fseek(f, (1 << 20) + 99, SEEK_SET) < 0 || fputc(0, f) < 0 || fclose(f) != 0)
    return 1;
  snprintf(spec, sizeof(spec), "4=file:%s", file);
  rig_start(&rig, args);
  pages(&rig);
  CLAIM(rig_status(&rig, "\"controllers\":[]"));
  discovery(&rig);
  CLAIM(rig_status(&rig, "\"controllers\":[]"));
  read_write(&rig);
  other_io(&rig);
  CLAIM(rig_status(&rig, "\"controllers\":[]"));
  events(&rig);
  CLAIM(rig_status(&rig, "\"controllers\":[]"));
  host_management(&rig);
  CLAIM(rig_status(&rig, "\"controllers\":[]"));
  paths(&rig);
  rig_stop(&rig);
  remove(file);
  return rig_result();
}
