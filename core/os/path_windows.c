/*
** path_windows.c: names on Windows.
*/
#include <string.h>

#include "core/common/mem.h"
#include "core/os/handles_windows.h"

#include "core/os/names_windows.h"
#include "core/os/path_private.h"

size_t mm_path_top(const char *path) {
  return names_top(path);
}

int path_normalise(const char *path, char buffer[MM_PATH_MAX], const char **out) {
  char here[MM_PATH_MAX];
  int rc = mm_os.working_directory(here, sizeof here);
  if (rc == 0) rc = names_normalise(path, here, buffer, MM_PATH_MAX);
  if (rc == 0) *out = buffer;
  return rc;
}

/* Without regard to case, as the system's own table has it. */
bool path_same_name(const char *a, size_t n, const char *b, size_t m) {
  WCHAR x[MM_PATH_MAX], y[MM_PATH_MAX];
  if (n == m && memcmp(a, b, n) == 0) return true;
  int i = MultiByteToWideChar(CP_UTF8, 0, a, (int)n, x, MM_PATH_MAX);
  int k = MultiByteToWideChar(CP_UTF8, 0, b, (int)m, y, MM_PATH_MAX);
  return i > 0 && i == k && CompareStringOrdinal(x, i, y, k, TRUE) == CSTR_EQUAL;
}

uint32_t path_fold(uint32_t character) {
  WCHAR small, c = (WCHAR)character;
  if (character >= 0x10000) return character;
  bool mapped =
      LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_LOWERCASE, &c, 1, &small, 1, NULL, NULL, 0);
  return mapped ? small : character;
}

/* The separators of a pattern are as in a path, and "\a" is on the same drive. */
char *path_normalise_pattern(const char *pattern) {
  char here[MM_PATH_MAX];
  if (mm_os.working_directory(here, sizeof here) < 0) here[0] = 0;
  size_t drive = names_drive(pattern, here), size = strlen(pattern) + 1;
  char *whole = mm_alloc(drive + size);
  if (!whole) return NULL;
  memcpy(whole, here, drive);
  memcpy(whole + drive, pattern, size);
  names_turn_separators(whole);
  return whole;
}

/* Closing a handle drops that handle's locks and no other's. */
int mm_path_is_host_database(const mm_path *path) {
  (void)path;
  return 0;
}

bool mm_path_may_be_database(const char *real, const void *head, uint64_t size) {
  (void)real, (void)head, (void)size;
  return false;
}
