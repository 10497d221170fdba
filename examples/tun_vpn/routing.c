#include "routing.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "ipcmd.h"

/* After a repair, in s, until the rule 1 is put back or another repair is made:
 * longer than a program takes from one rule to the next, and doubled each time,
 * for programs that remove our rules whenever they come. */
#define WAIT_MIN 0.05
#define WAIT_MAX 1.

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

/* Numbers of their own, so that no other program's rules are taken for ours. */
static uint32_t first_of(const config *c) {
  return 10000 + c->fwmark % 10000 * 2;
}
static uint32_t second_of(const config *c) { return first_of(c) + 1; }
static uint32_t guard_of(const config *c) {
  return 30000 + c->fwmark % 1000 * 2;
}

#define RULES_MAX (5 + 2 * CONFIG_ROUTES)

/* The same rule for each route of the family. */
static size_t add_unreachable(const config *c, bool v6, uint32_t preference,
                              rtnl_rule *rows) {
  size_t i, n = 0;

  for (i = 0; i < c->routes.count; i++) {
    rtnl_prefix to;

    if (rtnl_parse(&to, c->routes.rows[i]) && to.is_v6 == v6) {
      rows[n++] = (rtnl_rule){
          .preference = preference, .action = RTNL_UNREACHABLE, .to = to};
    }
  }
  return n;
}

/* While there is none of these, the rules with 0 stop everything. */
static rtnl_rule rule_1(const config *c, bool v6) {
  return (rtnl_rule){.preference = 1,
                     .action = RTNL_NOP,
                     .mark = c->fwmark,
                     .to = {.is_v6 = v6}};
}

/* All other rules of a family, in the order to add them: those with 0 last. */
static size_t rules_of(const config *c, bool v6, rtnl_rule rows[RULES_MAX]) {
  const rtnl_prefix all = {.is_v6 = v6};
  uint32_t mark = c->fwmark, guard = guard_of(c);
  const rtnl_rule before[] = {
      {first_of(c), RTNL_MAIN_BUT_DEFAULT, .to = all},
      {second_of(c), RTNL_LOOKUP, mark, .mark = mark, .is_unlike = true,
       .to = all},
      {guard, RTNL_LOOKUP, RTNL_MAIN, .mark = mark, .to = all}};
  const rtnl_rule after[] = {
      {0, RTNL_GOTO, .target = 1, .to = all},
      {0, RTNL_LOOKUP, RTNL_MAIN, .mark = mark, .to = all}};
  size_t n = sizeof(before) / sizeof(before[0]);

  memcpy(rows, before, sizeof(before));
  n += add_unreachable(c, v6, guard + 1, &rows[n]);
  memcpy(&rows[n], after, sizeof(after));
  n += sizeof(after) / sizeof(after[0]);
  return n + add_unreachable(c, v6, 0, &rows[n]);
}

/* Does this line of `ip rule` lead to the table? */
static bool leads_to(const char *line, const char *table) {
  const char *found = strstr(line, "lookup ");
  size_t n = strlen(table);

  return found && strncmp(found + 7, table, n) == 0 &&
         (found[7 + n] == '\0' || found[7 + n] == ' ');
}

static bool may_add(const config *c, bool v6, char why[ROUTING_WHY]) {
  const char *family = v6 ? "-6" : "-4";
  char mark[16], second[16], line[IPCMD_LINE];

  snprintf(mark, sizeof(mark), "%u", c->fwmark);
  snprintf(second, sizeof(second), "%u", second_of(c));
  if (*ipcmd_ask(
          (const char *const[]){family, "route", "show", "table", mark, NULL},
          line)) {
    snprintf(why, ROUTING_WHY,
             "table %s has routes already (%.99s): a second client needs a "
             "FwMark of its own",
             mark, line);
    return false;
  }
  /* Routes go with their client, rules stay if it was killed. */
  if (*ipcmd_ask(
          (const char *const[]){family, "rule", "show", "pref", second, NULL},
          line) &&
      !leads_to(line, mark)) {
    snprintf(why, ROUTING_WHY,
             "FwMark %s needs the number of a rule that is there already "
             "(%.99s): choose another one",
             mark, line);
    return false;
  }
  return true;
}

bool routing_may_add(const config *c, char why[ROUTING_WHY]) {
  return (!has_route(c, false) || may_add(c, false, why)) &&
         (!has_route(c, true) || may_add(c, true, why));
}

/* Notes what came of an attempt to add something.  True: it was missing. */
static bool take_result(routing *r, int err, const char *what, uint32_t number,
                        bool v6) {
  if (r->loop && (err == ENETDOWN || err == ENODEV)) {
    return false; /* a route has to wait for the device */
  }
  if (err != 0 && err != EEXIST) {
    r->error = err;
    say_rarely(&r->failed, "%s %s %u: %s", v6 ? "IPv6" : "IPv4", what, number,
               strerror(err));
  }
  return err == 0;
}

static uint64_t add_routes(routing *r, bool v6) {
  uint64_t added = 0;
  size_t i;

  for (i = 0; i < r->c->routes.count; i++) {
    rtnl_prefix to;

    if (rtnl_parse(&to, r->c->routes.rows[i]) && to.is_v6 == v6) {
      added += take_result(
          r, rtnl_add_route(&r->kernel, &to, r->interface, r->c->fwmark),
          "route of table", r->c->fwmark, v6);
    }
  }
  return added;
}

