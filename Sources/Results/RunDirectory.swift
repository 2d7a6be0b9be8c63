public struct RunDirectory: Sendable {
  public let path: String
}
