/*
 * A disk that fails, for one process: loaded before the C library (LD_PRELOAD), it counts the calls that change files under one
 * folder, and at a chosen one does what a power cut, a full disk or a broken one would do. Other files are left alone.
 *
 *   NEARCLOUD_FAULT_FOLDER  the folder, absolute
 *   NEARCLOUD_FAULT_ASIDE   a folder beside it, on the same disk, for what was unlinked and may come back
 *   NEARCLOUD_FAULT_REPORT  a file for one line: which call was hit, or how many there were
 *   NEARCLOUD_FAULT_MODE    count, kill, torn, powerloss, lostfsync, eio, enospc, erofs
 *   NEARCLOUD_FAULT_AT      which call, from 1
 *   NEARCLOUD_FAULT_ONLY    "sync": only syncs of files are counted; "others": only what is not of a write-ahead log
 *   NEARCLOUD_FAULT_SEED    the dice of a power cut, and how full a full disk is
 *   NEARCLOUD_FAULT_ROOM    a file: when it exists, a full disk has room again
 *
 * kill: the process dies before the call. torn: half of a write is done first. powerloss: what was not synced is gone, all of
 * it, or all but some of it, and the process dies. lostfsync: as powerloss, by a disk that only says it syncs. eio: the call
 * fails, once; what a failed sync should have written is gone at the end of the process, whatever is synced later. enospc:
 * from this call on nothing grows (by even seeds; by odd ones nothing is written) until there is room. erofs: from this call on
 * nothing is changed, as on a file system that has turned read-only, until there is room.
 *
 * A name (made, renamed, removed) is synced with its folder, bytes with their file. Names are lost from the latest back;
 * bytes in any order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { OFF, COUNT, KILL, TORN, POWERLOSS, LOSTFSYNC, EIO_ONCE, ENOSPC_FROM, READONLY_FROM };
enum fate { GO_ON, FAIL, TEAR };
enum kind { BYTES, SIZE, MADE, LINKED, UNLINKED, RENAMED };

/* What can still be lost. */
struct change {
  enum kind kind;
  dev_t device;
  ino_t inode;
  int fd; /* of the file, to read and write; ours, and never closed: closing would drop the process's locks */
  off_t at, size_before;
  size_t length, length_before;
  char *before, *after;
  char path[1024], to[1024], aside[1024];
  int is_poisoned; /* its sync failed: no later one brings it back */
};

#define MOST_FILES 65536
static struct open_file {
  char is_ours, is_folder;
  dev_t device;
  ino_t inode;
  char path[1024];
} *files[MOST_FILES];

static enum mode mode;
static const char *folder, *aside, *report, *room;
static size_t folder_length;
static int only_syncs, only_others, is_full, had_room;
static uint64_t dice;
static long calls, target;
static long asides;
static struct change **changes;
static size_t count, capacity;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_link)(const char *, const char *);
static int (*real_mkdir)(const char *, mode_t);

static void begin(void) {
  if (real_write) return;
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_link = dlsym(RTLD_NEXT, "link");
  real_mkdir = dlsym(RTLD_NEXT, "mkdir");
  real_write = dlsym(RTLD_NEXT, "write");
  const char *names[] = {"", "count", "kill", "torn", "powerloss", "lostfsync", "eio", "enospc", "erofs"};
  const char *asked = getenv("NEARCLOUD_FAULT_MODE"), *text;
  folder = getenv("NEARCLOUD_FAULT_FOLDER");
  aside = getenv("NEARCLOUD_FAULT_ASIDE");
  report = getenv("NEARCLOUD_FAULT_REPORT");
  room = getenv("NEARCLOUD_FAULT_ROOM");
  if (!asked || !folder || !aside || !report) return;
  folder_length = strlen(folder);
  text = getenv("NEARCLOUD_FAULT_ONLY");
  only_syncs = text && strcmp(text, "sync") == 0;
  only_others = text && strcmp(text, "others") == 0;
  target = (text = getenv("NEARCLOUD_FAULT_AT")) ? atol(text) : 0;
  dice = (text = getenv("NEARCLOUD_FAULT_SEED")) ? strtoull(text, NULL, 10) : 1;
  for (int i = COUNT; i <= READONLY_FROM; i++)
    if (strcmp(asked, names[i]) == 0) mode = i;
}

__attribute__((constructor)) static void on_load(void) { begin(); }

