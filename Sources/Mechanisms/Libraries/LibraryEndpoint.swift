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
    let place = try explaining("name an endpoint") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name(name))
      _ = try Meeting.Place.create(path: path)
      return path
    }
    guard spec.variant == "tcp" else {
      return LibraryEndpoint(url: "ipc://\(place).sock", place: place, reservation: nil)
    }
    let channel = try InternetConnection.reserve(spec, Socket.tcp)
    return LibraryEndpoint(
      url: "tcp://\(spec.hosts.consumer.address):\(channel.port)", place: place,
      reservation: channel.reservation)
  }

  var address: String { "\(url) \(place)" }

  static func find(_ address: String) throws(TransportError) -> LibraryEndpoint {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not an endpoint and a path.")
    }
    return LibraryEndpoint(url: parts[0], place: parts[1], reservation: nil)
  }

  func close() {
    reservation?.close()
    SharedObject.removeFile(path: place)
    SharedObject.removeFile(path: place + ".sock")
  }

  public struct Attachment: Sendable {
    var url: String
    var meeting: Meeting
  }

  func attach(_ role: Role) throws(TransportError) -> Attachment {
    try explaining("meet the peer") { () throws(SystemError) in
      Attachment(url: url, meeting: try Meeting(.file(place), isFirst: role == .producer))
    }
  }
}
