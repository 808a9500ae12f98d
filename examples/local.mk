# For QEMU's source tree, see examples/qemu/README.md; nothing of it is built here.
EXTRA_DIST += examples/qemu

# The examples are written as a backend would be: public headers, libnvmens, threads if they like. They are
# installed as sources; `make installcheck` builds these against the installed library.
if BUILD_EXAMPLES
include examples/hotswap/local.mk
include examples/tcp-target/local.mk

exampledir = $(docdir)/examples
example_DATA = examples/minimal.c
hotswapdir = $(exampledir)/hotswap
hotswap_DATA = $(examples_hotswap_nvmens_hotswap_SOURCES)
tcptargetdir = $(exampledir)/tcp-target
tcptarget_DATA = $(examples_tcp_target_nvmens_tcp_target_SOURCES)

demo: examples/hotswap/nvmens-hotswap$(EXEEXT)
	examples/hotswap/nvmens-hotswap$(EXEEXT)
else
demo:
	@echo 'configured with --disable-examples' >&2; exit 1
endif
.PHONY: demo
