#include "printable.h"

#include <stdint.h>
#include <stdio.h>

const char *printable(char *dest, size_t room, const char *text) {
  size_t i;

  for (i = 0; i + 1 < room && text[i]; i++) {
    dest[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
  }
  dest[i] = '\0';
  return dest;
}

/* The character at *text, which moves behind it; -1: one byte that is no part
 * of well-formed UTF-8 (RFC 3629). */
static int32_t next_character(const char **text) {
  static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
  uint8_t first = (uint8_t) * (*text)++;
  size_t i, more = first < 0x80   ? 0
                   : first < 0xc0 ? 4
                   : first < 0xe0 ? 1
                   : first < 0xf0 ? 2
                   : first < 0xf8 ? 3
                                  : 4;
  int32_t c = more ? first & (0x3f >> more) : first;

  for (i = 0; i < more && more < 4; i++) {
    if (((uint8_t)(*text)[i] & 0xc0) != 0x80) {
      return -1;
    }
    c = c << 6 | ((uint8_t)(*text)[i] & 0x3f);
  }
  if (more == 4 || c < least[more] || c > 0x10ffff || c >> 11 == 0x1b) {
    return -1;
  }
  *text += more;
  return c;
}

const char *printable_json(char *dest, size_t room, const char *text) {
  char *to = dest;

  while (*text && (size_t)(to - dest) + 13 <= room) {
    int32_t c = next_character(&text);

    if (c == '"' || c == '\\') {
      to += sprintf(to, "\\%c", (char)c);
    } else if (c >= ' ' && c <= '~') {
      *to++ = (char)c;
    } else if (c < 0x10000) {
      to += sprintf(to, "\\u%04x", c < 0 ? 0xfffd : (unsigned)c);
    } else { /* as a pair (RFC 8259 section 7) */
      to += sprintf(to, "\\u%04x\\u%04x", 0xd7c0 + ((unsigned)c >> 10),
                    0xdc00 + ((unsigned)c & 0x3ff));
    }
  }
  *to = '\0';
  return dest;
}
