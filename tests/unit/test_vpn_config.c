/* The configuration file of the example VPN. */
#include <stdio.h>
#include <unistd.h>

#include "../../examples/tun_vpn/config.c"
#include "../../examples/tun_vpn/keys.c"
#include "../../examples/tun_vpn/owners.c"
#include "../../examples/tun_vpn/values.c"

#include "table.h"

#define FILES "Certificate = c\nPrivateKey = k\nCA = a\n"
#define CLIENT_BASE                                                            \
  "Mode = client\nServer = host\nPort = 4433\nAddress = 10.9.0.2/24\n" FILES
#define SERVER_BASE                                                            \
  "Mode = server\nPort = 4433\nAddress = 10.9.0.1/24\n" FILES                  \
  "Client = one 10.9.0.2\n"

static char path[] = "/tmp/test_vpn_config.XXXXXX";

static bool read_text(config *c, const char *text, char *error) {
  FILE *f = fopen(path, "w");

  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  return config_read(c, path, error);
}

struct mistake {
  const char *name;
  const char *base, *line; /* the file: base (7 or 8 lines), then line */
  const char *error;       /* behind the file's name */
};

static void check_mistake(const struct mistake *r) {
  char text[2048], error[CONFIG_ERROR] = "";
  config c;

  snprintf(text, sizeof(text), "%s%s", r->base, r->line);
  row_true(r, !read_text(&c, text, error));
  row_true(r, strncmp(error, path, strlen(path)) == 0);
  row_string(r, error + strlen(path), r->error);
  row_true(r, c.clients == NULL && c.owners.rows == NULL);
}

