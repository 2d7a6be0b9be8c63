#if GRPC
  import Dispatch
  import Foundation
  import GRPCCore
  import GRPCNIOTransportHTTP2Posix
  import GRPCProtobuf
  import IPCTransport
  import LinuxIPC
  import SwiftProtobuf
  import Synchronization

  /// Runs the tasks of a client and a server on the thread that waits for them. Threads of NIO's only move bytes, and
  /// wake it.
  final class WaitingExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let ready = DispatchSemaphore(value: 0)

    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      jobs.withLock { $0.append(job) }
      ready.signal()
    }

    /// Runs what there is to run until a condition holds; false when it does not within the time.
    func run(milliseconds: Int, until condition: () -> Bool) -> Bool {
      let deadline = DispatchTime.now() + .milliseconds(milliseconds)
      while !condition() {
        guard ready.wait(timeout: deadline) == .success else { return condition() }
        runNext()
      }
      return true
    }

    /// Runs what can be run at once.
    func drain() { while ready.wait(timeout: .now()) == .success { runNext() } }

    private func runNext() {
      jobs.withLock { $0.removeFirst() }.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  /// One side: its server, and its client of the peer's. Used by the worker's thread only, on which its tasks run too.
  final class GRPCParty: @unchecked Sendable {
    typealias Message = Google_Protobuf_BytesValue
    typealias Server = GRPCServer<HTTP2ServerTransport.Posix>
    typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    /// `rpc Call(google.protobuf.BytesValue) returns (google.protobuf.BytesValue)` of a service `Messages`, as the code
    /// that protoc generates has it.
    private static var method: MethodDescriptor {
      MethodDescriptor(service: ServiceDescriptor(fullyQualifiedService: "ipcbench.Messages"), method: "Call")
    }

    private let executor = WaitingExecutor()
    private let server: Server
    private let client: Client
    private var options = CallOptions.defaults
    private var tasks: [Task<Void, Never>] = []
    private var ended = 0

    // What tasks leave for the thread.
    private var isListening = false
    private var reply: Result<Data, ExchangeError>?
    private var calls: [(message: Data, answer: CheckedContinuation<Data, Never>)] = []
    private var current: CheckedContinuation<Data, Never>?

    init(_ channel: CallEndpoints, _ role: Role, _ spec: ChannelSpec) throws(TransportError) {
      let room = GRPC.largestMessage + 64
      let isTCP = spec.variant == "grpc-tcp"
      let (own, peer) = (spec.hosts.address(of: role), spec.hosts.address(of: role.peer))
      let mailbox = Mailbox()
      let transport = HTTP2ServerTransport.Posix(
        address: isTCP
          ? .ipv4(host: own, port: Int(channel.port(of: role)))
          : .unixDomainSocket(path: channel.socketPath(of: role)),
        transportSecurity: .plaintext, config: .defaults { $0.rpc.maxRequestPayloadSize = room })
      server = Server(transport: transport, router: Self.router(mailbox))
      do {
        client = Client(
          transport: isTCP
            ? try .http2NIOPosix(
              target: .ipv4(address: peer, port: Int(channel.port(of: role.peer))),
              transportSecurity: .plaintext)
            : try .http2NIOPosix(
              target: .unixDomainSocket(path: channel.socketPath(of: role.peer)),
              transportSecurity: .plaintext))
      } catch {
        throw TransportError(.system, "gRPC's client cannot be made: \(error).")
      }
      options.maxResponseMessageBytes = room
      options.maxRequestMessageBytes = room
      options.timeout = .nanoseconds(Int64(clamping: spec.stallLimitNanoseconds))
      // Only the first call waits for a connection; later ones are told that it is gone.
      options.waitForReady = true
      mailbox.party = self
      try listen()
    }

    /// What the handler knows: it is made before its party.
    private final class Mailbox: @unchecked Sendable {
      weak var party: GRPCParty?
    }

    private static func router(_ mailbox: Mailbox) -> RPCRouter<HTTP2ServerTransport.Posix> {
      var router = RPCRouter<HTTP2ServerTransport.Posix>()
      router.registerHandler(
        forMethod: method, deserializer: ProtobufDeserializer<Message>(),
        serializer: ProtobufSerializer<Message>()
      ) { request, _ in
        let request = try await ServerRequest(stream: request)
        let answer = await withCheckedContinuation { continuation in
          if let party = mailbox.party {
            party.calls.append((request.message.value, continuation))
          } else {
            continuation.resume(returning: Data())
          }
        }
        return StreamingServerResponse(single: ServerResponse(message: Message(answer)))
      }
      return router
    }

    private func start(_ body: @escaping @Sendable (GRPCParty) async -> Void) {
      tasks.append(
        Task(executorPreference: executor) { [self] in
          await body(self)
          ended += 1
        })
    }

    private func listen() throws(TransportError) {
      start { party in try? await party.server.serve() }
      start { party in party.isListening = (try? await party.server.listeningAddress) != nil }
      guard executor.run(milliseconds: 5000, until: { isListening }) else {
        throw TransportError(.system, "gRPC's server did not listen within 5000 ms.")
      }
    }

    /// The peer listens.
    func connect() throws(TransportError) {
      start { party in try? await party.client.runConnections() }
      executor.drain()
    }

    // MARK: Calls

    func begin(_ message: Data) {
      reply = nil
      let options = options
      Task(executorPreference: executor) { [self] in
        do {
          let value = try await client.unary(
            request: ClientRequest(message: Message(message)), descriptor: Self.method,
            serializer: ProtobufSerializer<Message>(), deserializer: ProtobufDeserializer<Message>(),
            options: options
          ) { response in try response.message.value }
          reply = .success(value)
        } catch {
          reply = .failure(ExchangeError(error))
        }
      }
      self.options.waitForReady = false
    }

    /// Nil while there is none.
    func takeReply(milliseconds: Int) -> Result<Data, ExchangeError>? {
      _ = executor.run(milliseconds: milliseconds) { reply != nil }
      return reply
    }

    /// Nil while there is none.
    func takeCall(milliseconds: Int) -> Data? {
      guard executor.run(milliseconds: milliseconds, until: { !calls.isEmpty }) else { return nil }
      let call = calls.removeFirst()
      current = call.answer
      return call.message
    }

    func reply(_ message: Data) {
      current?.resume(returning: message)
      current = nil
      executor.drain()
    }

    func close() {
      client.beginGracefulShutdown()
      server.beginGracefulShutdown()
      if !executor.run(milliseconds: 1000, until: { ended == tasks.count }) { tasks.forEach { $0.cancel() } }
      _ = executor.run(milliseconds: 200) { ended == tasks.count }
    }
  }

  extension ExchangeError {
    /// A status of gRPC's (https://grpc.io/docs/guides/status-codes/).
    init(_ error: any Error) {
      switch (error as? RPCError)?.code {
      case .unavailable, .cancelled: self = .peerClosed
      case .deadlineExceeded: self = .timedOut
      case .resourceExhausted: self = .messageTooLarge
      case .unimplemented, .permissionDenied, .unauthenticated: self = .refused
      default: self = .corrupted
      }
    }
  }
#endif
