#include "base/mem.h"

#include <stdlib.h>

static void *plain_malloc(size_t size, void *user_data) {
  (void)user_data;
  return malloc(size);
}

static void plain_free(void *p, void *user_data) {
  (void)user_data;
  free(p);
}

static void *plain_calloc(size_t n, size_t size, void *user_data) {
  (void)user_data;
  return calloc(n, size);
}

static void *plain_realloc(void *p, size_t size, void *user_data) {
  (void)user_data;
  return realloc(p, size);
}

const quicmig_mem qm_mem_default = {
    .malloc = plain_malloc,
    .free = plain_free,
    .calloc = plain_calloc,
    .realloc = plain_realloc,
};
