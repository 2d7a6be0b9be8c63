import IPCTransport

extension GRPC {
  static func explanation(_ form: String) -> Explanation {
    let isTCP = !form.isEmpty
    return Explanation(
      "gRPC over \(isTCP ? "TCP" : "a Unix socket"), with grpc-swift-2 and SwiftNIO, without TLS: a unary method, Call, of "
        + "the service ipcbench.Messages, which takes a google.protobuf.BytesValue and returns one. A call is a stream of "
        + "an HTTP/2 connection: headers, the message with five bytes before it, and for the reply headers, message "
        + "and trailers. Each side has a server and a client, so that either may call. Threads of NIO's move the bytes; "
        + "everything else of the library runs on the worker's own thread while it waits. Only in a build with the "
        + "package trait GRPC: make bench TRAITS=GRPC.",
      producer: [
        .init(
          "GRPCServer(transport: .http2NIOPosix(address:transportSecurity: .plaintext), …).serve()",
          "Listens\(isTCP ? " on a port that the harness has reserved" : " on a path in the run's directory"), so that the "
            + "producer can be called too.", answers: "RpcServerListen"),
        .init("usleep(200) until the peer listens too", "Over a page that both sides map."),
        .init(
          "GRPCClient(transport: .http2NIOPosix(target:…)).runConnections()",
          "Connects; the first call waits for that.", answers: "RpcBindingFromStringBinding"),
        .init(
          "client.unary(request:descriptor:serializer:deserializer:options:)",
          "Serializes the message, opens a stream, sends it, and sleeps until the reply has come.",
          answers: "the client stub (NdrClientCall2)"),
        .init(
          "client.beginGracefulShutdown(), server.beginGracefulShutdown()", "Closes.",
          answers: "RpcBindingFree"),
      ],
      consumer: [
        .init(
          "RPCRouter.registerHandler(forMethod:deserializer:serializer:handler:)",
          "Registers the method; one that is not there is answered with UNIMPLEMENTED.",
          answers: "RpcServerRegisterIf2"),
        .init("GRPCServer(…).serve()", "Listens, and takes connections.", answers: "RpcServerListen"),
        .init(
          "withCheckedContinuation", "The handler gives the message to the worker, and waits for its reply."),
        .init(
          "ServerResponse(message:)", "In a round trip the echo, else an empty message.",
          answers: "the server stub (NdrServerCall2)"),
        .init("server.beginGracefulShutdown()", "Closes.", answers: "RpcMgmtStopServerListening"),
      ],
      limits: [
        "A message has at most 16 MiB here; the library's own limit is 4 MiB until it is set higher.",
        "Every call allocates memory and starts tasks, in the library; that is its price, and not subtracted.",
        "Its threads are pinned with the worker, whose CPU they inherit.",
      ],
      useWhen:
        "Services in many languages share interfaces that grow: schemas, deadlines, streaming and load balancing "
        + "come with it.",
      avoidWhen:
        "Microseconds count: HTTP/2, protocol buffers and tasks cost far more than the socket below them.")
  }
}
