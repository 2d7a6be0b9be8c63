import IPCTransport

/// Steps of mechanisms on a message bus, worded once.
extension Explanation.Step {
  static var startBus: Explanation.Step {
    .init(
      "dbus-daemon --config-file=FILE --nofork --nopidfile --nosyslog --print-address=3",
      "The harness, once a run, by fork, setsid and execvpe: FILE names a socket in the run's directory and sets "
        + "limits that stop nobody; a pipe on descriptor 3 brings the address when the bus is ready.")
  }

  static func connectToBus(answers: String? = nil) -> Explanation.Step {
    .init(
      "sd_bus_new(&bus); sd_bus_set_address(bus, address); sd_bus_start(bus)",
      "libsystemd, loaded with dlopen: connects, shows its user id (EXTERNAL), and, after sd_bus_set_bus_client, "
        + "says Hello, to which the bus answers with a unique name.", answers: answers)
  }

  static func takeBusName(_ role: String, _ variant: String = "", answers: String? = nil) -> Explanation.Step
  {
    .init(
      "sd_bus_request_name(bus, \"org.ipcbench.<run>.<channel>.\(role)\", 0)",
      label(variant, "Only now can the other side find this one."), answers: answers)
  }

  static func awaitBusName(of peer: String, _ variant: String = "", answers: String? = nil)
    -> Explanation.Step
  {
    .init(
      "sd_bus_call(bus, GetNameOwner(\"….\(peer)\"), 15 s)",
      label(variant, "Looks for the \(peer), every 0.5 ms for 5 s at most."), answers: answers)
  }

  static func watchBusName() -> Explanation.Step {
    .init(
      "sd_bus_call(bus, AddMatch(rule), 15 s)",
      "Twice: the bus will tell of the end of the peer's connection (NameOwnerChanged), after everything "
        + "that the peer had sent, and deliver the peer's signals.")
  }

  static func closeBus(answers: String? = nil) -> Explanation.Step {
    .init(
      "sd_bus_flush_close_unref(bus)", "The end of the connection, of which the bus tells the peer.",
      answers: answers)
  }

  static var stopBus: Explanation.Step {
    .init(
      "kill(daemon, SIGTERM)",
      "The harness, at the end of the run; after 2 s SIGKILL. Then it removes the bus's directory.")
  }
}
