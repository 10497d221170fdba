/*
 * What calls cost this thread: CPU time, user and system, that of reading the
 * clock left out, and system calls that have to do with sockets: those of
 * count.h and socket, bind, connect and close.
 */
#ifndef HOPCALLS_H
#define HOPCALLS_H

#include <stdint.h>

typedef struct hopcalls {
  uint64_t cpu_ns, syscalls;
} hopcalls;

/* Before the calls. */
hopcalls hopcalls_start(void);

/* After them: adds what they cost. */
void hopcalls_stop(const hopcalls *start, hopcalls *sum);

#endif
