import IPCTransport
import LinuxIPC

/// Where two sockets of a messaging library meet: a URL, and a page for what the library does not tell.
public struct LibraryEndpoint: Sendable {
  var url: String
  var place: String
  /// Keeps a TCP port ours until the library binds it; nil in a spawned worker, and for a path.
  var reservation: Socket?

  /// - Parameter name: distinguishes the libraries of a run.
  static func open(_ name: String, _ spec: ChannelSpec) throws(TransportError) -> LibraryEndpoint {
    let place = spec.hosts.shareFiles ? try makePlace(name, spec) : ""
    guard spec.variant == "tcp" else {
      return LibraryEndpoint(url: "ipc://\(place).sock", place: place, reservation: nil)
    }
    let channel = try InternetConnection.reserve(spec, Socket.tcp)
    return LibraryEndpoint(
      url: url(port: channel.port, spec), place: place, reservation: channel.reservation)
  }

  private static func makePlace(_ name: String, _ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("name an endpoint") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name(name))
      _ = try Meeting.Place.create(path: path)
      return path
    }
  }

  private static func url(port: UInt16, _ spec: ChannelSpec) -> String {
    "tcp://\(spec.hosts.consumer.address):\(port)"
  }

  var address: String { "\(url) \(place)" }

  static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> LibraryEndpoint {
    let parts = address.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not an endpoint and a path.")
    }
    guard !spec.hosts.shareFiles else {
      return LibraryEndpoint(url: parts[0], place: parts[1], reservation: nil)
    }
    // The host under which the other side knows itself may be another one than that by which it is reached.
    guard let port = parts[0].split(separator: ":").last.flatMap({ UInt16($0) }) else {
      throw TransportError(.unsupported, "'\(address)' names no port.")
    }
    return LibraryEndpoint(url: url(port: port, spec), place: "", reservation: nil)
  }

  func close() {
    reservation?.close()
    if place.isEmpty { return }
    SharedObject.removeFile(path: place)
    SharedObject.removeFile(path: place + ".sock")
  }

  public struct Attachment: Sendable {
    var url: String
    /// Nil where the sides share no files.
    var meeting: Meeting?
  }

  func attach(_ role: Role, _ crew: Crew = .pair) throws(TransportError) -> Attachment {
    guard !place.isEmpty else { return Attachment(url: url, meeting: nil) }
    return try explaining("meet the peer") { () throws(SystemError) in
      Attachment(url: url, meeting: try Meeting(.file(place), role, crew))
    }
  }
}
