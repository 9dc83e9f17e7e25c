// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

void clinux_share_heap(void) {
  mallopt(M_ARENA_MAX, 1);
  // Without this the threshold grows with each large block that was freed.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

void clinux_trim_heap(void) { malloc_trim(0); }
