import IPCTransport

extension ONC {
  static func explanation(_ network: ONCNetwork) -> Explanation {
    Explanation(
      "ONC RPC \(network.place), with libtirpc and the stubs that rpcgen made of an interface definition "
        + "(Sources/ONCRPC/message.x): procedure 1 of program 0x20004942, version 1, takes a message and returns one. "
        + "Arguments and results are packed by XDR, which for bytes is a length and padding to whole words. A server "
        + "tells rpcbind, the port mapper, where it listens, and a client asks it; here that is an rpcbind of the "
        + "run's own, in namespaces of its own. Each side serves and is a client, so that either may call. Only "
        + "blocking: libtirpc sleeps in its calls.",
      producer: startSteps + [
        bindStep(network),
        .init(
          "svc_tli_create(fd, getnetconfigent(\"\(network.id)\"), NULL, 0, 0)",
          "Makes a server of the socket. The producer is one too, so that it can be called back.",
          answers: "RpcServerUseProtseqEp"),
        .init(
          "svc_reg(service, 0x40004942, 1, dispatch, netconfig)",
          "Tells rpcbind the transient number under which the producer is called back.",
          answers: "RpcServerRegisterIf2, RpcEpRegister"),
        .init(
          "rpcb_getaddr(0x20004942, 1, netconfig, &address, host), clnt_tli_create(…)",
          "Asks rpcbind where the consumer's program is, and \(network.connecting).",
          answers: "RpcBindingFromStringBinding, RpcEpResolveBinding"),
        .init(
          "clnt_call(client, NULLPROC, xdr_void, …)",
          "Calls the procedure that does nothing: the consumer now knows who calls it, and another version of the "
            + "program would be told here."),
        .init(
          "call_1(&message, &reply, client)",
          "The stub: encodes the message with xdr_bytes into the record, sends it, sleeps in poll until the reply is "
            + "there, and decodes it into memory that xdr_bytes allocates\(network.again).",
          answers: "the client stub (NdrClientCall2)"),
        .init("free(reply)", "What the decoding allocated.", answers: "midl_user_free"),
      ] + endSteps,
      consumer: [
        .init("setns(fd, CLONE_NEWNET), setns(fd, CLONE_NEWNS)", "Moves to where this run's rpcbind is."),
        bindStep(network),
        .init(
          "svc_tli_create(fd, getnetconfigent(\"\(network.id)\"), NULL, 0, 0)",
          "Makes a server of the socket.",
          answers: "RpcServerUseProtseqEp"),
        .init(
          "rpcb_unset(0x20004942, 1, netconfig), svc_reg(service, 0x20004942, 1, dispatch, netconfig)",
          "Takes out of rpcbind's table what a killed process has left, and enters itself.",
          answers: "RpcServerRegisterIf2, RpcEpRegister"),
        .init(
          "poll(svc_pollfd, svc_max_pollfd, 20 ms), svc_getreq_poll(…)",
          "Receives: sleeps until there is a call, which the stub decodes and hands to the procedure. After 20 ms "
            + "without one the side looks after its peer.", answers: "RpcServerListen"),
        .init(
          "svc_sendreply(transport, xdr_message, &reply)",
          "The reply: in a round trip the echo, else an empty message. It is sent by the side itself and not by the "
            + "stub, to which the procedure returned FALSE, so that the message need not be copied.",
          answers: "the server stub (NdrServerCall2)"),
        .init("xdr_free(xdr_message, &message)", "What the decoding allocated."),
      ] + endSteps,
      limits: [
        network.limit,
        "The measured call allocates memory for what it decodes, in libtirpc, as every client and server with these "
          + "stubs does; and libtirpc blocks all signals while it calls.",
        "Nothing is encrypted and nobody is asked who he is (AUTH_NONE). Calls of others than the peer are refused.",
        "A connection on which half a record has come keeps the server waiting for the rest, for 35 s at most "
          + "(svc_vc_create(3)).",
        "rpcbind's port and socket are fixed, so that a private one needs namespaces, which need root.",
      ],
      useWhen:
        "A server is to be found by a number on any Unix, by programs in C without more than the system's own "
        + "library; NFS and NIS are made of it.",
      avoidWhen:
        "Peers are on one host and built together, or the traffic crosses a network that others use: nothing is "
        + "protected unless RPCSEC_GSS is added.")
  }

  private static var startSteps: [Explanation.Step] {
    [
      .init(
        "unshare --net --mount --pid --fork --kill-child sh -c 'mount -t tmpfs tmpfs /run && rpcbind -f'",
        "The harness, once a run; with --scope network once for each host, in its network namespace."),
      .init("setns(fd, CLONE_NEWNET), setns(fd, CLONE_NEWNS)", "Moves to where this run's rpcbind is."),
    ]
  }

  private static func bindStep(_ network: ONCNetwork) -> Explanation.Step {
    switch network {
    case .local:
      .init("socket(AF_UNIX, SOCK_STREAM), bind(path), listen(16)", "The path is in the run's directory.")
    case .connection:
      .init("socket(AF_INET, SOCK_STREAM), bind(address:0), listen(16)", "The kernel chooses a port.")
    case .datagrams: .init("socket(AF_INET, SOCK_DGRAM), bind(address:0)", "The kernel chooses a port.")
    }
  }

  private static var endSteps: [Explanation.Step] {
    [
      .init(
        "clnt_destroy(client), svc_unreg(program, 1), svc_destroy(service)",
        "Closes, and takes the program out of rpcbind's table.",
        answers: "RpcBindingFree, RpcServerUnregisterIf")
    ]
  }
}

extension ONCNetwork {
  fileprivate var place: String {
    switch self {
    case .local: "over a Unix socket"
    case .connection: "over TCP"
    case .datagrams: "over UDP"
    }
  }

  fileprivate var connecting: String {
    switch self {
    case .local: "connects to the path that it says"
    case .connection: "connects to the port that it says, with TCP_NODELAY"
    case .datagrams: "will send to the port that it says"
    }
  }

  fileprivate var again: String {
    self == .datagrams ? "; after 200 ms without a reply it sends again, with the same number" : ""
  }

  fileprivate var limit: String {
    switch self {
    case .local: "A message has at most 16 MiB, which the interface says; records are sent in fragments."
    case .connection:
      "A message has at most 16 MiB, which the interface says; records are sent in fragments (RFC 5531, section 11)."
    case .datagrams:
      "A message has at most 65,460 bytes: a call is one datagram. A call that is sent again may be served again, "
        + "unless the server still has its reply (svc_dg_enablecache(3)); here it has the last 16."
    }
  }
}
