/*
 * Hears of changes to links, addresses and routes (rtnetlink).  What changed is
 * not told: who wants to know asks the kernel for a route, which is the only
 * answer that counts.
 */
#ifndef QM_NETLINK_H
#define QM_NETLINK_H

/* A socket that becomes readable with each change; or the negative errno. */
int qm_netlink_open(void *ctx);

/* Empties it.  1: there was something, a change, or more of them than the
 * socket could hold (ENOBUFS); 0: there was not; or the negative errno of an
 * error that is still there, so that nobody knows. */
int qm_netlink_changed(void *ctx, int fd);

#endif
