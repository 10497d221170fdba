/* The allocator's part of count.h.  glibc offers its allocator under second
 * names to those who take the first ones; free needs no counting. */
#include "count.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER
#endif

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)

const bool count_has_allocations = true;

/* glibc declares them nowhere. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nmemb, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size) {
  count_now.allocations++;
  return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size) {
  count_now.allocations++;
  return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size) {
  count_now.allocations++;
  return __libc_realloc(ptr, size);
}

void *memalign(size_t align, size_t size) {
  count_now.allocations++;
  return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

int posix_memalign(void **ptr, size_t align, size_t size) {
  void *p = memalign(align, size);

  if (!p) {
    return ENOMEM;
  }
  *ptr = p;
  return 0;
}

#else

const bool count_has_allocations = false;

#endif
