/*
 * The smallest program that uses libquicmig; with WITH_ENDPOINT or WITH_EV also
 * the libraries above it.  Valid as C and as C++.  consumers.sh builds and runs
 * it in every way in which a program may be linked.
 */
#include <stdio.h>
#include <string.h>

#include <quicmig/quicmig.h>
#if defined(WITH_ENDPOINT) || defined(WITH_EV)
#include <quicmig/endpoint.h>
#endif
#ifdef WITH_EV
#include <quicmig/ev.h>
#endif

int main(void) {
  quicmig_options options;

  quicmig_options_default(&options);
  if (options.size != sizeof(options) || quicmig_options_check(&options) ||
      quicmig_clock() == 0 || strcmp(quicmig_version(), QUICMIG_VERSION)) {
    fprintf(stderr, "library %s, header %s\n", quicmig_version(),
            QUICMIG_VERSION);
    return 1;
  }
  quicmig_free(NULL);
#if defined(WITH_ENDPOINT) || defined(WITH_EV)
  {
    quicmig_client_config config;
    quicmig_client_config_default(&config);
    quicmig_client_free(NULL);
    quicmig_server_free(NULL);
  }
#endif
#ifdef WITH_EV
  quicmig_ev_free(NULL);
#endif
  return 0;
}
