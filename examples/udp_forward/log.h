/* Lines for people on stderr, cleaned by printable(), beginning with the time
 * since the start. */
#ifndef FORWARD_LOG_H
#define FORWARD_LOG_H

#include <stdint.h>
#include <sys/socket.h>

/* "ADDRESS port PORT" */
#define LOG_ADDRESS_MAX 64

/* Lines of one kind, once a second at most. */
typedef struct log_limit {
  uint64_t next_at;
  uint64_t kept_back; /* since the last one */
} log_limit;

/* The time in front counts from here, else from the first line on. */
void log_start(void);
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_rarely(log_limit *l,
                                                      const char *format, ...);

/* Writes a to dest and returns dest. */
const char *log_address(const struct sockaddr_storage *a,
                        char dest[LOG_ADDRESS_MAX]);
/* The same as "ADDRESS:PORT". */
const char *log_address_short(const struct sockaddr_storage *a,
                              char dest[LOG_ADDRESS_MAX]);

#endif
