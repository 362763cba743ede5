/*
** node.c: `node ID ADDRESS DIRECTORY LIBRARY`: a node of dqlite whose connections have the library, for reading only, until
** its input ends. The first node has the ID 1. docs/distributed.md shows this.
*/
#include <dlfcn.h>
#include <dqlite.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Every connection that this process opens from here on has it. */
static int load_everywhere(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  void *entry = library ? dlsym(library, "sqlite3_mmap_readonly_init") : NULL;
  if (!entry) return SQLITE_CANTOPEN;
  return sqlite3_auto_extension((void (*)(void))entry);
}

int main(int argc, char **argv) {
  dqlite_node *node = NULL;
  char input;
  signal(SIGPIPE, SIG_IGN); /* or a node would end with the one that it speaks to */
  if (argc != 5 || load_everywhere(argv[4])) return 2;
  int rc = dqlite_node_create(strtoull(argv[1], NULL, 10), argv[2], argv[3], &node);
  if (rc == 0) rc = dqlite_node_set_bind_address(node, argv[2]);
  if (rc == 0) rc = dqlite_node_set_network_latency_ms(node, 20);
  if (rc == 0) rc = dqlite_node_start(node);
  if (rc) {
    fprintf(stderr, "node %s: %s\n", argv[1], dqlite_node_errmsg(node));
    return 1;
  }
  puts("started");
  fflush(stdout);
  while (read(STDIN_FILENO, &input, 1) > 0) continue;
  dqlite_node_stop(node);
  dqlite_node_destroy(node);
  return 0;
}
