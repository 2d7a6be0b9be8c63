// Programs that serve both sides, as an X server or a message bus does. Each is private: started for one
// measurement, found by nobody else, gone with it.
#pragma once

#include "remover.h"

#include <fcntl.h>
#include <sys/socket.h>

// Starting and stopping -------------------------------------------------------------------------------------

/// Replaces the process by the service, which writes one line to `announcement`: where it can be found. Files
/// of its own it keeps in `directory`. Returns if that fails.
typedef void become_function(int announcement, const char *directory);

/// What a service may keep in its directory.
static const char *const service_files[] = {"config", "bus"};

static void path_in(const char *directory, const char *name, char path[64]) {
  snprintf(path, 64, "%s/%s", directory, name);
}

/// Standard input and output of a service: it reads nothing, and has nothing to say that would be read.
static void silence(void) {
  int nothing = open("/dev/null", O_RDWR);
  for (int standard = 0; standard <= 2; standard++) dup2(nothing, standard);
  if (nothing > 2) close(nothing);
}

/// Asks the service to end, so that it removes what it made, and gives it five seconds for that.
static void end_service(pid_t service) {
  enum { PATIENCE_MILLISECONDS = 5000 };
  kill(service, SIGTERM);
  for (int waited = 0; waited < PATIENCE_MILLISECONDS; waited++) {
    if (waitpid(service, NULL, WNOHANG) != 0) return;
    usleep(1000);
  }
  kill(service, SIGKILL);
  waitpid(service, NULL, 0);
}

/// The remover: starts the service, waits until nobody needs it any more, and removes it and its files.
///
/// A session of its own keeps away what the terminal sends to everybody.
static void look_after(become_function *become, int announcement) {
  char directory[] = "/tmp/desktop-XXXXXX", path[64];
  setsid();
  if (mkdtemp(directory) == NULL) _exit(1);
  pid_t service = fork();
  if (service == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    close(remover.lifeline);
    silence();
    become(announcement, directory);
    _exit(1);
  }
  close(announcement);
  await_the_others();
  if (service > 0) end_service(service);
  for (size_t i = 0; i < sizeof service_files / sizeof *service_files; i++) {
    path_in(directory, service_files[i], path);
    unlink(path);
  }
  rmdir(directory);
  _exit(0);
}

/// Where a service can be found, in its own words.
typedef struct {
  char text[256];
} service_address;

/// Starts a service and waits until it can be used; `failure` says what to do when it cannot.
static service_address start_service(become_function *become, const char *failure) {
  service_address address;
  int announcement[2];
  require(pipe(announcement) == 0, "create a pipe");
  if (start_remover() == 0) {
    close(announcement[0]);
    look_after(become, announcement[1]);
  }
  close(announcement[1]);
  FILE *line = fdopen(announcement[0], "r");
  require(line != NULL, "read from a pipe");
  bool announced = fgets(address.text, sizeof address.text, line) != NULL;
  fclose(line);
  errno = 0;
  require(announced, failure);
  address.text[strcspn(address.text, "\n")] = '\0';
  return address;
}

// The services ----------------------------------------------------------------------------------------------

/// An X server without a screen that anybody sees. It chooses the first number that is free, and announces it.
static void become_x_server(int announcement, const char *directory) {
  char number[16];
  (void)directory;
  snprintf(number, sizeof number, "%d", announcement);
  execlp(
      "Xvfb", "Xvfb", "-displayfd", number, "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset",
      (char *)NULL);
}

/// Everybody who is let in may do everything. The limits are those that dbus-daemon has for sessions.
static const char bus_configuration[] =
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
    " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
    "<busconfig>\n"
    "  <type>custom</type>\n"
    "  <listen>unix:path=%s/bus</listen>\n"
    "  <auth>EXTERNAL</auth>\n"
    "  <policy context=\"default\">\n"
    "    <allow user=\"*\"/>\n"
    "    <allow own=\"*\"/>\n"
    "    <allow send_destination=\"*\"/>\n"
    "    <allow receive_sender=\"*\"/>\n"
    "  </policy>\n"
    "  <limit name=\"max_incoming_bytes\">1000000000</limit>\n"
    "  <limit name=\"max_outgoing_bytes\">1000000000</limit>\n"
    "  <limit name=\"max_message_size\">1000000000</limit>\n"
    "</busconfig>\n";

/// A message bus that only those find whom its address is given.
static void become_bus(int announcement, const char *directory) {
  char path[64], configuration[96], number[32];
  path_in(directory, "config", path);
  FILE *file = fopen(path, "w");
  if (file == NULL) return;
  fprintf(file, bus_configuration, directory);
  if (fclose(file) != 0) return;
  snprintf(configuration, sizeof configuration, "--config-file=%s", path);
  snprintf(number, sizeof number, "--print-address=%d", announcement);
  execlp("dbus-daemon", "dbus-daemon", configuration, "--nofork", number, (char *)NULL);
}

// Both sides ------------------------------------------------------------------------------------------------

/// One end each; made before the consumer is started.
static void open_meeting(int ends[2]) {
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "create the sockets");
}

/// Tells the other side that this one is ready, and waits until it says so too.
static void meet(const int ends[2], bool is_producer) {
  int own = ends[is_producer ? 0 : 1];
  char byte = 0;
  // Nobody would see the end of a side whose end of the sockets the other one keeps.
  close(ends[is_producer ? 1 : 0]);
  bool met = send(own, &byte, 1, MSG_NOSIGNAL) == 1 && recv(own, &byte, 1, 0) == 1;
  errno = 0;
  require(met, "The other side ended before it was ready.");
  close(own);
}
