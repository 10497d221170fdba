/* What quicmig_last_error_text() tells: one line per thread. */
#ifndef QM_ERRTEXT_H
#define QM_ERRTEXT_H

/* Sets the text and returns err, for `return qm_error(...)`. */
__attribute__((format(printf, 2, 3))) int qm_error(int err, const char *format,
                                                   ...);

/* For the end of a ..._new(): sets the text to err's sentence unless something
 * better was said since qm_error_clear(), and returns err. */
int qm_error_default(int err);
void qm_error_clear(void);

#endif
