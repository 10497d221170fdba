/* Runs ip(8), without a shell. */
#ifndef IPCMD_H
#define IPCMD_H

#include <stdbool.h>

#define IPCMD_WORDS 16

/* `ip` with these words, up to a NULL.  False: it failed, and a line with what
 * it said is logged unless is_quiet. */
bool ipcmd_run(bool is_quiet, const char *const words[]);

#define IPCMD_LINE 256

/* The first line of what it prints; "": nothing, or it failed. */
const char *ipcmd_ask(const char *const words[], char line[IPCMD_LINE]);

#endif
