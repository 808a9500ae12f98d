/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.h: an SQE taken apart, and the commands that it may be. Floor 5.
 */
#ifndef NVMENS_LIB_ADMIN_H
#define NVMENS_LIB_ADMIN_H

#include "objects.h"

typedef struct nvmens_request { /* fetched once from the host's memory */
  nvmens_ctrl *ctrl;
  nvmens_cmd *cmd;
  uint32_t nsid;
  uint32_t cdw[6]; /* CDW10 .. CDW15 */
  uint8_t opcode;
} nvmens_request;

/* Each is entered with the lock held and the command taken, and has ended it or left it waiting. */
void nvmens_do_identify(const nvmens_request *);
void nvmens_do_get_log(const nvmens_request *);
void nvmens_do_ns_management(const nvmens_request *);
void nvmens_do_ns_attachment(const nvmens_request *);
bool nvmens_identify_knows(uint8_t cns);

/* Moves data of the command, lock released. False: the command has ended (transfer error, reset).
 */
bool nvmens_transfer(const nvmens_request *, void *buf, size_t len, nvmens_dir);
void nvmens_fail(const nvmens_request *, uint16_t sf); /* adds DNR */

#endif
