/* The command lines of echo_client and udp_forward: words are split at zeroes.
 * A mistake ends the program; here exit() comes back instead. */
#include <getopt.h>
#include <setjmp.h>
#include <stdio.h>

#include "../../examples/echo_options.h"
#include "../../examples/udp_forward/options.h"
#include "script.h"

#define WORDS 32

static jmp_buf back;

/* In place of exit() in the sources of the examples. */
_Noreturn void fuzz_exit(int status);

_Noreturn void fuzz_exit(int status) {
  (void)status;
  longjmp(back, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Nobody wants to read the complaints. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  return freopen("/dev/null", "w", stdout) ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[2048], program[] = "fuzz";
  static char *words[WORDS + 2];
  static forward_options forward;
  static echo_options echo;
  size_t at = 1;
  int n = 0;

  if (size < 2 || size >= sizeof(text)) {
    return 0;
  }
  memcpy(text, data, size);
  text[size] = 0;
  words[n++] = program;
  while (at < size && n <= WORDS) {
    words[n++] = text + at;
    at += strlen(text + at) + 1;
  }
  words[n] = NULL;
  optind = 0; /* getopt begins anew */
  if (setjmp(back) == 0) {
    if (data[0] & 1) {
      options_read(&forward, n, words);
    } else {
      echo_options_read(&echo, n, words);
    }
  }
  return 0;
}
