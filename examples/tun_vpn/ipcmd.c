#include "ipcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

extern char **environ;

/* Its first line. */
static void read_words(int fd, char *said, size_t size) {
  size_t n = 0;
  ssize_t got;
  char rest[256];

  while (n + 1 < size && (got = read(fd, said + n, size - 1 - n)) > 0) {
    n += (size_t)got;
  }
  while (read(fd, rest, sizeof(rest)) > 0) { /* so that it can end */
  }
  said[n] = '\0';
  said[strcspn(said, "\n")] = '\0';
}

/* One of its outputs goes to fd, the other one nowhere. */
static int spawn(const char *const words[], int fd, int which, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  char *argv[IPCMD_WORDS + 2] = {(char *)(uintptr_t) "ip"};
  size_t i;
  int rv;

  for (i = 0; i < IPCMD_WORDS && words[i]; i++) {
    argv[i + 1] = (char *)(uintptr_t)words[i];
  }
  rv = posix_spawn_file_actions_init(&actions);
  if (rv != 0) {
    return rv;
  }
  posix_spawn_file_actions_adddup2(&actions, fd, which);
  posix_spawn_file_actions_addopen(
      &actions, which == STDERR_FILENO ? STDOUT_FILENO : STDERR_FILENO,
      "/dev/null", O_WRONLY, 0);
  rv = posix_spawnp(pid, "ip", &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  return rv;
}

static void complain(const char *const words[], const char *said) {
  char line[512] = "ip";
  size_t i;

  for (i = 0; i < IPCMD_WORDS && words[i]; i++) {
    size_t n = strlen(line);

    snprintf(line + n, sizeof(line) - n, " %s", words[i]);
  }
  say("%s: %s", line, said);
}

/* Waits for its end.  Returns an errno if it could not be run. */
static int run(const char *const words[], int which, char *said, size_t size,
               int *status) {
  int fds[2], rv;
  pid_t pid;

  *status = 0;
  if (pipe(fds) != 0) {
    return errno;
  }
  (void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
  (void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
  rv = spawn(words, fds[1], which, &pid);
  close(fds[1]);
  if (rv == 0) {
    read_words(fds[0], said, size);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
  }
  close(fds[0]);
  return rv;
}

bool ipcmd_run(bool is_quiet, const char *const words[]) {
  char said[IPCMD_LINE] = "";
  int status, rv = run(words, STDERR_FILENO, said, sizeof(said), &status);

  if (rv == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return true;
  }
  if (!is_quiet) {
    complain(words, rv != 0 ? strerror(rv) : said[0] ? said : "failed");
  }
  return false;
}

const char *ipcmd_ask(const char *const words[], char line[IPCMD_LINE]) {
  size_t i;
  int status;

  line[0] = '\0';
  (void)run(words, STDOUT_FILENO, line, IPCMD_LINE, &status);
  for (i = 0; line[i]; i++) {
    line[i] = line[i] == '\t' ? ' ' : line[i];
  }
  for (; i && line[i - 1] == ' '; i--) {
    line[i - 1] = '\0';
  }
  return line;
}
