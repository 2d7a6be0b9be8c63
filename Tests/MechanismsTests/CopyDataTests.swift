import Foundation
import IPCTransport
import LinuxIPC
import Synchronization
import Testing

@testable import Mechanisms

/// What row 13 of the mechanisms promises: SendMessage with WM_COPYDATA. Both sides are threads of this process:
/// `process_vm_writev` does not mind.
struct CopyDataTests {
  private final class Outcome: Sendable {
    let error = Mutex<ExchangeError?>(nil)
    let answer = Mutex<UInt64>(0)
    let handlerReturned = Atomic<Bool>(false)
  }

  private func spec(stallLimit: UInt64 = 5_000_000_000) -> ChannelSpec {
    ChannelSpec(
      wait: .block, messageByteCount: 64, topology: Topology.detect(), scope: ResourceScope(), serial: 0,
      stallLimitNanoseconds: stallLimit)
  }

  /// Runs both sides, each on a thread of its own, and waits for them.
  private func run(
    stallLimit: UInt64 = 5_000_000_000,
    _ producer: @escaping @Sendable (inout CallByCopy<Block>) throws(ExchangeError) -> Void,
    _ consumer: @escaping @Sendable (inout CallByCopy<Block>) throws(ExchangeError) -> Void
  ) throws -> (producer: ExchangeError?, consumer: ExchangeError?) {
    let place = try Meeting.Place.create(path: nil)
    defer { place.remove() }
    let spec = spec(stallLimit: stallLimit)
    let outcomes = [Outcome(), Outcome()]
    let group = DispatchGroup()
    for (index, body) in [producer, consumer].enumerated() {
      let thread = Thread {
        defer { group.leave() }
        let role = Role.allCases[index]
        guard let meeting = try? CopyData.attach(place, as: role, spec),
          var side = try? CallByCopy<Block>(meeting, as: role, spec)
        else { return outcomes[index].error.withLock { $0 = .system(errno: -1) } }
        do throws(ExchangeError) {
          try body(&side)
        } catch {
          outcomes[index].error.withLock { $0 = error }
        }
      }
      group.enter()
      thread.start()
    }
    #expect(group.wait(timeout: .now() + 20) == .success)
    return (outcomes[0].error.withLock { $0 }, outcomes[1].error.withLock { $0 })
  }

  @Test func theSenderGetsTheHandlersResult() throws {
    let outcome = Outcome()
    let errors = try run(
      { side throws(ExchangeError) in
        try side.call(
          8, { $0.storeBytes(of: UInt64(20), as: UInt64.self) },
          { answer in outcome.answer.withLock { $0 = answer.unsafeLoad(as: UInt64.self) } })
      },
      { side throws(ExchangeError) in
        var value: UInt64 = 0
        try side.serve(
          { value = $0.unsafeLoad(as: UInt64.self) }, replyByteCount: 8,
          { $0.storeBytes(of: value + 1, as: UInt64.self) })
      })
    #expect(errors.producer == nil && errors.consumer == nil)
    #expect(outcome.answer.withLock { $0 } == 21)
  }

  @Test func theSenderIsBlockedUntilTheHandlerHasReturned() throws {
    let outcome = Outcome()
    let errors = try run(
      { side throws(ExchangeError) in
        try side.send(8) { _ in }
        if !outcome.handlerReturned.load(ordering: .acquiring) { throw .corrupted }
      },
      { side throws(ExchangeError) in
        try side.serve(
          { _ in
            usleep(50_000)
            outcome.handlerReturned.store(true, ordering: .releasing)
          }, replyByteCount: 8, { _ in })
      })
    #expect(errors.producer == nil && errors.consumer == nil)
  }

  @Test func theDataLiesInTheReceiversOwnMemoryAndOnlyForTheHandler() throws {
    let outcome = Outcome()
    let errors = try run(
      { side throws(ExchangeError) in
        for value in [UInt64(1), 2] { try side.send(8) { $0.storeBytes(of: value, as: UInt64.self) } }
      },
      { side throws(ExchangeError) in
        // The second call overwrites the buffer in which the first one's data was.
        var addresses: [UInt] = []
        for _ in 0..<2 {
          try side.receive { message in
            message.withUnsafeBytes { addresses.append(UInt(bitPattern: $0.baseAddress)) }
          }
        }
        outcome.answer.withLock { $0 = addresses[0] == addresses[1] ? 1 : 0 }
      })
    #expect(errors.producer == nil && errors.consumer == nil)
    #expect(outcome.answer.withLock { $0 } == 1)
  }

  @Test func aCallThatNobodyServesTimesOutAndIsNotServedLater() throws {
    let outcome = Outcome()
    let errors = try run(
      stallLimit: 200_000_000,
      { side throws(ExchangeError) in try side.send(8) { _ in } },
      { side throws(ExchangeError) in
        usleep(600_000)
        // The call was withdrawn: there is nothing to serve, so that this side gives up too.
        do throws(ExchangeError) {
          try side.receive { _ in outcome.handlerReturned.store(true, ordering: .releasing) }
        } catch { if error != .timedOut { throw error } }
      })
    #expect(errors.producer == .timedOut)
    #expect(errors.consumer == nil)
    let wasServed = outcome.handlerReturned.load(ordering: .acquiring)
    #expect(!wasServed)
  }

  @Test func twoPeersThatCallEachOtherAtOnceAreToldSo() throws {
    let both: @Sendable (inout CallByCopy<Block>) throws(ExchangeError) -> Void = {
      side throws(ExchangeError) in try side.send(8) { _ in }
    }
    let began = Date()
    let errors = try run(both, both)
    // The first one to see it withdraws; the other one sees it too, or finds that nobody answers any more.
    #expect(errors.producer == .mutualCall || errors.consumer == .mutualCall)
    #expect(errors.producer != nil && errors.consumer != nil)
    #expect(Date().timeIntervalSince(began) < 15)
  }
}
