# Objects are compiled once, into a convenience library: the library is made of it, and tests link it to
# see what -fvisibility=hidden hides.
noinst_LTLIBRARIES += libcore.la
lib_LTLIBRARIES += libnvmens.la

libcore_la_CPPFLAGS = -I$(top_srcdir)/include -I$(top_builddir)/include
libcore_la_CFLAGS = $(AM_CFLAGS) $(LIB_WARN_CFLAGS) $(HIDE_CFLAGS)
# By floor, see docs/design.md.
libcore_la_SOURCES = \
	%D%/always.h \
	%D%/err.c \
	%D%/ident_set.c \
	%D%/ident_set.h \
	%D%/kinds.c \
	%D%/kinds.h \
	%D%/le.h \
	%D%/mem.c \
	%D%/mem.h \
	%D%/nsid_set.c \
	%D%/nsid_set.h \
	%D%/timer.c \
	%D%/timer.h \
	%D%/tokens.c \
	%D%/tokens.h \
	\
	%D%/core.h \
	%D%/outbox.c \
	%D%/outbox.h \
	%D%/step.c \
	%D%/step.h \
	%D%/tables.c \
	%D%/tables.h \
	\
	%D%/bell.c \
	%D%/bell.h \
	%D%/changed.c \
	%D%/changed.h \
	%D%/gate.c \
	%D%/gate_ctl.h \
	%D%/notice.c \
	%D%/notice.h \
	\
	%D%/attach.c \
	%D%/attach.h \
	%D%/ctrl.c \
	%D%/ctrl.h \
	%D%/drain.c \
	%D%/hosts.c \
	%D%/ns.c \
	%D%/ns.h \
	%D%/objects.h \
	%D%/past.c \
	%D%/paths.c \
	%D%/paths.h \
	%D%/scan.c \
	%D%/unanswered.c \
	%D%/unanswered.h \
	\
	%D%/audit.c \
	%D%/clock.c \
	%D%/subsys.c \
	%D%/subsys.h \
	\
	%D%/admin.c \
	%D%/admin.h \
	%D%/api.c \
	%D%/api.h \
	%D%/api_ns.c \
	%D%/identify.c \
	%D%/lanes.c \
	%D%/log.c \
	%D%/manage.c \
	%D%/prepare.c \
	%D%/prepare.h \
	%D%/query.c

# CURRENT:REVISION:AGE, changed at releases only. Code changed: REVISION + 1. Functions added: CURRENT + 1,
# AGE + 1, REVISION 0. Anything removed or changed: CURRENT + 1, AGE 0, REVISION 0, and a new node in the map.
libnvmens_la_SOURCES =
libnvmens_la_LIBADD = libcore.la
libnvmens_la_LDFLAGS = $(AM_LDFLAGS) $(DEFS_LDFLAGS) -no-undefined -version-info 0:0:0
EXTRA_DIST += %D%/nvmens.map
if VERSION_SCRIPT
libnvmens_la_LDFLAGS += -Wl,--version-script=$(srcdir)/%D%/nvmens.map
EXTRA_libnvmens_la_DEPENDENCIES = %D%/nvmens.map
endif

nvmensincludedir = $(includedir)/nvmens
nvmensinclude_HEADERS = \
	include/nvmens/gate.h \
	include/nvmens/query.h \
	include/nvmens/nvmens.h \
	include/nvmens/wire.h
nodist_nvmensinclude_HEADERS = include/nvmens/version.h
pkgconfig_DATA += nvmens.pc
