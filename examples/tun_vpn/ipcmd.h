/* Runs ip(8), without a shell. */
#ifndef IPCMD_H
#define IPCMD_H

#include <stdbool.h>

#define IPCMD_WORDS 16

/* `ip` with these words, up to a NULL.  False: it failed, and a line with what
 * it said is logged unless is_quiet. */
bool ipcmd_run(bool is_quiet, const char *const words[]);

#endif
