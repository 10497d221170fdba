/* What the examples share to read their command lines.  Every mistake ends the
 * program with one line on stderr and exit status 2. */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <quicmig/types.h>

/* Names the program in messages.  When it ends, and something that it wrote to
 * stdout was not taken, that is said and the exit status is 1. */
void cli_start(const char *name);

/* Ends the program: a usage error (status 2) or a failure (status 1). */
__attribute__((noreturn, format(printf, 1, 2))) void
cli_usage(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void
cli_fail(const char *format, ...);

/* A line about what happened, on stderr.  These three clean the whole line as
 * printable() does. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);

/* Next option as getopt_long() without its own messages; a long option's val,
 * -1 at the end. */
int cli_next(int argc, char **argv, const struct option *options);

/*
 * What a program writes beside its work, such as --hop-log.  What the system
 * does not take, as on a full disk, is said once on stderr, with the file's
 * name; the work goes on, and cli_log_close() tells.
 */
typedef struct cli_log {
  FILE *file; /* NULL: none */
  const char *name;
  int has_failed;
} cli_log;

/* Opens a file anew; ends the program if it cannot.  name: NULL: no log. */
void cli_log_open(cli_log *l, const char *name);

/* A line, without its end, written at once. */
__attribute__((format(printf, 2, 3))) void
cli_log_line(cli_log *l, const char *format, ...);

/* 0, or 1: a line is missing. */
int cli_log_close(cli_log *l);

/* A whole number in [lo, hi]. */
uint64_t cli_number(const char *option, const char *text, uint64_t lo,
                    uint64_t hi);

/* A range of ports, LO-HI, each 1 to 65535. */
void cli_ports(const char *option, const char *text, uint16_t *lo,
               uint16_t *hi);

/* Copies text to dest, of `room` bytes, if it fits. */
void cli_string(const char *option, const char *text, char *dest, size_t room);

/* Raises the limit of open files to what the system allows this program. */
void cli_allow_sockets(void);

/* A number with the unit ms, s, m or h; 0 needs none. */
quicmig_duration cli_duration(const char *option, const char *text);

#endif
