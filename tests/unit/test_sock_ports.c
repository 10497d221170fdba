/* Which port a new socket gets: any free one, none twice, all alike. */
#include "fakenet.h"

/* However few are free, a small range is searched whole. */
static void finds_the_only_free_port(void **state) {
  static const struct row {
    const char *name;
    uint16_t lo, hi, step;
  } rows[] = {
      {"one port", 6000, 6000, 1},
      {"two ports", 6000, 6001, 1},
      {"ten ports", 6000, 6009, 1},
      {"a hundred ports", 6000, 6099, 7},
      {"as many as are walked", 6000, 7023, 93},
  };
  const struct row *r;
  uint64_t seed = test_seed();
  uint32_t free_port;

  (void)state;
  for (EACH_ROW(r, rows)) {
    for (free_port = r->lo; free_port <= r->hi; free_port += r->step) {
      fake *f = open_fake(seed + free_port);
      uint16_t port;
      qm_ports ports;

      memset(f->taken, 1, sizeof(f->taken));
      f->taken[free_port] = 0;
      qm_ports_init(&ports, r->lo, r->hi);
      row_equal(r, try_open(f, &ports, &port), 0);
      row_equal(r, port, free_port);
    }
  }
}

static void gives_up_when_all_are_taken(void **state) {
  static const struct row {
    const char *name;
    uint16_t lo, hi;
    bool is_whole; /* searched */
  } rows[] = {
      {"one port", 6000, 6000, true},
      {"a hundred ports", 6000, 6099, true},
      {"as many as are walked", 6000, 7023, true},
      {"all ports", 1, 65535, false},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    fake *f = open_fake(3);
    uint32_t i, tried = 0;
    uint16_t port;
    qm_ports ports;

    memset(f->taken, 1, sizeof(f->taken));
    qm_ports_init(&ports, r->lo, r->hi);
    row_equal(r, try_open(f, &ports, &port), QUICMIG_ERR_PORTS_EXHAUSTED);
    row_equal(r, f->closes, 1);
    for (i = 0; i < 65536; i++) {
      row_true(r, !f->tried[i] || (i >= r->lo && i <= r->hi));
      tried += f->tried[i];
    }
    row_true(r, !r->is_whole || tried == qm_ports_count(&ports));
    row_true(r, f->count[BIND] <= 16 + 1024); /* bounded tries */
  }
}

/* A refused port gives way to another one like a taken one; but that nothing
 * could be bound is told as what it is. */
static void refused_ports_are_not_taken_ones(void **state) {
  static const struct row {
    const char *name;
    uint16_t lo, hi, privileged;
    bool is_full; /* all others are taken */
    int want;
    int binds; /* at most */
  } rows[] = {
      {"the last of a few", 1000, 1024, 1024, false, 0, 16 + 1024},
      {"half of a range", 900, 1147, 1024, false, 0, 16 + 1024},
      {"all", 100, 199, 1024, false, QUICMIG_ERR_PORTS_REFUSED, 64},
      {"some, and the others are taken", 1000, 1099, 1024, true,
       QUICMIG_ERR_PORTS_REFUSED, 16 + 1024},
      {"none, and all are taken", 2000, 2099, 1024, true,
       QUICMIG_ERR_PORTS_EXHAUSTED, 16 + 1024},
  };
  const struct row *r;
  uint64_t seed = test_seed();

  (void)state;
  for (EACH_ROW(r, rows)) {
    fake *f = open_fake(seed);
    uint16_t port;
    qm_ports ports;

    qm_ports_init(&ports, r->lo, r->hi);
    f->privileged = r->privileged;
    memset(f->taken + r->privileged, r->is_full, 65536u - r->privileged);
    row_equal(r, try_open(f, &ports, &port), r->want);
    row_true(r, f->count[BIND] <= r->binds);
    row_true(r, r->want != 0 || port >= r->privileged);
  }
}

/* Opens until every free port was given; returns how many that were. */
static int use_up(fake *f, qm_ports *ports, uint16_t lo, uint16_t hi) {
  uint16_t port;
  int n = 0;

  while (try_open(f, ports, &port) == 0) {
    assert_in_range(port, lo, hi);
    n++;
  }
  return n;
}

/* As the owner does: false if there is no news. */
static bool look(fake *f, qm_ports *ports, quicmig_tstamp now) {
  static qm_reserved reserved;
  qm_reserved found;
  bool is_new = qm_sock_read_reserved(&f->net, ports, now, &found);

  if (is_new) {
    reserved = found;
    ports->reserved = &reserved;
  }
  return is_new;
}

/* The system's list is read with the first socket, and again in another minute.
 */
static void reserved_ports_are_not_drawn(void **state) {
  const quicmig_tstamp t0 = 1020 * QUICMIG_SECOND;
  fake *f = open_fake(test_seed());
  qm_ports ports;

  (void)state;
  f->reserved = "6000-6099,6110\n";
  qm_ports_init(&ports, 6000, 6109);
  assert_true(look(f, &ports, t0));
  assert_int_equal(use_up(f, &ports, 6100, 6109), 10);

  f->reserved = "6003-6109\n";
  assert_false(look(f, &ports, t0 + 59 * QUICMIG_SECOND));
  assert_int_equal(f->count[RESERVED], 1);
  assert_true(look(f, &ports, t0 + 60 * QUICMIG_SECOND));
  assert_int_equal(use_up(f, &ports, 6000, 6002), 3);

  /* What cannot be read, or is no list, is no news; nor is what is not there.
   */
  f->fails = RESERVED;
  f->err = ENOENT;
  assert_false(look(f, &ports, t0 + 120 * QUICMIG_SECOND));
  f->err = 0;
  f->reserved = "none";
  assert_false(look(f, &ports, t0 + 180 * QUICMIG_SECOND));
  assert_int_equal(f->count[RESERVED], 4);
  f->net.reserved = NULL;
  assert_false(look(f, &ports, t0 + 240 * QUICMIG_SECOND));
  assert_int_equal(qm_ports_count(&ports), 3);
}

