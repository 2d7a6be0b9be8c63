// Byte streams: a pipe a direction, a pair of stream sockets, a loopback connection.
#pragma once

#include "round-trip.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { PREFIX_BYTES = 4 };

/// The length in four bytes right before the message, both in one write.
ALWAYS_INLINE void stream_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  char *message = self->send_buffer + CACHE_LINE, *next = message - PREFIX_BYTES;
  uint32_t prefix = (uint32_t)self->byte_count;
  fill_message(message, self->byte_count, sequence, sent);
  memcpy(next, &prefix, sizeof prefix);
  size_t left = self->byte_count + PREFIX_BYTES;
  while (left > 0) {
    ssize_t written = write(self->output, next, left);
    if (written < 0) {
      retry_or_fail("write");
    } else {
      next += written;
      left -= (size_t)written;
    }
  }
}

/// Takes what is there in one read and cuts it up.
ALWAYS_INLINE bool stream_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  uint32_t prefix;
  size_t total = self->byte_count + PREFIX_BYTES;
  while (self->end - self->start < total) {
    ssize_t got = read(self->input, self->receive_buffer + self->end, self->receive_capacity - self->end);
    if (got > 0)
      self->end += (size_t)got;
    else if (got < 0)
      retry_or_fail("read");
    else
      fail("The other side has ended");
  }
  const char *message = self->receive_buffer + self->start;
  memcpy(&prefix, message, sizeof prefix);
  bool matches =
      prefix == self->byte_count && message_matches(message + PREFIX_BYTES, self->byte_count, sequence, sent);
  self->start += total;
  if (self->start == self->end) self->start = self->end = 0;
  return matches;
}

static void initiate_stream(endpoint *self, sample_array *samples, const settings *settings) {
  initiate(self, stream_send, stream_receive, samples, settings);
}

static void echo_stream(endpoint *self) { echo(self, stream_send, stream_receive); }

static void set_no_delay(int socket) {
  int on = 1;
  require(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "set TCP_NODELAY");
}

/// Both ends of a loopback connection; the kernel completes it before `accept` is called.
static void connect_loopback(int ends[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  require(bind(listener, (struct sockaddr *)&address, length) == 0, "bind to 127.0.0.1");
  require(listen(listener, 1) == 0, "listen on 127.0.0.1");
  require(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "find the port");
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  require(connect(ends[0], (struct sockaddr *)&address, length) == 0, "connect to 127.0.0.1");
  ends[1] = accept(listener, NULL, NULL);
  require(ends[1] >= 0, "accept the connection");
  close(listener);
  set_no_delay(ends[0]);
  set_no_delay(ends[1]);
}

/// The descriptors of producer and consumer, {input, output} each.
static void open_stream(const char *mode, int producer[2], int consumer[2]) {
  int ends[2];
  if (strcmp(mode, "pipe") == 0) {
    int forth[2], back[2];
    require(pipe(forth) == 0 && pipe(back) == 0, "create the pipes");
    producer[0] = back[0], producer[1] = forth[1];
    consumer[0] = forth[0], consumer[1] = back[1];
    return;
  }
  if (strcmp(mode, "tcp") == 0)
    connect_loopback(ends);
  else
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "create the sockets");
  producer[0] = producer[1] = ends[0];
  consumer[0] = consumer[1] = ends[1];
}

static void close_both(const int descriptors[2]) {
  close(descriptors[0]);
  if (descriptors[1] != descriptors[0]) close(descriptors[1]);
}

/// The buffers and, for spinning, non-blocking descriptors.
static endpoint stream_endpoint(const int descriptors[2], const settings *settings) {
  size_t capacity = 2 * (settings->byte_count + PREFIX_BYTES);
  if (capacity < 64 << 10) capacity = 64 << 10;
  if (settings->spins)
    for (int i = 0; i < 2; i++)
      require(
          fcntl(descriptors[i], F_SETFL, fcntl(descriptors[i], F_GETFL) | O_NONBLOCK) == 0, "set O_NONBLOCK");
  return (endpoint){
      .byte_count = settings->byte_count,
      .input = descriptors[0],
      .output = descriptors[1],
      .send_buffer = private_memory(CACHE_LINE + settings->byte_count),
      .receive_buffer = private_memory(capacity),
      .receive_capacity = capacity,
  };
}

static pid_t run_stream(const settings *settings, results *results) {
  int producer[2], consumer[2];
  open_stream(settings->mode, producer, consumer);
  pid_t child = start_consumer(settings->cpus);
  // Each side closes the other's ends, or nobody would see the other's end.
  close_both(child ? consumer : producer);
  endpoint self = stream_endpoint(child ? producer : consumer, settings);
  if (child == 0) echo_stream(&self);
  initiate_stream(&self, &results->samples, settings);
  return child;
}
