# A test that speaks TAP is one word here: tests/test_NAME.c with the rig and libcheck.
TAP_TESTS = \
	%D%/test_actions \
	%D%/test_actions_att \
	%D%/test_aer \
	%D%/test_aer_end \
	%D%/test_attach \
	%D%/test_audit \
	%D%/test_barrier \
	%D%/test_barrier_fails \
	%D%/test_barrier_filter \
	%D%/test_barrier_sticks \
	%D%/test_bounds \
	%D%/test_capacity \
	%D%/test_cells \
	%D%/test_change \
	%D%/test_changed \
	%D%/test_config \
	%D%/test_coroutines \
	%D%/test_corners \
	%D%/test_ctrl \
	%D%/test_disks \
	%D%/test_drain \
	%D%/test_drain_owner \
	%D%/test_event \
	%D%/test_event_model \
	%D%/test_event_switch \
	%D%/test_faults \
	%D%/test_feature \
	%D%/test_fenced \
	%D%/test_fenced_others \
	%D%/test_forgotten \
	%D%/test_gate \
	%D%/test_gate_internal \
	%D%/test_gate_race \
	%D%/test_host_config \
	%D%/test_host_models \
	%D%/test_hosts \
	%D%/test_ident_set \
	%D%/test_identify \
	%D%/test_identify_corners \
	%D%/test_identify_ctrl \
	%D%/test_identify_lists \
	%D%/test_identify_pages \
	%D%/test_kinds \
	%D%/test_lane \
	%D%/test_le_mem_err \
	%D%/test_log \
	%D%/test_log_model \
	%D%/test_log_page \
	%D%/test_log_race \
	%D%/test_meanwhile \
	%D%/test_memory \
	%D%/test_memory_of_hosts \
	%D%/test_newcomers \
	%D%/test_nomem \
	%D%/test_notice \
	%D%/test_ns_attach \
	%D%/test_ns_created \
	%D%/test_ns_mgmt \
	%D%/test_ns_prepare \
	%D%/test_nsid_set \
	%D%/test_numbers \
	%D%/test_outbox \
	%D%/test_owes \
	%D%/test_owes_paths \
	%D%/test_owes_private \
	%D%/test_owes_reads \
	%D%/test_peers \
	%D%/test_publish \
	%D%/test_reconnects \
	%D%/test_refusals \
	%D%/test_reenter \
	%D%/test_regress \
	%D%/test_regress_more \
	%D%/test_reset_done \
	%D%/test_scenarios \
	%D%/test_scenarios_drain \
	%D%/test_scenarios_race \
	%D%/test_silent \
	%D%/test_step \
	%D%/test_strangers \
	%D%/test_subsys \
	%D%/test_tables \
	%D%/test_tables_mark \
	%D%/test_timer \
	%D%/test_tokens \
	%D%/test_unanswered \
	%D%/test_unplug \
	%D%/test_wanted \
	%D%/test_wanted_css \
	%D%/test_wanted_wait

# *.run and *.sh are judged by their exit code (77: skipped), everything else by its TAP.
RUN_TESTS = \
	%D%/test_threads.run

# The reference model; it speaks TAP without libcheck.
MODEL_TESTS = %D%/model/model

SCRIPT_TESTS = \
	%D%/gate_path.sh \
	%D%/headers.sh \
	%D%/readme.sh \
	%D%/states-fresh.sh \
	%D%/symbols.sh \
	%D%/tcp_target.sh \
	%D%/tidy \
	%D%/tsan_link.sh

# What the thread sanitizer is for; see check-threads.
THREAD_TESTS = %D%/test_threads.run
# What needs no more than the library; see check-unit.
UNIT_TESTS = $(TAP_TESTS) %D%/test_threads.run

EXTRA_DIST += \
	$(SCRIPT_TESTS) \
	%D%/apt.sh \
	%D%/consumer/check \
	%D%/consumer/consumer.c \
	%D%/coverage \
	%D%/cross \
	%D%/guest \
	%D%/headers_cxx.cc \
	%D%/model/README.md \
	%D%/model/regress \
	%D%/mutants \
	%D%/mutate \
	%D%/mutate.explained \
	%D%/qemu \
	%D%/spin

