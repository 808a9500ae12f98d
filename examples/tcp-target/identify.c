/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identify.c: Identify Controller, and our part of the other Identify pages: what this target can
 * do and the library cannot know. Called on an Admin queue's thread.
 */
#include "bytes.h"
#include "conn.h"
#include <string.h>

/* ASCII fields are padded with spaces and not terminated. */
static void text(uint8_t *at, size_t size, const char *s)
{
  memset(at, ' ', size);
  memcpy(at, s, strlen(s) < size ? strlen(s) : size);
}

static void fabrics_part(uint8_t *page, bool discovery)
{
  put32(page + 536, 1 | 1 << 18 | 1 << 20 | 1 << 21); /* SGLS: longer, offsets, transport */
  put32(page + 1792, discovery ? 4 : (64 + MAX_CAPSULE) / 16); /* IOCCSZ */
  put32(page + 1796, 1);                                       /* IORCSZ */
  page[1803] = 1;                                              /* MSDBD */
}

static void nvm_part(uint8_t *page)
{
  page[258] = 3; /* ACL */
  page[260] = 3; /* FRMW: one slot, read only */
  page[261] = 2; /* LPA: Commands Supported and Effects */
  page[262] = ERROR_LOG - 1;
  put16(page + 266, 343);  /* WCTEMP */
  put16(page + 268, 353);  /* CCTEMP */
  page[512] = 0x66;        /* SQES */
  page[513] = 0x44;        /* CQES */
  put16(page + 520, 0x0D); /* ONCS: Compare, Dataset Management, Write Zeroes */
  page[525] = 7;           /* VWC: there is one, and Flush to FFFFFFFFh */
}

static void fill_ctrl(const ctrl *k, uint8_t *page)
{
  text(page + 4, 20, k->t->serial);
  text(page + 24, 40, k->discovery ? "libnvmens discovery" : "libnvmens TCP target");
  text(page + 64, 8, "1");
  page[77] = MDTS;
  put32(page + 80, 0x00020100);  /* VER */
  put32(page + 88, 1000000);     /* RTD3E, microseconds: bounds the time a shutdown may take */
  put32(page + 96, 1 | 1u << 6); /* CTRATT: 128-bit host ID, traffic based keep alive */
  put16(page + 320, 10);         /* KAS, 100 ms */
  put16(page + 514, MAX_QUEUE);  /* MAXCMD */
  strcpy((char *)page + 768, k->discovery ? DISCOVERY_NQN : k->t->opt.nqn);
  fabrics_part(page, k->discovery);
  if (k->discovery)
    page[261] = NVMENS_LPA_EXTENDED_DATA; /* of the log that we serve */
  else
    nvm_part(page);
  nvmens_identify_ctrl(k->lib, page);
}

void identify_ctrl(conn *c, req *r)
{
  uint8_t page[NVMENS_PAGE] = {0};
  uint16_t sf = NVMENS_SC_INVALID_FIELD | DNR;

  if (r->sqe[SQE_CDW10] == NVMENS_CNS_CTRL) {
    fill_ctrl(c->ctrl, page);
    sf = admin_send(c, r, page, sizeof(page));
  }
  send_end(c, r, sf, 0);
}

void identify_ns(uint8_t cns, uint8_t *page)
{
  if (cns == NVMENS_CNS_NS || cns == NVMENS_CNS_ALLOCATED_NS)
    page[33] = 9; /* DLFEAT: deallocated blocks read as zeroes, Write Zeroes may deallocate */
}
