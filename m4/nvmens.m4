# NVMENS_CFLAG(VARIABLE, FLAG): appends FLAG to VARIABLE when the compiler takes it. -Werror,
# because clang only warns of a flag that it does not know.
AC_DEFUN([NVMENS_CFLAG], [
  AS_VAR_PUSHDEF([cache], [nvmens_cv_cflag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    nvmens_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])],
                      [AS_VAR_SET([cache], [no])])
    CFLAGS=$nvmens_save_CFLAGS])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])])

# NVMENS_LINK(WHAT, FLAG, [IF-YES], [IF-NO]): whether a program links with FLAG.
AC_DEFUN([NVMENS_LINK], [
  AC_MSG_CHECKING([for $1])
  nvmens_save_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS $2"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [nvmens_links=yes], [nvmens_links=no])
  LDFLAGS=$nvmens_save_LDFLAGS
  AC_MSG_RESULT([$nvmens_links])
  AS_IF([test $nvmens_links = yes], [$3], [$4])])
