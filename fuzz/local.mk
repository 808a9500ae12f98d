# Fuzz targets, see README.md. As they are built here they replay their corpus; `make fuzz` and
# `make fuzz-afl` build them anew, with an engine that drives them (FUZZ_ENGINE).
FUZZERS = \
	%D%/admin.run \
	%D%/calls.run \
	%D%/pdu.run

EXTRA_DIST += \
	%D%/README.md \
	%D%/corpus \
	%D%/run

if FUZZ_ENGINE
fuzz_main =
else
fuzz_main = %D%/replay.c
endif

fuzz_world = %D%/input.h %D%/target.h %D%/world.c %D%/world.h %D%/world_do.c

if BUILD_TESTS
check_PROGRAMS += $(FUZZERS)
%C%_admin_run_SOURCES = %D%/admin.c $(fuzz_world) $(fuzz_main)
%C%_admin_run_CPPFLAGS = $(AM_CPPFLAGS) -DTARGET='"admin"'
%C%_admin_run_LDADD = libcore.la $(FUZZ_ENGINE)
%C%_calls_run_SOURCES = %D%/calls.c $(fuzz_world) $(fuzz_main)
%C%_calls_run_CPPFLAGS = $(AM_CPPFLAGS) -DTARGET='"calls"'
%C%_calls_run_LDADD = libcore.la $(FUZZ_ENGINE)
%C%_pdu_run_SOURCES = %D%/input.h %D%/pdu.c %D%/target.h examples/tcp-target/pdu.c $(fuzz_main)
%C%_pdu_run_CPPFLAGS = $(AM_CPPFLAGS) -DTARGET='"pdu"'
%C%_pdu_run_LDADD = $(FUZZ_ENGINE)
# All of the target but its main.
%C%_tcp_run_SOURCES = %D%/input.h %D%/tcp.c %D%/target.h $(tcp_target_parts) $(fuzz_main)
%C%_tcp_run_CPPFLAGS = $(AM_CPPFLAGS) -DTARGET='"tcp"'
%C%_tcp_run_CFLAGS = $(AM_CFLAGS) -pthread
%C%_tcp_run_LDADD = libcore.la $(FUZZ_ENGINE) $(PTHREAD_LIBS)
if BUILD_EXAMPLES
FUZZERS += %D%/tcp.run
endif
if !FUZZ_ENGINE
TESTS += $(FUZZERS)
endif
endif

fuzz-targets: $(FUZZERS)
SECONDS = 60
fuzz:
	top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/run libfuzzer '$(SECONDS)'
fuzz-afl:
	top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/run afl '$(SECONDS)'
.PHONY: fuzz fuzz-afl fuzz-targets
