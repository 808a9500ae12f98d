# Tools that look into the library link libcore.la.
noinst_PROGRAMS += %D%/fsmdump
%C%_fsmdump_SOURCES = %D%/fsmdump.c
%C%_fsmdump_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/lib
%C%_fsmdump_LDADD = libcore.la
