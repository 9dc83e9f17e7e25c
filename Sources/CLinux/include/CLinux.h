// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

#pragma once

#include <stdint.h>
#include <sys/types.h>

// What Swift's Glibc module lacks, because it is declared only under _GNU_SOURCE.

/// setns(2): moves the calling thread into the namespace that `descriptor` names. 0, or -1 with errno.
int clinux_setns(int descriptor, int kind);

/// CLONE_NEWNET of sched.h.
extern const int clinux_network_namespace;

/// Makes a TUN device without packet information that stays when its user closes it, may be used by `owner`, and
/// lies in the network namespace of a socket. 0, or -1 with errno; EBUSY when a device has the name.
int clinux_create_tun(const char *name, uint32_t owner, int socket);

/// Attaches to a TAP device, made before, without packet information and without waiting. The descriptor, or -1 with
/// errno.
int clinux_open_tap(const char *name);

/// renameat2(2) with RENAME_EXCHANGE: two names change places at once. 0, or -1 with errno.
int clinux_exchange(const char *one, const char *other);

/// memfd_create(2): a file in memory with these bytes, to be read from its start, closed by exec(2). -1 with errno.
int clinux_memory_file(const char *bytes, size_t count);

/// struct ucred of unix(7): who is at the other end of a Unix socket.
struct clinux_credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

// And what it has, but in the name of whichever other C module declared it first.

/// Of struct stat: type and permissions, owner, group, size in bytes.
struct clinux_status {
  uint32_t mode, owner, group;
  int64_t size;
};

/// fstat(2). 0, or -1 with errno.
int clinux_fstat(int descriptor, struct clinux_status *status);

/// stat(2). 0, or -1 with errno.
int clinux_stat(const char *path, struct clinux_status *status);

// And what no module declares.

/// malloc_trim(3): gives free pages back to the system.
void clinux_trim_heap(void);

/// madvise(2), MADV_DONTNEED, for all segments of the program and its libraries that were never writable
/// (dl_iterate_phdr(3)): they are read from the page cache again where they are used.
void clinux_release_program_pages(void);
