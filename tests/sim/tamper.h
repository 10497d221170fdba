/*
 * A hostile peer above the packets: one side's ngtcp2 writes what it likes, and
 * just before a 1-RTT packet is encrypted its frames are changed.  Everything
 * around them is genuine: numbers, keys, acknowledgements.  A server's
 * transport parameters can be changed as well.
 *
 * Needs --wrap of the linker for ngtcp2_crypto_encrypt_cb and
 * ngtcp2_conn_server_new_versioned: a test program that includes this names
 * tamper.c as a source.
 */
#ifndef TAMPER_H
#define TAMPER_H

#include "rig.h"

typedef struct tamper {
  rig *r;
  /* Changes the frames of a packet in place, of the server's, or of the first
   * client's if is_client.  NULL: nothing. */
  void (*edit)(struct tamper *t, uint8_t *frames, size_t len);
  bool is_client;
  bool in_handshake; /* packets of the handshake too */
  /* Sees the frames of every 1-RTT packet of both sides, as they leave. */
  void (*watch)(struct tamper *t, bool by_client, const uint8_t *frames,
                size_t len);
  void (*params)(ngtcp2_transport_params *p);
  void *arg;
  uint64_t edited; /* packets or frames, as edit() counts */
} tamper;

/* Is in charge from now on; NULL: nobody. */
void tamper_set(tamper *t);

/* The first frame of this type, or SIZE_MAX; *n: its length. */
size_t tamper_find(const uint8_t *frames, size_t len, uint8_t type, size_t *n);

/* Makes padding of all frames of this type. */
void tamper_hide(tamper *t, uint8_t *frames, size_t len, uint8_t type);

/* Puts f in the place of a DATAGRAM; false: there is none that is as long. */
bool tamper_put(tamper *t, uint8_t *frames, size_t len, const uint8_t *f,
                size_t n);

#endif
