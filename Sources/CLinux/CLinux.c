// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

#define _GNU_SOURCE
#include "CLinux.h"

#include <sched.h>
#include <sys/stat.h>

const int clinux_network_namespace = CLONE_NEWNET;

int clinux_setns(int descriptor, int kind) { return setns(descriptor, kind); }

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
