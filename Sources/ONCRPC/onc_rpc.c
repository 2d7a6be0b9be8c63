#include "include/onc_rpc.h"

#if __has_include(<rpc/rpc.h>)

#include <errno.h>
#include <netconfig.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "generated/message.h"

// The stubs as rpcgen has left them, in the same translation unit: all but what is declared in onc_rpc.h stays here.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-non-prototype"
#include "generated/message_clnt.c"
#include "generated/message_svc.c"
#include "generated/message_xdr.c"
#pragma clang diagnostic pop

static struct {
  struct netconfig *transport;
  // The server.
  SVCXPRT *service;
  uint32_t program;
  // The connection over which the peer calls, −1 before it has; over datagrams, the server's own socket.
  int peer;
  // Over datagrams, where the peer calls from.
  struct sockaddr_storage caller;
  bool is_awaiting_peer;
  // The call that has no reply yet.
  SVCXPRT *caller_transport;
  message request;
  // The client.
  CLIENT *client;
} side = {.peer = -1};

static bool is_datagram(void) { return side.transport->nc_semantics == NC_TPI_CLTS; }

// MARK: Server

/// Whether a call comes from the peer. Others may see whether the program is there (procedure 0), as rpcinfo(8) does.
static bool is_from_peer(SVCXPRT *transport) {
  if (transport->xp_fd != side.peer) return false;
  if (!is_datagram()) return true;
  struct netbuf *caller = svc_getrpccaller(transport);
  return caller->len <= sizeof side.caller && memcmp(caller->buf, &side.caller, caller->len) == 0;
}

static void remember_peer(SVCXPRT *transport) {
  struct netbuf *caller = svc_getrpccaller(transport);
  if (is_datagram() && caller->len <= sizeof side.caller) memcpy(&side.caller, caller->buf, caller->len);
  side.peer = transport->xp_fd;
  side.is_awaiting_peer = false;
}

static void dispatch(struct svc_req *request, SVCXPRT *transport) {
  if (request->rq_proc == NULLPROC && side.is_awaiting_peer) remember_peer(transport);
  if (request->rq_proc != NULLPROC && (!is_from_peer(transport) || side.caller_transport != NULL)) {
    svcerr_weakauth(transport);
    return;
  }
  ipcbench_messages_1(request, transport);
}

/// The procedure. It does not reply yet, which FALSE says to the stub: the message is the caller's of `ipcb_onc_take`
/// until it replies itself, so that it need not be copied.
bool_t call_1_svc(message *argument, message *result, struct svc_req *request) {
  side.request = *argument;
  side.caller_transport = request->rq_xprt;
  memset(argument, 0, sizeof *argument);
  memset(result, 0, sizeof *result);
  return FALSE;
}

int ipcbench_messages_1_freeresult(SVCXPRT *transport, xdrproc_t xdr, caddr_t result) {
  (void)transport, (void)xdr, (void)result;
  return TRUE;
}

int ipcb_onc_serve(const char *netid, int socket, uint32_t program) {
  side.transport = getnetconfigent(netid);
  if (side.transport == NULL) return IPCB_ONC_NO_NETID;
  side.service = svc_tli_create(socket, side.transport, NULL, is_datagram() ? 65507 : 0, is_datagram() ? 65507 : 0);
  if (side.service == NULL) return IPCB_ONC_NO_SERVER;
  // A datagram that the client has sent again is answered again, and not taken for another call.
  if (is_datagram()) svc_dg_enablecache(side.service, 16);
  side.program = program;
  // What a killed process has left.
  rpcb_unset(program, IPCBENCH_MESSAGES_1, side.transport);
  if (!svc_reg(side.service, program, IPCBENCH_MESSAGES_1, dispatch, side.transport)) return IPCB_ONC_NOT_REGISTERED;
  return 0;
}

/// What svc_run(3) does, once.
static void serve_once(int milliseconds) {
  enum { most = 64 };
  struct pollfd descriptors[most];
  const int count = svc_max_pollfd < most ? svc_max_pollfd : most;
  memcpy(descriptors, svc_pollfd, (size_t)count * sizeof *descriptors);
  const int ready = poll(descriptors, (nfds_t)count, milliseconds);
  if (ready > 0) svc_getreq_poll(descriptors, ready);
}

static bool is_served(int descriptor) {
  for (int index = 0; index < svc_max_pollfd; index++)
    if (svc_pollfd[index].fd == descriptor) return true;
  return false;
}

