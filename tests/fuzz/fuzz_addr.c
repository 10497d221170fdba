/* Addresses as bytes, and the ancillary data that they come in. */
#include "base/addr.h"
#include "io/cmsg.h"

#include <assert.h>
#include <stdlib.h>

#include "script.h"

static void try_addr(script *s) {
  char text[QM_ADDR_STRLEN];
  const uint8_t *piece;
  struct sockaddr_storage ss = {0};
  qm_addr a;
  size_t n = script_piece(s, &piece, sizeof(ss));

  memcpy(&ss, piece, n);
  if (script_byte(s) & 1) {
    ss.ss_family = script_byte(s) & 1 ? AF_INET : AF_INET6;
  }
  if (qm_addr_set(&a, (const struct sockaddr *)&ss, (socklen_t)n) == 0) {
    uint16_t port = qm_addr_port(&a);

    assert(strlen(qm_addr_format(&a, text)) < sizeof(text));
    qm_addr_set_port(&a, (uint16_t)(port + 1));
    assert(qm_addr_port(&a) == (uint16_t)(port + 1));
    assert(qm_addr_is_same_host(&a, &a) && qm_addr_is_equal(&a, &a));
    (void)qm_addr_is_wildcard(&a);
  }
}

static void try_cmsg(script *s) {
  qm_cmsg_buf buf = {{0}};
  const uint8_t *piece;
  size_t n = script_piece(s, &piece, sizeof(buf));
  struct msghdr msg = {.msg_control = buf.bytes, .msg_controllen = n};
  qm_msg m = {.len = script_number(s)};

  memcpy(buf.bytes, piece, n);
  qm_cmsg_read(&msg, &m);
  if (m.segment) {
    assert(qm_msg_count(&m) > 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.at = data, .len = size};

  while (s.len) {
    if (script_byte(&s) & 1) {
      try_addr(&s);
    } else {
      try_cmsg(&s);
    }
  }
  return 0;
}
