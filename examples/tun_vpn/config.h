/* The configuration file of tun_vpn: `Key = value` lines; tun_vpn --help has
 * the keys.  The first mistake ends the reading. */
#ifndef CONFIG_H
#define CONFIG_H

#include <quicmig/model.h>

#include "owners.h"

#define CONFIG_ADDRESSES 16
#define CONFIG_ROUTES 64
#define CONFIG_NAME 64
#define CONFIG_TEXT 256
/* Of a connection: keepalives come before. */
#define CONFIG_IDLE_TIMEOUT (60 * QUICMIG_SECOND)
/* File, line and message. */
#define CONFIG_ERROR 1024

/* A value that may be given more than once, as it was written. */
typedef struct config_list {
  char rows[CONFIG_ROUTES][CONFIG_NAME];
  size_t count;
} config_list;

/* A client that the server knows. */
typedef struct config_client {
  char name[CONFIG_NAME]; /* common name of its certificate */
} config_client;

typedef enum config_key {
  KEY_MODE,
  KEY_ENABLED,
  KEY_INTERVAL,
  KEY_JITTER,
  KEY_BYTES,
  KEY_DRAIN,
  KEY_HOP_MODE,
  KEY_ADAPTIVE,
  KEY_DEGRADE,
  KEY_NAT,
  KEY_SERVER,
  KEY_PORT,
  KEY_LISTEN,
  KEY_DEVICE,
  KEY_ADDRESS,
  KEY_ROUTE,
  KEY_MTU,
  KEY_CERTIFICATE,
  KEY_PRIVATE_KEY,
  KEY_CA,
  KEY_SERVER_NAME,
  KEY_FWMARK,
  KEY_UPLINKS,
  KEY_CLIENT,
  KEY_KEEP_ALIVE,
  KEY_COUNT
} config_key;

typedef struct config {
  bool is_server;
  bool is_enabled;           /* QuicMigrationEnabled */
  quicmig_options migration; /* as given: config_options() applies is_enabled */
  uint32_t nat_budget;
  config_list servers, listen;
  uint16_t port_lo, port_hi; /* one port: both the same */
  char device[16];
  config_list addresses, routes;
  uint32_t mtu; /* 0: auto */
  char certificate[CONFIG_TEXT], private_key[CONFIG_TEXT], ca[CONFIG_TEXT];
  char server_name[CONFIG_TEXT]; /* "": the first server */
  uint32_t fwmark;
  quicmig_duration keep_alive;
  config_client *clients;
  size_t nclients;
  owners owners;            /* inner addresses to indices of clients */
  unsigned line[KEY_COUNT]; /* where a key was given first; 0: not */
  uint64_t hash[KEY_COUNT]; /* of a key's values: has it changed? */
} config;

/* Reads the file.  False: error has "FILE:LINE: message" or "FILE: message",
 * and *c is empty.  The caller ends *c with config_reset(). */
bool config_read(config *c, const char *file, char error[CONFIG_ERROR]);
void config_reset(config *c);

/* The options to migrate with. */
quicmig_options config_options(const config *c);

/* Takes from fresh what may change while running: when and how to hop. */
void config_take_schedule(config *c, const config *fresh);

/* The key's name in the file. */
const char *config_name(config_key key);

#endif
