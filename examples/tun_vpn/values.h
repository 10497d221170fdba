/* How values of the configuration are written.  Each function returns NULL, or
 * what was expected, and leaves its output untouched then. */
#ifndef VALUES_H
#define VALUES_H

#include "config.h"

typedef const char *complaint;

complaint value_flag(const char *text, uint32_t *flag);
/* Decimal, or hexadecimal with 0x. */
complaint value_number(const char *text, uint64_t lo, uint64_t hi, uint32_t *n);
/* With K, M or G for 10^3, 10^6, 10^9. */
complaint value_bytes(const char *text, uint64_t *n);
/* Seconds, with a fraction. */
complaint value_seconds(const char *text, quicmig_duration *d);
/* N or LO-HI. */
complaint value_ports(const char *text, uint16_t *lo, uint16_t *hi);
complaint value_text(const char *text, char *dest, size_t size);
/* One more of at most `max`. */
complaint value_append(const char *text, config_list *list, size_t max);
/* One of two words: 0 or 1. */
complaint value_word(const char *text, const char *zero, const char *one,
                     uint32_t *n);

#endif
