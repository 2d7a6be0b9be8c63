// The clipboard of an X server: whoever sends owns the selection CLIPBOARD and hands its content out when it is
// asked; whoever receives sees that the owner has changed, and asks.
#pragma once

#include "round-trip.h"
#include "services.h"

#include <poll.h>
#include <xcb/xcb.h>
#include <xcb/xfixes.h>

/// One request carries a whole message; more would have to be handed out piece by piece.
enum { LONGEST_COPY = 64 << 10 };

/// The loops know the first member only.
typedef struct {
  endpoint shared;
  xcb_connection_t *connection;
  xcb_window_t window;
  xcb_atom_t clipboard, format, property;
  uint8_t owner_changed;  // the number of XFixes' event
  xcb_timestamp_t now;    // the server's newest time that any event has told
} clipboard_side;

// Events ----------------------------------------------------------------------------------------------------

ALWAYS_INLINE uint8_t event_type(const xcb_generic_event_t *event) {
  enum { SENT_BY_A_CLIENT = 0x80 };
  return event->response_type & ~SENT_BY_A_CLIENT;
}

/// A selection can be owned only from a time on that is not older than the last owner's.
ALWAYS_INLINE void note_time(clipboard_side *self, const xcb_generic_event_t *event) {
  xcb_timestamp_t time = self->now;
  uint8_t type = event_type(event);
  if (type == XCB_PROPERTY_NOTIFY)
    time = ((const xcb_property_notify_event_t *)event)->time;
  else if (type == XCB_SELECTION_CLEAR)
    time = ((const xcb_selection_clear_event_t *)event)->time;
  else if (type == XCB_SELECTION_REQUEST)
    time = ((const xcb_selection_request_event_t *)event)->time;
  else if (type == XCB_SELECTION_NOTIFY)
    time = ((const xcb_selection_notify_event_t *)event)->time;
  else if (type == self->owner_changed)
    time = ((const xcb_xfixes_selection_notify_event_t *)event)->timestamp;
  // The server's clock starts again from 0 after seven weeks.
  if ((int32_t)(time - self->now) > 0) self->now = time;
}

/// The next event, for the caller to free. Sleeps as ipcbench does, at most 20 ms at a time: a channel whose
/// peer may die has to look for it now and then.
ALWAYS_INLINE xcb_generic_event_t *next_event(clipboard_side *self) {
  enum { PATIENCE_MILLISECONDS = 20 };
  struct pollfd readable = {.fd = xcb_get_file_descriptor(self->connection), .events = POLLIN};
  xcb_generic_event_t *event;
  while ((event = xcb_poll_for_event(self->connection)) == NULL) {
    if (xcb_connection_has_error(self->connection)) errno = 0, fail("The X server has ended the connection.");
    poll(&readable, 1, PATIENCE_MILLISECONDS);
  }
  if (event_type(event) == 0) errno = 0, fail("The X server reports an error.");
  note_time(self, event);
  return event;
}

/// The next event of one type, for the caller to free. Others mean nothing while it is waited for.
ALWAYS_INLINE void *await_event(clipboard_side *self, uint8_t type) {
  for (;;) {
    xcb_generic_event_t *event = next_event(self);
    if (event_type(event) == type) return event;
    free(event);
  }
}

// Copying ---------------------------------------------------------------------------------------------------

/// Whether this is the request for the content; what else may be asked for, nobody here asks for.
ALWAYS_INLINE bool asks_for_content(
    const clipboard_side *self, const xcb_selection_request_event_t *request) {
  return request->selection == self->clipboard && request->target == self->format;
}

/// Puts the content where the one who asks wants it, and says so.
ALWAYS_INLINE void hand_out(clipboard_side *self, const xcb_selection_request_event_t *request) {
  xcb_selection_notify_event_t done = {
      .response_type = XCB_SELECTION_NOTIFY,
      .time = request->time,
      .requestor = request->requestor,
      .selection = request->selection,
      .target = request->target,
      .property = request->property,
  };
  xcb_change_property(
      self->connection, XCB_PROP_MODE_REPLACE, request->requestor, request->property, request->target, 8,
      (uint32_t)self->shared.byte_count, self->shared.send_buffer);
  // Every event takes 32 bytes on its way, more than this one has.
  char event[32] = {0};
  memcpy(event, &done, sizeof done);
  xcb_send_event(self->connection, 0, request->requestor, XCB_EVENT_MASK_NO_EVENT, event);
  xcb_flush(self->connection);
}

ALWAYS_INLINE void clipboard_send(endpoint *shared, uint64_t sequence, uint64_t sent) {
  clipboard_side *self = (clipboard_side *)shared;
  fill_message(shared->send_buffer, shared->byte_count, sequence, sent);
  xcb_set_selection_owner(self->connection, self->window, self->clipboard, self->now);
  xcb_flush(self->connection);
  for (bool served = false; !served;) {
    xcb_selection_request_event_t *request = await_event(self, XCB_SELECTION_REQUEST);
    served = asks_for_content(self, request);
    if (served) hand_out(self, request);
    free(request);
  }
}

// Pasting ---------------------------------------------------------------------------------------------------

/// Waits until the other side owns the selection; returns since when.
ALWAYS_INLINE xcb_timestamp_t await_copy(clipboard_side *self) {
  for (;;) {
    xcb_xfixes_selection_notify_event_t *change = await_event(self, self->owner_changed);
    xcb_timestamp_t time = change->timestamp;
    bool is_own = change->owner == self->window;
    free(change);
    if (!is_own) return time;
  }
}