static const struct mistake mistakes[] = {
    {"empty", "", "", ": Mode is missing"},
    {"mode", "", "Mode = both", ":1: Mode: client or server is expected"},
    {"no equals", CLIENT_BASE, "Device", ":8: Key = value is expected"},
    {"unknown", CLIENT_BASE, "Colour = red", ":8: unknown key Colour"},
    {"case", CLIENT_BASE, "mtu = auto", ":8: unknown key mtu"},
    {"empty value", CLIENT_BASE, "MTU =", ":8: MTU: a value is expected"},
    {"twice", CLIENT_BASE, "\n#\nPort = 1",
     ":10: Port was given in line 3 already"},
    {"the first of two", CLIENT_BASE, "A = 1\nB = 2", ":8: unknown key A"},
    {"control", CLIENT_BASE, "Device = a\033[0m",
     ":8: there is a control character"},
    {"missing", "Mode = client\n", "", ": Server is missing"},
    {"server's", CLIENT_BASE, "Client = a 10.0.0.1",
     ":8: Client is for Mode = server"},
    {"client's", SERVER_BASE, "QuicHopInterval = 30",
     ":8: QuicHopInterval is for Mode = client"},
    {"route's mark", CLIENT_BASE, "FwMark = 0\nRoute = 10.0.0.0/8",
     ":9: Route needs a FwMark, or the tunnel would lead into itself"},
    {"route's bits", CLIENT_BASE, "Route = 10.0.0.1/8",
     ":8: Route: the address has bits behind the prefix"},
    {"route", CLIENT_BASE, "Route = everything",
     ":8: Route: a prefix such as 10.0.0.0/8 is expected"},
    {"prefix length", CLIENT_BASE, "Address = 10.9.0.3/33",
     ":8: Address: an address such as 10.9.0.2/24 is expected"},
    {"flag", CLIENT_BASE, "QuicAdaptive = 1",
     ":8: QuicAdaptive: no or yes is expected"},
    {"negative", CLIENT_BASE, "QuicHopInterval = -1",
     ":8: QuicHopInterval: seconds are expected, such as 300 or 0.5"},
    {"unit", CLIENT_BASE, "QuicHopInterval = 30s",
     ":8: QuicHopInterval: seconds are expected, such as 300 or 0.5"},
    {"jitter", CLIENT_BASE, "QuicHopJitter = 91",
     ":8: QuicHopJitter: a whole number from 0 to 90 is expected"},
    {"suffix", CLIENT_BASE, "QuicHopBytes = 5T",
     ":8: QuicHopBytes: bytes are expected, such as 500000 or 20M (K, M, G: "
     "powers of 1000)"},
    {"overflow", CLIENT_BASE, "QuicHopBytes = 18446744073709551G",
     ":8: QuicHopBytes: bytes are expected, such as 500000 or 20M (K, M, G: "
     "powers of 1000)"},
    {"hop mode", CLIENT_BASE, "QuicHopMode = jump",
     ":8: QuicHopMode: migrate or rebind is expected"},
    {"mtu", CLIENT_BASE, "MTU = 1279",
     ":8: MTU: a whole number from 1280 to 1500 is expected"},
    {"three servers", CLIENT_BASE, "Server = b\nServer = c",
     ":9: Server: at most 2 of these are possible"},
    {"device", CLIENT_BASE, "Device = a234567890123456",
     ":8: Device: at most 15 characters are expected"},
    {"port", "Mode = client\n", "Port = 0",
     ":2: Port: N or LO-HI, 1 to 65535, is expected"},
    {"port range", "Mode = client\n", "Port = 9-8",
     ":2: Port: N or LO-HI, 1 to 65535, is expected"},
    {"listen twice", SERVER_BASE, "Listen = 10.0.0.1\nListen = 10.0.0.2",
     ":9: Listen: one address of each family is possible"},
    {"client's name", SERVER_BASE, "Client = one 10.9.0.3",
     ":8: Client: this name was given before"},
    {"no prefix", SERVER_BASE, "Client = two",
     ":8: Client: NAME and addresses or prefixes are expected"},
    {"same address", SERVER_BASE, "Client = two 10.9.0.2",
     ":8: Client: 10.9.0.2 belongs to one already"},
    {"overlap", SERVER_BASE, "Client = two 10.8.0.0/15",
     ":8: Client: 10.8.0.0/15 belongs to one already"},
    {"kernel's table", CLIENT_BASE, "Route = 10.0.0.0/8\nFwMark = 0xfe",
     ":9: FwMark: with Route it is the number of a table, and 253 to 255 are "
     "the kernel's"},
    {"route twice", CLIENT_BASE, "Route = fd00::/8\nRoute = FD00:0::/8",
     ":9: Route: this prefix was given before"},
    {"address twice", CLIENT_BASE, "Address = 10.9.0.2/16",
     ":8: Address: this address was given before"},
    {"octal", CLIENT_BASE, "MTU = 02400",
     ":8: MTU: a whole number from 1280 to 1500 is expected"},
    {"half hexadecimal", CLIENT_BASE, "FwMark = 0x",
     ":8: FwMark: a whole number from 0 to 4294967295 is expected"},
    {"one mapping", CLIENT_BASE, "QuicNatBudget = 1",
     ":8: QuicNatBudget: 2 or more is expected, or 0: no limit"},
    {"keep alive too late", CLIENT_BASE, "KeepAlive = 60",
     ":8: KeepAlive: 1 to 59 seconds are expected, or 0: off (an idle tunnel "
     "ends after 60 s)"},
    {"keep alive too often", SERVER_BASE, "KeepAlive = 0.5",
     ":8: KeepAlive: 1 to 59 seconds are expected, or 0: off (an idle tunnel "
     "ends after 60 s)"},
};

static void mistakes_are_named(void **state) {
  const struct mistake *r;

  (void)state;
  for (EACH_ROW(r, mistakes)) {
    check_mistake(r);
  }
}

/* Of the file's bytes: also in a last line that has no end. */
static void zero_bytes_are_named(void **state) {
  static const char *const files[] = {"Device = a", "Device = a\n#\n"};
  char error[CONFIG_ERROR];
  size_t i, at;
  config c;

  (void)state;
  for (i = 0; i < 2; i++) {
    for (at = 0; at < 10; at++) {
      FILE *f = fopen(path, "w");

      assert_non_null(f);
      fwrite(files[i], 1, at, f);
      fputc('\0', f);
      fputs(files[i] + at, f);
      fclose(f);
      assert_false(config_read(&c, path, error));
      assert_string_equal(error + strlen(path),
                          ":1: the line is too long, or has a zero byte");
    }
  }
}

static void families_do_not_mix(void **state) {
  static const struct {
    const char *name, *address;
    size_t index;
  } rows[] =
      {
          {"IPv4", "10.1.2.3", 0},
          {"IPv6", "fd00::1", 1},
          {"written like IPv4", "::ffff:10.1.2.3", 1},
      },
    *r;
  char error[CONFIG_ERROR];
  bool is_exact;
  ip_range range;
  config c;

  (void)state;
  assert_true(read_text(&c,
                        "Mode = server\nPort = 1\nAddress = 10.9.0.1/24\n" FILES
                        "Client = a 0.0.0.0/0\nClient = b ::/0",
                        error));
  for (EACH_ROW(r, rows)) {
    row_true(r, ip_range_parse(&range, r->address, &is_exact));
    row_equal(r, owners_find(&c.owners, &range.first), r->index);
  }
  config_reset(&c);
}

