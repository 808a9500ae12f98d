# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest/guest.sh disable=SC2154,SC2034
# prelude.sh: goes before each job. Linux ignores the identifiers of namespaces if the controller has
# QEMU's PCI ID (a quirk for older QEMUs, whose identifiers were not unique), and so cannot tell a drive
# from another one under the same NSID. Here it is told that the ID is as good as any.
if [ -z "${QUIRKS:-}" ]; then
  drv=/sys/bus/pci/drivers/nvme
  functions=$(for f in "$drv"/0000:*; do [ ! -e "$f" ] || echo "${f##*/}"; done)
  for f in $functions; do echo "$f" > $drv/unbind; done
  echo 1b36 0010 ffffffff ffffffff 0 0 0 > $drv/new_id
  for f in $functions; do [ -e "$drv/$f" ] || echo "$f" > $drv/bind; done
fi
