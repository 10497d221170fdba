/*
 * udp_forward: gives hopping to any UDP program, such as a VPN, as it is.  The
 * client takes packets on a local port and carries them in the DATAGRAMs of one
 * QUIC connection that moves from port to port; the server hands them to the
 * target, and the answers come back the same way.
 */
#include "client.h"
#include "server.h"

int main(int argc, char **argv) {
  forward_options o;

  options_read(&o, argc, argv);
  return o.is_server ? server_main(&o) : client_main(&o);
}