/// Has the content put into a property of the own window; returns whether the owner did.
ALWAYS_INLINE bool ask_for_content(clipboard_side *self, xcb_timestamp_t time) {
  xcb_convert_selection(
      self->connection, self->window, self->clipboard, self->format, self->property, time);
  xcb_flush(self->connection);
  xcb_selection_notify_event_t *answer = await_event(self, XCB_SELECTION_NOTIFY);
  bool is_there = answer->property == self->property;
  free(answer);
  return is_there;
}

/// Takes the content out of the property, which is deleted by that; returns whether it has the right length.
ALWAYS_INLINE bool take_content(clipboard_side *self) {
  enum { WHOLE_LENGTH = INT32_MAX / 4 };
  xcb_get_property_cookie_t cookie = xcb_get_property(
      self->connection, 1, self->window, self->property, self->format, 0, WHOLE_LENGTH);
  xcb_get_property_reply_t *content = xcb_get_property_reply(self->connection, cookie, NULL);
  if (content == NULL) return false;
  size_t byte_count = (size_t)xcb_get_property_value_length(content);
  bool is_whole = byte_count == self->shared.byte_count && content->type == self->format;
  if (is_whole) memcpy(self->shared.receive_buffer, xcb_get_property_value(content), byte_count);
  free(content);
  return is_whole;
}

ALWAYS_INLINE bool clipboard_receive(endpoint *shared, uint64_t sequence, uint64_t *sent) {
  clipboard_side *self = (clipboard_side *)shared;
  xcb_timestamp_t time = await_copy(self);
  return ask_for_content(self, time) && take_content(self)
         && message_matches(shared->receive_buffer, shared->byte_count, sequence, sent);
}

// Set-up ----------------------------------------------------------------------------------------------------

static xcb_atom_t atom_named(xcb_connection_t *connection, const char *name) {
  xcb_intern_atom_cookie_t cookie = xcb_intern_atom(connection, 0, (uint16_t)strlen(name), name);
  xcb_intern_atom_reply_t *reply = xcb_intern_atom_reply(connection, cookie, NULL);
  require(reply != NULL, "The X server knows no atoms.");
  xcb_atom_t atom = reply->atom;
  free(reply);
  return atom;
}

/// A window that is never shown. That its properties change is told to it, as to one that might receive more
/// than a request carries.
static xcb_window_t create_window(xcb_connection_t *connection, xcb_window_t root) {
  xcb_window_t window = xcb_generate_id(connection);
  const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
  xcb_create_window(
      connection, XCB_COPY_FROM_PARENT, window, root, 0, 0, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT,
      XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &events);
  return window;
}

/// Has changes of the owner told; returns the number of the event.
static uint8_t watch_owner(xcb_connection_t *connection, xcb_window_t root, xcb_atom_t selection) {
  const xcb_query_extension_reply_t *fixes = xcb_get_extension_data(connection, &xcb_xfixes_id);
  require(fixes != NULL && fixes->present, "The X server lacks XFixes.");
  xcb_xfixes_query_version_cookie_t cookie =
      xcb_xfixes_query_version(connection, XCB_XFIXES_MAJOR_VERSION, XCB_XFIXES_MINOR_VERSION);
  free(xcb_xfixes_query_version_reply(connection, cookie, NULL));
  xcb_xfixes_select_selection_input(
      connection, root, selection, XCB_XFIXES_SELECTION_EVENT_MASK_SET_SELECTION_OWNER);
  return fixes->first_event + XCB_XFIXES_SELECTION_NOTIFY;
}

/// Learns the server's time by adding nothing to a property. The answer comes after everything that was asked
/// for before: this side is ready then.
static void learn_time(clipboard_side *self) {
  xcb_change_property(
      self->connection, XCB_PROP_MODE_APPEND, self->window, self->property, self->format, 8, 0, NULL);
  xcb_flush(self->connection);
  xcb_property_notify_event_t *change = await_event(self, XCB_PROPERTY_NOTIFY);
  self->now = change->time;
  free(change);
}

static clipboard_side clipboard_side_at(const char *display, const settings *settings) {
  xcb_connection_t *connection = xcb_connect(display, NULL);
  errno = 0;
  require(!xcb_connection_has_error(connection), "The X server lets nobody in.");
  xcb_window_t root = xcb_setup_roots_iterator(xcb_get_setup(connection)).data->root;
  clipboard_side self = {
      .shared.byte_count = settings->byte_count,
      .shared.send_buffer = private_memory(settings->byte_count),
      .shared.receive_buffer = private_memory(settings->byte_count),
      .connection = connection,
      .window = create_window(connection, root),
      .clipboard = atom_named(connection, "CLIPBOARD"),
      .format = atom_named(connection, "application/x-ipcbench"),
      .property = atom_named(connection, "_IPCBENCH_PASTE"),
  };
  self.owner_changed = watch_owner(connection, root, self.clipboard);
  learn_time(&self);
  return self;
}

static pid_t run_clipboard(const settings *settings, results *results) {
  int meeting[2];
  char display[272];
  errno = 0;
  require(settings->byte_count <= LONGEST_COPY, "BYTES is at most 65536 for the clipboard.");
  service_address x_server =
      start_service(become_x_server, "Xvfb does not start; the package xvfb has it.");
  snprintf(display, sizeof display, ":%s", x_server.text);
  open_meeting(meeting);
  pid_t child = start_consumer(settings->cpus);
  clipboard_side self = clipboard_side_at(display, settings);
  meet(meeting, child != 0);
  if (child == 0) echo(&self.shared, clipboard_send, clipboard_receive);
  initiate(&self.shared, clipboard_send, clipboard_receive, &results->samples, settings);
  return child;
}