static void defaults_come_back(void **state) {
  char error[CONFIG_ERROR];
  config a, b;

  (void)state;
  assert_true(read_text(&a, CLIENT_BASE "QuicNatBudget = 0123", error));
  assert_true(read_text(&b, CLIENT_BASE "KeepAlive = 0", error));
  assert_int_equal(a.nat_budget, 123);
  assert_int_equal(b.keep_alive, 0);
  config_take_schedule(&a, &b);
  assert_int_equal(a.nat_budget, 4096);
  config_reset(&a);
  config_reset(&b);
}

static void client_values(void **state) {
  char error[CONFIG_ERROR];
  quicmig_options o;
  config c;

  (void)state;
  assert_true(read_text(&c,
                        CLIENT_BASE "  QuicHopInterval\t= 0.5 # fast\r\n"
                                    "QuicHopBytes = 20M\nRoute = ::/0\n"
                                    "QuicNatBudget = 0\nServer = v6.host\n"
                                    "FwMark = 0x10\nUplinks = eth0,wlan0",
                        error));
  assert_int_equal(c.migration.hop_interval, QUICMIG_SECOND / 2);
  assert_int_equal(c.migration.hop_bytes, 20000000);
  assert_int_equal(c.migration.fwmark, 16);
  assert_int_equal(c.migration.watch_network, 1);
  assert_int_equal(c.servers.count, 2);
  assert_int_equal(c.line[KEY_NAT], 11);
  assert_int_equal(c.port_lo, 4433);
  assert_int_equal(c.port_hi, 4433);
  assert_int_equal(c.migration.remote_port_lo, 0);
  assert_string_equal(c.migration.interfaces, "eth0,wlan0");
  assert_string_equal(c.device, "qmig0");
  c.is_enabled = false;
  o = config_options(&c);
  assert_int_equal(o.hop_interval + o.hop_bytes + o.degrade_ptos, 0);
  config_reset(&c);
}

static void server_values(void **state) {
  char error[CONFIG_ERROR];
  ip_range r;
  bool is_exact;
  config c;

  (void)state;
  assert_true(read_text(&c,
                        SERVER_BASE "Client = two 10.9.1.0/24 fd00::/64\n"
                                    "QuicMigrationEnabled = no",
                        error));
  assert_int_equal(c.nclients, 2);
  assert_string_equal(c.listen.rows[0], "0.0.0.0");
  assert_false(c.is_enabled);
  assert_true(ip_range_parse(&r, "10.9.1.77", &is_exact));
  assert_int_equal(owners_find(&c.owners, &r.first), 1);
  assert_true(ip_range_parse(&r, "10.9.0.2", &is_exact));
  assert_int_equal(owners_find(&c.owners, &r.first), 0);
  assert_true(ip_range_parse(&r, "10.9.0.3", &is_exact));
  assert_true(owners_find(&c.owners, &r.first) == OWNERS_NONE);
  assert_true(ip_range_parse(&r, "fd00::1:2", &is_exact));
  assert_int_equal(owners_find(&c.owners, &r.first), 1);
  config_reset(&c);
}

static void changes_show(void **state) {
  char error[CONFIG_ERROR];
  config a, b;

  (void)state;
  assert_true(read_text(&a, CLIENT_BASE "QuicHopInterval = 60", error));
  assert_true(read_text(&b, CLIENT_BASE "QuicHopInterval = 90", error));
  assert_true(a.hash[KEY_INTERVAL] != b.hash[KEY_INTERVAL]);
  assert_true(a.hash[KEY_SERVER] == b.hash[KEY_SERVER]);
  config_take_schedule(&a, &b);
  assert_int_equal(a.migration.hop_interval, 90 * QUICMIG_SECOND);
  config_reset(&a);
  config_reset(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(zero_bytes_are_named),
      cmocka_unit_test(families_do_not_mix),
      cmocka_unit_test(defaults_come_back),
      cmocka_unit_test(client_values),
      cmocka_unit_test(server_values),
      cmocka_unit_test(changes_show),
  };
  int fd = mkstemp(path), rv;

  if (fd < 0) {
    return 1;
  }
  close(fd);
  rv = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return rv;
}
