// See socket.h.
#ifndef MM_TESTS_WINDOWS_SYS_UN_H
#define MM_TESTS_WINDOWS_SYS_UN_H

struct sockaddr_un {
  unsigned short sun_family;
  char sun_path[108];
};

#endif