/* The whole range is reserved: for us. */
static void a_range_reserved_as_a_whole_is_ours(void **state) {
  fake *f = open_fake(test_seed());
  qm_ports ports;

  (void)state;
  f->reserved = "6000-6009\n";
  qm_ports_init(&ports, 6000, 6009);
  assert_true(look(f, &ports, QUICMIG_SECOND));
  assert_int_equal(use_up(f, &ports, 6000, 6009), 10);
}

/* Ports in the history count as taken: a range gives each of its ports once. */
static void a_small_range_is_used_up(void **state) {
  fake *f = open_fake(test_seed());
  uint8_t given[65536] = {0};
  uint16_t port;
  qm_ports ports;
  int i;

  (void)state;
  /* 5353 and 5355 are excluded: nine remain. */
  qm_ports_init(&ports, 5350, 5360);
  for (i = 0; i < 9; i++) {
    assert_int_equal(try_open(f, &ports, &port), 0);
    assert_in_range(port, 5350, 5360);
    assert_false(given[port]);
    given[port] = 1;
  }
  assert_int_equal(try_open(f, &ports, &port), QUICMIG_ERR_PORTS_EXHAUSTED);
  assert_false(given[5353] || given[5355] || f->tried[5353] || f->tried[5355]);
}

static void never_one_of_the_last_sixteen(void **state) {
  uint16_t last[16] = {0}, port;
  fake *f = open_fake(test_seed());
  qm_ports ports;
  int i, k;

  (void)state;
  qm_ports_init(&ports, 5340, 5369); /* 28 allowed ports */
  for (i = 0; i < 2000; i++) {
    assert_int_equal(try_open(f, &ports, &port), 0);
    for (k = 0; k < 16; k++) {
      assert_int_not_equal(port, last[k]);
    }
    last[i % 16] = port;
  }
  assert_false(f->tried[5353] || f->tried[5355]);
}

/* Chi-square of the ports of `opens` sockets over 64 equal cells, 63 degrees of
 * freedom. */
static double chi_square(fake *f, uint16_t lo, uint16_t hi, int opens) {
  double chi = 0, expected = opens / 64.0;
  int cells[64] = {0}, i;

  for (i = 0; i < opens; i++) {
    uint16_t port;
    qm_ports ports; /* anew: without a history */

    qm_ports_init(&ports, lo, hi);
    assert_int_equal(try_open(f, &ports, &port), 0);
    cells[(uint32_t)(port - ports.lo) * 64 / qm_ports_count(&ports)]++;
  }
  for (i = 0; i < 64; i++) {
    chi += (cells[i] - expected) * (cells[i] - expected) / expected;
  }
  return chi;
}

/* 140 is passed by chance less than once in ten million. */
static void draws_evenly(void **state) {
  static const struct row {
    const char *name;
    uint16_t lo, hi;
  } rows[] = {
      {"the default range", 0, 0},
      {"high ports", 49152, 65535},
      {"640 ports", 6000, 6639},
      {"64 ports", 6000, 6063},
  };
  const struct row *r;
  uint64_t seed = test_seed();

  (void)state;
  for (EACH_ROW(r, rows)) {
    double chi = chi_square(open_fake(seed), r->lo, r->hi, 6400);

    print_message("%s: chi-square %.1f\n", r->name, chi);
    row_true(r, chi < 140);
  }
}

/* The port after a taken one must not be likelier than others: half of the
 * ports are taken, in one block. */
static void a_busy_block_makes_no_neighbour_likelier(void **state) {
  fake *f = open_fake(test_seed());
  int i, after_block = 0;

  (void)state;
  memset(f->taken + 6000, 1, 500);
  for (i = 0; i < 5000; i++) {
    uint16_t port;
    qm_ports ports;

    qm_ports_init(&ports, 6000, 6999);
    assert_int_equal(try_open(f, &ports, &port), 0);
    after_block += port < 6510;
  }
  /* 10 of 500 free ports: 100 expected, standard deviation 10. */
  print_message("%d just after the block\n", after_block);
  assert_in_range(after_block, 40, 160);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_only_free_port),
      cmocka_unit_test(gives_up_when_all_are_taken),
      cmocka_unit_test(refused_ports_are_not_taken_ones),
      cmocka_unit_test(reserved_ports_are_not_drawn),
      cmocka_unit_test(a_range_reserved_as_a_whole_is_ours),
      cmocka_unit_test(a_small_range_is_used_up),
      cmocka_unit_test(never_one_of_the_last_sixteen),
      cmocka_unit_test(draws_evenly),
      cmocka_unit_test(a_busy_block_makes_no_neighbour_likelier),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
