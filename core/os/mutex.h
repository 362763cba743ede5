/*
** mutex.h: a mutex of static storage, and what a fork does to it.
*/
#ifndef MM_MUTEX_H
#define MM_MUTEX_H

#ifdef _WIN32

/* An SRWLOCK: <windows.h> is not for whoever only wants a mutex. */
typedef struct mm_mutex {
  void *lock;
} mm_mutex;
#define MM_MUTEX_INIT                                                                              \
  { 0 }

void mm_mutex_lock(mm_mutex *mutex);
void mm_mutex_unlock(mm_mutex *mutex);

/* There is no fork. */
static inline void mm_at_fork(void (*before)(void), void (*in_parent)(void),
                              void (*in_child)(void)) {
  (void)before, (void)in_parent, (void)in_child;
}

#else

#include <pthread.h>

typedef pthread_mutex_t mm_mutex;
#define MM_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER

static inline void mm_mutex_lock(mm_mutex *mutex) {
  (void)pthread_mutex_lock(mutex);
}

static inline void mm_mutex_unlock(mm_mutex *mutex) {
  (void)pthread_mutex_unlock(mutex);
}

/* Called around each fork from now on. */
static inline void mm_at_fork(void (*before)(void), void (*in_parent)(void),
                              void (*in_child)(void)) {
  (void)pthread_atfork(before, in_parent, in_child);
}

#endif

#endif
