#include "routing.h"

#include <stdio.h>
#include <string.h>

#include "ipcmd.h"

static bool is_v6(const char *text) { return strchr(text, ':') != NULL; }

static bool has_route(const config *c, bool v6) {
  size_t i;

  for (i = 0; i < c->routes.count && is_v6(c->routes.rows[i]) != v6; i++) {
  }
  return i < c->routes.count;
}

bool routing_add_addresses(const config *c, const char *device) {
  bool is_ok = true;
  size_t i;

  /* No address of its own: what would come from it belongs to nobody. */
  (void)ipcmd_run(true, (const char *const[]){"link", "set", "dev", device,
                                              "addrgenmode", "none", NULL});
  for (i = 0; i < c->addresses.count && is_ok; i++) {
    const char *a = c->addresses.rows[i];

    /* Nobody else can have the address here, and asking takes a second. */
    is_ok = ipcmd_run(false,
                      (const char *const[]){"addr", "add", a, "dev", device,
                                            is_v6(a) ? "nodad" : NULL, NULL});
  }
  return is_ok;
}

/* How the rules of a client are written. */
typedef struct rule_words {
  const char *family;
  char mark[16], first[16], second[16]; /* also the table; preferences */
} rule_words;

/* Numbers of their own, so that no other program's rules are taken for ours. */
static rule_words words_of(const config *c, bool v6) {
  rule_words w = {.family = v6 ? "-6" : "-4"};

  snprintf(w.mark, sizeof(w.mark), "%u", c->fwmark);
  snprintf(w.first, sizeof(w.first), "%u", 10000 + c->fwmark % 10000 * 2);
  snprintf(w.second, sizeof(w.second), "%u", 10001 + c->fwmark % 10000 * 2);
  return w;
}

/* Both rules of a family: `add` or `del`. */
static bool rules(const config *c, const char *verb, bool v6, bool is_quiet) {
  rule_words w = words_of(c, v6);
  bool is_ok = ipcmd_run(
      is_quiet,
      (const char *const[]){w.family, "rule", verb, "pref", w.first, "table",
                            "main", "suppress_prefixlength", "0", NULL});

  /* Both, whatever came of the first. */
  return ipcmd_run(is_quiet,
                   (const char *const[]){w.family, "rule", verb, "pref",
                                         w.second, "not", "fwmark", w.mark,
                                         "table", w.mark, NULL}) &&
         is_ok;
}

/* Does this line of `ip rule` lead to the table? */
static bool leads_to(const char *line, const char *table) {
  const char *found = strstr(line, "lookup ");
  size_t n = strlen(table);

  return found && strncmp(found + 7, table, n) == 0 &&
         (found[7 + n] == '\0' || found[7 + n] == ' ');
}

static bool may_add(const config *c, bool v6, char why[ROUTING_WHY]) {
  rule_words w = words_of(c, v6);
  char line[IPCMD_LINE];

  if (*ipcmd_ask((const char *const[]){w.family, "route", "show", "table",
                                       w.mark, NULL},
                 line)) {
    snprintf(why, ROUTING_WHY,
             "table %s has routes already (%.99s): a second client needs a "
             "FwMark of its own",
             w.mark, line);
    return false;
  }
  /* Routes go with their client, rules stay if it was killed. */
  if (*ipcmd_ask((const char *const[]){w.family, "rule", "show", "pref",
                                       w.second, NULL},
                 line) &&
      !leads_to(line, w.mark)) {
    snprintf(why, ROUTING_WHY,
             "FwMark %s needs the number of a rule that is there already "
             "(%.99s): choose another one",
             w.mark, line);
    return false;
  }
  return true;
}

bool routing_may_add(const config *c, char why[ROUTING_WHY]) {
  return (!has_route(c, false) || may_add(c, false, why)) &&
         (!has_route(c, true) || may_add(c, true, why));
}

static bool add_family(routing *r, const config *c, const char *device,
                       bool v6) {
  rule_words w = words_of(c, v6);
  size_t i;

  for (i = 0; i < c->routes.count; i++) {
    const char *to = c->routes.rows[i];

    if (is_v6(to) == v6 &&
        !ipcmd_run(false,
                   (const char *const[]){w.family, "route", "add", to, "dev",
                                         device, "table", w.mark, NULL})) {
      return false;
    }
  }
  /* What a run that was killed has left would stand in the way. */
  (void)rules(c, "del", v6, true);
  r->has_rules[v6] = true;
  return rules(c, "add", v6, false);
}

bool routing_add_routes(routing *r, const config *c, const char *device) {
  return (!has_route(c, false) || add_family(r, c, device, false)) &&
         (!has_route(c, true) || add_family(r, c, device, true));
}

void routing_remove(routing *r, const config *c) {
  int v6;

  for (v6 = 0; v6 < 2; v6++) {
    if (r->has_rules[v6]) {
      (void)rules(c, "del", v6, true);
    }
    r->has_rules[v6] = false;
  }
}
