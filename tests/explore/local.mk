# The library in small worlds, each to its last state; see docs/explore.md.
if BUILD_TESTS
check_PROGRAMS += %D%/explore.run
TESTS += %D%/explore.run
%C%_explore_run_SOURCES = \
	%D%/act.c \
	%D%/admin.c \
	%D%/arena.c \
	%D%/canon.c \
	%D%/check.c \
	%D%/ctrls.c \
	%D%/explore.h \
	%D%/finish.c \
	%D%/hooks.c \
	%D%/host.c \
	%D%/logs.c \
	%D%/main.c \
	%D%/mgmt.c \
	%D%/peek.c \
	%D%/search.c \
	%D%/wants.c \
	%D%/worlds.c
%C%_explore_run_LDADD = libcore.la
endif

# All worlds; make check does the quick ones.
EXPLORE = --all
check-explore: all
	$(MAKE) $(AM_MAKEFLAGS) %D%/explore.run
	%D%/explore.run $(EXPLORE)
.PHONY: check-explore
