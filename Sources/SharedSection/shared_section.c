#define _GNU_SOURCE
#include "SharedSection.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
// The rings of the largest channel take 16 MiB and three pages. The bytes are not in the library's file.
#define MEMORY_BYTES (17u << 20)
#define FILE_BYTES (PAGE + MEMORY_BYTES)
#define IN_PAGES_OF_ITS_OWN __attribute__((aligned(PAGE)))
_Static_assert(sizeof(struct ipcbench_section) == PAGE, "mapping over the section would take others along");
_Static_assert(MEMORY_BYTES % PAGE == 0, "mapping over the memory would take others along");

#define MAGIC {'i', 'p', 'c', 'b', 'S', 'e', 'c', 't'}
#define VERSION 1
static const char magic[8] = MAGIC;

__attribute__((section(".shared"))) IN_PAGES_OF_ITS_OWN struct ipcbench_section ipcbench_section = {
    .magic = MAGIC, .version = VERSION, .counter = 42, .text = "from the image"};
IN_PAGES_OF_ITS_OWN uint8_t ipcbench_section_memory[MEMORY_BYTES];
const uint64_t ipcbench_section_memory_size = MEMORY_BYTES;

uint64_t ipcbench_own_counter = 7;
uint64_t ipcbench_own_zero;

int32_t ipcbench_section_status = IPCBENCH_SECTION_PRIVATE;
int32_t ipcbench_section_errno;
const char *ipcbench_section_call = "";
char ipcbench_section_path[PATH_MAX];

// Has a shared lock on the file for as long as the library is loaded; the kernel releases it when the process
// ends, however it does. Who gets the exclusive lock is alone.
static int segment = -1;
static pid_t loader;

enum outcome { REFUSED, AGAIN, TAKEN };

static enum outcome refuse(int32_t status) {
  ipcbench_section_status = status;
  return REFUSED;
}

static enum outcome fail(const char *call, int error) {
  ipcbench_section_call = call;
  ipcbench_section_errno = error;
  return refuse(IPCBENCH_SECTION_FAILED);
}

// A lock of the open file description: it can be weakened without a moment in which it is not held, unlike
// that of flock(2), and closing another descriptor of the file does not drop it, unlike that of a process.
static int lock(int fd, short kind) {
  struct flock whole = {.l_type = kind, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &whole);
}

// Whoever unloads last removes the name; a lock on a file that has lost it says nothing.
static int is_still_named(int fd) {
  struct stat ours, named;
  return fstat(fd, &ours) == 0 && lstat(ipcbench_section_path, &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

// The version is what a loader must speak the same of, and no matter to one that overwrites it.
static int is_ours(int fd, uint64_t *version) {
  struct ipcbench_section found;
  if (pread(fd, &found, sizeof found, 0) != (ssize_t)sizeof found) return 0;
  *version = found.version;
  return memcmp(found.magic, magic, sizeof magic) == 0;
}

// The call that failed, with errno; null when none did.
static const char *fill(int fd) {
  if (ftruncate(fd, 0) < 0) return "ftruncate";
  // The section first: whatever has a beginning can be told to be ours.
  errno = ENOSPC;
  if (pwrite(fd, &ipcbench_section, PAGE, 0) != PAGE) return "pwrite";
  // The blocks are reserved: a full file system is an error here and not a SIGBUS later.
  do errno = posix_fallocate(fd, 0, FILE_BYTES);
  while (errno == EINTR);
  if (errno) return "posix_fallocate";
  return lock(fd, F_RDLCK) < 0 ? "fcntl" : NULL;
}

// Alone: the values of the image, whatever an earlier loader that was killed has left.
static enum outcome seed(int fd, const struct stat *info) {
  uint64_t version;
  if (info->st_size > 0 && !is_ours(fd, &version)) return refuse(IPCBENCH_SECTION_NOT_OURS);
  const char *call = fill(fd);
  if (call) {
    int error = errno;
    unlink(ipcbench_section_path);
    return fail(call, error);
  }
  ipcbench_section_status = IPCBENCH_SECTION_FIRST;
  return TAKEN;
}

static enum outcome join(int fd, const struct stat *info) {
  // Touching what a file does not have is a SIGBUS.
  if (info->st_size != FILE_BYTES) return refuse(IPCBENCH_SECTION_RESIZED);
  uint64_t version;
  if (!is_ours(fd, &version) || version != VERSION) return refuse(IPCBENCH_SECTION_NOT_OURS);
  ipcbench_section_status = IPCBENCH_SECTION_JOINED;
  return TAKEN;
}

static enum outcome take(int fd) {
  int is_alone = lock(fd, F_WRLCK) == 0;
  // Refused while another loader seeds or removes the file, which takes milliseconds.
  if (!is_alone && lock(fd, F_RDLCK) < 0)
    return errno == EAGAIN || errno == EACCES ? AGAIN : fail("fcntl", errno);
  if (!is_still_named(fd)) return AGAIN;
  struct stat info;
  if (fstat(fd, &info) < 0) return fail("fstat", errno);
  if (!S_ISREG(info.st_mode) || info.st_uid != geteuid()) return refuse(IPCBENCH_SECTION_NOT_OURS);
  return is_alone ? seed(fd, &info) : join(fd, &info);
}

// The last one to leave removes the name. The lock is given up before the exclusive one is asked for: of two
// that leave at once, one then gets it.
static void leave(int fd) {
  lock(fd, F_UNLCK);
  if (lock(fd, F_WRLCK) == 0 && is_still_named(fd)) unlink(ipcbench_section_path);
}

static int map(void *address, size_t bytes, off_t offset, int fd) {
  int flags = MAP_SHARED | MAP_FIXED;
  return mmap(address, bytes, PROT_READ | PROT_WRITE, flags, fd, offset) == MAP_FAILED ? -1 : 0;
}

static enum outcome open_and_map(void) {
  int fd = open(ipcbench_section_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail("open", errno);
  enum outcome outcome = take(fd);
  if (outcome == TAKEN && (map(ipcbench_section_memory, MEMORY_BYTES, PAGE, fd) < 0 ||
                           map(&ipcbench_section, PAGE, 0, fd) < 0)) {
    outcome = fail("mmap", errno);
    leave(fd);
  }
  if (outcome == TAKEN)
    segment = fd;
  else
    close(fd);
  return outcome;
}

__attribute__((constructor)) static void loaded(void) {
  const char *path = getenv("IPCBENCH_SHARED_SECTION");
  if (!path || !*path) return;
  enum outcome outcome = AGAIN;
  if (PAGE % sysconf(_SC_PAGESIZE) != 0)
    outcome = refuse(IPCBENCH_SECTION_PAGE_SIZE);
  else if (*path != '/' || strlen(path) >= PATH_MAX)
    outcome = refuse(IPCBENCH_SECTION_BAD_PATH);
  else
    strcpy(ipcbench_section_path, path);
  const struct timespec pause = {0, 1000000};
  for (int attempts = 0; outcome == AGAIN && attempts < 2000; attempts++) {
    if (attempts > 0) nanosleep(&pause, NULL);
    outcome = open_and_map();
  }
  if (outcome == AGAIN) outcome = refuse(IPCBENCH_SECTION_LOCKED);
  if (outcome != TAKEN) *ipcbench_section_path = 0;
  loader = getpid();
}

__attribute__((destructor)) static void unloaded(void) {
  if (segment < 0) return;
  // A child of the loader has the same lock, not one of its own.
  if (getpid() == loader) leave(segment);
  close(segment);
}
