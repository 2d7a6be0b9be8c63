import Foundation
import Histogram

/// HdrHistogram's compressed wire format, version 2, in Base64, as every port of it reads it.
///
/// The format is what `AbstractHistogram.encodeIntoCompressedByteBuffer` of the Java original writes: a cookie
/// and a length, then a zlib stream of a header of 40 bytes and the counts, up to the last that is not zero.
/// All numbers are big-endian.
enum HistogramWireFormat {
  static func text(_ histogram: Histogram<UInt64>) -> String {
    let compressed = Zlib.stored(encoded(histogram))
    let header = bytes(UInt32(0x1c84_9314)) + bytes(UInt32(compressed.count))
    return Data(header + compressed).base64EncodedString()
  }

  static func encoded(_ histogram: Histogram<UInt64>) -> [UInt8] {
    let counts = encodedCounts(histogram)
    return bytes(UInt32(0x1c84_9313)) + bytes(UInt32(counts.count))
      + bytes(UInt32(0))  // normalizing index offset
      + bytes(UInt32(histogram.numberOfSignificantValueDigits.rawValue))
      + bytes(histogram.lowestDiscernibleValue) + bytes(histogram.highestTrackableValue)
      + bytes((1.0).bitPattern)  // integer to double conversion ratio
      + counts
  }

  /// Positive numbers are counts; a negative one stands for as many zeros.
  private static func encodedCounts(_ histogram: Histogram<UInt64>) -> [UInt8] {
    var bytes: [UInt8] = []
    var next = 0
    for recorded in histogram.recordedValues() {
      let index = self.index(of: recorded.value, in: histogram)
      let zeros = index - next
      if zeros > 0 { append(zeros == 1 ? 0 : -Int64(zeros), to: &bytes) }
      append(Int64(clamping: recorded.count), to: &bytes)
      next = index + 1
    }
    return bytes
  }

  /// The bucket of a value: the values below twice the resolution have one each, and every further power of two
  /// is divided into as many buckets as its upper half needs.
  static func index(of value: UInt64, in histogram: Histogram<UInt64>) -> Int {
    let unitBits = 63 - histogram.lowestDiscernibleValue.leadingZeroBitCount
    let resolution = 2 * Int(pow(10, Double(histogram.numberOfSignificantValueDigits.rawValue)))
    let subBucketBits = Int.bitWidth - (resolution - 1).leadingZeroBitCount
    let scaled = value >> UInt64(unitBits)
    let significantBits = UInt64.bitWidth - scaled.leadingZeroBitCount
    let bucket = max(0, significantBits - subBucketBits)
    return (bucket << (subBucketBits - 1)) + Int(scaled >> UInt64(bucket))
  }

  /// Seven bits a byte, least significant first, with the sign in the lowest bit (ZigZag). Unlike the usual
  /// LEB128, the ninth byte is the last and has eight.
  static func append(_ number: Int64, to bytes: inout [UInt8]) {
    var rest = UInt64(bitPattern: (number << 1) ^ (number >> 63))
    for _ in 0..<8 {
      guard rest > 0x7f else { return bytes.append(UInt8(rest)) }
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian, Array.init)
  }
}

/// The zlib format (RFC 1950) with blocks that are stored as they are (RFC 1951, section 3.2.4): what is
/// needed to be read, without a library.
enum Zlib {
  static func stored(_ data: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let end = min(start + 0xffff, data.count)
      let length = UInt16(end - start)
      stream.append(end == data.count ? 1 : 0)
      stream += withUnsafeBytes(of: length.littleEndian, Array.init)
      stream += withUnsafeBytes(of: (~length).littleEndian, Array.init)
      stream += data[start..<end]
      start = end
    } while start < data.count
    return stream + HistogramWireFormat.bytes(adler32(data))
  }

  /// The check sum of RFC 1950, section 8.2.
  static func adler32(_ data: [UInt8]) -> UInt32 {
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in data {
      low = (low + UInt32(byte)) % 65_521
      high = (high + low) % 65_521
    }
    return high << 16 | low
  }
}