int ipcb_onc_await_peer(uint32_t milliseconds) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t deadline = now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
  side.is_awaiting_peer = true;
  while (side.is_awaiting_peer) {
    serve_once(20);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * 1000 + now.tv_nsec / 1000000 > deadline) return -1;
  }
  return 0;
}

int ipcb_onc_take(int milliseconds, void **bytes, uint32_t *byte_count) {
  serve_once(milliseconds);
  if (side.caller_transport == NULL) return is_served(side.peer) ? 0 : -1;
  *bytes = side.request.message_val;
  *byte_count = side.request.message_len;
  return 1;
}

int ipcb_onc_reply(const void *bytes, uint32_t byte_count) {
  message reply = {.message_len = byte_count, .message_val = (char *)bytes};
  SVCXPRT *transport = side.caller_transport;
  if (transport == NULL) return -1;
  const bool_t sent = svc_sendreply(transport, (xdrproc_t)xdr_message, (caddr_t)&reply);
  xdr_free((xdrproc_t)xdr_message, (char *)&side.request);
  memset(&side.request, 0, sizeof side.request);
  side.caller_transport = NULL;
  return sent ? 0 : -1;
}

// MARK: Client

static struct timeval interval(uint32_t milliseconds) {
  return (struct timeval){.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
}

static int fail_to_connect(int status) {
  if (side.client != NULL) clnt_destroy(side.client);
  side.client = NULL;
  return status;
}

/// What clnt_tp_create(3) does, with room for large datagrams.
static enum clnt_stat find(const struct netconfig *transport, const char *host, uint32_t program, uint32_t version) {
  struct sockaddr_storage place;
  struct netbuf address = {.maxlen = sizeof place, .buf = &place};
  if (!rpcb_getaddr(program, version, transport, &address, host)) return rpc_createerr.cf_stat;
  const u_int room = transport->nc_semantics == NC_TPI_CLTS ? 65507 : 0;
  side.client = clnt_tli_create(RPC_ANYFD, transport, &address, program, version, room, room);
  return side.client == NULL ? rpc_createerr.cf_stat : RPC_SUCCESS;
}

int ipcb_onc_connect(const char *netid, const char *host, uint32_t program, uint32_t version, uint32_t milliseconds,
                     struct ipcb_onc_versions *versions) {
  struct netconfig *transport = getnetconfigent(netid);
  if (transport == NULL) return RPC_UNKNOWNPROTO;
  enum clnt_stat status = find(transport, host, program, version);
  const bool is_retried = transport->nc_semantics == NC_TPI_CLTS;
  freenetconfigent(transport);
  if (status != RPC_SUCCESS) return status;
  const struct timeval limit = interval(milliseconds);
  // Also instead of the 25 seconds in the stub.
  clnt_control(side.client, CLSET_TIMEOUT, (char *)&limit);
  // libtirpc waits 15 seconds before it sends a datagram again.
  struct timeval again = interval(200);
  if (is_retried) clnt_control(side.client, CLSET_RETRY_TIMEOUT, (char *)&again);
  status = clnt_call(side.client, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, limit);
  if (status == RPC_SUCCESS) return 0;
  struct rpc_err error;
  clnt_geterr(side.client, &error);
  if (status == RPC_PROGVERSMISMATCH) {
    versions->lowest = error.re_vers.low;
    versions->highest = error.re_vers.high;
  }
  return fail_to_connect(status);
}

int ipcb_onc_call(const void *bytes, uint32_t byte_count, void **reply, uint32_t *reply_byte_count) {
  message argument = {.message_len = byte_count, .message_val = (char *)bytes}, result = {0};
  const enum clnt_stat status = call_1(&argument, &result, side.client);
  *reply = result.message_val;
  *reply_byte_count = result.message_len;
  return status;
}

void ipcb_onc_free(void *reply) { free(reply); }

void ipcb_onc_close(void) {
  if (side.client != NULL) clnt_destroy(side.client);
  if (side.service != NULL) {
    svc_unreg(side.program, IPCBENCH_MESSAGES_1);
    svc_destroy(side.service);
  }
  if (!is_datagram() && is_served(side.peer)) close(side.peer);
  if (side.transport != NULL) freenetconfigent(side.transport);
  memset(&side, 0, sizeof side);
  side.peer = -1;
}

const char *ipcb_onc_status_text(int status) { return clnt_sperrno((enum clnt_stat)status); }

#endif
