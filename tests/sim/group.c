#include "group.h"

#include <assert.h>

int sim_group_open(void *ctx) {
  sim_host *h = ctx;
  int err = sim_fault(h, SIM_GROUP), fd = err ? -err : sim_take_fd(h);

  if (fd >= 0) {
    h->socks[fd].is_group = true;
  }
  return fd;
}

int sim_group_join(void *ctx, int group, int fd, uint32_t number) {
  sim_host *h = ctx;
  int err = sim_fault(h, SIM_JOIN);

  assert(h->socks[group].is_group && h->socks[fd].is_used);
  if (!err) {
    h->socks[fd].group = (int16_t)group;
    h->socks[fd].is_left = false;
    h->socks[fd].number = number;
    if (h->socks[fd].queued) {
      sim_set_readable(h, fd);
    }
  }
  return -err;
}

int sim_group_leave(void *ctx, int group, int fd) {
  sim_host *h = ctx;
  sim_sock *s = &h->socks[fd];

  assert(s->group == group);
  qm_list_remove(&s->member);
  s->group = -1;
  s->is_left = true;
  return 0;
}

/* As the kernel: who is empty by now leaves the list, who is named goes to its
 * end.  Newest first: of those that are named. */
int sim_group_readable(void *ctx, int group, uint32_t *numbers, size_t n) {
  sim_host *h = ctx;
  sim_sock *g = &h->socks[group];
  size_t got = 0, i;
  qm_list named;

  qm_list_init(&named);
  while (got < n && !qm_list_is_empty(&g->queue)) {
    sim_sock *s = qm_list_entry(g->queue.next, sim_sock, member);

    qm_list_remove(&s->member);
    if (s->queued) {
      numbers[got++] = s->number;
      qm_list_push(&named, &s->member);
    }
  }
  while (!qm_list_is_empty(&named)) {
    qm_list *l = named.next;

    qm_list_remove(l);
    qm_list_push(&g->queue, l);
  }
  for (i = 0; h->reads_newest_first && i < got / 2; i++) {
    uint32_t number = numbers[i];

    numbers[i] = numbers[got - 1 - i];
    numbers[got - 1 - i] = number;
  }
  return (int)got;
}
