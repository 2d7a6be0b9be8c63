import IPCTransport

extension DCE {
  static func explanation(isTCP: Bool) -> Explanation {
    Explanation(
      "DCE/RPC, the protocol of Windows' RPC, in its connection-oriented form \(isTCP ? "over TCP" : "over a Unix socket, the counterpart of its local endpoint (ncalrpc)"). "
        + "A client binds to an interface, which has a UUID and a version; then a call is a request PDU with the number of "
        + "the operation and the parameters in NDR, and its answer a response PDU or a fault. What is larger than a "
        + "fragment, 65,528 bytes, is sent in several. The PDUs and NDR are those of this suite, in Swift; Samba's "
        + "programs understand them. Each side has a server and a client, on a connection each, so that either may "
        + "call."
        + (isTCP
          ? " A client finds its server's port by the endpoint mapper, which here each server is itself, at a port that "
            + "both know: the well-known port, 135, may be somebody else's." : ""),
      producer: connectSteps(isTCP) + [
        .init(
          "write(s, bind PDU), read(s, bind-ack PDU)",
          "Binds to the interface 69706362-656e-6368-8d7e-2f0a4942e001, version 1.0, in NDR.",
          answers: "RpcBindingFromStringBinding"),
        .init(
          "write(s, request PDU)",
          "Calls: 24 bytes of header, the message's count twice (a parameter, and the size of the array), and the "
            + "message, in one call where it fits into a fragment.",
          answers: "the client stub (NdrClientCall2)"),
        .init(
          "read(s, response PDU)", "Sleeps until the reply has come; a fault PDU is an error.",
          answers: "the client stub (NdrClientCall2)"),
        .init("close(s)", "Ends the association.", answers: "RpcBindingFree"),
      ],
      consumer: listenSteps(isTCP) + [
        .init(
          "accept(listener), read(s, bind PDU), write(s, bind-ack PDU)",
          "An interface or a version that is not there is refused in the bind-ack.",
          answers: "RpcServerRegisterIf2, RpcServerListen"),
        .init(
          "read(s, request PDU)",
          "Sleeps until there is a call, checks everything that it says of lengths, and puts fragments together in place."
        ),
        .init(
          "write(s, response PDU)",
          "The reply: in a round trip the echo, else an empty message. An operation that is not there is answered with "
            + "the fault nca_s_op_rng_error.", answers: "the server stub (NdrServerCall2)"),
        .init("close(s)", "Ends the association.", answers: "RpcServerUnregisterIf"),
      ],
      limits: [
        "A message has at most 16 MiB here; a call of 17 MiB is refused by a fault.",
        "No authentication and no encryption: a PDU with a verifier is refused.",
        "Integers are little-endian, characters ASCII: other senders are refused, which the protocol allows no server "
          + "to do (\"receiver makes right\").",
        "Interfaces are known to the program; there is no compiler for IDL.",
      ],
      useWhen:
        "Programs of Windows, or Samba, are to be called, or to call: everything from its service control to its "
        + "directory is an interface of this kind.",
      avoidWhen:
        "Both ends are yours: a message on unix-stream is the same bytes without 32 of header, and gRPC has "
        + "compilers for every language.")
  }

  private static func connectSteps(_ isTCP: Bool) -> [Explanation.Step] {
    guard isTCP else {
      return [
        .init("socket(AF_UNIX, SOCK_STREAM), bind(path), listen(4)", "Its own endpoint, to be called too."),
        .init("connect(s, path)", "The consumer's endpoint; tried again while it is not there."),
      ]
    }
    return [
      .init(
        "socket(AF_INET, SOCK_STREAM), bind, listen(4)", "Its own endpoint and mapper, to be called too."),
      .init(
        "connect(m, mapper), bind PDU, request PDU ept_map, close(m)",
        "Asks the consumer's endpoint mapper, with a tower of the interface, for its port.",
        answers: "RpcEpResolveBinding"),
      .init("connect(s, port)", "With TCP_NODELAY."),
    ]
  }

  private static func listenSteps(_ isTCP: Bool) -> [Explanation.Step] {
    guard isTCP else {
      return [
        .init(
          "socket(AF_UNIX, SOCK_STREAM), bind(path), listen(4)", "The endpoint, in the run's directory.",
          answers: "RpcServerUseProtseqEp")
      ]
    }
    return [
      .init(
        "socket(AF_INET, SOCK_STREAM), bind(address:0), listen(4)",
        "The endpoint: the kernel chooses a port.",
        answers: "RpcServerUseProtseq"),
      .init(
        "accept(mapper), response PDU of ept_map",
        "Tells its client the port, in a tower of five floors: interface, NDR, RPC, TCP, IP.",
        answers: "RpcEpRegister"),
    ]
  }
}
