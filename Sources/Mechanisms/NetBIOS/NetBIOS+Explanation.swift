import IPCTransport

extension NetBIOSMechanism {
  static var explanation: Explanation {
    Explanation(
      "Programs have names, of 15 characters and a byte that says what they are for, and find each other by them: a name "
        + "server, here a real nmbd, knows which host has which name. Between names there are sessions, which keep "
        + "messages apart on a TCP connection, and datagrams. Three hosts of the run's own, network namespaces on one "
        + "bridge, are the producer's, the consumer's and the name server's: nmbd wants a network interface, and the "
        + "ports 137 to 139 are fixed. What is measured therefore always crosses a network: the scope is `network`.",
      producer: [], consumer: [],
      limits: ["It needs root, for the namespaces, and Debian's package samba."] + limits,
      useWhen: useWhen, avoidWhen: avoidWhen)
  }

  private static var limits: [String] {
    [
      "IPv4 only, and nothing is protected: anybody on the network can claim a name, or speak for one.",
      "The name server takes no part in what is measured: names are looked up once, before.",
    ]
  }
  private static var useWhen: String {
    "Machines that speak nothing else are to be reached: old printers, machine tools, Windows without DNS."
  }
  private static var avoidWhen: String {
    "There is a choice: tcp with names from DNS does the same, and Windows itself has left it (SMB over port 445)."
  }

  private static var nameSteps: [Explanation.Step] {
    [
      .init(
        "ip link add … type bridge; nmbd --foreground --configfile=smb.conf",
        "The harness, once a run: three network namespaces on a bridge, and the name server in the third."),
      .init("setns(fd, CLONE_NEWNET)", "Moves to its host."),
      .init(
        "sendto(137, registration request), recvfrom(137, response)",
        "Registers its name with the name server; where another host claims to have it, the server has to ask that one "
          + "first, and says to wait (WACK).", answers: "NCBADDNAME"),
    ]
  }

  private static var releaseStep: Explanation.Step {
    .init("sendto(137, release request)", "Gives the name back.", answers: "NCBDELNAME")
  }

  static var sessionExplanation: Explanation {
    Explanation(
      "The session service of NetBIOS over TCP (RFC 1002, section 4.3): the caller looks the called name up, connects to "
        + "port 139 of its host and asks for a session with that name; then each message is preceded by four bytes: a "
        + "type, a flag, and a length of 17 bits. Between two network namespaces of the run's own, with nmbd as name "
        + "server in a third.",
      producer: nameSteps + [
        .init(
          "sendto(137, query request), recvfrom(137, response)",
          "Asks which host has the consumer's name; again, for 5 s at most, while nobody has."),
        .init("connect(s, address:139)", "With TCP_NODELAY.", answers: "NCBCALL"),
        .init(
          "send(s, session request), recv(s, response)",
          "Says both names. A negative response is an error with its reason, a retarget response sends it elsewhere.",
          answers: "NCBCALL"),
        .init("write(s, header and message)", "One call for both.", answers: "NCBSEND"),
        .init(
          "read(s, …)", "In a round trip: waits for the echo; keep-alives are passed over.",
          answers: "NCBRECV"),
        .init("close(s)", "Ends the session.", answers: "NCBHANGUP"), releaseStep,
      ],
      consumer: [nameSteps[1]] + [
        .init(
          "bind(address:139), listen(4)", "Before it has a name: who finds that finds a listener.",
          answers: "NCBLISTEN"),
        nameSteps[2],
        .init(
          "accept, recv(s, session request), send(s, positive response)",
          "A request for another name is refused: called name not present.", answers: "NCBLISTEN"),
        .init(
          "read(s, …)", "Sleeps until there is something, and cuts it into messages.", answers: "NCBRECV"),
        .init("write(s, header and message)", "In a round trip: the echo.", answers: "NCBSEND"),
        .init("close(s)", "Ends the session.", answers: "NCBHANGUP"), releaseStep,
      ],
      limits: ["A message has at most 131,071 bytes: 17 bits of length."] + limits, useWhen: useWhen,
      avoidWhen: avoidWhen)
  }

