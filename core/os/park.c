#include "core/os/park.h"

#include <stddef.h>

#include "core/common/mem.h"
#include "core/os/mutex.h"
#include "core/os/once.h"
#include "core/os/own.h"

struct mm_parked {
  mm_path path;        /* with the descriptor to read by; -1: there is none */
  int writer;          /* the one to write by, likewise */
  unsigned generation; /* mm_sys_generation() before they were opened */
  mm_parked *next;
};

static mm_parked *parked_list;
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

mm_parked *mm_parked_new(void) {
  mm_parked *place = mm_alloc_zeroed(sizeof *place);
  if (!place) return NULL;
  place->path.fd = place->writer = -1;
  place->generation = mm_sys_generation();
  return place;
}

void mm_parked_put(mm_parked *place, int fd, bool writes) {
  *(writes ? &place->writer : &place->path.fd) = fd;
}

static void parked_free(mm_parked *place) {
  mm_free(place->path.real);
  mm_free(place);
}

static void parked_add(mm_parked *place) {
  mm_once(&parked_once, parked_watch_forks);
  parked_lock();
  place->next = parked_list;
  parked_list = place;
  parked_unlock();
}

static bool parked_holds(const mm_parked *place) {
  return place->path.fd >= 0 || place->writer >= 0;
}

void mm_park(mm_parked *place, char **real, const mm_stat *stat) {
  if (!place) return;
  if (!parked_holds(place)) {
    parked_free(place);
    return;
  }
  place->path.real = *real;
  place->path.stat = *stat;
  *real = NULL;
  parked_add(place);
}

/* Has it one to read that file by? A lock by one from before a fork would be the parent's, too. */
static bool parked_serves(const mm_parked *place, const mm_stat *stat) {
  return place->path.fd >= 0 && place->generation == mm_sys_generation() &&
         mm_stat_same_file(&place->path.stat, stat);
}

/* The first place that serves; `stat` NULL: any. */
static mm_parked *parked_remove(const mm_stat *stat) {
  mm_once(&parked_once, parked_watch_forks);
  parked_lock();
  mm_parked **at = &parked_list;
  while (*at && stat && !parked_serves(*at, stat)) at = &(*at)->next;
  mm_parked *place = *at;
  if (place) *at = place->next;
  parked_unlock();
  return place;
}

/* Nothing is freed under the lock: the allocator may be a host's. */
int mm_park_take(const mm_stat *stat) {
  mm_parked *place = parked_remove(stat);
  if (!place) return -1;
  int fd = place->path.fd;
  place->path.fd = -1;
  if (parked_holds(place)) {
    parked_add(place);
  } else {
    parked_free(place);
  }
  return fd;
}

static void parked_close(int fd) {
  if (fd < 0) return;
  mm_own_remove(fd);
  (void)mm_os.close(fd);
}

/* All are taken out, and those put back that are to stay: meanwhile nobody waits for what is asked of
** the system. */
void mm_park_sweep(void) {
  mm_parked *stay = NULL, *place;
  while ((place = parked_remove(NULL)) != NULL) {
    if (mm_path_is_host_database(&place->path) == 0) {
      parked_close(place->path.fd);
      parked_close(place->writer);
      parked_free(place);
    } else {
      place->next = stay;
      stay = place;
    }
  }
  while ((place = stay) != NULL) {
    stay = place->next;
    parked_add(place);
  }
}
