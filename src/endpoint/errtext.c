#include "endpoint/errtext.h"

#include <stdarg.h>
#include <stdio.h>

#include <quicmig/endpoint.h>

static _Thread_local char text[256];

int qm_error(int err, const char *format, ...) {
  va_list args;

  va_start(args, format);
  (void)vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  return err;
}

void qm_error_clear(void) { text[0] = 0; }

int qm_error_default(int err) {
  return text[0] ? err : qm_error(err, "%s", quicmig_strerror(err));
}

const char *quicmig_last_error_text(void) { return text; }
