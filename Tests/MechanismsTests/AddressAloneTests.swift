import Glibc
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Testing

/// What two sides on two machines rest on.
@Suite struct AddressAloneTests {
  private static let variants = Registry.entries.flatMap { entry in
    entry.mechanism.variantNames.map { (entry, $0) }
  }

  @Test func whatMeetsByAddressAloneIsFoundByNameAndLeavesTheHost() {
    for (entry, variant) in Self.variants {
      let traits = entry.mechanism.traits(of: variant)
      guard traits.meetsByAddressAlone else {
        #expect(entry.mechanism.whyNotAcrossMachines(variant)?.hasSuffix(".") == true)
        continue
      }
      #expect(traits.reach == .network && traits.attach.contains(.name))
      #expect(entry.mechanism.whyNotAcrossMachines(variant) == nil)
    }
  }

  /// It makes no file, and its address is none.
  @Test func whatMeetsByAddressAloneHasNothingButAnAddress() throws {
    // No other test's.
    let scope = ResourceScope(pid: getpid(), startTime: 1)
    defer { scope.removeAll() }
    var here = Hosts.loopback
    here.shareFiles = false
    var count = 0
    for (entry, variant) in Self.variants where entry.mechanism.traits(of: variant).meetsByAddressAlone {
      let form = entry.forms(of: variant)[0]
      let spec = ChannelSpec(
        variant: variant, wait: form.wait, attach: .name, messageByteCount: 64, topology: .detect(),
        scope: scope, serial: 1, hosts: here)
      guard (try? form.probe(spec)) != nil else { continue }
      let channel = try form.open(spec)
      defer { channel.close() }
      guard case .spawn(let address, nil, nil) = channel.launch(.producer) else {
        Issue.record("\(entry.mechanism.id(of: variant)) is not told an address alone")
        continue
      }
      #expect(!address.contains(scope.tag) && !address.contains("/tmp"), "\(address)")
      #expect(Directory.names(of: "/tmp").allSatisfy { $0 != scope.tag })
      count += 1
    }
    #expect(count >= 4)
  }
}
