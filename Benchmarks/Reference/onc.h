// Remote procedure calls with libtirpc over a Unix socket, by the stubs that ipcbench has too: the producer calls, the
// consumer's procedure returns the message. No rpcbind: both sides know the socket.
#pragma once

#include "round-trip.h"

#include <netconfig.h>
#include <poll.h>
#include <pthread.h>
#include <rpc/rpc.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../Sources/ONCRPC/generated/message.h"

#include "../../Sources/ONCRPC/generated/message_clnt.c"
#include "../../Sources/ONCRPC/generated/message_svc.c"
#include "../../Sources/ONCRPC/generated/message_xdr.c"

// The client ------------------------------------------------------------------------------------------------

/// The loops know the first member only.
typedef struct {
  endpoint shared;
  CLIENT *client;
  message reply;
} onc_client;

ALWAYS_INLINE void call_server(endpoint *shared, uint64_t sequence, uint64_t sent) {
  onc_client *self = (onc_client *)shared;
  fill_message(shared->send_buffer, shared->byte_count, sequence, sent);
  message argument = {.message_len = shared->byte_count, .message_val = shared->send_buffer};
  self->reply = (message){0};
  if (call_1(&argument, &self->reply, self->client) != RPC_SUCCESS) fail(clnt_sperror(self->client, "call"));
}

ALWAYS_INLINE bool take_reply(endpoint *shared, uint64_t sequence, uint64_t *sent) {
  onc_client *self = (onc_client *)shared;
  bool matches = self->reply.message_len == shared->byte_count &&
                 message_matches(self->reply.message_val, shared->byte_count, sequence, sent);
  clnt_freeres(self->client, (xdrproc_t)xdr_message, (caddr_t)&self->reply);
  return matches;
}

// The server ------------------------------------------------------------------------------------------------

static struct {
  size_t byte_count;
  char *buffer;
  uint64_t sequence;
} onc_server;

bool_t call_1_svc(message *argument, message *result, struct svc_req *request) {
  (void)request;
  uint64_t sent = 0;
  bool matches = argument->message_len == onc_server.byte_count &&
                 message_matches(argument->message_val, onc_server.byte_count, onc_server.sequence, &sent);
  require(matches, "A message is not the one that was sent.");
  fill_message(onc_server.buffer, onc_server.byte_count, onc_server.sequence, sent);
  onc_server.sequence++;
  *result = (message){.message_len = onc_server.byte_count, .message_val = onc_server.buffer};
  return TRUE;
}

int ipcbench_messages_1_freeresult(SVCXPRT *transport, xdrproc_t xdr, caddr_t result) {
  (void)transport, (void)xdr, (void)result;
  return TRUE;
}

/// As svc_run(3), but sleeping as ipcbench does, at most 20 ms at a time.
static void serve_calls(void) {
  enum { PATIENCE_MILLISECONDS = 20, MOST = 16 };
  for (;;) {
    struct pollfd descriptors[MOST];
    require(svc_max_pollfd <= MOST, "serve few connections");
    memcpy(descriptors, svc_pollfd, svc_max_pollfd * sizeof *descriptors);
    int ready = poll(descriptors, svc_max_pollfd, PATIENCE_MILLISECONDS);
    if (ready > 0) svc_getreq_poll(descriptors, ready);
  }
}

// Set-up ----------------------------------------------------------------------------------------------------

/// A socket that nobody else can know: its name is abstract and holds the pid.
static struct sockaddr_un onc_address(pid_t pid, socklen_t *length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int count = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "ipcbench-reference-%d", pid);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)count);
  return address;
}

static pid_t run_onc(const settings *settings, results *results) {
  socklen_t length;
  struct sockaddr_un address = onc_address(getpid(), &length);
  struct netconfig *local = getnetconfigent("local");
  require(local != NULL, "know the network 'local' (netconfig(5))");
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  require(bind(listener, (struct sockaddr *)&address, length) == 0, "bind a socket");
  require(listen(listener, 1) == 0, "listen");
  pid_t child = start_consumer(settings->cpus);
  if (child == 0) {
    onc_server.byte_count = settings->byte_count;
    onc_server.buffer = private_memory(settings->byte_count);
    SVCXPRT *service = svc_vc_create(listener, 0, 0);
    require(service != NULL, "make a server");
    // No rpcbind is told.
    require(svc_reg(service, IPCBENCH_MESSAGES, IPCBENCH_MESSAGES_1, ipcbench_messages_1, NULL), "register");
    serve_calls();
  }
  int connection = socket(AF_UNIX, SOCK_STREAM, 0);
  require(connect(connection, (struct sockaddr *)&address, length) == 0, "connect");
  struct netbuf place = {.maxlen = length, .len = length, .buf = &address};
  onc_client self = {
      .shared.byte_count = settings->byte_count,
      .shared.send_buffer = private_memory(settings->byte_count),
      .client = clnt_vc_create(connection, &place, IPCBENCH_MESSAGES, IPCBENCH_MESSAGES_1, 0, 0),
  };
  require(self.client != NULL, "make a client");
  initiate(&self.shared, call_server, take_reply, &results->samples, settings);
  return child;
}