static uint64_t roll(void) {
  dice += 0x9e3779b97f4a7c15u;
  uint64_t mixed = dice;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

/* ---- what may be lost ---- */

static int is_inside(const char *path) {
  return mode && path && strncmp(path, folder, folder_length) == 0 &&
         (path[folder_length] == '/' || path[folder_length] == 0);
}

static int ends_with(const char *path, const char *end) {
  size_t length = strlen(path), tail = strlen(end);
  return length >= tail && strcmp(path + length - tail, end) == 0;
}

/* Shared memory is made anew by whoever opens the database next. */
static int is_kept_track_of(const char *path) {
  return !ends_with(path, "-shm");
}

static int loses(void) { return mode == POWERLOSS || mode == LOSTFSYNC || mode == EIO_ONCE; }

static struct change *remember(enum kind kind, const char *path) {
  if (count == capacity) {
    capacity = capacity ? capacity * 2 : 256;
    changes = realloc(changes, capacity * sizeof *changes);
  }
  struct change *change = calloc(1, sizeof *change);
  change->kind = kind;
  snprintf(change->path, sizeof change->path, "%s", path);
  return changes[count++] = change;
}

static void forget(struct change *change) {
  if (change->aside[0]) real_unlink(change->aside);
  free(change->before);
  free(change->after);
  free(change);
}

/* One handle of ours for each file. */
static int handle_of(int fd, struct stat *facts) {
  static struct { dev_t device; ino_t inode; int fd; } known[4096];
  static int handles;
  if (fstat(fd, facts) != 0) return -1;
  for (int i = handles - 1; i >= 0; i--)
    if (known[i].inode == facts->st_ino && known[i].device == facts->st_dev) return known[i].fd;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = real_open(path, O_RDWR | O_CLOEXEC);
  if (own >= 0 && handles < 4096) {
    known[handles].device = facts->st_dev;
    known[handles].inode = facts->st_ino;
    known[handles++].fd = own;
  }
  return own;
}

static void remember_bytes(int fd, const char *path, const void *bytes, size_t length, off_t at) {
  struct stat facts;
  int own = handle_of(fd, &facts);
  if (own < 0) return;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    struct change *earlier = changes[i];
    int is_over = earlier->is_poisoned && earlier->kind == BYTES && earlier->inode == facts.st_ino &&
                  earlier->at < at + (off_t)length && at < earlier->at + (off_t)earlier->length;
    if (is_over) forget(earlier);
    else changes[kept++] = earlier;
  }
  count = kept;
  struct change *change = remember(BYTES, path);
  change->device = facts.st_dev;
  change->inode = facts.st_ino;
  change->fd = own;
  change->at = at;
  change->size_before = facts.st_size;
  change->length = length;
  change->before = malloc(length ? length : 1);
  change->after = malloc(length ? length : 1);
  memcpy(change->after, bytes, length);
  ssize_t got = pread(own, change->before, length, at);
  change->length_before = got > 0 ? got : 0;
}

static void remember_size(int fd, const char *path, off_t size) {
  struct stat facts;
  int own = handle_of(fd, &facts);
  if (own < 0) return;
  struct change *change = remember(SIZE, path);
  change->device = facts.st_dev;
  change->inode = facts.st_ino;
  change->fd = own;
  change->at = size;
  change->size_before = facts.st_size;
  if (facts.st_size > size) {
    change->length_before = facts.st_size - size;
    change->before = malloc(change->length_before);
    pread(own, change->before, change->length_before, size);
  }
}

static void put_aside(struct change *change, const char *path) {
  snprintf(change->aside, sizeof change->aside, "%s/%d-%ld", aside, (int)getpid(), ++asides);
  if (real_link(path, change->aside) != 0) change->aside[0] = 0;
}

static int is_parent(const char *parent, const char *path) {
  size_t length = strlen(parent);
  return strncmp(parent, path, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
}

/* Nothing of this file, or of the names in this folder, can be lost any more. */
static void synced(int fd) {
  struct stat facts;
  if (mode == LOSTFSYNC || fstat(fd, &facts) != 0) return;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    struct change *change = changes[i];
    int is_name = change->kind >= MADE;
    const char *path = change->kind == RENAMED ? change->to : change->path;
    int is_safe = is_name ? files[fd]->is_folder && is_parent(files[fd]->path, path)
                          : change->inode == facts.st_ino && change->device == facts.st_dev;
    if (is_safe && !change->is_poisoned) forget(change);
    else changes[kept++] = change;
  }
  count = kept;
}

