/* What the examples share to read their command lines.  Every mistake ends the
 * program with one line on stderr and exit status 2. */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

#include <quicmig/types.h>

/* Names the program in messages. */
void cli_start(const char *name);

/* Ends the program: a usage error (status 2) or a failure (status 1). */
__attribute__((noreturn, format(printf, 1, 2))) void
cli_usage(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void
cli_fail(const char *format, ...);

/* Next option as getopt_long() without its own messages; a long option's val,
 * -1 at the end. */
int cli_next(int argc, char **argv, const struct option *options);

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

/*
 * Text that comes from outside, such as the peer's reason or the name in its
 * certificate, on its way to a terminal or a log: all but printable ASCII
 * becomes
 * `?`, so that it cannot move the cursor, change colours, or end the line. dest
 * has `room` bytes, at least one; what does not fit is left out.  Returns dest.
 */
const char *cli_clean(char *dest, size_t room, const char *text);

/* A number with the unit ms, s, m or h; 0 needs none. */
quicmig_duration cli_duration(const char *option, const char *text);

#endif
