import IPCTransport
import LinuxIPC

/// Mechanisms whose workers need nothing but a page on which they meet: inherited, or found by its path.
public protocol MeetingProvider: ChannelProvider where Channel == Meeting.Place {}

extension MeetingProvider {
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Meeting.Place {
    try explaining("make the page on which the sides meet") { () throws(SystemError) in
      try .create(path: spec.attach == .name ? spec.scope.path(spec.name("meeting")) : nil)
    }
  }

  public static func address(of place: Meeting.Place) -> String { place.path }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Meeting.Place {
    .file(address)
  }
  public static func close(_ place: Meeting.Place) { place.remove() }
}

extension MeetingProvider where Attachment == Meeting {
  public static func attach(
    _ place: Meeting.Place, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Meeting {
    try explaining("meet the peer") { () throws(SystemError) in try Meeting(place, isFirst: role == .producer)
    }
  }
}
