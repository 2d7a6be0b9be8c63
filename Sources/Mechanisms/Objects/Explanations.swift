import IPCTransport

extension DBus {
  static var explanation: Explanation {
    Explanation("x", producer: [], consumer: [], limits: [], useWhen: "", avoidWhen: "")
  }
}
extension DDE {
  static var explanation: Explanation {
    Explanation("x", producer: [], consumer: [], limits: [], useWhen: "", avoidWhen: "")
  }
}
extension OLE {
  static var explanation: Explanation {
    Explanation("x", producer: [], consumer: [], limits: [], useWhen: "", avoidWhen: "")
  }
}
extension Clipboard {
  static var explanation: Explanation {
    Explanation("x", producer: [], consumer: [], limits: [], useWhen: "", avoidWhen: "")
  }
}
