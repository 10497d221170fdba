#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES " \t"

static complaint take_mode(config *c, char *text) {
  uint32_t is_server;
  complaint what = value_word(text, "client", "server", &is_server);

  c->is_server = !what && is_server;
  return what;
}

static complaint take_enabled(config *c, char *text) {
  uint32_t flag;
  complaint what = value_flag(text, &flag);

  c->is_enabled = !what && flag;
  return what;
}

static complaint take_interval(config *c, char *text) {
  return value_seconds(text, &c->migration.hop_interval);
}

static complaint take_jitter(config *c, char *text) {
  return value_number(text, 0, 90, &c->migration.hop_jitter_pct);
}

static complaint take_bytes(config *c, char *text) {
  return value_bytes(text, &c->migration.hop_bytes);
}

static complaint take_drain(config *c, char *text) {
  return value_seconds(text, &c->migration.drain);
}

static complaint take_hop_mode(config *c, char *text) {
  return value_word(text, "migrate", "rebind", &c->migration.hop_mode);
}

static complaint take_adaptive(config *c, char *text) {
  return value_flag(text, &c->migration.adaptive);
}

static complaint take_degrade(config *c, char *text) {
  return value_number(text, 0, 16, &c->migration.degrade_ptos);
}

static complaint take_nat(config *c, char *text) {
  complaint what = value_number(text, 0, UINT32_MAX, &c->nat_budget);

  return !what && c->nat_budget == 1 ? "2 or more is expected, or 0: no limit"
                                     : what;
}

static complaint take_server(config *c, char *text) {
  return value_append(text, &c->servers, 2);
}

static complaint take_port(config *c, char *text) {
  return value_ports(text, &c->port_lo, &c->port_hi);
}

static complaint take_listen(config *c, char *text) {
  ip_range r;
  bool is_exact;

  if (strchr(text, '/') || !ip_range_parse(&r, text, &is_exact)) {
    return "an IP address is expected";
  }
  if (c->listen.count == 1 &&
      !strchr(text, ':') == !strchr(c->listen.rows[0], ':')) {
    return "one address of each family is possible";
  }
  return value_append(text, &c->listen, 2);
}

static complaint take_device(config *c, char *text) {
  return strpbrk(text, "/ %") ? "an interface name is expected"
                              : value_text(text, c->device, sizeof(c->device));
}

/* The range of a row, without /BITS that of the address alone. */
static bool parse_row(ip_range *r, const char *text, bool has_bits) {
  size_t n = has_bits ? strlen(text) : strcspn(text, "/");
  char address[CONFIG_NAME] = "";
  bool is_exact;

  if (n >= sizeof(address)) {
    return false;
  }
  memcpy(address, text, n);
  return ip_range_parse(r, address, &is_exact);
}

/* However it is written. */
static bool is_given(const config_list *list, const char *text, bool has_bits) {
  ip_range wanted, r;
  size_t i;

  for (i = 0; i < list->count; i++) {
    if (parse_row(&wanted, text, has_bits) &&
        parse_row(&r, list->rows[i], has_bits) &&
        ip_range_is_same(&wanted, &r)) {
      return true;
    }
  }
  return false;
}

static complaint take_address(config *c, char *text) {
  ip_range r;
  bool is_exact;

  if (!ip_range_parse(&r, text, &is_exact)) {
    return "an address such as 10.9.0.2/24 is expected";
  }
  return is_given(&c->addresses, text, false)
             ? "this address was given before"
             : value_append(text, &c->addresses, CONFIG_ADDRESSES);
}

static complaint take_route(config *c, char *text) {
  ip_range r;
  bool is_exact;

  if (!ip_range_parse(&r, text, &is_exact)) {
    return "a prefix such as 10.0.0.0/8 is expected";
  }
  if (!is_exact) {
    return "the address has bits behind the prefix";
  }
  return is_given(&c->routes, text, true)
             ? "this prefix was given before"
             : value_append(text, &c->routes, CONFIG_ROUTES);
}

static complaint take_mtu(config *c, char *text) {
  if (strcmp(text, "auto") == 0) {
    c->mtu = 0;
    return NULL;
  }
  return value_number(text, 1280, 1500, &c->mtu);
}

static complaint take_certificate(config *c, char *text) {
  return value_text(text, c->certificate, sizeof(c->certificate));
}

static complaint take_private_key(config *c, char *text) {
  return value_text(text, c->private_key, sizeof(c->private_key));
}

static complaint take_ca(config *c, char *text) {
  return value_text(text, c->ca, sizeof(c->ca));
}

static complaint take_server_name(config *c, char *text) {
  return value_text(text, c->server_name, sizeof(c->server_name));
}

static complaint take_fwmark(config *c, char *text) {
  return value_number(text, 0, UINT32_MAX, &c->fwmark);
}

