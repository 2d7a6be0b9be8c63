import Foundation
import IPCTransport
import LinuxIPC
import TestSupport
import Testing

@testable import Mechanisms

/// What row 12 of the mechanisms promises beyond the common contract.
struct SocketTests {
  private func pair(multicast: Bool = false) throws -> (sender: Socket, receiver: Socket) {
    let receiver = try InternetConnection.bound(Socket.udp, address: "127.0.0.1", port: 0)
    let sender = try Socket.udp()
    try sender.connect(address: "127.0.0.1", port: try receiver.localPort())
    return (sender, receiver)
  }

  private func send(_ socket: Socket, _ byteCount: Int) -> Int {
    let message = [UInt8](repeating: 7, count: byteCount)
    return RawDescriptor.write(socket.descriptor.rawValue, message, byteCount)
  }

  private func drain(_ socket: Socket) throws -> Int {
    try socket.descriptor.setNonBlocking(true)
    var buffer = [UInt8](repeating: 0, count: 70_000)
    var count = 0
    while RawDescriptor.read(socket.descriptor.rawValue, &buffer, buffer.count) >= 0 { count += 1 }
    return count
  }

  @Test func whatUDPLosesIsCountedByTheKernel() throws {
    let (sender, receiver) = try pair()
    defer { [sender, receiver].forEach { $0.close() } }
    let sent = 5000
    for _ in 0..<sent { #expect(send(sender, 1000) == 1000) }
    let received = try drain(receiver)
    let dropped = try #require(receiver.drops)
    #expect(dropped > 0)
    #expect(received + Int(dropped) == sent)
  }

  @Test func aMulticastReachesEveryMemberOfTheGroup() throws {
    let spec = ChannelSpec(
      wait: .block, messageByteCount: 64, topology: Topology.detect(), scope: ResourceScope(), serial: 1)
    let reservation = try InternetConnection.reserve(spec, Socket.udp)
    defer { reservation.reservation?.close() }
    let members = try (0..<3).map { _ in try UDP.member(port: reservation.port, at: "127.0.0.1") }
    let sender = try Socket.udp()
    defer { (members + [sender]).forEach { $0.close() } }
    try sender.sendMulticast(from: "127.0.0.1")
    try sender.connect(address: UDP.group, port: reservation.port)
    #expect(send(sender, 100) == 100)
    for member in members { #expect(try drain(member) == 1) }
  }

  private func measured(_ arguments: [String]) throws -> [String: Double] {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let result = try Programs.run(
      "ipcbench",
      ["run"] + arguments
        + ["--trials", "1", "--duration", "20ms", "--quiet", "--format", "json", "--out", directory.path])
    #expect(result.exitCode == 0, "\(result.errors)")
    let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    let cases = try #require(document?["cases"] as? [[String: Any]])
    let metrics = try #require(cases.first?["metrics"] as? [[String: Any]])
    return metrics.reduce(into: [:]) { all, metric in
      if let name = metric["metric"] as? String { all[name] = metric["median"] as? Double }
    }
  }

  @Test(arguments: ["tcp", "mptcp"])
  func theStateOfTCPNoDelayIsRecorded(_ mechanism: String) throws {
    let metrics = try measured(["-m", mechanism, "-p", "round-trip"])
    #expect(metrics["tcp_nodelay_producer"] == 1)
    #expect(metrics["tcp_nodelay_consumer"] == 1)
  }

  @Test func aZeroCopySendSaysWhenTheKernelCopied() throws {
    let metrics = try measured(["-m", "tcp:zerocopy", "-p", "stream", "-s", "64KiB"])
    let sends = try #require(metrics["zero_copy_sends_producer"])
    #expect(sends > 0)
    // Over loopback it always does: the packets would otherwise hold the sender's pages in the receiver.
    #expect(metrics["zero_copy_sends_copied_producer"] == sends)
  }

  @Test func aLossyStreamCountsWhatWasSentReceivedAndLost() throws {
    let metrics = try measured(["-m", "udp", "-p", "stream", "-s", "8KiB"])
    let received = try #require(metrics["messages"])
    let lost = try #require(metrics["messages_lost"])
    #expect(received > 0)
    #expect(lost >= 0)
    #expect(metrics["datagrams_dropped_consumer"] != nil)
  }

  @Test func theLookUpOfTheExamplesPeerIsTimedApart() throws {
    let metrics = try measured(["-m", "mapped-file-notify:signal", "-p", "round-trip"])
    #expect((metrics["peer_look_up_producer"] ?? 0) > 0)
    #expect((metrics["latency_rtt_p50"] ?? 0) > 0)
  }

  @Test func aProbeOfVsockNeverConnects() throws {
    // It either works here or says what to do; that it returns at all, and soon, is what matters.
    let spec = ChannelSpec(
      wait: .block, messageByteCount: 64, topology: Topology.detect(), scope: ResourceScope(), serial: 0)
    do throws(TransportError) {
      try Vsock.probe(spec)
    } catch {
      #expect(error.code == .unavailable)
      #expect(error.description.contains("vsock_loopback"))
    }
  }
}
