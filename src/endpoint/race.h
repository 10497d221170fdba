/*
 * When a client that is connecting tries which of its server's addresses.  The
 * attempts race: the first that completes its handshake wins.
 *
 * Addresses are tried in their order, each 250 ms after the one before, or at
 * once when an attempt has failed (RFC 8305 section 5).  An address whose
 * attempt has not completed after a second, then two, then four more, is tried
 * again, beside the attempts before: when a NAT changes its mapping during a
 * handshake the server's answers are lost, and it follows nobody before the
 * handshake is confirmed (RFC 9000 section 9), so that only a new attempt
 * helps.
 *
 * Knows only times and numbers.  It opens nothing, and who won is not told.
 */
#ifndef QM_RACE_H
#define QM_RACE_H

#include <stdbool.h>
#include <stddef.h>

#include <quicmig/types.h>

#define QM_RACE_ADDRESSES 8
#define QM_RACE_TRIES 4 /* of an address */
#define QM_RACE_STAGGER (250 * QUICMIG_MILLISECOND)
#define QM_RACE_PATIENCE QUICMIG_SECOND

typedef struct qm_race {
  quicmig_tstamp next_at;    /* the next address is tried then */
  quicmig_duration patience; /* with the first attempt to an address */
  struct {
    quicmig_tstamp again_at; /* is tried again then; NEVER: no more */
    uint8_t tries;
  } rows[QM_RACE_ADDRESSES];
  uint8_t n, begun; /* addresses: in all, tried at least once */
} qm_race;

/* n: 1 - QM_RACE_ADDRESSES. */
void qm_race_init(qm_race *r, size_t n, quicmig_duration patience,
                  quicmig_tstamp now);

/* When to ask for the next address to be tried. */
quicmig_tstamp qm_race_deadline(const qm_race *r);

/* The address to be tried now, which is taken for begun; -1: none. */
int qm_race_next(qm_race *r, quicmig_tstamp now);

/* An attempt does not look good: the next address need not wait. */
void qm_race_on_doubt(qm_race *r, quicmig_tstamp now);

/* An attempt to that address has failed.  is_final: so would another one. */
void qm_race_on_failed(qm_race *r, unsigned address, bool is_final,
                       quicmig_tstamp now);

/* Is there an address that was not tried yet? */
static inline bool qm_race_has_more(const qm_race *r) {
  return r->begun < r->n;
}

#endif