static void undo(struct change *change) {
  switch (change->kind) {
  case BYTES:
    real_pwrite(change->fd, change->before, change->length_before, change->at);
    real_ftruncate(change->fd, change->size_before);
    break;
  case SIZE:
    real_ftruncate(change->fd, change->size_before);
    if (change->before) real_pwrite(change->fd, change->before, change->length_before, change->at);
    break;
  case MADE: { /* a folder goes with all that is in it */
    char gone[1024];
    snprintf(gone, sizeof gone, "%s/gone-%d-%ld", aside, (int)getpid(), ++asides);
    real_rename(change->path, gone);
    break;
  }
  case LINKED:
    real_unlink(change->path);
    break;
  case UNLINKED:
    if (change->aside[0]) real_rename(change->aside, change->path);
    break;
  case RENAMED:
    real_rename(change->to, change->path);
    if (change->aside[0]) real_rename(change->aside, change->to);
    break;
  }
}

static void redo(struct change *change, int is_torn) {
  if (change->kind == BYTES)
    real_pwrite(change->fd, change->after, is_torn ? change->length / 2 : change->length, change->at);
  else if (change->kind == SIZE) real_ftruncate(change->fd, change->at);
}

/*
 * By the dice: nothing that was not synced is left; some bytes here and there are; all up to some moment is, and half of
 * what was being written then.
 */
static void lose_power(void) {
  uint64_t way = mode == POWERLOSS ? roll() % 4 : 0;
  size_t until = way < 2 || count == 0 ? 0 : roll() % (count + 1);
  for (size_t i = count; i > 0; i--)
    if (changes[i - 1]->kind < MADE || i > until) undo(changes[i - 1]);
  for (size_t i = 0; way >= 2 && i < count; i++) {
    int is_kept = way == 2 ? roll() % 2 : i < until;
    if (is_kept || (way == 3 && i == until)) redo(changes[i], !is_kept);
  }
}

/* ---- the call it happens at ---- */

static void tell(const char *what, const char *path, size_t length) {
  char line[1400];
  int size = snprintf(line, sizeof line, "%ld %s %s %zu\n", calls, what, path, length);
  int fd = real_open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  real_write(fd, line, size);
  real_close(fd);
}

