/*
 * Shared by hop.c, which begins attempts to hop, and trial.c, which proves the
 * new path: the phases of an attempt, and its end.  See the states in engine.h.
 */
#ifndef QM_ATTEMPT_H
#define QM_ATTEMPT_H

#include "core/engine.h"

/* give_up: when time ends the phase; QUICMIG_NEVER: not. */
void qm_attempt_enter(qm_engine *e, qm_phase phase, quicmig_tstamp give_up,
                      quicmig_tstamp now);

/* Fills the record's last fields and gives it out. */
void qm_attempt_finish(qm_engine *e, quicmig_tstamp now);

/* The same after a failure: peer and schedule learn of it. */
void qm_attempt_fail(qm_engine *e, int err, int sys_errno, quicmig_tstamp now);

/* What a failure means for the schedule. */
void qm_attempt_back_off(qm_engine *e, quicmig_tstamp now);

/* Does an attempt for this reason begin because nothing came back? */
bool qm_attempt_is_alarm(uint32_t reason);

#endif
