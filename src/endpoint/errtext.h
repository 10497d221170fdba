/* What quicmig_last_error_text() tells: one line per thread. */
#ifndef QM_ERRTEXT_H
#define QM_ERRTEXT_H

/* Sets the text and returns err, for `return qm_error(...)`. */
__attribute__((format(printf, 2, 3))) int qm_error(int err, const char *format,
                                                   ...);

#endif