# Distributed, built or not.
tests_rig_sources = \
	%D%/actions.h \
	%D%/cells.h \
	%D%/dice.h \
	%D%/barrier.h \
	%D%/disks.h \
	%D%/faults.h \
	%D%/picture.h \
	%D%/meanwhile.h \
	%D%/mute.h \
	%D%/race.h \
	%D%/rig.c \
	%D%/rig.h \
	%D%/rig_backend.c \
	%D%/rig_host.c \
	%D%/rig_main.h \
	%D%/rig_more.h

if BUILD_TESTS
check_LTLIBRARIES += %D%/librig.la
%C%_librig_la_SOURCES = $(tests_rig_sources)
%C%_test_threads_run_SOURCES = %D%/test_threads.c %D%/stress.h
%C%_test_threads_run_LDADD = libcore.la $(PTHREAD_LIBS)

check_PROGRAMS += %D%/gate_pair
%C%_gate_pair_SOURCES = %D%/gate_pair.c bench/steps.c bench/steps.h bench/world.c bench/world.h
%C%_gate_pair_LDADD = libcore.la
%C%_test_memory_SOURCES = %D%/test_memory.c bench/bytes.c bench/bytes.h bench/world.c bench/world.h
%C%_model_model_SOURCES = \
	%D%/model/breaks.h \
	%D%/model/bytes.h \
	%D%/model/disks.c \
	%D%/model/drivers.c \
	%D%/model/drivers.h \
	%D%/model/gen.c \
	%D%/model/gen.h \
	%D%/model/main.c \
	%D%/model/run.c \
	%D%/model/run.h \
	%D%/model/seq.c \
	%D%/model/spec.h \
	%D%/model/spec_admin.c \
	%D%/model/spec_att.c \
	%D%/model/spec_core.c \
	%D%/model/spec_ctrl.c \
	%D%/model/spec_manage.c \
	%D%/model/spec_memory.c \
	%D%/model/spec_ns.c \
	%D%/model/spec_page.c \
	%D%/model/spec_path.c \
	%D%/model/spec_want.c \
	%D%/model/steps.c \
	%D%/model/steps_ctrl.c \
	%D%/model/steps_gate.c \
	%D%/model/steps_host.c \
	%D%/model/world.c \
	%D%/model/world.h
%C%_model_model_LDADD = libcore.la

# These start the target that was built, or are made of a part of it.
tests_tcp_sources = %D%/tcp_host.c %D%/tcp_host.h %D%/tcp_rig.c %D%/tcp_rig.h
%C%_test_tcp_bad_run_SOURCES = %D%/test_tcp_bad.c $(tests_tcp_sources)
%C%_test_tcp_bad_run_LDADD = $(PTHREAD_LIBS)
%C%_test_tcp_drain_run_SOURCES = %D%/test_tcp_drain.c $(tests_tcp_sources)
%C%_test_tcp_drain_run_LDADD = $(PTHREAD_LIBS)
%C%_test_tcp_end_run_SOURCES = %D%/test_tcp_end.c $(tests_tcp_sources)
%C%_test_tcp_end_run_LDADD = $(PTHREAD_LIBS)
%C%_test_tcp_host_run_SOURCES = %D%/test_tcp_host.c %D%/tcp_host.c %D%/tcp_host.h \
	examples/tcp-target/pdu.c
%C%_test_tcp_host_run_LDADD =
%C%_test_tcp_pdu_run_SOURCES = %D%/test_tcp_pdu.c examples/tcp-target/pdu.c
%C%_test_tcp_pdu_run_LDADD =
%C%_test_tcp_storm_run_SOURCES = %D%/test_tcp_storm.c $(tests_tcp_sources)
%C%_test_tcp_storm_run_LDADD = $(PTHREAD_LIBS)
%C%_test_tcp_target_run_SOURCES = %D%/test_tcp_target.c $(tests_tcp_sources)
%C%_test_tcp_target_run_LDADD = $(PTHREAD_LIBS)
if BUILD_EXAMPLES
RUN_TESTS += \
	%D%/test_tcp_bad.run \
	%D%/test_tcp_drain.run \
	%D%/test_tcp_end.run \
	%D%/test_tcp_host.run \
	%D%/test_tcp_pdu.run \
	%D%/test_tcp_storm.run \
	%D%/test_tcp_target.run
