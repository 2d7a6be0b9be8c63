import IPCTransport

/// Remote procedure calls. The protocols are variants; each is a provider of its own, in a file of its own.
enum RPC {
  static var mechanism: Mechanism {
    Mechanism(
      id: "rpc", summary: "a remote procedure call", counterpart: "RPC",
      variants: ONC.variants + DCE.variants + GRPC.variants,
      traits: traits(reach: .network, copies: 4, maximum: nil),
      explanation: explanation, manPages: ["rpc(3)", "rpcbind(8)", "rpcinfo(8)", "rpcgen(1)"])
  }

  static func traits(reach: Traits.Reach, copies: Int, maximum: Int?) -> Traits {
    Traits(
      framing: .call, direction: .twoWay, reach: reach, attach: [.name], payloadCopies: copies,
      maximumMessageByteCount: maximum)
  }

  private static var explanation: Explanation {
    Explanation(
      "A procedure of another process is called as if it were one's own: a stub that a compiler made of an interface "
        + "definition packs the arguments, sends them, waits for the reply and unpacks the result. A server is found "
        + "by the number of its interface, not by a port: a directory of the host knows where it listens. A call of "
        + "an interface, a version or a procedure that the server does not have is answered with a fault that says "
        + "so. Here the procedure takes a message and returns one; a round trip is one call.",
      producer: [], consumer: [],
      limits: [
        "A call blocks until its reply has come; whoever waits serves nothing meanwhile.",
        "What a fault means for the caller is the protocol's: whether the procedure ran is not known when the "
          + "connection ends before the reply.",
      ],
      useWhen:
        "Programs of different makes, ages and machines must agree on an interface that has a number and "
        + "versions.",
      avoidWhen:
        "Both programs are built together and run on one host: unix-seqpacket carries the same bytes "
        + "without packing them.")
  }
}
