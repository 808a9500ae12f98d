/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * err.c: what went wrong, in words for the programmer. Floor 0.
 *
 * Every nvmens_err has a text; so has any other number, so that a caller may print what it got.
 */
#include <nvmens/nvmens.h>

const char *nvmens_strerror(int err)
{
  static const char *const text[] = {
      [-NVMENS_OK] = "no error",
      [-NVMENS_ERR_INVAL] = "argument out of range or NULL",
      [-NVMENS_ERR_NOMEM] = "out of memory",
      [-NVMENS_ERR_EXISTS] = "NSID, CNTLID or identity in use, or already attached",
      [-NVMENS_ERR_STALE] = "namespace reference or token is of the past",
      [-NVMENS_ERR_NOT_ATTACHED] = "not attached",
      [-NVMENS_ERR_BUSY] = "draining, deleting or still in use",
      [-NVMENS_ERR_PRIVATE] = "private namespace has its controller",
      [-NVMENS_ERR_LIMIT] = "limit reached",
      [-NVMENS_ERR_CAPACITY] = "not enough unallocated capacity",
      [-NVMENS_ERR_COMMAND_SET] = "command set not supported or not enabled",
      [-NVMENS_ERR_KIND] = "not an I/O controller",
      [-NVMENS_ERR_NOT_FOUND] = "no such NSID, CNTLID or command",
  };

  if (err > 0 || err <= -(int)(sizeof(text) / sizeof(text[0])))
    return "unknown error";
  return text[-err];
}
