// Conversations after the manner of DDE over a message bus. The producer is the client: it pokes an item into
// the server, and asks for the item in turn. Nothing is sent that was not asked for: a cold link.
#pragma once

#include "round-trip.h"
#include "services.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#define DDE_SERVER "org.ipcbench.Server"
#define DDE_TOPIC "/org/ipcbench/topic"
#define DDE_INTERFACE "org.ipcbench.DDE1"
#define DDE_ITEM "item"

/// The loops know the first member only.
typedef struct {
  endpoint shared;
  sd_bus *bus;
} dde_side;

/// Passes on what a function of sd-bus returns, unless that is the reason of a failure, negated.
ALWAYS_INLINE int checked(int result, const char *what) {
  if (result < 0) errno = -result, fail(what);
  return result;
}

// Waiting ---------------------------------------------------------------------------------------------------

/// The next message, for the caller to release. Sleeps as ipcbench does, at most 20 ms at a time: a channel
/// whose peer may die has to look for it now and then.
ALWAYS_INLINE sd_bus_message *next_message(dde_side *self) {
  enum { PATIENCE_MILLISECONDS = 20 };
  struct pollfd readable = {.fd = sd_bus_get_fd(self->bus), .events = POLLIN};
  for (;;) {
    sd_bus_message *message = NULL;
    int progress = checked(sd_bus_process(self->bus, &message), "sd_bus_process");
    if (message != NULL) return message;
    if (progress > 0) continue;
    // A large message may have been sent in part only.
    checked(sd_bus_flush(self->bus), "sd_bus_flush");
    poll(&readable, 1, PATIENCE_MILLISECONDS);
  }
}

/// Waits for the next call of a method, whose item is read already. What the bus has to tell about names is
/// passed over.
ALWAYS_INLINE sd_bus_message *await_call(dde_side *self, const char *method) {
  for (;;) {
    sd_bus_message *call = next_message(self);
    if (sd_bus_message_is_method_call(call, DDE_INTERFACE, method) > 0) {
      const char *item;
      checked(sd_bus_message_read_basic(call, 's', &item), "read the item");
      return call;
    }
    sd_bus_message_unref(call);
  }
}

/// Waits for the answer to the call with this cookie.
ALWAYS_INLINE sd_bus_message *await_answer(dde_side *self, uint64_t cookie) {
  for (;;) {
    sd_bus_message *answer = next_message(self);
    uint64_t answered = 0;
    if (sd_bus_message_get_reply_cookie(answer, &answered) >= 0 && answered == cookie) {
      errno = 0;
      if (sd_bus_message_is_method_error(answer, NULL) > 0) fail(sd_bus_message_get_error(answer)->message);
      return answer;
    }
    sd_bus_message_unref(answer);
  }
}

// Content ---------------------------------------------------------------------------------------------------

ALWAYS_INLINE void append_content(dde_side *self, sd_bus_message *message) {
  int result = sd_bus_message_append_array(message, 'y', self->shared.send_buffer, self->shared.byte_count);
  checked(result, "append the content");
}

/// Copies the content out of a message; returns whether it has the right length.
ALWAYS_INLINE bool take_bytes(dde_side *self, sd_bus_message *message) {
  const void *bytes;
  size_t byte_count;
  checked(sd_bus_message_read_array(message, 'y', &bytes, &byte_count), "read the content");
  if (byte_count != self->shared.byte_count) return false;
  memcpy(self->shared.receive_buffer, bytes, byte_count);
  return true;
}

// The client ------------------------------------------------------------------------------------------------

/// A call that begins with the item.
ALWAYS_INLINE sd_bus_message *new_call(dde_side *self, const char *method) {
  sd_bus_message *call = NULL;
  int result =
      sd_bus_message_new_method_call(self->bus, &call, DDE_SERVER, DDE_TOPIC, DDE_INTERFACE, method);
  checked(result, "make a call");
  checked(sd_bus_message_append_basic(call, 's', DDE_ITEM), "append the item");
  return call;
}

