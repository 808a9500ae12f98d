/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig_main.h: the main of a check program. TAP or not is the environment's choice.
 */
#ifndef NVMENS_TESTS_RIG_MAIN_H
#define NVMENS_TESTS_RIG_MAIN_H

#include <check.h>
#include <stdlib.h>

static inline int rig_main(Suite *suite)
{
  SRunner *runner = srunner_create(suite);
  int failed;

  srunner_run_all(runner, CK_ENV);
  failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A suite of these tests: RIG_RUN("name", A_test, another, ...) is the exit code. */
static inline int rig_run(const char *name, const TTest *const *tests, size_t n)
{
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create(name);
  size_t i;

  tcase_set_timeout(tcase, 60); /* sanitizers are slow */
  for (i = 0; i < n; i++)
    tcase_add_test(tcase, tests[i]);
  suite_add_tcase(suite, tcase);
  return rig_main(suite);
}
#define RIG_RUN(name, ...)                                                                         \
  rig_run((name), (const TTest *const[]){__VA_ARGS__},                                             \
          sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *))

#endif
