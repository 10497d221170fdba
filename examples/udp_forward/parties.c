#include "parties.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_BYTES 8 /* of an IPv6 address: RFC 4291 section 2.5.1 */

static void name_v6(char dest[PARTY_NAME_MAX], struct in6_addr a) {
  char text[INET6_ADDRSTRLEN] = "";
  bool is_mapped = IN6_IS_ADDR_V4MAPPED(&a);
  bool is_whole = is_mapped || IN6_IS_ADDR_LINKLOCAL(&a);

  if (!is_whole) {
    memset(&a.s6_addr[sizeof(a) - HOST_BYTES], 0, HOST_BYTES);
  }
  if (is_mapped) {
    inet_ntop(AF_INET, &a.s6_addr[12], text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, &a, text, sizeof(text));
  }
  snprintf(dest, PARTY_NAME_MAX, "address %s%s", text, is_whole ? "" : "/64");
}

void party_name(char dest[PARTY_NAME_MAX], const char *certificate,
                const struct sockaddr_storage *a) {
  char text[INET_ADDRSTRLEN] = "";

  if (certificate && certificate[0]) {
    snprintf(dest, PARTY_NAME_MAX, "certificate %s", certificate);
  } else if (a->ss_family == AF_INET6) {
    name_v6(dest, ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
  } else {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr,
              text, sizeof(text));
    snprintf(dest, PARTY_NAME_MAX, "address %s", text);
  }
}

/* A pointer to a party points to its name. */
static int compare(const void *a, const void *b) { return strcmp(a, b); }

party *parties_join(parties *p, const char *name) {
  void *found = tfind(name, &p->root, compare);
  party *m = found ? *(party **)found : calloc(1, sizeof(*m));

  if (!m) {
    return NULL;
  }
  snprintf(m->name, sizeof(m->name), "%s", name);
  if (!found && !tsearch(m, &p->root, compare)) {
    free(m);
    return NULL;
  }
  m->members++;
  return m;
}

void parties_leave(parties *p, party *m) {
  assert(m->members > 0);
  if (--m->members == 0) {
    assert(m->flows.count == 0 && m->connections.count == 0);
    (void)tdelete(m, &p->root, compare);
    free(m);
  }
}
