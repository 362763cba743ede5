/*
** deleting.c: DELETE.
**
** A deleted row stays where it is, and is only noted as gone: rowids stay, and functions see the
** file's bytes as they were. When SQLite says COMMIT the file closes up, as ordinary entries of the
** object's log; should that COMMIT not go through, they are cut off again.
**
** What is noted belongs to the object, not to the table: SQLite may connect a table anew in the
** middle of a transaction. Tables of the same offset and record see the same rows; a table of
** another shape cannot delete while there are some, as nobody could say which of its rows those
** are.
**
** Of records that say how large they are (chain.h) each byte is noted, as if it was a row: they are gone
** where they are, whatever becomes of those before them. They are one table's alone.
*/
#include "core/common/watch.h"
#include "core/common/mem.h"
#include "ext/records/records.h"

/* Rows in the order in which they were deleted: first, first + step … so that a rollback can
** tell. Of a chain each step is forwards. */
typedef struct batch {
  int64_t first, step, count;
} batch;

struct mmap_deleted {
  ext_conn *conn;
  mmap_shared *shared;
  ext_object *object; /* held */
  uint64_t offset, record;
  const mmap_table *chain; /* whose records these are the bytes of, as it writes; NULL: rows */
  ext_rowset rows;
  batch *batches;
  size_t batch_count, batch_capacity;
  uint64_t noted; /* ext_txn_epoch when the number of rows was last put where a rollback finds it */
  bool is_noted;
  bool closed_up; /* the log has the closing up, from `mark` on */
  mm_log_mark mark;
  ext_txn_deferred deferred;
  struct mmap_deleted *next; /* in shared->deleted */
};

static mmap_deleted *find_deleted(const mmap_table *table, const ext_object *object) {
  mmap_deleted *d = table->shared->deleted;
  while (d && d->object != object) d = d->next;
  return d;
}

static bool is_alike(const mmap_deleted *d, const mmap_table *table) {
  if (d->chain || table->spec.chained) return d->chain && mmap_table_is_called(d->chain, table);
  return table->spec.path && d->offset == table->spec.offset && d->record == table->spec.record;
}

const ext_rowset *mmap_deleted_rows(const mmap_table *table, const ext_object *object) {
  const mmap_deleted *d = find_deleted(table, object);
  return d && d->rows.count && is_alike(d, table) ? &d->rows : NULL;
}

/* ---- undoing -------------------------------------------------------------------------------- */

static int64_t last_of(const batch *b) {
  return b->first + b->step * (b->count - 1);
}

/* ROLLBACK TO: the rows that were deleted after the first `count` are there again. */
static void restore(void *context, uint64_t count) {
  mmap_deleted *d = context;
  while ((uint64_t)d->rows.count > count) {
    batch *b = &d->batches[d->batch_count - 1];
    int64_t n = d->chain ? d->rows.count - (int64_t)count : 1;
    if (n > b->count) n = b->count;
    ext_rowset_remove_run(&d->rows, last_of(b) - (n - 1), n);
    b->count -= n;
    if (b->count == 0) d->batch_count--;
  }
  d->object->leaving = d->rows.count;
  d->is_noted = false;
  mm_object_rely(d->object->core, d->rows.count > 0);
}

/* Once between two savepoints is enough. */
static int note(mmap_deleted *d, mm_error *err) {
  uint64_t epoch = ext_txn_epoch(d->conn);
  if (d->is_noted && d->noted == epoch) return MM_OK;
  int rc = ext_txn_undo(d->conn, restore, d, (uint64_t)d->rows.count, err);
  if (rc) return rc;
  d->noted = epoch;
  d->is_noted = true;
  return MM_OK;
}

static int start_batch(mmap_deleted *d, batch first, mm_error *err) {
  void *batches = d->batches;
  if (mm_grow(&batches, d->batch_count, &d->batch_capacity, sizeof first)) {
    return mm_fail_nomem(err);
  }
  d->batches = batches;
  d->batches[d->batch_count++] = first;
  return MM_OK;
}

static int add_to_batch(mmap_deleted *d, int64_t row, mm_error *err) {
  batch *b = d->batch_count ? &d->batches[d->batch_count - 1] : NULL;
  if (b && b->count == 1 && (row == b->first + 1 || row == b->first - 1)) b->step = row - b->first;
  if (b && b->step && row == last_of(b) + b->step) {
    b->count++;
    return MM_OK;
  }
  return start_batch(d, (batch){row, 0, 1}, err);
}

/* ---- closing up ----------------------------------------------------------------------------- */

/* Small pieces that stay are gathered, so that the log gets few entries; between the large ones
** that they become there is a look at whether to go on. */
#define GATHER MM_PIECE

typedef struct closing {
  const mmap_deleted *deleted;
  mm_object *core;
  uint64_t from; /* what lies below has been dealt with */
  uint64_t to;   /* where what is gathered goes */
  uint8_t *buffer;
  uint64_t size; /* gathered */
  mm_error *err;
} closing;

static int put_gathered(closing *c) {
  int rc = c->size == GATHER ? mm_object_go_on(c->core, c->err) : MM_OK;
  if (rc == MM_OK) rc = mm_object_write(c->core, c->to, c->buffer, c->size, c->err);
  c->to += c->size;
  c->size = 0;
  return rc;
}

/* Bytes up to `end` stay: they move down to `to`. What is gathered lies below them, so nothing is
** overwritten before it was read. */
static int keep_until(closing *c, uint64_t end) {
  int rc = MM_OK;
  while (c->from < end && rc == MM_OK) {
    uint64_t n = end - c->from < GATHER - c->size ? end - c->from : GATHER - c->size;
    memcpy(c->buffer + c->size, c->core->data + c->from, (size_t)n);
    c->size += n;
    c->from += n;
    if (c->size == GATHER) rc = put_gathered(c);
  }
  return rc;
}

