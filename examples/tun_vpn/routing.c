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

/* Both rules of a family: `add` or `del`.  Numbers of their own, so that no
 * other program's rules are taken for ours. */
static bool rules(const config *c, const char *verb, bool v6, bool is_quiet) {
  const char *family = v6 ? "-6" : "-4";
  char mark[16], first[16], second[16];
  bool is_ok;

  snprintf(mark, sizeof(mark), "%u", c->fwmark);
  snprintf(first, sizeof(first), "%u", 10000 + c->fwmark % 10000 * 2);
  snprintf(second, sizeof(second), "%u", 10001 + c->fwmark % 10000 * 2);
  is_ok = ipcmd_run(is_quiet, (const char *const[]){
                                  family, "rule", verb, "pref", first, "table",
                                  "main", "suppress_prefixlength", "0", NULL});
  /* Both, whatever came of the first. */
  return ipcmd_run(is_quiet,
                   (const char *const[]){family, "rule", verb, "pref", second,
                                         "not", "fwmark", mark, "table", mark,
                                         NULL}) &&
         is_ok;
}

static bool add_family(const config *c, const char *device, bool v6) {
  char table[16];
  size_t i;

  snprintf(table, sizeof(table), "%u", c->fwmark);
  for (i = 0; i < c->routes.count; i++) {
    const char *r = c->routes.rows[i];

    if (is_v6(r) == v6 &&
        !ipcmd_run(false, (const char *const[]){v6 ? "-6" : "-4", "route",
                                                "add", r, "dev", device,
                                                "table", table, NULL})) {
      return false;
    }
  }
  /* What a run that was killed has left would stand in the way. */
  (void)rules(c, "del", v6, true);
  return rules(c, "add", v6, false);
}

bool routing_add_routes(const config *c, const char *device) {
  return (!has_route(c, false) || add_family(c, device, false)) &&
         (!has_route(c, true) || add_family(c, device, true));
}

void routing_remove(const config *c) {
  if (has_route(c, false)) {
    (void)rules(c, "del", false, true);
  }
  if (has_route(c, true)) {
    (void)rules(c, "del", true, true);
  }
}
