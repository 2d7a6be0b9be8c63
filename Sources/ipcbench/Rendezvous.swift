import Foundation
import Glibc
import Harness
import LinuxIPC

/// A name by which the two sides find each other: a file with the server's offer, in a directory that only this user
/// can enter. It is there as long as somebody serves the name.
struct Rendezvous: Sendable {
  let name: String

  init(_ name: String) throws {
    guard name.utf8.count <= 64 else {
      throw Problem(
        .usage, "NAME has at most 64 bytes, this one has \(name.utf8.count): choose a shorter one.")
    }
    guard name.wholeMatch(of: /[A-Za-z0-9_-][A-Za-z0-9._-]*/) != nil else {
      throw Problem(
        .usage,
        "'\(oneLine(name))' cannot be a NAME: use letters of ASCII, digits, '.', '_' and '-', and no '.' first."
      )
    }
    self.name = name
  }

  private static var directory: String { "/tmp/ipcbench-serve-\(geteuid())" }
  private var path: String { "\(Self.directory)/\(name)" }

  // MARK: Server

  /// Puts the offer in the place of this server's last one, or of a dead server's.
  func publish(_ offer: Offer) throws {
    try SharedDirectory.locked(Self.directory, isMade: true) {
      if let other = header, other.isAlive, other.scope.tag != offer.header.scope.tag {
        throw Problem(
          .usage,
          "'\(name)' is served already, by process \(other.scope.pid): choose another NAME, or end that one first."
        )
      }
      try write(offer)
    }
  }

  /// Removes this server's offer, and the directory when it was the last one.
  func withdraw(_ scope: ResourceScope) {
    _ = try? SharedDirectory.locked(Self.directory) {
      if header?.scope.tag == scope.tag { unlink(path) }
      rmdir(Self.directory)
    }
  }

  /// A reader sees the old offer or the new one, never a part.
  private func write(_ offer: Offer) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let temporary = "\(Self.directory)/.\(name)"
    // What a killed server left half written.
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.problem("write \(temporary)") }
    defer { unlink(temporary) }
    let bytes = Array(try encoder.encode(offer)) + [0x0A]
    let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    guard close(descriptor) == 0, isWritten, rename(temporary, path) == 0 else {
      throw Self.problem("write \(path)")
    }
  }

  private static func problem(_ action: String) -> Problem {
    Problem(.toolFailed, "Cannot \(action): \(String(cString: strerror(errno))).")
  }

  // MARK: Driver

  /// What is offered under the name. A dead server's offer is removed.
  ///
  /// - Throws: also when the server speaks another language than this program.
  func find(for id: String) throws -> Offer {
    let offer = try SharedDirectory.locked(Self.directory) { () -> Offer? in
      guard let header, header.isAlive else {
        unlink(path)
        rmdir(Self.directory)
        return nil
      }
      guard header.isOurs, let offer = decode(Offer.self) else { throw foreign(header) }
      return offer
    }
    guard let offer = offer ?? nil else { throw nobodyServes(id) }
    return offer
  }

  func nobodyServes(_ id: String) -> Problem {
    Problem(.toolFailed, "Nobody serves '\(name)': start 'ipcbench serve \(id) \(name)' first.")
  }

  private func foreign(_ server: Offer.Header) -> Problem {
    Problem(
      .usage,
      "'\(name)' is served by ipcbench \(oneLine(server.program)), protocol \(server.protocolVersion), but this is "
        + "\(Version.text), protocol \(Greeting.currentProtocol): use the same program on both sides.")
  }

  // MARK: Reading

  private var header: Offer.Header? {
    struct Part: Codable { var header: Offer.Header }
    return decode(Part.self)?.header
  }

  private func decode<Value: Decodable>(_ type: Value.Type) -> Value? {
    TextFile.read(path).flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
  }
}

/// A directory in /tmp that several processes of one user make, use and remove.
enum SharedDirectory {
  /// Does something while no other process does.
  ///
  /// - Returns: nil where there is no such directory.
  /// - Throws: also when the directory is not this user's alone: in /tmp anybody may have made it.
  static func locked<Value>(
    _ path: String, isMade: Bool = false, _ body: () throws -> Value
  ) throws -> Value? {
    while true {
      if isMade && mkdir(path, 0o700) < 0 && errno != EEXIST {
        throw Problem(.toolFailed, "Cannot make \(path): \(String(cString: strerror(errno))).")
      }
      guard let descriptor = try openOwn(path) else {
        if isMade { continue }
        return nil
      }
      defer { close(descriptor) }
      while flock(descriptor, LOCK_EX) < 0 && errno == EINTR {}
      // While this process waited, another one may have removed it.
      if isStill(descriptor, path) { return try body() }
    }
  }

  /// Nil where there is none.
  private static func openOwn(_ path: String) throws -> Int32? {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if descriptor < 0 && errno == ENOENT { return nil }
    var status = stat()
    if fstat(descriptor, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o077 == 0 {
      return descriptor
    }
    close(descriptor)
    throw Problem(
      .toolFailed, "\(path) must be a directory of mode 0700 that is yours: remove it, or have it removed.")
  }

  private static func isStill(_ descriptor: Int32, _ path: String) -> Bool {
    var (opened, named) = (stat(), stat())
    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino
  }
}
