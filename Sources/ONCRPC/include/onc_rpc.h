// One side of rpc:onc: a server of the interface in message.x, and a client of the peer's, with the stubs that rpcgen
// made of it and libtirpc under them. Nothing links this library; it is opened with dlopen(3), and these are its
// symbols. libtirpc keeps the servers of a process in variables of its own, so that a process is one side at most.
//
// It is built in any case. Where the headers of libtirpc are missing, it has none of these symbols.
#pragma once

#include <stdint.h>

#define ONC_SYMBOL __attribute__((visibility("default")))

/// How a call ended where it was not the peer's doing: beside `enum clnt_stat` (rpc_soc(3)), whose values are not
/// negative.
enum ipcb_onc_fault { IPCB_ONC_NO_NETID = -1, IPCB_ONC_NO_SERVER = -2, IPCB_ONC_NOT_REGISTERED = -3 };

/// Versions that a server has, where it has not the one that was asked for.
struct ipcb_onc_versions {
  uint32_t lowest;
  uint32_t highest;
};

/// Serves `program` on a socket that is bound, and listens where its kind does, and tells rpcbind.
///
/// - Parameter netid: `local`, `tcp` or `udp` (netconfig(5)).
/// - Returns: 0, or an `ipcb_onc_fault`.
ONC_SYMBOL int ipcb_onc_serve(const char *netid, int socket, uint32_t program);

/// Asks the rpcbind of `host` for a program, connects to it, and calls its procedure 0, which does nothing.
///
/// - Parameter milliseconds: how long this and every later call waits for its reply.
/// - Returns: 0, or a `clnt_stat`; a version that the server does not have is 9, RPC_PROGVERSMISMATCH.
ONC_SYMBOL int ipcb_onc_connect(const char *netid, const char *host, uint32_t program, uint32_t version,
                                uint32_t milliseconds, struct ipcb_onc_versions *versions);

/// Serves until the peer has called procedure 0.
///
/// - Returns: 0, or −1 when it has not come within this time.
ONC_SYMBOL int ipcb_onc_await_peer(uint32_t milliseconds);

/// Calls the peer. The reply is to be given back with `ipcb_onc_free`.
///
/// - Returns: a `clnt_stat`, 0 for success.
ONC_SYMBOL int ipcb_onc_call(const void *message, uint32_t byte_count, void **reply, uint32_t *reply_byte_count);

/// Serves for up to `milliseconds`, and returns as soon as the peer has called. The message is valid until the reply.
///
/// - Returns: 1 for a call, 0 for none, −1 when the peer's connection has ended.
ONC_SYMBOL int ipcb_onc_take(int milliseconds, void **message, uint32_t *byte_count);

/// Replies to the call that was taken.
///
/// - Returns: 0, or −1 where it could not be sent.
ONC_SYMBOL int ipcb_onc_reply(const void *reply, uint32_t byte_count);

ONC_SYMBOL void ipcb_onc_free(void *reply);

/// Takes the program out of rpcbind's table, and closes everything.
ONC_SYMBOL void ipcb_onc_close(void);

/// In words, as libtirpc has them.
ONC_SYMBOL const char *ipcb_onc_status_text(int status);
