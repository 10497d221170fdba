/* The keys of the configuration file: what each one sets, and where it may
 * stand. */
#ifndef KEYS_H
#define KEYS_H

#include "values.h"

#define KEY_CLIENT_ONLY 0x1u
#define KEY_SERVER_ONLY 0x2u
#define KEY_LIST 0x4u     /* may be given more than once */
#define KEY_REQUIRED 0x8u /* in the mode that it belongs to */

typedef struct key_info {
  const char *name;
  complaint (*take)(config *c, char *text); /* may change text */
  unsigned flags;                           /* KEY_... */
} key_info;

extern const key_info keys[KEY_COUNT];

#endif
