import IPCTransport

/// Steps that many mechanisms have in common, worded once.
extension Explanation.Step {
  static var startHeartbeat: Explanation.Step {
    .init(
      "setitimer(ITIMER_REAL, 50 ms); sigaction(SIGALRM, …)",
      "Blocking form: interrupts the call every 50 ms, so that a sleeper looks after its peer.")
  }

  static var stopHeartbeat: Explanation.Step {
    .init("setitimer(ITIMER_REAL, 0)", "At the end: stops the heartbeat.")
  }

  static var leaveMeeting: Explanation.Step {
    .init(
      "atomic_store_explicit(&own->state, CLOSED, memory_order_release)",
      "Tells the peer, in the page, that no more will come.")
  }

  static var chooseBlocking: Explanation.Step {
    .init(
      "fcntl(s, F_GETFL), fcntl(s, F_SETFL, flags & ~O_NONBLOCK)",
      "Blocking calls for block; the other strategies set O_NONBLOCK and try again on EAGAIN.",
      answers: "ioctlsocket(FIONBIO)")
  }

  static var closeSocket: Explanation.Step {
    .init("close(s)", "The peer gets what is still queued and then the end.", answers: "closesocket")
  }

  static var openMeeting: Explanation.Step {
    .init(
      "open(path, O_RDWR | O_CLOEXEC), fstat(fd), mmap(…, MAP_SHARED, fd, 0), close(fd)",
      "Maps the page on which the workers meet.", answers: "OpenFileMapping, MapViewOfFile")
  }

  static var findMeeting: Explanation.Step {
    .init(
      "open(path, O_RDWR | O_CLOEXEC), fstat(fd), mmap(…, MAP_SHARED, fd, 0), close(fd)",
      "Attaching by name: maps the page. Inherited, it is there already.",
      answers: "OpenFileMapping, MapViewOfFile")
  }

  static var greet: Explanation.Step {
    .init(
      "usleep(200) until the peer has written its pid into the page",
      "Neither side goes on before the other one is there; 5 s at most.")
  }

  static var listenForOne: Explanation.Step {
    .init("listen(listener, 1)", "Lets one connection wait.", answers: "listen")
  }

  static var awaitConnection: Explanation.Step {
    .init("poll(listener, POLLIN, 5000)", "Waits for the producer, 5 s at most.", answers: "select")
  }

  static var accept: Explanation.Step {
    .init("accept4(listener, NULL, NULL, SOCK_CLOEXEC)", "Takes the connection.", answers: "accept")
  }

  static var closeListener: Explanation.Step {
    .init("close(listener)", "Nobody else is expected.", answers: "closesocket")
  }

  static var makeMeeting: Explanation.Step {
    .init(
      "mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)",
      "The harness makes the page on which the workers meet; they inherit it.", answers: "CreateFileMapping")
  }

  static var writeFramed: Explanation.Step {
    .init(
      "write(s, message, 4 + byteCount)",
      "Sends the length and the payload in one call; it sleeps while the send buffer is full.",
      answers: "send")
  }

  static var readFramedEcho: Explanation.Step {
    .init(
      "read(s, buffer, max(65536, 2 * (4 + byteCount)))", "In a round trip: waits for the echo.",
      answers: "ReadFile")
  }

  static var readFramed: Explanation.Step {
    .init(
      "read(s, buffer, max(65536, 2 * (4 + byteCount)))",
      "Sleeps until there is something and takes all that is there; :seqpacket takes one message of up to capacity + 1 bytes. 0 is the peer's end.",
      answers: "ReadFile")
  }

  static var writeFramedEcho: Explanation.Step {
    .init("write(s, message, 4 + byteCount)", "In a round trip: sends the echo.", answers: "WriteFile")
  }

  static var growBuffers: Explanation.Step {
    .init(
      "setsockopt(s, SOL_SOCKET, SO_SNDBUF, …), then SO_RCVBUF",
      "Asks for net.core.wmem_max and net.core.rmem_max; the kernel doubles both. :multicast does it before bind, for both sockets.",
      answers: "setsockopt")
  }

  static var setNoDelay: Explanation.Step {
    .init(
      "setsockopt(s, IPPROTO_TCP, TCP_NODELAY, 1)", "Sends each message at once: no Nagle's algorithm.",
      answers: "setsockopt(TCP_NODELAY)")
  }

  static var readNoDelay: Explanation.Step {
    .init(
      "getsockopt(s, IPPROTO_TCP, TCP_NODELAY)", "What the kernel says is recorded with the trial.",
      answers: "getsockopt")
  }
}

/// What the sides do with the rings, wherever the memory comes from.
extension [Explanation.Step] {
  static var ringProducer: [Explanation.Step] {
    [
      .init(
        "atomic_compare_exchange(&own->state, free, attached)",
        "Checks the ring's header and takes its side of each ring; a side that is taken is refused."),
      .init(
        "atomic_load(&ring->head)",
        "Sends: only when the slots that it knows to be free are used up, to see how many the consumer has "
          + "handed back."),
      .init(
        "atomic_store(&slot->word, sequence | length << 32)",
        "After the payload was written into the slot itself: publishes it, with release."),
      .init(
        "futex(&ring->consumerSleeps, FUTEX_WAKE, 1)",
        "Blocking form: after a full fence, and only when the consumer has announced that it sleeps."),
      .init(
        "futex(&ring->producerSleeps, FUTEX_WAIT, 1, 20 ms)",
        "Blocking form, where no slot is free: announces itself, looks once more, sleeps."),
      .init(
        "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
        "While it waits, every 10 ms: whether the other process has ended."),
      .init(
        "atomic_store(&own->state, closed)",
        "Tells the other side that nothing more will come; what lies in the ring can still be read."),
    ]
  }

  static var ringConsumer: [Explanation.Step] {
    [
      .init(
        "atomic_compare_exchange(&own->state, free, attached)",
        "Checks the ring's header and takes its side of each ring; a side that is taken is refused."),
      .init(
        "atomic_load(&slot->word)",
        "Receives: the expected sequence number says that the slot is published; the payload is read where "
          + "it lies."),
      .init(
        "futex(&ring->consumerSleeps, FUTEX_WAIT, 1, 20 ms)",
        "Blocking form, where the ring is empty: announces itself, looks once more, sleeps."),
      .init(
        "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
        "While it waits, every 10 ms: whether the other process has ended."),
      .init("atomic_store(&ring->head, position)", "Hands slots back, a quarter of the ring at a time."),
      .init(
        "futex(&ring->producerSleeps, FUTEX_WAKE, 1)",
        "Blocking form: only when the producer has announced that it sleeps."),
      .init("atomic_store(&own->state, closed)", "Tells the producer that nothing will be read any more."),
    ]
  }
}
