import IPCTransport

/// Steps of mechanisms on an X server, worded once. Each begins with the variant that takes it, where others do not.
extension Explanation.Step {
  static func startXServer(_ variant: String = "") -> Explanation.Step {
    .init(
      "Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp -noreset -auth FILE",
      label(
        variant,
        "The harness, once a run, by fork, setsid and execvpe: FILE holds a cookie of 16 random "
          + "bytes; a pipe on descriptor 3 brings the display's number when the server is ready."))
  }

  static func connectToXServer(_ variant: String = "") -> Explanation.Step {
    .init(
      "xcb_connect_to_display_with_auth_info(\":<number>\", &cookie, NULL)",
      label(
        variant,
        "libxcb and libxcb-xfixes, loaded with dlopen; xcb_xfixes_query_version follows. With "
          + "--display host the server is the user's: xcb_connect($DISPLAY, NULL)."))
  }

  static func createHiddenWindow(_ variant: String = "") -> Explanation.Step {
    .init(
      "xcb_create_window(c, 0, window, root, 0, 0, 1, 1, …, PropertyChange)",
      label(variant, "A window that is never shown: an address, and what dies with its process."),
      answers: "CreateWindow")
  }

  static func askForTime(_ variant: String = "") -> Explanation.Step {
    .init(
      "xcb_change_property(APPEND, window, _IPCBENCH_TIME, INTEGER, 0 bytes)",
      label(
        variant,
        "Its PropertyNotify brings the server's time, which requests about selections carry "
          + "(ICCCM 2.1)."))
  }

  static func showProcess(_ side: String, _ variant: String) -> Explanation.Step {
    .init(
      "xcb_change_property(REPLACE, window, _NET_WM_PID, CARDINAL, getpid())",
      label(
        variant,
        "Then prctl(PR_SET_NAME, \"ipcb<pid>\(side)<serial>\"): only now can the other side find "
          + "this window."))
  }

  static func findWindow(of peer: String, _ variant: String, answers: String) -> Explanation.Step {
    .init(
      "xcb_query_tree(root); xcb_get_property(each, _NET_WM_PID)",
      label(
        variant,
        "Looks for the \(peer)'s window by its process name and program (/proc/PID/comm, "
          + "/proc/PID/exe), every 0.5 ms for 5 s at most; the last look is timed apart."), answers: answers)
  }

  static func watchWindow(_ variant: String = "") -> Explanation.Step {
    .init(
      "xcb_change_window_attributes(peer, StructureNotify | PropertyChange)",
      label(
        variant,
        "The server will tell of the peer's end, with DestroyNotify, after everything that the "
          + "peer had sent."))
  }

  static func exchangeHellos(_ variant: String) -> Explanation.Step {
    .init(
      "xcb_send_event(peer, ClientMessage: hello)",
      label(variant, "Each side waits for the other's, 5 s at most."))
  }

  static func closeXConnection(_ variant: String = "") -> Explanation.Step {
    .init(
      "xcb_destroy_window(window); xcb_get_input_focus(c); xcb_disconnect(c)",
      label(variant, "The end: the server has told the peer when it answers."), answers: "DestroyWindow")
  }

  static func stopXServer(_ variant: String = "") -> Explanation.Step {
    .init(
      "kill(server, SIGTERM)",
      label(
        variant,
        "The harness, at the end of the run; after 2 s SIGKILL. Then it removes cookie, socket and "
          + "lock file."))
  }

  /// `:x11: the harness …`; nothing is added where all variants take the step.
  static func label(_ variant: String, _ purpose: String) -> String {
    variant.isEmpty ? purpose : ":\(variant): \(purpose.prefix(1).lowercased())\(purpose.dropFirst())"
  }
}
