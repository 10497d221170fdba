/* docs/tutorial.md, a server: it prints its port and serves until a signal. */
#include "here.h"

#include BLOCK

static quicmig_ev *adapter;

static void watch(quicmig_server *s, int fd, int on, void *user_data) {
  (void)s;
  (void)user_data;
  (void)quicmig_ev_watch(adapter, fd, on);
}

int main(int argc, char **argv) {
  struct ev_loop *loop = ev_default_loop(0);
  struct sockaddr_storage bound;
  quicmig_server *server;

  here_begin(argc, argv);
  adapter = quicmig_ev_new(loop);
  if (!adapter || serve(&server, watch) != 0) {
    fprintf(stderr, "%s\n", quicmig_last_error_text());
    return 1;
  }
  quicmig_ev_set_server(adapter, server);
  quicmig_server_address(server, &bound);
  printf("listening on 127.0.0.1 %u\n",
         ntohs(((const struct sockaddr_in *)(const void *)&bound)->sin_port));
  ev_run(loop, 0);
  return 0;
}
