/* A block that is a program which needs nobody. */
#include BLOCK
