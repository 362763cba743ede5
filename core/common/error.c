#include "core/common/error.h"

#include <stdio.h>

#include "core/common/system.h"

/* What a sentence quotes, a file's name above all, may have newlines in it, or what moves the
** cursor of a terminal. */
static void keep_to_one_line(char *text) {
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7f) *text = '?';
  }
}

int(mm_fail)(mm_error *err, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  err->code = code;
  (void)vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  keep_to_one_line(err->text);
  return code;
}

static int code_of_errno(int error, int code) {
  switch (error) {
    case ENOMEM:
      return MM_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return MM_FULL;
    case EROFS:
      return MM_READONLY;
    case EIO:
      return MM_IOERR;
    case EMFILE:
    case ENFILE:
      return MM_CANTOPEN;
    default:
      return code;
  }
}

int(mm_fail_errno)(mm_error *err, int code, int error, const char *format, ...) {
  char buffer[128];
  va_list args;
  va_start(args, format);
  err->code = code_of_errno(error, code);
  int n = vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  if (n >= 0 && (size_t)n < sizeof err->text) {
    (void)snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s",
                   mm_system_text(error, buffer, sizeof buffer));
  }
  keep_to_one_line(err->text);
  return err->code;
}

int(mm_fail_nomem)(mm_error *err) {
  return mm_fail(err, MM_NOMEM, "out of memory");
}

int mm_fail_stopped(mm_error *err, int answer) {
  if (answer == MM_NOMEM) return mm_fail_nomem(err);
  return mm_fail(err, MM_INTERRUPT, "interrupted");
}
