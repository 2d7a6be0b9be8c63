import Glibc

/// Numbers names in the order in which they first appear. A name is any bytes, given in parts.
///
/// The bytes lie one after the other in one piece of memory, so that a name that is known already costs neither
/// an allocation nor a copy that is kept.
struct NameTable: ~Copyable {
  private(set) var count = 0
  private var arena: UnsafeMutableRawPointer
  private var capacity = 4_096
  /// Where each name ends; the next one begins there.
  private var ends: [Int] = []
  private var hashes: [Int] = []
  /// Open addressing with linear probing: the number of a name, or -1.
  private var slots = [Int32](repeating: -1, count: 64)
  /// Where the parts given so far end.
  private var end = 0
  /// Rows of one trial stand together, so the last name is the likeliest.
  private var last = -1

  init() { arena = .allocate(byteCount: capacity, alignment: 1) }

  deinit { arena.deallocate() }

  /// Adds a part to the name that `number()` then looks up. Parts are kept apart by a zero byte, which they
  /// must not contain.
  mutating func append(_ part: UnsafeRawBufferPointer) {
    if end + part.count + 1 > capacity { grow(to: end + part.count + 1) }
    if let base = part.baseAddress { memcpy(arena + end, base, part.count) }
    arena.storeBytes(of: 0, toByteOffset: end + part.count, as: UInt8.self)
    end += part.count + 1
  }

  /// The number of the name that was given, and whether it is a new one.
  mutating func number() -> (number: Int, isNew: Bool) {
    let start = ends.last ?? 0
    let name = UnsafeRawBufferPointer(start: arena + start, count: end - start)
    if last >= 0 && matches(last, name) {
      end = start
      return (last, false)
    }
    var hasher = Hasher()
    hasher.combine(bytes: name)
    let hash = hasher.finalize()
    var slot = hash & (slots.count - 1)
    while slots[slot] >= 0 {
      let known = Int(slots[slot])
      if hashes[known] == hash && matches(known, name) {
        end = start
        last = known
        return (known, false)
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(count)
    return (keep(hash), true)
  }

  private func matches(_ number: Int, _ name: UnsafeRawBufferPointer) -> Bool {
    let start = number == 0 ? 0 : ends[number - 1]
    return ends[number] - start == name.count
      && memcmp(arena + start, name.baseAddress!, name.count) == 0
  }

  private mutating func keep(_ hash: Int) -> Int {
    ends.append(end)
    hashes.append(hash)
    last = count
    count += 1
    if count * 2 > slots.count { rehash() }
    return last
  }

  private mutating func rehash() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for number in 0..<count {
      var slot = hashes[number] & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(number)
    }
  }

  private mutating func grow(to wanted: Int) {
    let larger = max(wanted, capacity * 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 1)
    memcpy(moved, arena, end)
    arena.deallocate()
    (arena, capacity) = (moved, larger)
  }
}
