/* The configuration file of tun_vpn, and each form a value may have. */
#define _GNU_SOURCE /* memfd_create */
#include <stdio.h>
#include <unistd.h>

#include "../../examples/tun_vpn/config.c"
#include "../../examples/tun_vpn/keys.c"
#include "../../examples/tun_vpn/owners.c"
#include "../../examples/tun_vpn/values.c"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "script.h"

static void try_values(const char *text) {
  quicmig_duration d;
  uint16_t lo, hi;
  ip_range range;
  uint64_t bytes;
  uint32_t n;
  bool exact;

  (void)value_flag(text, &n);
  (void)value_number(text, 0, UINT32_MAX, &n);
  (void)value_bytes(text, &bytes);
  (void)value_seconds(text, &d);
  if (value_ports(text, &lo, &hi) == NULL) {
    assert(lo && lo <= hi);
  }
  (void)ip_range_parse(&range, text, &exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char error[CONFIG_ERROR], path[32], text[256];
  size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
  int fd = memfd_create("config", 0);
  config c;

  assert(fd >= 0);
  if (write(fd, data, size) == (ssize_t)size) {
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (config_read(&c, path, error)) {
      quicmig_options o = config_options(&c);

      assert(quicmig_options_check(&o) == NULL);
    } else {
      assert(memchr(error, 0, sizeof(error)));
    }
    config_reset(&c);
  }
  close(fd);
  memcpy(text, data, n);
  text[n] = 0;
  try_values(text);
  return 0;
}