static void die(void) {
  if (mode == POWERLOSS || mode == LOSTFSYNC) lose_power();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* `grows`: the call needs room on the disk. */
static enum fate count_call(const char *what, const char *path, size_t length, int grows) {
  int is_sync = strcmp(what, "sync") == 0;
  if (is_full && !had_room && room && access(room, F_OK) == 0) had_room = 1;
  int is_refused = !is_sync && (mode == READONLY_FROM || grows || (dice % 2 && length > 0));
  if (is_full && !had_room && is_refused) return FAIL;
  if ((only_syncs && !is_sync) || (only_others && ends_with(path, "-wal"))) return GO_ON;
  if (++calls != target || mode == COUNT) return GO_ON;
  if (mode == EIO_ONCE && !is_sync && length == 0 && strcmp(what, "truncate") != 0) {
    target++; /* names do not fail: the next call does */
    return GO_ON;
  }
  if (mode == ENOSPC_FROM || mode == READONLY_FROM) {
    tell(what, path, length);
    is_full = 1;
    return is_refused ? FAIL : GO_ON;
  }
  tell(what, path, length);
  if (mode == EIO_ONCE) return FAIL;
  if (mode == TORN && length > 1) return TEAR;
  die();
  return GO_ON;
}

static int failed(void) {
  errno = mode == ENOSPC_FROM ? ENOSPC : mode == READONLY_FROM ? EROFS : EIO;
  return -1;
}

__attribute__((destructor)) static void on_exit_of_process(void) {
  if (!mode) return;
  pthread_mutex_lock(&turn);
  tell("end", folder, 0);
  if (mode == EIO_ONCE) lose_power();
  pthread_mutex_unlock(&turn);
}

/* ---- the calls ---- */

static struct open_file *ours(int fd) {
  begin();
  if (!mode || fd < 0 || fd >= MOST_FILES) return NULL;
  struct open_file *file = files[fd];
  if (!file || !file->is_ours) return NULL;
  struct stat facts; /* not every close goes by us: the number may be another file's, or a socket's */
  file->is_ours = fstat(fd, &facts) == 0 && facts.st_ino == file->inode && facts.st_dev == file->device;
  return file->is_ours ? file : NULL;
}

static off_t size_of(int fd) {
  struct stat facts;
  return fstat(fd, &facts) == 0 ? facts.st_size : 0;
}

static ssize_t write_ours(int fd, struct open_file *file, const void *bytes, size_t length, off_t at) {
  enum fate fate = count_call("write", file->path, length, at + (off_t)length > size_of(fd));
  if (fate == FAIL) return failed();
  if (fate == TEAR) {
    real_pwrite(fd, bytes, length / 2, at);
    die();
  }
  if (loses()) remember_bytes(fd, file->path, bytes, length, at);
  return real_pwrite(fd, bytes, length, at);
}

/* The place it would write at by itself. */
static ssize_t write_next(int fd, struct open_file *file, const void *bytes, size_t length) {
  int appends = fcntl(fd, F_GETFL) & O_APPEND;
  off_t at = appends ? size_of(fd) : lseek(fd, 0, SEEK_CUR);
  ssize_t done = write_ours(fd, file, bytes, length, at);
  if (done > 0) lseek(fd, at + done, SEEK_SET);
  return done;
}

static char *joined(const struct iovec *parts, int number, size_t *length) {
  *length = 0;
  for (int i = 0; i < number; i++) *length += parts[i].iov_len;
  char *bytes = malloc(*length ? *length : 1), *end = bytes;
  for (int i = 0; i < number; end += parts[i++].iov_len) memcpy(end, parts[i].iov_base, parts[i].iov_len);
  return bytes;
}

#define LOCKED(type, act)            \
  do {                               \
    pthread_mutex_lock(&turn);       \
    type result = act;               \
    int error = errno;               \
    pthread_mutex_unlock(&turn);     \
    errno = error;                   \
    return result;                   \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t length) {
  struct open_file *file = ours(fd);
  if (!file || !is_kept_track_of(file->path)) return real_write(fd, bytes, length);
  LOCKED(ssize_t, write_next(fd, file, bytes, length));
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  struct open_file *file = ours(fd);
  if (!file || !is_kept_track_of(file->path)) return real_pwrite(fd, bytes, length, at);
  LOCKED(ssize_t, write_ours(fd, file, bytes, length, at));
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int number) {
  struct open_file *file = ours(fd);
  if (!file) return real_writev(fd, parts, number);
  size_t length;
  char *bytes = joined(parts, number, &length);
  ssize_t done = write(fd, bytes, length);
  free(bytes);
  return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int number, off_t at) {
  struct open_file *file = ours(fd);
  if (!file) return real_pwritev(fd, parts, number, at);
  size_t length;
  char *bytes = joined(parts, number, &length);
  ssize_t done = pwrite64(fd, bytes, length, at);
  free(bytes);
  return done;
}

static int sync_ours(int fd, struct open_file *file, int (*real)(int)) {
  if (count_call(file->is_folder ? "folder-sync" : "sync", file->path, 0, 0) == FAIL) {
    for (size_t i = 0; i < count; i++)
      if (strcmp(changes[i]->path, file->path) == 0) changes[i]->is_poisoned = 1;
    return failed();
  }
  synced(fd);
  /* the data never leaves this machine's memory: what counts is what would be lost without the call */
  (void)real;
  return 0;
}

int fsync(int fd) {
  struct open_file *file = ours(fd);
  if (!file) return real_fsync(fd);
  LOCKED(int, sync_ours(fd, file, real_fsync));
}

int fdatasync(int fd) {
  struct open_file *file = ours(fd);
  if (!file) return real_fdatasync(fd);
  LOCKED(int, sync_ours(fd, file, real_fdatasync));
}

static int truncate_ours(int fd, struct open_file *file, off_t size) {
  if (count_call("truncate", file->path, 0, size > size_of(fd)) == FAIL) return failed();
  if (loses()) remember_size(fd, file->path, size);
  return real_ftruncate(fd, size);
}

int ftruncate64(int fd, off_t size) {
  struct open_file *file = ours(fd);
  if (!file || !is_kept_track_of(file->path)) return real_ftruncate(fd, size);
  LOCKED(int, truncate_ours(fd, file, size));
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int open_inside(const char *path, int flags, mode_t rights) {
  int existed = access(path, F_OK) == 0, tracked = is_kept_track_of(path);
  int makes = (flags & O_CREAT) && !existed && tracked;
  if (makes && count_call("make", path, 0, 1) == FAIL) return failed();
  if ((flags & O_TRUNC) && existed && tracked && !(flags & O_EXCL)) {
    int fd = real_open(path, (flags & ~(O_TRUNC | O_CREAT)), rights);
    if (fd < 0) return fd;
    if (size_of(fd) > 0) {
      count_call("truncate", path, 0, 0);
      if (loses()) remember_size(fd, path, 0);
      real_ftruncate(fd, 0);
    }
    return fd;
  }
  int fd = real_open(path, flags, rights);
  if (fd >= 0 && makes && loses()) remember(MADE, path);
  return fd;
}

static int open_any(const char *path, int flags, mode_t rights) {
  begin();
  if (!is_inside(path)) return real_open(path, flags, rights);
  pthread_mutex_lock(&turn);
  int fd = open_inside(path, flags, rights), error = errno;
  if (fd >= 0 && fd < MOST_FILES) {
    struct stat facts;
    if (!files[fd]) files[fd] = calloc(1, sizeof **files);
    files[fd]->is_ours = fstat(fd, &facts) == 0;
    files[fd]->is_folder = S_ISDIR(facts.st_mode);
    files[fd]->device = facts.st_dev;
    files[fd]->inode = facts.st_ino;
    snprintf(files[fd]->path, sizeof files[fd]->path, "%s", path);
  }
  pthread_mutex_unlock(&turn);
  errno = error;
  return fd;
}

#define RIGHTS(flags)                 \
  mode_t rights = 0;                  \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list more;                     \
    va_start(more, flags);            \
    rights = va_arg(more, mode_t);    \
    va_end(more);                     \
  }

int open(const char *path, int flags, ...) {
  RIGHTS(flags)
  return open_any(path, flags, rights);
}

int open64(const char *path, int flags, ...) {
  RIGHTS(flags)
  return open_any(path, flags, rights);
}

int close(int fd) {
  begin();
  if (mode && fd >= 0 && fd < MOST_FILES && files[fd]) files[fd]->is_ours = 0;
  return real_close(fd);
}

static int rename_inside(const char *from, const char *to) {
  if (count_call("rename", to, 0, 0) == FAIL) return failed();
  struct change *change = NULL;
  if (loses()) {
    change = remember(RENAMED, from);
    snprintf(change->to, sizeof change->to, "%s", to);
    if (access(to, F_OK) == 0) put_aside(change, to);
  }
  int result = real_rename(from, to);
  if (result != 0 && change) {
    int error = errno;
    forget(changes[--count]);
    errno = error;
  }
  return result;
}

int rename(const char *from, const char *to) {
  begin();
  if (!is_inside(to)) return real_rename(from, to);
  LOCKED(int, rename_inside(from, to));
}

static int unlink_inside(const char *path) {
  if (access(path, F_OK) != 0) return real_unlink(path);
  if (count_call("unlink", path, 0, 0) == FAIL) return failed();
  if (loses()) put_aside(remember(UNLINKED, path), path);
  return real_unlink(path);
}

int unlink(const char *path) {
  begin();
  if (!is_inside(path) || !is_kept_track_of(path)) return real_unlink(path);
  LOCKED(int, unlink_inside(path));
}

static int link_inside(const char *from, const char *to) {
  if (count_call("link", to, 0, 1) == FAIL) return failed();
  int result = real_link(from, to);
  if (result == 0 && loses()) remember(LINKED, to);
  return result;
}

int link(const char *from, const char *to) {
  begin();
  if (!is_inside(to)) return real_link(from, to);
  LOCKED(int, link_inside(from, to));
}

static int mkdir_inside(const char *path, mode_t rights) {
  if (access(path, F_OK) == 0) return real_mkdir(path, rights);
  if (count_call("make", path, 0, 1) == FAIL) return failed();
  int result = real_mkdir(path, rights);
  if (result == 0 && loses()) remember(MADE, path);
  return result;
}

int mkdir(const char *path, mode_t rights) {
  begin();
  if (!is_inside(path)) return real_mkdir(path, rights);
  LOCKED(int, mkdir_inside(path, rights));
}