static int close_run(void *context, int64_t first, int64_t last) {
  closing *c = context;
  const mmap_deleted *d = c->deleted;
  uint64_t low = d->offset + (uint64_t)first * d->record;
  uint64_t high = d->offset + (uint64_t)(last + 1) * d->record;
  int rc = c->buffer ? keep_until(c, low) : MM_OK;
  if (!c->buffer) {
    c->to = low;
    c->buffer = mm_alloc(GATHER);
    if (!c->buffer) return mm_fail_nomem(c->err);
  }
  c->from = high < c->core->size ? high : c->core->size;
  return rc;
}

static int close_up(const mmap_deleted *d, mm_error *err) {
  closing c = {.deleted = d, .core = d->object->core, .err = err};
  int rc = ext_rowset_each(&d->rows, close_run, &c);
  if (rc == MM_NOMEM) (void)mm_fail_nomem(err);
  if (c.buffer) {
    if (rc == MM_OK) rc = keep_until(&c, c.core->size);
    if (rc == MM_OK) rc = put_gathered(&c);
    if (rc == MM_OK) rc = mm_object_resize(c.core, c.to, err);
    if (rc == MM_OK) rc = mm_object_faulted(c.core, err);
  }
  mm_free(c.buffer);
  return rc;
}

static void reopen(void *context) {
  mmap_deleted *d = context;
  mm_error ignored;
  if (!d->closed_up) return;
  (void)mm_object_rollback_to(d->object->core, d->mark.count, &ignored);
  mm_object_release(d->object->core, &d->mark);
  d->closed_up = false;
}

static int flush(void *context, mm_error *err) {
  mmap_deleted *d = context;
  if (d->closed_up || d->rows.count == 0) return MM_OK;
  d->mark = mm_object_mark(d->object->core);
  d->closed_up = true;
  int rc = close_up(d, err);
  if (rc) reopen(d);
  return rc;
}

static void destroy_deleted(void *context, bool committed) {
  mmap_deleted *d = context;
  (void)committed;
  mmap_deleted **link = &d->shared->deleted;
  while (*link != d) link = &(*link)->next;
  *link = d->next;
  ext_rowset_clear(&d->rows);
  mm_free(d->batches);
  d->object->leaving = 0;
  ext_object_release(d->object);
  mm_free(d);
}

/* ---- deleting ------------------------------------------------------------------------------- */

static mmap_deleted *create_deleted(const mmap_table *table, ext_object *object) {
  ext_conn *conn = table->tab.conn;
  mmap_deleted *d = mm_alloc_zeroed(sizeof *d);
  if (!d) return NULL;
  d->conn = conn;
  d->shared = table->shared;
  d->object = object;
  ext_object_hold(object);
  d->offset = table->spec.offset;
  d->record = table->spec.record;
  d->deferred =
      (ext_txn_deferred){.flush = flush, .end = destroy_deleted, .context = d, .undo = reopen};
  ext_txn_defer(conn, &d->deferred);
  d->next = d->shared->deleted;
  d->shared->deleted = d;
  return d;
}

/* What the table's rows are noted in. */
static int deleted_of(const mmap_table *table, ext_object *object, mmap_deleted **out,
                      mm_error *err) {
  mmap_deleted *d = find_deleted(table, object);
  if (!d) d = create_deleted(table, object);
  *out = d;
  if (!d) return mm_fail_nomem(err);
  if (d->rows.count == 0) {
    bool chained = table->spec.chained;
    d->chain = chained ? mmap_table_writer(table) : NULL;
    d->offset = chained ? 0 : table->spec.offset;
    d->record = chained ? 1 : table->spec.record;
  } else if (!is_alike(d, table)) {
    return mm_fail(err, MM_ERROR,
                   "another table has deleted rows of '%s': COMMIT closes them up first",
                   object->core->name);
  }
  return note(d, err);
}

static void tell_deleted(const mmap_deleted *d) {
  d->object->leaving = d->rows.count;
  mm_object_rely(d->object->core, d->rows.count > 0);
}

int mmap_deleted_add(mmap_table *table, ext_object *object, int64_t row, mm_error *err) {
  mmap_deleted *d;
  int rc = deleted_of(table, object, &d, err);
  if (rc || ext_rowset_has(&d->rows, row)) return rc;
  rc = add_to_batch(d, row, err);
  if (rc == MM_OK && ext_rowset_add(&d->rows, row)) {
    rc = mm_fail_nomem(err);
    if (--d->batches[d->batch_count - 1].count == 0) d->batch_count--;
  }
  tell_deleted(d);
  return rc;
}

int mmap_deleted_add_bytes(mmap_table *table, ext_object *object, uint64_t offset, uint64_t size,
                           mm_error *err) {
  mmap_deleted *d;
  int64_t first = (int64_t)offset, count = (int64_t)size;
  int rc = deleted_of(table, object, &d, err);
  if (rc) return rc;
  batch *b = d->batch_count ? &d->batches[d->batch_count - 1] : NULL;
  bool joins = b && first == last_of(b) + 1;
  if (!joins) rc = start_batch(d, (batch){first, 1, 0}, err);
  if (rc) return rc;
  if (ext_rowset_add_run(&d->rows, first, count)) {
    ext_rowset_remove_run(&d->rows, first, count);
    if (!joins) d->batch_count--;
    rc = mm_fail_nomem(err);
  } else {
    d->batches[d->batch_count - 1].count += count;
  }
  tell_deleted(d);
  return rc;
}
