#include "ext/tables/intent.h"

static int write_first(const ext_written_table *table, ext_object *object, mm_error *err) {
  ext_conn *conn = table->conn;
  if (object->core->begun || table->by == EXT_WRITTEN_NEVER) return MM_OK;
  int rc = table->told ? MM_OK : ext_txn_enlist(conn, err);
  int level = table->synchronous < 0 ? conn->settings.synchronous : table->synchronous;
  if (rc == MM_OK) rc = ext_txn_write_as(conn, object, level, err);
  return rc == MM_READONLY ? MM_OK : rc;
}

bool ext_may_be_written(const ext_written_table *table) {
  bool knows = table->told || !sqlite3_get_autocommit(table->conn->db);
  return knows && table->by != EXT_WRITTEN_NEVER;
}

/* A plain SELECT need not look at the texts of statements, of which there may be thousands. */
static bool does_write(const ext_written_table *table) {
  sqlite3 *db = table->conn->db;
  if (!ext_may_be_written(table)) return false;
  if (table->by == EXT_WRITTEN_INSERT) return ext_running_inserts(db, table->label);
  return table->by == EXT_WRITTEN_PUT ? ext_running_puts(db, table->label)
                                      : ext_running_writes(db, table->label);
}

ext_reads *ext_intent_reads(const ext_written_table *table, ext_given *given, int *intent) {
  if (*intent == EXT_INTENT_UNKNOWN) {
    *intent = does_write(table) ? EXT_INTENT_WRITE : EXT_INTENT_READ;
  }
  return *intent == EXT_INTENT_WRITE ? NULL : &given->reads;
}

int ext_intent_begin(const ext_written_table *table, ext_given *given, ext_object *object,
                     const ext_reads *reads, mm_error *err) {
  if (reads) return MM_OK;
  int rc = write_first(table, object, err);
  return rc ? rc : ext_reads_use(&given->reads, object, NULL, err);
}
