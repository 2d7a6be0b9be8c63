// Round trips by remote procedure call: as round-trip, with the client's and the server's side of an RPC library.
//
//   remote-call MODE WAIT BYTES DURATION_MS CPUS
//   remote-call onc block 64 500 0,1
//
// MODE            WAIT         what travels
// onc             block        a call of ONC RPC (libtirpc) over a Unix socket, with the stubs of Sources/ONCRPC
//
// Timed: as in round-trip. Prints one line of JSON.
#include "command.h"
#include "onc.h"

static const mode modes[] = {
    {"onc", .blocks = true, .run = run_onc},
    {.name = NULL},
};

int main(int argument_count, char **arguments) { return run_command(modes, argument_count, arguments); }
