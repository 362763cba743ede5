/*
** answers LIBRARY: runs the SQL of its input and prints what each statement comes to, byte for byte
** alike on every machine: no shell of SQLite's is there for some.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>

/* A newline is one byte there, too. */
static void use_bytes(void) {
  (void)_setmode(_fileno(stdin), _O_BINARY);
  (void)_setmode(_fileno(stdout), _O_BINARY);
}
#else
static void use_bytes(void) {}
#endif

static void die(const char *what) {
  fprintf(stderr, "answers: %s\n", what);
  exit(2);
}

static char *read_all(FILE *file) {
  size_t size = 0, room = 1 << 16;
  char *text = malloc(room);
  while (text) {
    size += fread(text + size, 1, room - size - 1, file);
    if (feof(file)) break;
    if (ferror(file)) die("the input cannot be read");
    if (size + 1 < room) continue;
    room *= 2;
    text = realloc(text, room);
  }
  if (!text) die("out of memory");
  text[size] = 0;
  return text;
}

static void print_bytes(const unsigned char *data, int size) {
  printf("x'");
  for (int i = 0; i < size; i++) printf("%02x", data[i]);
  printf("'");
}

static void print_value(sqlite3_stmt *stmt, int column) {
  switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_NULL:
      printf("NULL");
      break;
    case SQLITE_INTEGER:
      printf("%lld", (long long)sqlite3_column_int64(stmt, column));
      break;
    case SQLITE_FLOAT: /* SQLite's own text of one differs between its versions */
      printf("%.17g", sqlite3_column_double(stmt, column));
      break;
    case SQLITE_BLOB:
      print_bytes(sqlite3_column_blob(stmt, column), sqlite3_column_bytes(stmt, column));
      break;
    default:
      fwrite(sqlite3_column_text(stmt, column), 1, (size_t)sqlite3_column_bytes(stmt, column),
             stdout);
  }
}

static void print_row(sqlite3_stmt *stmt) {
  for (int i = 0; i < sqlite3_column_count(stmt); i++) {
    if (i) printf("|");
    print_value(stmt, i);
  }
  printf("\n");
}

static void print_error(sqlite3 *db) {
  printf("ERROR %d %s\n", sqlite3_extended_errcode(db), sqlite3_errmsg(db));
}

/* What cannot be compiled has no end that is known: its line is passed over. */
static const char *run(sqlite3 *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  const char *rest = sql;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, &rest) != SQLITE_OK) {
    print_error(db);
    const char *line = strchr(sql, '\n');
    return line ? line + 1 : "";
  }
  int rc = SQLITE_DONE;
  while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) print_row(stmt);
  if (rc != SQLITE_DONE) print_error(db);
  sqlite3_finalize(stmt);
  return rest;
}

int main(int argc, char **argv) {
  sqlite3 *db = NULL;
  char *message = NULL;
  if (argc != 2) die("LIBRARY is missing");
  use_bytes();
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) die("no database");
  (void)sqlite3_enable_load_extension(db, 1);
  if (sqlite3_load_extension(db, argv[1], NULL, &message) != SQLITE_OK) die(message);
  char *text = read_all(stdin);
  for (const char *at = text; *at;) {
    size_t space = strspn(at, " \n");
    at = at[space] ? run(db, at + space) : at + space;
  }
  free(text);
  (void)sqlite3_close(db);
  return 0;
}
