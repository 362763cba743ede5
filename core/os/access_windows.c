/*
** access_windows.c: who may do what with a file, which is in a list of its own and not in a mode.
**
** A file takes its list from the directory it is made in; most never have another. Only where the two
** lists differ is anything written.
*/
#include "core/os/handles_windows.h"

#include <aclapi.h>
#include <string.h>

#include "core/os/sys.h"
#include "core/os/system_windows.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

typedef struct access_list {
  PSECURITY_DESCRIPTOR all; /* owned */
  PACL list;                /* in it; NULL: everybody may do everything */
} access_list;

static int read_access(HANDLE file, access_list *out) {
  *out = (access_list){.all = NULL};
  return error_of(GetSecurityInfo(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL,
                                  &out->list, NULL, &out->all));
}

static bool same_access(const access_list *a, const access_list *b) {
  if (!a->list || !b->list) return a->list == b->list;
  return a->list->AclSize == b->list->AclSize && !memcmp(a->list, b->list, a->list->AclSize);
}

/* As it is, without what the directory would add. */
static int write_access(HANDLE file, const access_list *from) {
  HANDLE opened = ReOpenFile(file, WRITE_DAC, SHARE_ALL, 0);
  if (opened == INVALID_HANDLE_VALUE) return last_error();
  DWORD what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
  int rc = error_of(SetSecurityInfo(opened, SE_FILE_OBJECT, what, NULL, NULL, from->list, NULL));
  (void)CloseHandle(opened);
  return rc;
}

static int copy_access(HANDLE from, HANDLE to) {
  access_list theirs, own = {.all = NULL};
  int rc = read_access(from, &theirs);
  if (rc == 0) rc = read_access(to, &own);
  if (rc == 0 && !same_access(&theirs, &own)) rc = write_access(to, &theirs);
  (void)LocalFree(theirs.all);
  (void)LocalFree(own.all);
  return rc;
}

/* A file system without such lists has nothing to take. And a list that is to let others only read
** would have to be taken apart: there it stays with the directory's. */
int windows_take_access(int fd, int file, bool read_only) {
  DWORD flags = 0;
  handle *to = handle_of(fd), *from = handle_of(file);
  if (!to || !from) return -EBADF;
  if (read_only) return 0;
  (void)GetVolumeInformationByHandleW(from->file, NULL, 0, NULL, NULL, &flags, NULL, 0);
  return flags & FILE_PERSISTENT_ACLS ? copy_access(from->file, to->file) : 0;
}
