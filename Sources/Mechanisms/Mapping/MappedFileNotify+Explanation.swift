import IPCTransport

extension MappedFileNotify {
  static var explanation: Explanation {
    Explanation(
      "The source's worked example: a mapping of 1,000,000 bytes with a name, of which both sides map a view "
        + "of 1,024. The producer writes a text, pads the view with zeros, flushes it with msync and "
        + "notifies the consumer, which it has found by its process name, of the text's length; it goes on "
        + "when the consumer has acknowledged it. :window notifies as the example does, by a message to the "
        + "peer's window, on an X server; the others by a queued real-time signal, in the steps that begin "
        + "with Signals. The mapping is a POSIX shared-memory object (:window, :signal), a file in memory "
        + "(:tmpfs) or a file on a disk (:disk), where every message waits for the device.",
      producer: [
        .startXServer("window"),
        .init(
          "shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600)",
          "The harness; :tmpfs and :disk open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600).",
          answers: "CreateFileMapping"),
        .init(
          "ftruncate(fd, 1000000); close(fd)",
          "The harness; for a file posix_fallocate, which reserves its blocks."),
        .init(
          "shm_open(name, O_RDWR | O_CLOEXEC, 0)",
          "The worker: opens it by name; a file by its path.",
          answers: "OpenFileMapping"),
        .init(
          "mmap(NULL, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "The view, smaller than the object; close(fd) follows.",
          answers: "MapViewOfFile"),
        .connectToXServer("window"),
        .createHiddenWindow("window"),
        .askForTime("window"),
        .showProcess("p", "window"),
        .findWindow(of: "consumer", "window", answers: "GetProcessesByName, MainWindowHandle"),
        .watchWindow("window"),
        .exchangeHellos("window"),
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN+5, SIGRTMIN+6})",
          "Signals: one that comes early waits instead of killing."),
        .init(
          "prctl(PR_SET_NAME, \"ipcb<pid>p<serial>\")",
          "Signals: only now can the other side find this process."),
        .init(
          "readdir(\"/proc\"); read(\"/proc/PID/comm\"); readlink(\"/proc/PID/exe\")",
          "Signals: looks for the consumer by its process name and program, every 1 ms for 5 s at most; the "
            + "last look is timed apart.",
          answers: "GetProcessesByName"),
        .init("pidfd_open(peer, 0)", "Signals: to see later whether it has ended."),
        .init(
          "sigqueue(peer, SIGRTMIN+5, hello); sigtimedwait({SIGRTMIN+5}, 5 s)",
          "Signals: each side waits until the other is ready."),
        .init(
          "setitimer(ITIMER_REAL, 50 ms); sigaction(SIGALRM, …)",
          "Signals, blocking form: interrupts the wait every 50 ms, so that a sleeper looks after its peer."),
        .init("memset(view + length, 0, 1024 - length)", "Sends: after the text was written into the view."),
        .init(
          "msync(view, 1024, MS_SYNC)",
          "Returns when the file has it: at once in memory, after the device's answer on a disk.",
          answers: "FlushViewOfFile"),
        .init(
          "xcb_send_event(peer, ClientMessage: WM_USER+101, length)",
          ":window: data ready.",
          answers: "SendMessage(WM_USER+101)"),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          ":window: sleeps until WM_USER+102 says that the text was read, as SendMessage returns only then.",
          answers: "SendMessage(WM_USER+101)"),
        .init(
          "sigqueue(peer, SIGRTMIN+5, length)",
          "Signals: data ready.",
          answers: "SendMessage(WM_USER+101)"),
        .init(
          "sigwaitinfo({SIGRTMIN+6}, &info)",
          "Signals: waits until the text was read; spinning: sigtimedwait with 0.",
          answers: "SendMessage(WM_USER+101)"),
        .init(
          "poll(pidfd, 1, 0)",
          "Signals: whether the consumer has ended, each time that the wait was interrupted, spinning every "
            + "1,024 looks."),
        .init(
          "setitimer(ITIMER_REAL, 0); sigqueue(peer, SIGRTMIN+5, goodbye)",
          "Signals: the end, as a length that no text has."),
        .closeXConnection("window"),
        .init("_exit(0)", "The end of the process unmaps the view.", answers: "UnmapViewOfFile"),
        .init(
          "shm_unlink(name)",
          "The harness, after both have ended; a file with unlink(path).",
          answers: "CloseHandle"),
        .stopXServer("window"),
      ],
      consumer: [
        .init(
          "shm_open(name, O_RDWR | O_CLOEXEC, 0)",
          "Opens the mapping by name; a file by its path.",
          answers: "OpenFileMapping"),
        .init(
          "mmap(NULL, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "The same view; close(fd) follows.",
          answers: "MapViewOfFile"),
        .connectToXServer("window"),
        .createHiddenWindow("window"),
        .askForTime("window"),
        .showProcess("c", "window"),
        .findWindow(of: "producer", "window", answers: "GetProcessesByName, MainWindowHandle"),
        .watchWindow("window"),
        .exchangeHellos("window"),
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN+5, SIGRTMIN+6})",
          "Signals: one that comes early waits instead of killing."),
        .init(
          "prctl(PR_SET_NAME, \"ipcb<pid>c<serial>\")",
          "Signals: only now can the other side find this process."),
        .init(
          "readdir(\"/proc\"); read(\"/proc/PID/comm\"); readlink(\"/proc/PID/exe\")",
          "Signals: looks for the producer by its process name and program, every 1 ms for 5 s at most; the "
            + "last look is timed apart.",
          answers: "GetProcessesByName"),
        .init("pidfd_open(peer, 0)", "Signals: to see later whether it has ended."),
        .init(
          "sigqueue(peer, SIGRTMIN+5, hello); sigtimedwait({SIGRTMIN+5}, 5 s)",
          "Signals: each side waits until the other is ready."),
        .init(
          "setitimer(ITIMER_REAL, 50 ms); sigaction(SIGALRM, …)",
          "Signals, blocking form: interrupts the wait every 50 ms, so that a sleeper looks after its peer."),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          ":window: receives: sleeps until WM_USER+101 comes from the producer's window.",
          answers: "GetMessage"),
        .init(
          "sigwaitinfo({SIGRTMIN+5}, &info)",
          "Signals: receives: sleeps until data are ready; spinning: sigtimedwait with 0.",
          answers: "GetMessage"),
        .init(
          "poll(pidfd, 1, 0)",
          "Signals: whether the producer has ended, each time that the wait was interrupted, spinning every "
            + "1,024 looks."),
        .init("memcpy(buffer, view, 1024)", "Takes the whole view, as the example's client does."),
        .init(
          "xcb_send_event(peer, ClientMessage: WM_USER+102, 0)",
          ":window: the acknowledgement: the sender may go on.",
          answers: "ReplyMessage"),
        .init("sigqueue(peer, SIGRTMIN+6, 0)", "Signals: the acknowledgement.", answers: "ReplyMessage"),
        .init("setitimer(ITIMER_REAL, 0); sigqueue(peer, SIGRTMIN+5, goodbye)", "Signals: the end."),
        .closeXConnection("window"),
        .init("_exit(0)", "The end of the process unmaps the view.", answers: "UnmapViewOfFile"),
      ],
      limits: [
        "A text has 1 to 1,024 bytes, the size of the view; an empty one becomes \"no message\". The kernel "
          + "maps and flushes whole pages of 4,096 bytes.",
        "One message at a time: the view has no queue, and the sender waits for the acknowledgement.",
        "A process name has at most 15 bytes (proc_pid_comm(5)) and is no secret: /proc/PID/exe is compared "
          + "as well.",
        "A window says itself which process it belongs to (_NET_WM_PID), and a message which window it "
          + "comes from: every client of the X server can lie about both.",
        "Queued signals count against RLIMIT_SIGPENDING, for all processes of the user; beyond it sigqueue "
          + "fails with EAGAIN. Only a process of the same user, or one with CAP_KILL, may queue one.",
        "On a disk each message costs a write to the device, about a hundred times what it costs in memory.",
      ],
      useWhen:
        "You port the example, or want its shape: a small current value that has to be on the disk before "
        + "the other side is told of it.",
      avoidWhen:
        "You want throughput or more than one sender, or neither an X server nor these real-time signals are "
        + "at hand; shared-memory with a futex notifies without a system-wide look-up, and eventfd without "
        + "signals.")
  }
}
