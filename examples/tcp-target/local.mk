noinst_PROGRAMS += %D%/nvmens-tcp-target
tcp_target_parts = \
	%D%/admin.c \
	%D%/backend.c \
	%D%/backend.h \
	%D%/bytes.h \
	%D%/conn.c \
	%D%/conn.h \
	%D%/control.c \
	%D%/control.h \
	%D%/ctrl.c \
	%D%/fabrics.c \
	%D%/features.c \
	%D%/hold.c \
	%D%/identify.c \
	%D%/io.c \
	%D%/logs.c \
	%D%/ns.c \
	%D%/nvme.h \
	%D%/options.c \
	%D%/options.h \
	%D%/pdu.c \
	%D%/pdu.h \
	%D%/recv.c \
	%D%/req.c \
	%D%/send.c \
	%D%/status.c \
	%D%/target.c \
	%D%/target.h \
	%D%/trace.c \
	%D%/trace.h \
	%D%/verbs.c
%C%_nvmens_tcp_target_CFLAGS = $(AM_CFLAGS) -pthread
%C%_nvmens_tcp_target_SOURCES = %D%/main.c $(tcp_target_parts)
%C%_nvmens_tcp_target_LDADD = libnvmens.la $(PTHREAD_LIBS)
EXTRA_DIST += %D%/README.md
