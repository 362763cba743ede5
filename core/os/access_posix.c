/*
** access_posix.c: who may do what with a file, where a list says more than its mode (POSIX.1e, as Linux has
** it in an extended attribute).
**
** Of a file with a list the mode's bits of the group are no group's: they are the most that anybody on the
** list may do but the owner. A file that is made in a directory with a default list gets that list, cut to
** those bits; and whoever widens the mode then, widens the list.
*/
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/xattr.h>

#include "core/os/access_posix.h"
#include "core/os/sys.h"

#define ACCESS_NAME "system.posix_acl_access"
#define ACCESS_VERSION 2
#define ACCESS_MOST 256 /* entries: a longer list is not copied */

enum { IS_OWNER = 0x01, IS_USER = 0x02, IS_OWN_GROUP = 0x04, IS_GROUP = 0x08, IS_MASK = 0x10 };
enum { IS_OTHER = 0x20, MAY_READ = 04, MAY_WRITE = 02 };

/* As the attribute has it, little-endian. */
typedef struct access_entry {
  uint16_t tag, may;
  uint32_t id;
} access_entry;

typedef struct access_rows {
  uint32_t version;
  access_entry entries[ACCESS_MOST + 2];
} access_rows;

/* *count 0: there is none, and the mode says all. A negated errno. */
static int read_access(int fd, access_rows *list, size_t *count) {
  size_t most = offsetof(access_rows, entries) + ACCESS_MOST * sizeof(access_entry);
  ssize_t size = fgetxattr(fd, ACCESS_NAME, list, most);
  *count = 0;
  if (size < 0) return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
  if ((size_t)size < offsetof(access_rows, entries)) return -EINVAL;
  if (le32toh(list->version) != ACCESS_VERSION) return -EINVAL;
  *count = ((size_t)size - offsetof(access_rows, entries)) / sizeof(access_entry);
  return 0;
}

static void add_access(access_rows *list, size_t *count, int tag, unsigned may, uint32_t id) {
  list->entries[(*count)++] =
      (access_entry){htole16((uint16_t)tag), htole16((uint16_t)may), htole32(id)};
}

/* What an entry grants, in so far as the list's mask lets it. */
static unsigned granted(const access_entry *entry, unsigned mask) {
  int tag = le16toh(entry->tag);
  unsigned may = le16toh(entry->may);
  return tag == IS_OWNER || tag == IS_OTHER ? may : may & mask;
}

/* For whom a list is to be made: what the file has, and the one that gets it. */
typedef struct access_copy {
  const access_rows *from;
  size_t count;
  mm_stat file, own;
  unsigned mask;
} access_copy;

/* With the file's owner and group: all of it, without the right to execute. */
static void copy_exactly(const access_copy *copy, access_rows *to, size_t *count) {
  for (size_t i = 0; i < copy->count; i++) {
    const access_entry *e = &copy->from->entries[i];
    add_access(to, count, le16toh(e->tag), le16toh(e->may) & (MAY_READ | MAY_WRITE),
               le32toh(e->id));
  }
}

/* The members of a group that is not the file's may do what all but the owner may. */
static unsigned least_granted(const access_copy *copy) {
  unsigned least = MAY_READ;
  for (size_t i = 0; i < copy->count; i++) {
    const access_entry *e = &copy->from->entries[i];
    int tag = le16toh(e->tag);
    if (tag & (IS_OWN_GROUP | IS_GROUP | IS_OTHER)) least &= granted(e, copy->mask);
  }
  return least;
}

/* Its owner reads and writes; whoever may read the file reads it, the file's owner and group by their names
** where it has others; nobody else writes it. */
static void copy_for_readers(const access_copy *copy, access_rows *to, size_t *count) {
  bool same_user = copy->own.user == copy->file.user;
  bool same_group = copy->own.group == copy->file.group;
  for (size_t i = 0; i < copy->count; i++) {
    const access_entry *e = &copy->from->entries[i];
    unsigned reads = granted(e, copy->mask) & MAY_READ;
    uint32_t id = le32toh(e->id), nobody = UINT32_MAX;
    switch (le16toh(e->tag)) {
      case IS_OWNER:
        add_access(to, count, IS_OWNER, MAY_READ | MAY_WRITE, nobody);
        if (!same_user) add_access(to, count, IS_USER, reads, copy->file.user);
        break;
      case IS_USER:
        if (id != copy->file.user) add_access(to, count, IS_USER, reads, id);
        break;
      case IS_OWN_GROUP:
        add_access(to, count, IS_OWN_GROUP, same_group ? reads : least_granted(copy), nobody);
        if (!same_group) add_access(to, count, IS_GROUP, reads, copy->file.group);
        break;
      case IS_GROUP:
        add_access(to, count, IS_GROUP, reads, id);
        break;
      case IS_OTHER:
        add_access(to, count, IS_MASK, MAY_READ, nobody);
        add_access(to, count, IS_OTHER, reads, nobody);
    }
  }
}

static unsigned mask_of(const access_rows *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (le16toh(list->entries[i].tag) == IS_MASK) return le16toh(list->entries[i].may);
  }
  return 07;
}

/* The list that `fd` is to have as the file has one; *count 0: it is to have none. */
static int wanted_access(int fd, int file, bool read_only, access_rows *to, size_t *count) {
  access_rows from;
  access_copy copy = {.from = &from};
  int rc = read_access(file, &from, &copy.count);
  *count = 0;
  if (rc || copy.count == 0) return rc;
  rc = mm_os.status(fd, &copy.own);
  if (rc == 0) rc = mm_os.status(file, &copy.file);
  if (rc) return rc;
  copy.mask = mask_of(&from, copy.count);
  *to = (access_rows){.version = htole32(ACCESS_VERSION)};
  bool alike = copy.own.user == copy.file.user && copy.own.group == copy.file.group;
  (alike && !read_only ? copy_exactly : copy_for_readers)(&copy, to, count);
  return 0;
}

static size_t access_size(size_t count) {
  return offsetof(access_rows, entries) + count * sizeof(access_entry);
}

int posix_has_access(int file) {
  access_rows list;
  size_t count;
  int rc = read_access(file, &list, &count);
  return rc == -ERANGE ? 1 : rc ? rc : count > 0;
}

/* What cannot be given stays with what it was made with, for its owner alone. */
int posix_take_access(int fd, int file, bool read_only) {
  access_rows list;
  size_t count;
  int rc = wanted_access(fd, file, read_only, &list, &count);
  if (rc == 0 && count) (void)fsetxattr(fd, ACCESS_NAME, &list, access_size(count), 0);
  return 0;
}

int posix_same_access(int fd, int file) {
  access_rows own, wanted;
  size_t count, n;
  int rc = read_access(fd, &own, &count);
  if (rc == 0) rc = wanted_access(fd, file, false, &wanted, &n);
  if (rc) return rc;
  return count == n && (n == 0 || memcmp(&own, &wanted, access_size(n)) == 0);
}

int posix_drop_access(int fd) {
  if (fremovexattr(fd, ACCESS_NAME) == 0 || errno == ENODATA || errno == EOPNOTSUPP) return 0;
  return -errno;
}
