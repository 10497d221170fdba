#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define LINE_BYTES 1024
/* Routing tables that the kernel uses itself, and main between them. */
#define TABLE_DEFAULT 253u
#define TABLE_LOCAL 255u
#define BLANK " \t\r\n"

/* A file that is being read. */
typedef struct reader {
  config *c;
  const char *file;
  unsigned line; /* 0: none in particular */
  char *error;
  bool is_bad;
} reader;

const char *config_name(config_key key) { return keys[key].name; }

__attribute__((format(printf, 2, 3))) static void
refuse(reader *r, const char *format, ...) {
  int n = r->line
              ? snprintf(r->error, CONFIG_ERROR, "%s:%u: ", r->file, r->line)
              : snprintf(r->error, CONFIG_ERROR, "%s: ", r->file);
  va_list args;

  va_start(args, format);
  if (n >= 0 && n < CONFIG_ERROR) {
    vsnprintf(r->error + n, CONFIG_ERROR - (size_t)n, format, args);
  }
  va_end(args);
  r->is_bad = true;
}

static void set_defaults(config *c) {
  *c = (config){.is_enabled = true,
                .device = "qmig0",
                .fwmark = 0x716d,
                .nat_budget = 4096, /* the library's own */
                .keep_alive = 20 * QUICMIG_SECOND};
  quicmig_options_default(&c->migration);
  c->migration.watch_network = 1;
  /* Both ends of a busy machine's tunnel may stand still for milliseconds. */
  c->migration.rcvbuf = c->migration.sndbuf = 4 << 20;
}

/* FNV-1a, over all values of a key. */
static uint64_t hash_text(uint64_t hash, const char *text) {
  hash = hash ? hash : UINT64_C(0xcbf29ce484222325);
  do {
    hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
  } while (*text++);
  return hash;
}

static void take(reader *r, config_key key, char *text) {
  config *c = r->c;
  complaint what;

  if (c->line[key] && !(keys[key].flags & KEY_LIST)) {
    refuse(r, "%s was given in line %u already", keys[key].name, c->line[key]);
    return;
  }
  c->line[key] = c->line[key] ? c->line[key] : r->line;
  c->hash[key] = hash_text(c->hash[key], text);
  what = *text ? keys[key].take(c, text) : "a value is expected";
  if (!what) {
    what = quicmig_options_check(&c->migration);
  }
  if (what) {
    refuse(r, "%s: %s", keys[key].name, what);
  }
}

/* Without blanks around it; shortens text. */
static char *trim(char *text) {
  size_t n;

  text += strspn(text, BLANK);
  n = strlen(text);
  while (n && strchr(BLANK, text[n - 1])) {
    n--;
  }
  text[n] = '\0';
  return text;
}

static void take_line(reader *r, char *text) {
  char *equals, *name, *rest;
  size_t i;

  text[strcspn(text, "#")] = '\0';
  text = trim(text);
  if (!*text) {
    return;
  }
  for (i = 0; text[i]; i++) {
    if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 127) {
      refuse(r, "there is a control character");
      return;
    }
  }
  equals = strchr(text, '=');
  if (!equals) {
    refuse(r, "Key = value is expected");
    return;
  }
  *equals = '\0';
  name = trim(text);
  rest = trim(equals + 1);
  for (i = 0; i < KEY_COUNT && strcmp(keys[i].name, name) != 0; i++) {
  }
  if (i == KEY_COUNT) {
    refuse(r, "unknown key %.64s", name);
    return;
  }
  take(r, (config_key)i, rest);
}

/* Of a buffer without one when it was read into: has the text a zero byte
 * before the one at its end? */
static bool has_zero(const char *text, size_t size) {
  while (text[--size]) {
  }
  return size != strlen(text);
}

static void read_lines(reader *r, FILE *f) {
  char text[LINE_BYTES];

  while (!r->is_bad && fgets(memset(text, 1, sizeof(text)), sizeof(text), f)) {
    r->line++;
    if (has_zero(text, sizeof(text)) || (!strchr(text, '\n') && !feof(f))) {
      refuse(r, "the line is too long, or has a zero byte");
    } else {
      take_line(r, text);
    }
  }
  if (!r->is_bad && ferror(f)) {
    r->line = 0;
    refuse(r, "%s", strerror(errno));
  }
}

/* Of the other mode, or missing. */
static void check_modes(reader *r) {
  const config *c = r->c;
  unsigned foreign = c->is_server ? KEY_CLIENT_ONLY : KEY_SERVER_ONLY;
  size_t i;

  for (i = 0; i < KEY_COUNT && !r->is_bad; i++) {
    bool is_foreign = (keys[i].flags & foreign) != 0;

    r->line = c->line[i];
    if (c->line[i] && is_foreign) {
      refuse(r, "%s is for Mode = %s", keys[i].name,
             c->is_server ? "client" : "server");
    } else if (!c->line[i] && !is_foreign && (keys[i].flags & KEY_REQUIRED)) {
      refuse(r, "%s is missing", keys[i].name);
    }
  }
}

static void check_rest(reader *r) {
  config *c = r->c;

  if (!r->is_bad && c->routes.count && c->fwmark == 0) {
    r->line = c->line[KEY_ROUTE];
    refuse(r, "Route needs a FwMark, or the tunnel would lead into itself");
  }
  if (!r->is_bad && c->routes.count && c->fwmark >= TABLE_DEFAULT &&
      c->fwmark <= TABLE_LOCAL) {
    r->line = c->line[KEY_FWMARK];
    refuse(r,
           "FwMark: with Route it is the number of a table, and %u to %u "
           "are the kernel's",
           TABLE_DEFAULT, TABLE_LOCAL);
  }
}

static void finish(config *c) {
  c->migration.fwmark = c->fwmark;
  if (c->port_hi > c->port_lo) {
    c->migration.remote_port_lo = c->port_lo;
    c->migration.remote_port_hi = c->port_hi;
  }
  if (c->is_server && c->listen.count == 0) {
    (void)value_append("0.0.0.0", &c->listen, 2);
  }
}

bool config_read(config *c, const char *file, char error[CONFIG_ERROR]) {
  reader r = {.c = c, .file = file, .error = error};
  FILE *f = fopen(file, "re");

  set_defaults(c);
  if (!f) {
    refuse(&r, "%s", strerror(errno));
    return false;
  }
  read_lines(&r, f);
  fclose(f);
  if (!r.is_bad) {
    r.line = 0;
    check_modes(&r);
    check_rest(&r);
  }
  if (r.is_bad) {
    config_reset(c);
    return false;
  }
  finish(c);
  return true;
}

void config_reset(config *c) {
  free(c->clients);
  owners_reset(&c->owners);
  *c = (config){.clients = NULL};
}

quicmig_options config_options(const config *c) {
  quicmig_options o = c->migration;

  if (!c->is_enabled) {
    o.hop_interval = o.hop_bytes = o.hop_packets = 0;
    o.adaptive = o.degrade_ptos = 0;
  }
  return o;
}

void config_take_schedule(config *c, const config *fresh) {
  c->is_enabled = fresh->is_enabled;
  c->nat_budget = fresh->nat_budget;
  c->migration.hop_interval = fresh->migration.hop_interval;
  c->migration.hop_jitter_pct = fresh->migration.hop_jitter_pct;
  c->migration.hop_bytes = fresh->migration.hop_bytes;
  c->migration.drain = fresh->migration.drain;
  c->migration.hop_mode = fresh->migration.hop_mode;
  c->migration.adaptive = fresh->migration.adaptive;
  c->migration.degrade_ptos = fresh->migration.degrade_ptos;
}
