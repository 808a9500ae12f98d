/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unanswered.h: what the backend was asked to prepare, when the command that asked has ended (R71).
 * Floor 3.
 */
#ifndef NVMENS_LIB_UNANSWERED_H
#define NVMENS_LIB_UNANSWERED_H

#include "objects.h"

/* The prep and its command part; the host's data go, once the hook that was given them has
 * returned. */
void nvmens_prep_part(nvmens_prep *);
/* The same, and the backend has not answered. */
void nvmens_prep_leave(nvmens_prep *);
/* It has; whether it was left makes no difference. */
void nvmens_prep_count_off(nvmens_prep *);
void nvmens_prep_forget_data(nvmens_prep *);
/* The host of this controller, or all hosts, have left so many that no more may be asked. */
bool nvmens_unanswered_many(const nvmens_ctrl *);
/* The host goes: what it left counts among those of all only. */
void nvmens_unanswered_forget(nvmens_paths *);

#endif
