#include "core/os/park.h"

#include <stddef.h>

#include "core/common/mem.h"
#include "core/os/mutex.h"
#include "core/os/once.h"
#include "core/os/own.h"

typedef struct parked {
  mm_path path; /* with the descriptor */
  bool writes;
  struct parked *next;
} parked;

static parked *parked_list;
static mm_mutex parked_mutex = MM_MUTEX_INIT;
static mm_once_flag parked_once = MM_ONCE_INIT;

static void parked_lock(void) {
  mm_mutex_lock(&parked_mutex);
}

static void parked_unlock(void) {
  mm_mutex_unlock(&parked_mutex);
}

static void parked_watch_forks(void) {
  mm_at_fork(parked_lock, parked_unlock, parked_unlock);
}

static void put_parked(parked *p) {
  parked_lock();
  p->next = parked_list;
  parked_list = p;
  parked_unlock();
}

void mm_park(int fd, const mm_path *path, bool writes) {
  mm_once(&parked_once, parked_watch_forks);
  parked *p = mm_alloc(sizeof *p);
  char *real = p ? mm_strdup(path->real) : NULL;
  if (!real) {
    mm_free(p);
    return;
  }
  *p = (parked){.path = {.fd = fd, .real = real, .stat = path->stat}, .writes = writes};
  put_parked(p);
}

/* Nothing is freed under the lock: the allocator may be a host's. */
static parked *take_parked(const mm_stat *stat) {
  parked_lock();
  parked **at = &parked_list;
  while (*at && (stat ? (*at)->writes || !mm_stat_same_file(&(*at)->path.stat, stat) : false)) {
    at = &(*at)->next;
  }
  parked *p = *at;
  if (p) *at = p->next;
  parked_unlock();
  return p;
}

static void free_parked(parked *p) {
  mm_free(p->path.real);
  mm_free(p);
}

int mm_park_take(const mm_stat *stat) {
  parked *p = take_parked(stat);
  int fd = p ? p->path.fd : -1;
  if (p) free_parked(p);
  return fd;
}

/* All are taken out, and those put back that are to stay: meanwhile nobody waits for what is asked of
** the system. */
void mm_park_sweep(void) {
  parked *stay = NULL, *p;
  while ((p = take_parked(NULL)) != NULL) {
    if (mm_path_is_host_database(&p->path) == 0) {
      mm_own_remove(p->path.fd);
      (void)mm_os.close(p->path.fd);
      free_parked(p);
    } else {
      p->next = stay;
      stay = p;
    }
  }
  while ((p = stay) != NULL) {
    stay = p->next;
    put_parked(p);
  }
}
