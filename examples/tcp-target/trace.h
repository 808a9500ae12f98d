/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.h: --trace, the steps of the library's machines as Chrome trace events: each stay in a
 * state is a span. Open the file with a viewer of that format.
 */
#ifndef TCP_TARGET_TRACE_H
#define TCP_TARGET_TRACE_H

#include <nvmens/nvmens.h>
#include <stdint.h>

struct trace;
const char *trace_open(struct trace **, const char *path); /* NULL, or why not */
void trace_step(struct trace *, const nvmens_trace *, uint64_t now_ns);
void trace_close(struct trace *); /* NULL: nothing */

#endif