/// Sends a call, which is released, and waits for its answer.
ALWAYS_INLINE sd_bus_message *call_server(dde_side *self, sd_bus_message *call) {
  uint64_t cookie;
  checked(sd_bus_send(self->bus, call, &cookie), "send a call");
  sd_bus_message_unref(call);
  return await_answer(self, cookie);
}

ALWAYS_INLINE void poke(endpoint *shared, uint64_t sequence, uint64_t sent) {
  dde_side *self = (dde_side *)shared;
  fill_message(shared->send_buffer, shared->byte_count, sequence, sent);
  sd_bus_message *call = new_call(self, "Poke");
  append_content(self, call);
  sd_bus_message_unref(call_server(self, call));
}

ALWAYS_INLINE bool request(endpoint *shared, uint64_t sequence, uint64_t *sent) {
  dde_side *self = (dde_side *)shared;
  sd_bus_message *answer = call_server(self, new_call(self, "Request"));
  bool is_whole = take_bytes(self, answer);
  sd_bus_message_unref(answer);
  return is_whole && message_matches(shared->receive_buffer, shared->byte_count, sequence, sent);
}

// The server ------------------------------------------------------------------------------------------------

ALWAYS_INLINE sd_bus_message *new_answer(sd_bus_message *call) {
  sd_bus_message *answer = NULL;
  checked(sd_bus_message_new_method_return(call, &answer), "make an answer");
  return answer;
}

/// Sends an answer; it and its call are released.
ALWAYS_INLINE void answer_call(dde_side *self, sd_bus_message *call, sd_bus_message *answer) {
  checked(sd_bus_send(self->bus, answer, NULL), "send an answer");
  sd_bus_message_unref(answer);
  sd_bus_message_unref(call);
}

ALWAYS_INLINE bool accept_poke(endpoint *shared, uint64_t sequence, uint64_t *sent) {
  dde_side *self = (dde_side *)shared;
  sd_bus_message *call = await_call(self, "Poke");
  bool is_whole = take_bytes(self, call);
  answer_call(self, call, new_answer(call));
  return is_whole && message_matches(shared->receive_buffer, shared->byte_count, sequence, sent);
}

ALWAYS_INLINE void answer_request(endpoint *shared, uint64_t sequence, uint64_t sent) {
  dde_side *self = (dde_side *)shared;
  fill_message(shared->send_buffer, shared->byte_count, sequence, sent);
  sd_bus_message *call = await_call(self, "Request"), *answer = new_answer(call);
  append_content(self, answer);
  answer_call(self, call, answer);
}

// Set-up ----------------------------------------------------------------------------------------------------

/// A connection that is complete: it has a name on the bus, and the server also the one that it is known by.
static dde_side dde_side_at(const char *address, bool is_client, const settings *settings) {
  const char *own_name;
  dde_side self = {
      .shared.byte_count = settings->byte_count,
      .shared.send_buffer = private_memory(settings->byte_count),
      .shared.receive_buffer = private_memory(settings->byte_count),
  };
  checked(sd_bus_new(&self.bus), "make a connection");
  checked(sd_bus_set_address(self.bus, address), "set the address of the bus");
  checked(sd_bus_set_bus_client(self.bus, 1), "become a client of the bus");
  checked(sd_bus_start(self.bus), "connect to the bus");
  checked(sd_bus_get_unique_name(self.bus, &own_name), "log in to the bus");
  if (!is_client) checked(sd_bus_request_name(self.bus, DDE_SERVER, 0), "take the server's name");
  return self;
}

static pid_t run_dde(const settings *settings, results *results) {
  int meeting[2];
  service_address bus =
      start_service(become_bus, "dbus-daemon does not start; the package dbus-daemon has it.");
  open_meeting(meeting);
  pid_t child = start_consumer(settings->cpus);
  dde_side self = dde_side_at(bus.text, child != 0, settings);
  meet(meeting, child != 0);
  if (child == 0) echo(&self.shared, answer_request, accept_poke);
  initiate(&self.shared, poke, request, &results->samples, settings);
  return child;
}
