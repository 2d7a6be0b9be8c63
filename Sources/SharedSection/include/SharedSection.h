// A library whose data is shared by every process that has it loaded: what `#pragma data_seg(".shared")` with
// `/SECTION:.shared,RWS` makes of a DLL. Nothing links it; it is opened with dlopen(3), and these are its
// symbols.
//
// The loader names a file in IPCBENCH_SHARED_SECTION before it opens the library, whose constructor then maps
// that file where the shared variables are: nothing has to be called to reach them. The first loader fills
// the file with the values that the variables have in the library; later ones see what is there. Without the
// name the variables stay private. The memory synchronises nothing.
#pragma once

#include <stdint.h>

#define IPCBENCH_SYMBOL __attribute__((visibility("default")))

/// Shared, with initial values. It fills a page, so that nothing else is shared along with it.
struct ipcbench_section {
  /// "ipcbSect": which files are the library's.
  char magic[8];
  uint64_t version;
  uint64_t counter;
  char text[4072];
};

/// How the variables came to be what they are.
enum ipcbench_section_status {
  /// No file was named: this process has them for itself.
  IPCBENCH_SECTION_PRIVATE = 0,
  /// Shared; nobody else had the library loaded with this file.
  IPCBENCH_SECTION_FIRST = 1,
  /// Shared, with what others have made of them.
  IPCBENCH_SECTION_JOINED = 2,
  // Not to be used:
  /// `ipcbench_section_call` failed with `ipcbench_section_errno`.
  IPCBENCH_SECTION_FAILED = 3,
  /// The file is somebody else's, or another version's; it is left alone.
  IPCBENCH_SECTION_NOT_OURS = 4,
  /// The file has another size while others use it.
  IPCBENCH_SECTION_RESIZED = 5,
  /// Somebody keeps a lock on the file that no loader keeps for long.
  IPCBENCH_SECTION_LOCKED = 6,
  /// The name is not an absolute path, or is too long.
  IPCBENCH_SECTION_BAD_PATH = 7,
  /// The system's pages are larger than what the variables are aligned to.
  IPCBENCH_SECTION_PAGE_SIZE = 8,
};

IPCBENCH_SYMBOL extern struct ipcbench_section ipcbench_section;
/// Shared, zero at first.
IPCBENCH_SYMBOL extern uint8_t ipcbench_section_memory[];
IPCBENCH_SYMBOL extern const uint64_t ipcbench_section_memory_size;

/// Variables like any other, of which every process has its own.
IPCBENCH_SYMBOL extern uint64_t ipcbench_own_counter;
IPCBENCH_SYMBOL extern uint64_t ipcbench_own_zero;

IPCBENCH_SYMBOL extern int32_t ipcbench_section_status;
IPCBENCH_SYMBOL extern int32_t ipcbench_section_errno;
/// Never null.
IPCBENCH_SYMBOL extern const char *ipcbench_section_call;
/// The file that is mapped; empty when none is.
IPCBENCH_SYMBOL extern char ipcbench_section_path[];
