/* README.md, "Embed it": it returns when the connection is over. */
#include "here.h"

#include BLOCK

int main(int argc, char **argv) {
  quicmig_conn_callbacks cb = {.size = sizeof(cb), .connected = here_connected};

  here_begin(argc, argv);
  return run(ev_default_loop(0), "server.example", 4433, &cb) != 0;
}
