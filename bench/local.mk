# A benchmark is a program in BENCHES, with its sources and LDADD = libcore.la or libnvmens.la; built by
# `make bench` only.
EXTRA_PROGRAMS += $(BENCHES)
CLEANFILES += $(BENCHES)
bench: $(BENCHES)
	@for b in $(BENCHES); do ./$$b || exit 1; done
.PHONY: bench
