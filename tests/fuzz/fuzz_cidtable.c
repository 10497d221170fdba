/* The ID table beside a plain list: what is added is found, what is retired is
 * a tombstone, what is forgotten is gone. */
#include "endpoint/cidtable.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "script.h"

#define OWNERS 4
#define IDS 64

typedef struct model {
  uint8_t len, id[NGTCP2_MAX_CIDLEN];
  size_t owner;
  enum { FREE, USED, RETIRED } state;
} model;

static model ids[IDS];
static qm_cid_set sets[OWNERS];
static qm_cidtable table;

static model *any(script *s) { return &ids[script_byte(s) % IDS]; }

static void add(script *s) {
  model *m = any(s);
  const uint8_t *piece;
  size_t len = script_piece(s, &piece, NGTCP2_MAX_CIDLEN), i;

  if (m->state != FREE || len == 0) {
    return;
  }
  for (i = 0; i < IDS; i++) {
    if (ids[i].state != FREE && ids[i].len == len &&
        memcmp(ids[i].id, piece, len) == 0) {
      assert(qm_cidtable_add(&table, piece, len, &sets[m->owner],
                             &sets[m->owner]) != 0);
      return;
    }
  }
  m->owner = script_byte(s) % OWNERS;
  m->len = (uint8_t)len;
  memcpy(m->id, piece, len);
  assert(qm_cidtable_add(&table, piece, len, &sets[m->owner],
                         &sets[m->owner]) == 0);
  m->state = USED;
}

static void retire(script *s) {
  model *m = any(s);

  if (m->state != FREE) { /* another one may have its ID by now */
    qm_cidtable_retire(&table, m->id, m->len, &sets[m->owner], &sets[m->owner]);
    m->state = RETIRED;
  }
}

static void forget(script *s) {
  size_t owner = script_byte(s) % OWNERS, i;

  qm_cidtable_forget(&table, &sets[owner]);
  for (i = 0; i < IDS; i++) {
    if (ids[i].owner == owner) {
      ids[i].state = FREE;
    }
  }
}

static void look(script *s) {
  const model *m = any(s);
  const qm_cid_entry *e = qm_cidtable_find(&table, m->id, m->len);

  if (m->state == USED) {
    assert(e && !e->is_retired && e->owner == &sets[m->owner]);
  } else if (m->state == RETIRED) { /* fewer than the tombstones there may be */
    assert(e && e->is_retired);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.at = data, .len = size};
  const uint64_t seed[2] = {script_number(&s), script_number(&s)};
  size_t i;

  memset(ids, 0, sizeof(ids));
  qm_cidtable_init(&table, &qm_mem_default, seed);
  for (i = 0; i < OWNERS; i++) {
    qm_cid_set_init(&sets[i]);
  }
  while (s.len) {
    switch (script_byte(&s) % 8) {
    case 0:
    case 1:
    case 2:
      add(&s);
      break;
    case 3:
    case 4:
      retire(&s);
      break;
    case 5:
      forget(&s);
      break;
    default:
      look(&s);
      break;
    }
  }
  for (i = 0; i < OWNERS; i++) {
    qm_cidtable_forget(&table, &sets[i]);
  }
  assert(table.len == 0);
  qm_cidtable_reset(&table);
  return 0;
}
