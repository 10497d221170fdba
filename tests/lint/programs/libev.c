/* docs/tutorial.md, the same with libev. */
#include "here.h"

#include BLOCK

int main(int argc, char **argv) {
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = here_connected};
  quicmig_callbacks cb = {.size = sizeof(cb)};
  struct ev_loop *loop = ev_default_loop(0);
  quicmig_client_config cfg;
  quicmig_tls_config tls;
  quicmig_client *client;

  here_begin(argc, argv);
  quicmig_tls_config_default(&tls);
  tls.alpn = "quicmig-echo";
  quicmig_client_config_default(&cfg);
  cfg.host = "server.example";
  cfg.tls = &tls;
  cfg.conn_callbacks = &conn_cb;
  if (start(loop, &cfg, &cb, &client) != 0) {
    return 1;
  }
  ev_run(loop, 0);
  quicmig_client_free(client);
  quicmig_ev_free(cfg.user_data);
  return 0;
}
