/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"
void w_driver_heard(int ctrl, int which, uint16_t sf, uint32_t dw0)
{
  (void)ctrl; (void)which; (void)sf; (void)dw0;
}
void w_driver_data(int ctrl, const uint8_t *data, uint32_t len)
{
  (void)ctrl; (void)data; (void)len;
}
