#include "endpoint/servername.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "endpoint/errtext.h"
#include <quicmig/types.h>

/* RFC 1035 section 2.3.4, without the root's zero. */
#define HOST_NAME_MAX 253
#define LABEL_MAX 63

/* "[2001:db8::1]" without its brackets, as in a URL. */
static void copy_bare(char *dest, const char *text) {
  size_t len = strlen(text);
  bool has_brackets =
      len > 2 && text[0] == '[' && text[len - 1] == ']' && strchr(text, ':');

  if (has_brackets) {
    text++;
    len -= 2;
  }
  memcpy(dest, text, len);
  dest[len] = 0;
}

/* IPv6, of which a scope is not part of the certificate's address. */
static bool read_v6(const char *text, char *dest) {
  size_t len = strcspn(text, "%");
  char bare[INET6_ADDRSTRLEN];
  struct in6_addr a;

  if (len >= sizeof(bare)) {
    return false;
  }
  memcpy(bare, text, len);
  bare[len] = 0;
  if (inet_pton(AF_INET6, bare, &a) != 1) {
    return false;
  }
  if (IN6_IS_ADDR_V4MAPPED(&a)) { /* it is connected to by IPv4 */
    return inet_ntop(AF_INET, &a.s6_addr[12], dest, QM_SERVERNAME_MAX);
  }
  return inet_ntop(AF_INET6, &a, dest, QM_SERVERNAME_MAX) != NULL;
}

/* IPv4, in each form that getaddrinfo() takes: "10.2.2", "0x0a020002". */
static bool read_v4(const char *text, char *dest) {
  struct in_addr a;

  /* inet_aton() stops at the first blank. */
  return isdigit((unsigned char)text[0]) &&
         text[strcspn(text, " \t\n\v\f\r")] == 0 && inet_aton(text, &a) != 0 &&
         inet_ntop(AF_INET, &a, dest, QM_SERVERNAME_MAX) != NULL;
}

static bool is_ascii(const char *text) {
  for (; *text; text++) {
    if ((unsigned char)*text > 127) {
      return false;
    }
  }
  return true;
}

/* The form of ASCII letters (RFC 5890 section 2.3.2.1).  What cannot be mapped
 * stays as it is: it is up to the resolver then. */
static void map_to_ascii(qm_servername *n) {
  gnutls_datum_t ace = {.data = NULL};

  if (is_ascii(n->host) ||
      gnutls_idna_map(n->host, (unsigned)strlen(n->host), &ace, 0) != 0) {
    return;
  }
  if (ace.size < sizeof(n->host)) {
    memcpy(n->typed, n->host, sizeof(n->typed));
    memcpy(n->host, ace.data, ace.size);
    n->host[ace.size] = 0;
  }
  gnutls_free(ace.data);
}

static bool is_label(const char *p, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) {
    if (!isalnum((unsigned char)p[i]) && p[i] != '-') {
      return false;
    }
  }
  return len >= 1 && len <= LABEL_MAX;
}

/* A host name, which other signs, an underscore for instance, do not make (RFC
 * 1123 section 2.1): GnuTLS ends a handshake with such an SNI. */
static bool is_host_name(const char *name) {
  const char *p = name;
  size_t len = strcspn(p, ".");

  while (is_label(p, len) && p[len]) {
    p += len + 1;
    len = strcspn(p, ".");
  }
  return is_label(p, len) && is_ascii(name) && strlen(name) <= HOST_NAME_MAX;
}

static void take_name(qm_servername *n) {
  size_t len, i;

  map_to_ascii(n);
  len = strlen(n->host);
  memcpy(n->verify, n->host, len + 1);
  if (len > 1 && n->verify[len - 1] == '.') {
    n->verify[--len] = 0;
  }
  if (is_host_name(n->verify)) {
    for (i = 0; i <= len; i++) {
      n->sni[i] = (char)tolower((unsigned char)n->verify[i]);
    }
  }
}

int qm_servername_parse(qm_servername *n, const char *text) {
  size_t len = strlen(text);

  if (len == 0 || len >= QM_SERVERNAME_MAX) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "server_name or host must be 1 to 255 characters");
  }
  *n = (qm_servername){.host = ""};
  copy_bare(n->host, text);
  if (!read_v6(n->host, n->verify) && !read_v4(n->host, n->verify)) {
    take_name(n);
  }
  return 0;
}