static uint64_t add_rules(routing *r, bool v6) {
  rtnl_rule rows[RULES_MAX];
  size_t i, k, n = rules_of(r->c, v6, rows);
  uint64_t added = 0;

  for (i = 0; i < n; i++) {
    if (!take_result(r, rtnl_add_rule(&r->kernel, &rows[i]), "rule",
                     rows[i].preference, v6)) {
      continue;
    }
    added++;
    /* It came behind those with the same number: they are to follow it. */
    for (k = i + 1; rows[i].preference == 0 && k < n; k++) {
      (void)rtnl_remove_rule(&r->kernel, &rows[k]);
    }
  }
  return added;
}

/* The rules 1 that are missing.  Returns how many. */
static uint64_t add_1(routing *r) {
  uint64_t added = 0;
  int v6;

  for (v6 = 0; v6 < 2; v6++) {
    rtnl_rule one = rule_1(r->c, v6);

    added += has_route(r->c, v6) &&
             take_result(r, rtnl_add_rule(&r->kernel, &one), "rule", 1, v6);
  }
  return added;
}

static void remove_1(routing *r) {
  int v6;

  for (v6 = 0; v6 < 2; v6++) {
    rtnl_rule one = rule_1(r->c, v6);

    if (has_route(r->c, v6)) {
      (void)rtnl_remove_rule(&r->kernel, &one);
    }
  }
}

/* All else that is missing.  Returns how many rules and routes that were. */
static uint64_t add_all(routing *r) {
  uint64_t added = 0;
  int v6;

  for (v6 = 0; v6 < 2; v6++) {
    if (has_route(r->c, v6)) {
      /* Rules first: what has no route yet is unreachable, not in clear. */
      added += add_rules(r, v6);
      added += add_routes(r, v6);
    }
  }
  return added;
}

/* Backwards, so that those with 0 are gone before the one with 1.  Returns how
 * many there were, or a negative errno. */
static int remove_rules(rtnl *kernel, const config *c) {
  rtnl_rule rows[1 + RULES_MAX];
  int v6, removed = 0, err = 0;

  for (v6 = 0; v6 < 2; v6++) {
    size_t n = 0;

    if (has_route(c, v6)) {
      rows[0] = rule_1(c, v6);
      n = 1 + rules_of(c, v6, &rows[1]);
    }
    while (n-- > 0) {
      int rv = rtnl_remove_rule(kernel, &rows[n]);

      removed += rv == 0;
      err = rv == 0 || rv == ENOENT ? err : rv;
    }
  }
  return err ? -err : removed;
}

bool routing_open(routing *r, const config *c, const char *device) {
  int rv;

  *r = (routing){.c = c, .interface = if_nametoindex(device)};
  rv = rtnl_open(&r->kernel);
  if (rv != 0) {
    say("rtnetlink: %s", strerror(rv));
    return false;
  }
  (void)add_1(r); /* first, so that those with 0 stop nothing */
  (void)add_all(r);
  return r->error == 0;
}

static void begin_pause(routing *r, uint64_t added) {
  r->put_back += added;
  say_rarely(&r->put,
             "another program has removed rules or routes of the tunnel: %llu "
             "put back",
             (unsigned long long)added);
  r->wait = r->wait == 0 ? WAIT_MIN : r->wait * 2;
  r->wait = r->wait < WAIT_MAX ? r->wait : WAIT_MAX;
  ev_now_update(r->loop);
  ev_timer_set(&r->pause, r->wait, 0.);
  ev_timer_start(r->loop, &r->pause);
}

static void on_change(struct ev_loop *loop, ev_io *w, int revents) {
  routing *r = w->data;
  uint64_t added;

  (void)loop;
  (void)revents;
  if (!rtnl_heard(&r->kernel, r->interface, r->c->fwmark) ||
      ev_is_active(&r->pause)) {
    return;
  }
  added = add_all(r) + add_1(r);
  if (added > 0) {
    remove_1(r);
    begin_pause(r, added);
  }
}

static void on_pause(struct ev_loop *loop, ev_timer *w, int revents) {
  routing *r = w->data;
  uint64_t added = add_all(r);

  (void)loop;
  (void)revents;
  if (added > 0) {
    begin_pause(r, added);
    return;
  }
  r->wait = 0;
  (void)add_1(r);
}

void routing_watch(routing *r, struct ev_loop *loop) {
  r->loop = loop;
  ev_io_init(&r->on_change, on_change, r->kernel.hear, EV_READ);
  ev_timer_init(&r->pause, on_pause, 0., 0.);
  r->on_change.data = r->pause.data = r;
  /* Before packets. */
  ev_set_priority(&r->on_change, EV_MAXPRI);
  ev_io_start(loop, &r->on_change);
}

void routing_leave(routing *r) {
  if (!r->c) {
    return; /* not opened */
  }
  if (r->loop) {
    if (ev_is_active(&r->pause)) {
      (void)add_1(r);
    }
    ev_io_stop(r->loop, &r->on_change);
    ev_timer_stop(r->loop, &r->pause);
  }
  rtnl_close(&r->kernel);
  *r = (routing){.c = NULL};
}

void routing_close(routing *r) {
  if (r->c && r->kernel.ask >= 0) {
    (void)remove_rules(&r->kernel, r->c);
  }
  routing_leave(r);
}

int routing_clean(const config *c) {
  rtnl kernel;
  int rv = rtnl_open(&kernel);

  if (rv != 0) {
    return -rv;
  }
  rv = remove_rules(&kernel, c);
  rtnl_close(&kernel);
  return rv;
}
