/*
** exits.c: for the measured tests and the measured library alone, instead of libc's: a child of a test
** that leaves by _exit, or that the guard leaves to die of SIGBUS, reports what it reached, too.
*/
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);
int __sigaction(int number, const struct sigaction *action, struct sigaction *old); /* libc's own */

static _Noreturn void end(int status) {
  for (;;) (void)syscall(SYS_exit_group, status);
}

void _exit(int status) {
  __gcov_dump();
  end(status);
}

/* Who may write only small files does not report: he would die of it, or leave half a report. */
static void leave(int status, void *context) {
  struct rlimit limit;
  (void)context;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  (void)fflush(NULL);
  end(status);
}

static __attribute__((constructor)) void watch_exit(void) {
  (void)on_exit(leave, NULL);
}

/* In the default's place: it dies of that, by the instruction that repeats or by another signal. */
static void report(int number, siginfo_t *info, void *context) {
  (void)context;
  __gcov_dump();
  const struct sigaction action = {.sa_handler = SIG_DFL};
  (void)__sigaction(number, &action, NULL);
  if (info->si_code <= 0 || info->si_code == BUS_MCEERR_AO) (void)raise(number);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  const struct sigaction instead = {.sa_sigaction = report, .sa_flags = SA_SIGINFO};
  bool dies = number == SIGBUS && action && action->sa_handler == SIG_DFL;
  return __sigaction(number, dies ? &instead : action, old);
}
