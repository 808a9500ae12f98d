noinst_PROGRAMS += examples/minimal examples/hotswap/nvmens-hotswap

examples_minimal_SOURCES = examples/minimal.c
examples_minimal_LDADD = libnvmens.la

examples_hotswap_nvmens_hotswap_CFLAGS = $(AM_CFLAGS) -pthread
examples_hotswap_nvmens_hotswap_LDADD = libnvmens.la $(PTHREAD_LIBS)
examples_hotswap_nvmens_hotswap_SOURCES = \
	%D%/backend.c \
	%D%/disk.c \
	%D%/disk.h \
	%D%/driver.c \
	%D%/hooks.c \
	%D%/host.c \
	%D%/hotswap.h \
	%D%/io.c \
	%D%/jobs.c \
	%D%/main.c \
	%D%/options.c \
	%D%/rest.c \
	%D%/scan.c \
	%D%/stats.c \
	%D%/summary.c \
	%D%/swap.c \
	%D%/trace.c \
	%D%/watch.c \
	%D%/world.c
