/*
 * A VPN over QUIC whose client moves from port to port: each IP packet of a TUN
 * device travels in one DATAGRAM frame.
 *
 *   keys, values, config    the configuration file
 *   remotes                 the server's addresses
 *   packet, split, merge, fragment,
 *   mss, toobig, owners     pure functions on packets and addresses
 *   tun, ipcmd, rtnl,
 *   routing                 the device, its addresses, routes and rules
 *   ring, codel, pump       packets between the device and connections
 *   station                 what both sides share
 *   client, server, events  the use of the library
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "say.h"
#include "server.h"

static const char help[] =
    "usage: tun_vpn [--check | --clean] CONFIG\n"
    "A VPN of DATAGRAMs over QUIC, whose client hops from port to port.\n"
    "  --check  only read CONFIG\n"
    "  --clean  only remove the rules that a client has left which was killed\n"
    "  --help\n"
    "CONFIG has lines `Key = value`; # begins a comment.\n"
    "  Mode = client|server\n"
    "  Address = ADDRESS/BITS     inside the tunnel; again for more\n"
    "  Port = N or LO-HI          of the server; the client draws from a "
    "range\n"
    "  Certificate, PrivateKey, CA = FILE   PEM; each side verifies the other\n"
    "  Device = NAME [qmig0], MTU = N|auto [auto]\n"
    "  KeepAlive = SECONDS        1 to 59, 0: off [20]\n"
    "  FwMark = N                 of the outer packets, and with Route the "
    "table:\n"
    "                             each client its own [0x716d]\n"
    "client:\n"
    "  Server = HOST              again for its other address family\n"
    "  ServerName = NAME          in the server's certificate [HOST]\n"
    "  Route = PREFIX             into the tunnel; again for more\n"
    "  Uplinks = IF,IF            interfaces to use, best first\n"
    "  QuicMigrationEnabled = yes|no [yes]\n"
    "  QuicHopInterval = SECONDS  mean, 0: off [300]\n"
    "  QuicHopJitter = PERCENT [20]\n"
    "  QuicHopBytes = BYTES       hop also after so many, 0: off; K, M, G are\n"
    "                             powers of 1000 [0]\n"
    "  QuicDrainTime = SECONDS    an old port stays open so long [60]\n"
    "  QuicHopMode = migrate|rebind [migrate]\n"
    "  QuicAdaptive = yes|no      learn when flows are cut or slowed [no]\n"
    "  QuicDegradePtos = N        silence after which to hop, 0: off [2]\n"
    "  QuicNatBudget = N          NAT entries to use at most, 0: no limit\n"
    "server:\n"
    "  Listen = ADDRESS           again for the other family [0.0.0.0]\n"
    "  Client = NAME PREFIX...    a certificate's name, and what is its own\n"
    "  QuicMigrationEnabled = no  forbids clients to migrate\n"
    "Signals: USR1 prints statistics, HUP reads the Quic... keys again.\n";

enum { CHECK = 256, CLEAN, HELP };

static const struct option options[] = {{"check", no_argument, NULL, CHECK},
                                        {"clean", no_argument, NULL, CLEAN},
                                        {"help", no_argument, NULL, HELP},
                                        {NULL, 0, NULL, 0}};

int main(int argc, char **argv) {
  char error[CONFIG_ERROR];
  int o, task = 0;
  config c;

  cli_start("tun_vpn");
  setvbuf(stderr, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN); /* statistics that nobody reads any more */
  while ((o = cli_next(argc, argv, options)) != -1) {
    if (o == HELP) {
      fputs(help, stdout);
      return 0;
    }
    task = o;
  }
  if (argc - optind != 1) {
    cli_usage("CONFIG is expected (try --help)");
  }
  if (!config_read(&c, argv[optind], error)) {
    say("%s", error);
    return 2;
  }
  if (task) {
    int status = task == CLEAN ? client_clean(&c) : 0;

    config_reset(&c);
    return status;
  }
  return c.is_server ? server_run(&c, argv[optind])
                     : client_run(&c, argv[optind]);
}
