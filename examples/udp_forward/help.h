/* What udp_forward --help prints. */
#ifndef FORWARD_HELP_H
#define FORWARD_HELP_H

extern const char forward_help[];

#endif
