/*
** job.c: `job JOB` runs the statements of JOB, which job.py describes, and ends with 1 at the first whose rows are
** others. It is linked with the library: cc job.c $(pkg-config --cflags --libs mmap0).
*/
#include <mmap0.h>
#include <stdio.h>
#include <string.h>

static FILE *job;
static char line[1000];
static int failed;

/* Read a line, without its end; "" behind the last. */
static void next(void) {
  if (!fgets(line, sizeof line, job)) line[0] = 0;
  line[strcspn(line, "\n")] = 0;
}

/* A row is the line that is expected next. */
static int expect(void *context, int count, char **values, char **names) {
  char row[1000] = "--> ";
  (void)context, (void)names;
  for (int i = 0; i < count; i++) {
    size_t length = strlen(row);
    snprintf(row + length, sizeof row - length, "%s%s", i ? "|" : "", values[i] ? values[i] : "");
  }
  if (strcmp(row, line) != 0) {
    fprintf(stderr, "got %s, not %s\n", row, line);
    failed = 1;
  }
  next();
  return failed;
}

int main(int argc, char **argv) {
  sqlite3 *db;
  char *error = NULL;
  job = argc > 1 ? fopen(argv[1], "r") : NULL;
  sqlite3_auto_extension((void (*)(void))sqlite3_mmap_init);
  if (!job || sqlite3_open(":memory:", &db)) return 1;
  next();
  while (line[0] && !failed) {
    char sql[sizeof line];
    strcpy(sql, line);
    next();
    if (sqlite3_exec(db, sql, expect, NULL, &error)) {
      fprintf(stderr, "%s: %s\n", sql, error ? error : "");
      failed = 1;
    }
  }
  sqlite3_close(db);
  return failed;
}
