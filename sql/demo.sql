SELECT mmap_version();
