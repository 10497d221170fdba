/* docs/tutorial.md, a client in any loop: a whole program. */
#include "here.h"

#define main block_main
#include BLOCK
#undef main

int main(int argc, char **argv) {
  here_begin(argc, argv);
  return block_main();
}
