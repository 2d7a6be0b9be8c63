import Testing

@testable import SharedRing

/// Zeroed, aligned memory of a test's own.
final class Region {
  let bytes: UnsafeMutableRawBufferPointer
  init(_ byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 4096)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }
  deinit { bytes.deallocate() }
}

struct RingHeaderTests {
  private let geometry = RingGeometry(kind: .messages, slotCount: 8, capacity: 100)

  @Test func wordsThatDifferentProcessesWriteAreOnDifferentPairsOfLines() {
    let offsets = [
      0, RingHeader.Offset.tail, RingHeader.Offset.producerSide, RingHeader.Offset.head,
      RingHeader.Offset.consumerSide, RingHeader.Offset.consumerSleeps, RingHeader.Offset.producerSleeps,
    ]
    #expect(Set(offsets.map { $0 / 128 }).count == offsets.count)
    #expect(offsets.allSatisfy { $0 % 128 == 0 && $0 + 128 <= RingHeader.byteCount })
  }

  @Test func smallMessagesShareALineWithTheirWord() {
    for capacity in 1...56 {
      let geometry = RingGeometry(kind: .messages, slotCount: 8, capacity: capacity)
      #expect(geometry.stride == 64)
      #expect(geometry.payloadOffset + capacity <= 56)
    }
  }

  @Test func largerMessagesBeginInTheLineAfterTheirWord() {
    for capacity in [57, 64, 65, 1000, 4096] {
      let geometry = RingGeometry(kind: .messages, slotCount: 8, capacity: capacity)
      #expect(geometry.payloadOffset == 64)
      #expect(geometry.stride % 64 == 0 && geometry.stride >= 64 + capacity)
    }
  }

  @Test func aRingIsFoundAsItWasMade() throws {
    let region = Region(geometry.byteCount)
    _ = try RingHeader.create(in: region.bytes, geometry)
    #expect(try RingHeader.find(in: region.bytes, .messages).geometry == geometry)
  }

  @Test func aRingThatDoesNotFitIsRefused() {
    let region = Region(geometry.byteCount - 1)
    #expect(throws: RingFormatError.self) { try RingHeader.create(in: region.bytes, geometry) }
  }

  @Test func memoryWithoutARingIsRefused() {
    let region = Region(8192)
    let error = #expect(throws: RingFormatError.self) { try RingHeader.find(in: region.bytes, .messages) }
    #expect(error?.description.contains("magic") == true)
  }

  @Test(arguments: [
    (RingHeader.Offset.version, UInt64(99), "version"), (RingHeader.Offset.kind, 2, "kind"),
    (RingHeader.Offset.slotCount, 7, "geometry"), (RingHeader.Offset.slotCount, 1 << 40, "geometry"),
    (RingHeader.Offset.slotCount, 1 << 63, "geometry"), (RingHeader.Offset.slotCount, 4096, "claims"),
    (RingHeader.Offset.capacity, 0, "geometry"), (RingHeader.Offset.capacity, .max, "geometry"),
    (RingHeader.Offset.capacity, 2000, "claims"),
  ])
  func damageIsRefusedByName(offset: Int, value: UInt64, word: String) throws {
    let region = Region(geometry.byteCount)
    _ = try RingHeader.create(in: region.bytes, geometry)
    if offset < 16 {
      region.bytes.storeBytes(of: UInt32(value), toByteOffset: offset, as: UInt32.self)
    } else {
      region.bytes.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
    }
    let error = #expect(throws: RingFormatError.self) { try RingHeader.find(in: region.bytes, .messages) }
    #expect(error?.description.contains(word) == true, "\(String(describing: error))")
  }
}
