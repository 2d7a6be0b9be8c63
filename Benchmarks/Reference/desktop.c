// Round trips through what a desktop's programs talk by: as round-trip, with a service between both sides.
//
//   desktop MODE WAIT BYTES DURATION_MS CPUS
//   desktop clipboard block 64 500 0,1
//
// MODE            WAIT         what travels
// clipboard       block        a selection of an X server: copied by one side, pasted by the other
// dde-cold        block        calls over a D-Bus message bus: a poke there, a request for the way back
//
// The X server (Xvfb) and the bus (dbus-daemon) are private and not pinned. Starting them is not measured.
//
// Timed: as in round-trip. Prints one line of JSON.
#include "clipboard.h"
#include "command.h"
#include "dde.h"

static const mode modes[] = {
    {"clipboard", .blocks = true, .run = run_clipboard},
    {"dde-cold", .blocks = true, .run = run_dde},
    {.name = NULL},
};

int main(int argument_count, char **arguments) { return run_command(modes, argument_count, arguments); }
