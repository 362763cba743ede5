// Sockets that have a path: none can be made.
#ifndef MM_TESTS_WINDOWS_SYS_SOCKET_H
#define MM_TESTS_WINDOWS_SYS_SOCKET_H

enum { AF_UNIX = 1, SOCK_STREAM = 1 };

struct sockaddr {
  unsigned short sa_family;
};

inline int socket(int, int, int) {
  return -1;
}
inline int bind(int, const sockaddr *, unsigned) {
  return -1;
}

#endif
