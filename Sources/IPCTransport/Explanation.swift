/// What `ipcbench explain` says about a mechanism: what each side calls, in order, and when to use it.
public struct Explanation: Sendable {
  /// One call in the life of a side.
  public struct Step: Sendable {
    /// As it would be written in C: `shm_open(name, O_RDWR)`.
    public var call: String
    /// What it does here.
    public var purpose: String
    /// The Win32 call that it answers, nil where there is none.
    public var counterpart: String?

    public init(_ call: String, _ purpose: String, answers counterpart: String? = nil) {
      self.call = call
      self.purpose = purpose
      self.counterpart = counterpart
    }
  }

  /// A paragraph: what it is and how it works.
  public var text: String
  public var producer: [Step]
  public var consumer: [Step]
  /// What it does not do, one sentence each.
  public var limits: [String]
  public var useWhen: String
  public var avoidWhen: String

  public init(
    _ text: String, producer: [Step], consumer: [Step], limits: [String], useWhen: String,
    avoidWhen: String
  ) {
    self.text = text
    self.producer = producer
    self.consumer = consumer
    self.limits = limits
    self.useWhen = useWhen
    self.avoidWhen = avoidWhen
  }
}
