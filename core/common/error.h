/*
** error.h: a code and a sentence.
**
** An error is made where its cause is known and passed up unchanged. Functions that can fail take a
** `mm_error *` as their last argument, which is never NULL, and return the code, MM_OK being 0. The
** error is written only when the code is not MM_OK.
**
** A sentence is one line, lower case, without a full stop, and without the name of the SQL
** function: whoever knows that name puts it in front.
*/
#ifndef MM_ERROR_H
#define MM_ERROR_H

#include <stdarg.h>

enum mm_code {
  MM_OK = 0,
  MM_ERROR,      /* what was asked for makes no sense: wrong type, out of range */
  MM_CANTOPEN,   /* the file cannot be opened, or is of a kind that is refused */
  MM_READONLY,   /* a write where none is allowed */
  MM_IOERR,      /* the disk, or a file that was cut while it was mapped */
  MM_BUSY,       /* another connection or process is writing the file */
  MM_CHANGED,    /* a program that takes no lock changed the file during a transaction */
  MM_CORRUPT,    /* a journal that is not to be trusted */
  MM_DAMAGED,    /* bytes that break a promise made of them */
  MM_TOOBIG,     /* more than one blob or one file can hold */
  MM_NOMEM,      /* no memory or no address space */
  MM_CONSTRAINT, /* a value that does not fit its field, a row that breaks an order */
  MM_PERM,       /* outside the root */
  MM_FULL,       /* no space on the device, or a limit of the process or the user */
  MM_INTERRUPT   /* whoever asked no longer wants the answer */
};

/* Long enough for the longest path that Linux takes and a sentence around it. */
#define MM_ERROR_TEXT 4608

typedef struct mm_error {
  int code; /* enum mm_code */
  char text[MM_ERROR_TEXT];
} mm_error;

/* Write code and sentence (printf's format) into `err`; a longer sentence is cut, and control
** characters in what it quotes become question marks, so that it is one line. Returns `code`. */
int mm_fail(mm_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a system call that failed: `error` is its errno value (positive), the sentence is
** completed by ": " and its description. The code follows errno: ENOMEM is MM_NOMEM; ENOSPC, EDQUOT
** and EFBIG are MM_FULL; EROFS is MM_READONLY; EIO is MM_IOERR; EMFILE and ENFILE are MM_CANTOPEN;
** all else is `code`. */
int mm_fail_errno(mm_error *err, int code, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* No memory: the one sentence for it. Returns MM_NOMEM. */
int mm_fail_nomem(mm_error *err);

/* When whoever was asked said to give up: MM_NOMEM if `answer` is that, as there was no memory to
** ask, else MM_INTERRUPT "interrupted". */
int mm_fail_stopped(mm_error *err, int answer);

/* Static analysers look at one file at a time: they are told that a failure is never MM_OK. */
#if defined __clang_analyzer__ || defined MM_ANALYZER
#define mm_fail(err, code, ...) (mm_fail(err, code, __VA_ARGS__), (code) ? (code) : MM_ERROR)
#define mm_fail_errno(err, code, ...) (mm_fail_errno(err, code, __VA_ARGS__), MM_IOERR)
#define mm_fail_nomem(err) (mm_fail_nomem(err), MM_NOMEM)
#endif

#endif
