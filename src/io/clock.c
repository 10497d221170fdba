/* The only place that reads a clock. */
#include <quicmig/types.h>

#include <time.h>

/*
 * The kernel never sets CLOCK_BOOTTIME back, but who stops a whole machine or a
 * process and lets it go on elsewhere may: a snapshot, a checkpoint.  Programs
 * subtract times without a sign, so a step back of a second would look like 584
 * years.  What is missing is added from then on: the clock seems to have stood
 * still.  Each thread keeps its own account, so that threads share nothing.
 */
quicmig_tstamp quicmig_clock(void) {
  static _Thread_local quicmig_tstamp last, missing;
  struct timespec ts = {0, 0};
  quicmig_tstamp now;

  (void)clock_gettime(CLOCK_BOOTTIME, &ts);
  now = (quicmig_tstamp)ts.tv_sec * QUICMIG_SECOND +
        (quicmig_tstamp)ts.tv_nsec + missing;
  if (now < last) {
    missing += last - now;
    now = last;
  }
  last = now;
  return now;
}
