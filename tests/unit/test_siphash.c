/* SipHash-2-4: the answers that its authors published. */
#include "base/siphash.h"

#include "table.h"

/* Key 00 01 ... 0f, input 00 01 02 ... of that length.  15 bytes are the
 * example of the paper's appendix A; the others are the first of the authors'
 * test vectors, whose bytes are in the order least significant first. */
static void gives_the_published_answers(void **state) {
  static const struct row {
    const char *name;
    uint64_t want;
  } rows[] = {
      {"0 bytes", 0x726fdb47dd0e0e31u},  {"1 byte", 0x74f839c593dc67fdu},
      {"2 bytes", 0x0d6c8009d9a94f5au},  {"3 bytes", 0x85676696d7fb7e2du},
      {"4 bytes", 0xcf2794e0277187b7u},  {"5 bytes", 0x18765564cd99a68du},
      {"6 bytes", 0xcbc9466e58fee3ceu},  {"7 bytes", 0xab0200f58b01d137u},
      {"8 bytes", 0x93f5f5799a932462u},  {"9 bytes", 0x9e0082df0ba9e4b0u},
      {"10 bytes", 0x7a5dbbc594ddb9f3u}, {"11 bytes", 0xf4b32f46226bada7u},
      {"12 bytes", 0x751e8fbc860ee5fbu}, {"13 bytes", 0x14ea5627c0843d90u},
      {"14 bytes", 0xf723ca908e7af2eeu}, {"15 bytes", 0xa129ca6149be45e5u},
  };
  const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  uint8_t input[COUNT_OF(rows)];
  const struct row *r;
  size_t len = 0;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_siphash(key, input, len), r->want);
    input[len] = (uint8_t)len;
    len++;
  }
}

/* Each bit of the key and of the input turns about half of the answer's. */
static void every_bit_counts(void **state) {
  uint64_t in[4] = {1, 2, 3, 4}, out, min = 64;
  unsigned i;

  (void)state;
  out = qm_siphash(in, in + 2, 2 * sizeof(in[0]));
  for (i = 0; i < 256; i++) {
    uint64_t diff, n = 0;

    in[i / 64] ^= (uint64_t)1 << (i % 64);
    diff = out ^ qm_siphash(in, in + 2, 2 * sizeof(in[0]));
    in[i / 64] ^= (uint64_t)1 << (i % 64);
    for (; diff; diff &= diff - 1) {
      n++;
    }
    min = n < min ? n : min;
  }
  assert_in_range(min, 12, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_the_published_answers),
      cmocka_unit_test(every_bit_counts),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
