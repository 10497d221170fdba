#include "values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char wanted[128]; /* what value_number() complains about */

complaint value_word(const char *text, const char *zero, const char *one,
                     uint32_t *n) {
  if (strcmp(text, zero) != 0 && strcmp(text, one) != 0) {
    snprintf(wanted, sizeof(wanted), "%s or %s is expected", zero, one);
    return wanted;
  }
  *n = strcmp(text, one) == 0;
  return NULL;
}

complaint value_flag(const char *text, uint32_t *flag) {
  return value_word(text, "no", "yes", flag);
}

complaint value_number(const char *text, uint64_t lo, uint64_t hi,
                       uint32_t *n) {
  unsigned long long value;
  bool is_hex;
  char *end;

  errno = 0;
  is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  value = strtoull(text, &end, is_hex ? 16 : 10);
  if (errno || *end || *text < '0' || *text > '9' || value < lo || value > hi) {
    snprintf(wanted, sizeof(wanted),
             "a whole number from %llu to %llu is expected",
             (unsigned long long)lo, (unsigned long long)hi);
    return wanted;
  }
  *n = (uint32_t)value;
  return NULL;
}

complaint value_bytes(const char *text, uint64_t *n) {
  static const char suffixes[] = "KMG";
  unsigned long long value, factor = 1;
  const char *suffix;
  char *end;

  errno = 0;
  value = strtoull(text, &end, 10);
  suffix = *end ? strchr(suffixes, *end) : NULL;
  for (; suffix && suffix >= suffixes; suffix--) {
    factor *= 1000;
  }
  if (errno || *text < '0' || *text > '9' ||
      (*end && (factor == 1 || end[1])) || value > UINT64_MAX / factor) {
    return "bytes are expected, such as 500000 or 20M (K, M, G: powers of "
           "1000)";
  }
  *n = value * factor;
  return NULL;
}

complaint value_seconds(const char *text, quicmig_duration *d) {
  char *end;
  double n = strtod(text, &end);

  if (((*text < '0' || *text > '9') && *text != '.') || *end || !isfinite(n) ||
      n > 1e9) {
    return "seconds are expected, such as 300 or 0.5";
  }
  *d = (quicmig_duration)(n * 1e9);
  return NULL;
}

complaint value_ports(const char *text, uint16_t *lo, uint16_t *hi) {
  static const char what[] = "N or LO-HI, 1 to 65535, is expected";
  const char *dash = strchr(text, '-');
  uint32_t first, last;
  char head[16] = "";
  size_t n = dash ? (size_t)(dash - text) : strlen(text);

  if (n >= sizeof(head)) {
    return what;
  }
  memcpy(head, text, n);
  if (value_number(head, 1, 65535, &first) ||
      value_number(dash ? dash + 1 : head, 1, 65535, &last) || first > last) {
    return what;
  }
  if (last - first >= 4096) {
    return "at most 4096 ports are possible";
  }
  *lo = (uint16_t)first;
  *hi = (uint16_t)last;
  return NULL;
}

complaint value_text(const char *text, char *dest, size_t size) {
  if (strlen(text) >= size) {
    snprintf(wanted, sizeof(wanted), "at most %zu characters are expected",
             size - 1);
    return wanted;
  }
  strcpy(dest, text);
  return NULL;
}

complaint value_append(const char *text, config_list *list, size_t max) {
  complaint what;

  if (list->count == max) {
    snprintf(wanted, sizeof(wanted), "at most %zu of these are possible", max);
    return wanted;
  }
  what = value_text(text, list->rows[list->count], sizeof(list->rows[0]));
  list->count += !what;
  return what;
}
