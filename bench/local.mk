# A benchmark is a program in BENCHES; bench/run runs them one after the other, `make bench` builds them
# first. What they print goes to standard output, and as lines of JSON to bench/results.jsonl.
BENCHES += \
	%D%/control \
	%D%/holds \
	%D%/io \
	%D%/isolation \
	%D%/memory \
	%D%/tcp \
	%D%/tcp-no-gate

bench_common = %D%/bench.c %D%/bench.h %D%/world.c %D%/world.h
bench_steps = %D%/steps.c %D%/steps.h
bench_bytes = %D%/bytes.c %D%/bytes.h
%C%_control_SOURCES = %D%/control.c $(bench_common) $(bench_steps) $(bench_bytes)
%C%_control_LDADD = libcore.la -lm
%C%_holds_SOURCES = %D%/holds.c %D%/bench.c %D%/bench.h
%C%_holds_LDADD = libcore.la -lm
%C%_io_SOURCES = %D%/io.c %D%/io.h %D%/io_urcu.c $(bench_common)
%C%_io_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CPPFLAGS)
%C%_io_LDADD = libcore.la $(URCU_LIBS) -lm $(PTHREAD_LIBS)
%C%_isolation_SOURCES = %D%/isolation.c $(bench_common)
%C%_isolation_LDADD = libcore.la -lm $(PTHREAD_LIBS)
%C%_memory_SOURCES = %D%/memory.c $(bench_common) $(bench_bytes)
%C%_memory_LDADD = libcore.la -lm

%C%_tcp_SOURCES = %D%/tcp.c %D%/bench.c %D%/bench.h $(tests_tcp_sources)
%C%_tcp_LDADD = -lm $(PTHREAD_LIBS)
# The target, but commands do not hold what they use.
%C%_tcp_no_gate_SOURCES = examples/tcp-target/main.c $(tcp_target_parts) %D%/no_gate.h
%C%_tcp_no_gate_CPPFLAGS = $(AM_CPPFLAGS) -include $(srcdir)/%D%/no_gate.h
%C%_tcp_no_gate_CFLAGS = $(AM_CFLAGS) -pthread
%C%_tcp_no_gate_LDADD = libcore.la $(PTHREAD_LIBS)

EXTRA_PROGRAMS += $(BENCHES)
CLEANFILES += $(BENCHES) %D%/results.jsonl
EXTRA_DIST += %D%/plots %D%/run

bench: all $(BENCHES)
	@top_builddir='$(abs_top_builddir)' $(SHELL) $(srcdir)/%D%/run
# Draws docs/cost-*.svg anew from what make bench wrote last.
bench-plots:
	$(SHELL) $(srcdir)/%D%/plots %D%/results.jsonl $(srcdir)/docs
.PHONY: bench bench-plots
