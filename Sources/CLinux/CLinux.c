// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const int clinux_network_namespace = CLONE_NEWNET;

int clinux_setns(int descriptor, int kind) { return setns(descriptor, kind); }

static int open_tun(int socket) {
  // The driver takes the namespace of the thread that opens it. Most often that is the socket's own, and then
  // no privilege is needed to enter it.
  int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  int wanted = ioctl(socket, SIOCGSKNS);
  struct stat here, there;
  int tun = -1;
  if (own >= 0 && wanted >= 0 && fstat(own, &here) == 0 && fstat(wanted, &there) == 0) {
    int differs = here.st_ino != there.st_ino || here.st_dev != there.st_dev;
    if (!differs || setns(wanted, CLONE_NEWNET) == 0) {
      tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
      int code = errno;
      if (differs && setns(own, CLONE_NEWNET) != 0)
        abort(); // this thread would go on in a foreign namespace
      errno = code;
    }
  }
  int code = errno;
  close(own);
  close(wanted);
  errno = code;
  return tun;
}

int clinux_create_tun(const char *name, uint32_t owner, int socket) {
  int tun = open_tun(socket);
  if (tun < 0)
    return -1;
  // IFF_TUN_EXCL: never take a device over that is there already.
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int result = ioctl(tun, TUNSETIFF, &request) == 0 && ioctl(tun, TUNSETOWNER, owner) == 0 &&
                       ioctl(tun, TUNSETPERSIST, 1) == 0
                   ? 0
                   : -1;
  int code = errno;
  close(tun);
  errno = code;
  return result;
}

int clinux_open_tap(const char *name) {
  int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tap < 0)
    return -1;
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(tap, TUNSETIFF, &request) == 0)
    return tap;
  int code = errno;
  close(tap);
  errno = code;
  return -1;
}

int clinux_exchange(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

int clinux_memory_file(const char *bytes, size_t count) {
  int file = memfd_create("input", MFD_CLOEXEC);
  if (file < 0)
    return -1;
  for (size_t written = 0; written < count;) {
    ssize_t more = pwrite(file, bytes + written, count - written, (off_t)written);
    if (more < 0 && errno == EINTR)
      continue;
    if (more < 0) {
      int code = errno;
      close(file);
      errno = code;
      return -1;
    }
    written += (size_t)more;
  }
  return file;
}

static int copy(int result, const struct stat *from, struct clinux_status *to) {
  if (result == 0)
    *to = (struct clinux_status){from->st_mode, from->st_uid, from->st_gid, from->st_size};
  return result;
}

int clinux_fstat(int descriptor, struct clinux_status *status) {
  struct stat found;
  return copy(fstat(descriptor, &found), &found, status);
}

int clinux_stat(const char *path, struct clinux_status *status) {
  struct stat found;
  return copy(stat(path, &found), &found, status);
}

// All threads use one heap (mallopt(3)), and large blocks go back to the system at once: glibc keeps what is free, in up to
// eight heaps a processor, each as large as the most that a thread has ever needed at once, ten times what an agent uses.
// Before main: a thread that has a heap of its own keeps it, and Swift runs main itself on one that it has made.
__attribute__((constructor)) static void share_heap(void) {
  mallopt(M_ARENA_MAX, 1);
  // Without this the threshold grows with each large block that was freed.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

void clinux_trim_heap(void) { malloc_trim(0); }

static int release_segments(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < info->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[index];
    // What was ever writable holds relocated addresses and variables, which the file does not.
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
      continue;
    uintptr_t start = info->dlpi_addr + segment->p_vaddr, end = start + segment->p_memsz;
    start = (start + page - 1) / page * page, end = end / page * page;
    if (start < end)
      madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void clinux_release_program_pages(void) { dl_iterate_phdr(release_segments, NULL); }
