// The process that tidies up what no process's end removes: names, files, programs that serve others.
#pragma once

#include "common.h"

/// What the remover sleeps at: a pipe whose writing end every other process has.
static struct {
  pid_t process;
  int lifeline;
} remover;

/// Lets the remover go on and waits for it: when the command has ended, nothing is left.
static void await_removal(void) {
  close(remover.lifeline);
  waitpid(remover.process, NULL, 0);
}

/// Forks the remover; returns 0 in it, its pid in the caller. Only processes that are forked later are waited
/// for.
static pid_t start_remover(void) {
  int lifeline[2];
  require(pipe(lifeline) == 0, "create a pipe");
  remover.process = fork();
  require(remover.process >= 0, "fork");
  remover.lifeline = lifeline[remover.process == 0 ? 0 : 1];
  close(lifeline[remover.process == 0 ? 1 : 0]);
  if (remover.process == 0) {
    // What the terminal sends to everybody must not end the one who tidies up.
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
  } else {
    atexit(await_removal);
  }
  return remover.process;
}

/// The remover: sleeps until every other process has ended, however it did: done, failed, killed.
static void await_the_others(void) {
  char byte;
  while (read(remover.lifeline, &byte, 1) < 0 && errno == EINTR) continue;
}