static complaint take_uplinks(config *c, char *text) {
  return value_text(text, c->migration.interfaces,
                    sizeof(c->migration.interfaces));
}

static complaint take_keep_alive(config *c, char *text) {
  complaint what = value_seconds(text, &c->keep_alive);

  if (!what && c->keep_alive &&
      (c->keep_alive < QUICMIG_SECOND ||
       c->keep_alive >= CONFIG_IDLE_TIMEOUT)) {
    return "1 to 59 seconds are expected, or 0: off (an idle tunnel ends after "
           "60 s)";
  }
  return what;
}

static complaint add_prefix(config *c, const char *text) {
  static char what[160];
  bool is_exact, is_added;
  ip_range r;
  size_t other;

  if (!ip_range_parse(&r, text, &is_exact) || !is_exact) {
    return "NAME and addresses or prefixes are expected";
  }
  other = owners_add(&c->owners, &r, c->nclients - 1, &is_added);
  if (other != OWNERS_NONE) {
    snprintf(what, sizeof(what), "%.45s belongs to %s already", text,
             c->clients[other].name);
    return what;
  }
  return is_added ? NULL : "out of memory";
}

static complaint take_client(config *c, char *text) {
  char *rest = NULL, *word = strtok_r(text, SPACES, &rest);
  config_client *clients;
  complaint what;
  size_t i;

  if (strpbrk(word, "\"\\")) { /* names stand in JSON */
    return "a name has neither quotes nor backslashes";
  }
  for (i = 0; i < c->nclients; i++) {
    if (strcmp(c->clients[i].name, word) == 0) {
      return "this name was given before";
    }
  }
  clients = realloc(c->clients, (c->nclients + 1) * sizeof(*clients));
  if (!clients) {
    return "out of memory";
  }
  c->clients = clients;
  what = value_text(word, clients[c->nclients].name, CONFIG_NAME);
  c->nclients += !what;
  if (!what && *rest == '\0') {
    what = "NAME and addresses or prefixes are expected";
  }
  while (!what && (word = strtok_r(NULL, SPACES, &rest))) {
    what = add_prefix(c, word);
  }
  return what;
}

const key_info keys[KEY_COUNT] = {
    [KEY_MODE] = {"Mode", take_mode, KEY_REQUIRED},
    [KEY_ENABLED] = {"QuicMigrationEnabled", take_enabled, 0},
    [KEY_INTERVAL] = {"QuicHopInterval", take_interval, KEY_CLIENT_ONLY},
    [KEY_JITTER] = {"QuicHopJitter", take_jitter, KEY_CLIENT_ONLY},
    [KEY_BYTES] = {"QuicHopBytes", take_bytes, KEY_CLIENT_ONLY},
    [KEY_DRAIN] = {"QuicDrainTime", take_drain, KEY_CLIENT_ONLY},
    [KEY_HOP_MODE] = {"QuicHopMode", take_hop_mode, KEY_CLIENT_ONLY},
    [KEY_ADAPTIVE] = {"QuicAdaptive", take_adaptive, KEY_CLIENT_ONLY},
    [KEY_DEGRADE] = {"QuicDegradePtos", take_degrade, KEY_CLIENT_ONLY},
    [KEY_NAT] = {"QuicNatBudget", take_nat, KEY_CLIENT_ONLY},
    [KEY_SERVER] = {"Server", take_server,
                    KEY_CLIENT_ONLY | KEY_LIST | KEY_REQUIRED},
    [KEY_PORT] = {"Port", take_port, KEY_REQUIRED},
    [KEY_LISTEN] = {"Listen", take_listen, KEY_SERVER_ONLY | KEY_LIST},
    [KEY_DEVICE] = {"Device", take_device, 0},
    [KEY_ADDRESS] = {"Address", take_address, KEY_LIST | KEY_REQUIRED},
    [KEY_ROUTE] = {"Route", take_route, KEY_CLIENT_ONLY | KEY_LIST},
    [KEY_MTU] = {"MTU", take_mtu, 0},
    [KEY_CERTIFICATE] = {"Certificate", take_certificate, KEY_REQUIRED},
    [KEY_PRIVATE_KEY] = {"PrivateKey", take_private_key, KEY_REQUIRED},
    [KEY_CA] = {"CA", take_ca, KEY_REQUIRED},
    [KEY_SERVER_NAME] = {"ServerName", take_server_name, KEY_CLIENT_ONLY},
    [KEY_FWMARK] = {"FwMark", take_fwmark, 0},
    [KEY_UPLINKS] = {"Uplinks", take_uplinks, KEY_CLIENT_ONLY},
    [KEY_CLIENT] = {"Client", take_client,
                    KEY_SERVER_ONLY | KEY_LIST | KEY_REQUIRED},
    [KEY_KEEP_ALIVE] = {"KeepAlive", take_keep_alive, 0},
};
