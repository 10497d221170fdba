/* A hostile server: closes each connection as soon as it is there, with a
 * reason that would set a terminal's title, its colours and its cursor, and end
 * the line.  Usage: closer ADDRESS PORT ALPN; prints `ready`. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <quicmig/ev.h>

static void on_connected(quicmig_conn *c, void *user_data) {
  (void)user_data;
  quicmig_conn_close(c, 1,
                     "bye\033]0;owned\a\033[31m\033[2J\r\n\x7f\xc2\x9b"
                     "31m\xe2\x80\xae\xff");
}

int main(int argc, char **argv) {
  struct ev_loop *loop = ev_default_loop(0);
  quicmig_ev *e = quicmig_ev_new(loop);
  quicmig_server_callbacks cb = {.size = sizeof(cb),
                                 .watch = quicmig_ev_watch_server};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected};
  struct sockaddr_in local = {.sin_family = AF_INET};
  quicmig_server_config cfg;
  quicmig_server *server;
  quicmig_tls_config tls;

  if (argc != 4 || !e || inet_pton(AF_INET, argv[1], &local.sin_addr) != 1) {
    return 2;
  }
  local.sin_port = htons((uint16_t)atoi(argv[2]));
  quicmig_tls_config_default(&tls);
  tls.alpn = argv[3];
  quicmig_server_config_default(&cfg);
  cfg.local = (const struct sockaddr *)&local;
  cfg.locallen = sizeof(local);
  cfg.tls = &tls;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = e;
  if (quicmig_server_new(&server, &cfg, quicmig_clock()) != 0) {
    fprintf(stderr, "closer: %s\n", quicmig_last_error_text());
    return 1;
  }
  quicmig_ev_set_server(e, server);
  puts("ready");
  fflush(stdout);
  ev_run(loop, 0); /* until a signal */
  return 0;
}