  static var datagramExplanation: Explanation {
    Explanation(
      "The datagram service of NetBIOS over UDP (RFC 1002, section 4.4): a message with both names before it, 82 bytes of "
        + "header, from port 138 to port 138. Between two network namespaces of the run's own, with nmbd as name server "
        + "in a third. Like any UDP datagram it is dropped where there is no room; the consumer counts what is missing.",
      producer: nameSteps + [
        .init(
          "sendto(137, query request), recvfrom(137, response)", "Asks which host has the consumer's name."),
        .init("bind(address:138), connect(peer:138)", "Takes from, and sends to, the peer's host only."),
        .greet,
        .init(
          "write(s, header and message)",
          "One call for both: only the datagram's number and length are not known beforehand.",
          answers: "NCBDGSEND"),
        .init("read(s, …)", "In a round trip: waits for the echo.", answers: "NCBDGRECV"),
        .init("close(s)", "Gives the port back."), releaseStep,
      ],
      consumer: [nameSteps[1], nameSteps[2]] + [
        .init("sendto(137, query request)", "Looks the producer's name up, to echo to it."),
        .init("bind(address:138), connect(peer:138)", "Takes from, and sends to, the peer's host only."),
        .greet,
        .init(
          "read(s, …)",
          "Sleeps until there is a datagram. One that begins otherwise than the peer's is read field by "
            + "field, and passed over unless it is for this name.", answers: "NCBDGRECV"),
        .init("write(s, header and message)", "In a round trip: the echo.", answers: "NCBDGSEND"),
        .init("close(s)", "Gives the port back."), releaseStep,
      ],
      limits: [
        "A message has at most 512 bytes, which every implementation takes; longer ones would be sent in fragments, "
          + "which are refused here."
      ] + limits, useWhen: useWhen, avoidWhen: avoidWhen)
  }
}

extension NetworkMailslot {
  static var explanation: Explanation {
    Explanation(
      "A mailslot that any host on the network may write to: the message is in an SMB transaction, write mail slot to "
        + "\\MAILSLOT\\name, and that in a NetBIOS datagram, broadcast to UDP port 138 ([MS-MAIL]). Every host that has a "
        + "reader of this name gets it. Three network namespaces of the run's own on one bridge; each side owns a slot, "
        + "so that two make it two-way. The writer's own host gets its broadcasts too, and its reader passes over what "
        + "is for another slot.",
      producer: [
        .init("setns(fd, CLONE_NEWNET)", "Moves to its host."),
        .init(
          "bind(address:138), setsockopt(SO_BROADCAST), connect(192.0.2.255:138)", "Will write to all.",
          answers: "CreateFile(\"\\\\*\\MAILSLOT\\name\")"),
        .greet,
        .init(
          "write(s, headers and message)",
          "One call: 82 bytes of datagram header, the transaction's, the slot's name, and the message.",
          answers: "WriteFile"),
        .init("close(s)", "Gives the port back.", answers: "CloseHandle"),
      ],
      consumer: [
        .init("setns(fd, CLONE_NEWNET)", "Moves to its host."),
        .init(
          "setsockopt(SO_REUSEADDR, SO_REUSEPORT), bind(0.0.0.0:138)",
          "A socket that is bound to an address of its own does not get what is sent to all.",
          answers: "CreateMailslot"),
        .greet,
        .init(
          "read(s, …)", "Sleeps until there is a datagram, and passes over those for other slots.",
          answers: "ReadFile"),
        .init("close(s)", "The slot is gone.", answers: "CloseHandle"),
      ],
      limits: [
        "A message has at most 400 bytes, as on Windows: more is refused.",
        "Nothing is sent again, nobody is told what was lost, and a message may come twice where hosts have several "
          + "networks.",
        "Nothing is protected: anybody on the network can write to the slot.",
        "It needs root, for the namespaces, and Debian's package samba.",
      ],
      useWhen: "Every machine on a segment is to hear something, and old Windows among them.",
      avoidWhen: "Messages matter, or hosts are beyond a router: use udp:multicast, or tcp to each.")
  }
}