THREAD_TESTS += %D%/test_tcp_storm.run
endif

if HAVE_LIBNVME
TAP_TESTS += %D%/test_wire
endif

check_PROGRAMS += $(TAP_TESTS) $(RUN_TESTS) $(MODEL_TESTS)
TESTS += $(TAP_TESTS) $(RUN_TESTS) $(MODEL_TESTS) $(SCRIPT_TESTS)
LDADD = %D%/librig.la libcore.la $(CHECK_LIBS) $(PTHREAD_LIBS)
AM_CPPFLAGS += -iquote $(top_srcdir)/lib $(CHECK_CFLAGS)
endif

TEST_EXTENSIONS = .run .sh
SH_LOG_COMPILER = $(SHELL)
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = \
	CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent; export CK_TAP_LOG_FILE_NAME CK_VERBOSITY; \
	top_builddir='$(abs_top_builddir)' AWK='$(AWK)' CC='$(CC)' CXX='$(CXX)' NM='$(NM)'; \
	export top_builddir AWK CC CXX NM; \
	sanitizer='$(with_sanitizer)'; export sanitizer;

check-threads: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(THREAD_TESTS)'
check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS)'
check-cross:
	top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/cross/run
# A child of libcheck's that leaks or errs ends with 99, which libcheck takes for a failure.
# test_gate_race goes from stack to stack, which memcheck takes for errors.
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible
check-valgrind: all
	tests=`echo ' $(UNIT_TESTS)' | sed 's, [^ ]*/test_gate_race,,'`; \
	CK_TIMEOUT_MULTIPLIER=20 $(MAKE) $(AM_MAKEFLAGS) check TESTS="$$tests" \
	  LOG_COMPILER='$(VALGRIND)' RUN_LOG_COMPILER='$(VALGRIND)'
# Tests that have more to try when there is time look at NVMENS_LONG. STEPS=N: so many of the model's.
check-long: all
	NVMENS_LONG=1 NVMENS_STEPS='$(STEPS)' $(MAKE) $(AM_MAKEFLAGS) check
	@sed -n '/^# seed/,/^# drivers/p' %D%/model/model.log
check-guest: all
	top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/guest/run
# MUTATIONS=N tries so many of them, FILES="x.c ..." those of these files.
check-mutation: all
	CC='$(CC)' top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/mutate
check-qemu: all
	top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/qemu/run
check-mutants: all
	top_builddir='$(abs_top_builddir)' $(srcdir)/%D%/mutants/run
check-spin:
	CC='$(CC)' $(srcdir)/%D%/spin/run
installcheck-local:
	$(AM_V_GEN)CC='$(CC)' CXX='$(CXX)' PKG_CONFIG='$(PKG_CONFIG)' CFLAGS='$(CFLAGS) $(SAN_CFLAGS)' \
	  DESTDIR='$(DESTDIR)' libdir='$(libdir)' pkgconfigdir='$(pkgconfigdir)' \
	  docdir='$(docdir)' srcdir='$(srcdir)' \
	  sanitizer='$(with_sanitizer)' $(SHELL) $(srcdir)/%D%/consumer/check
.PHONY: check-cross check-guest check-long check-mutants check-mutation check-spin check-threads check-unit
.PHONY: check-qemu check-valgrind

# In a directory and a configuration of its own: instrumented objects are of no use for anything else.
# By the tests that say what should be: the explorer goes everywhere, and says less of each place.
coverage:
	$(MKDIR_P) coverage
	test -e coverage/Makefile || \
	  (cd coverage && $(abs_top_srcdir)/configure --enable-coverage --disable-shared CC='$(CC)')
	cd coverage && find . -name '*.gcda' -exec rm {} + && \
	  CK_TIMEOUT_MULTIPLIER=5 NVMENS_STEPS=150000 $(MAKE) $(AM_MAKEFLAGS) check \
	  TESTS='$(TAP_TESTS) $(RUN_TESTS) $(MODEL_TESTS)'
	cd coverage && $(abs_top_srcdir)/%D%/coverage
clean-local:
	rm -rf coverage cross fuzz-afl fuzz-libfuzzer
.PHONY: coverage
