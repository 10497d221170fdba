/* The only place that reads a clock. */
#include <quicmig/types.h>

#include <time.h>

quicmig_tstamp quicmig_clock(void) {
  struct timespec ts = {0, 0};

  (void)clock_gettime(CLOCK_BOOTTIME, &ts);
  return (quicmig_tstamp)ts.tv_sec * QUICMIG_SECOND +
         (quicmig_tstamp)ts.tv_nsec;
}
