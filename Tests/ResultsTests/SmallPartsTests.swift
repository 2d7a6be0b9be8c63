import Testing

@testable import Results

@Suite struct SystemFilesTests {
  @Test(arguments: [
    ("0-3,8", [0, 1, 2, 3, 8]), ("5", [5]), ("0-1\n", [0, 1]), ("", []), ("3-1", nil), ("a", nil),
    ("1-2-3", nil),
    ("0-99999999999", nil), ("-1", nil), ("1-", nil),
  ])
  func aListOfCPUsIsReadOrRefused(text: String, numbers: [Int]?) {
    #expect(cpuNumbers(inList: text) == numbers)
  }

  @Test func emptyAndAbsentFilesAreBothNil() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write("proc/empty", "\n")
    let files = SystemFiles(root: temporary.path)
    #expect(files.text("proc/empty") == nil && files.text("proc/absent") == nil && files.text("proc") == nil)
    #expect(files.names(in: "proc") == ["empty"] && files.names(in: "absent").isEmpty)
  }
}

@Suite struct GitCommitTests {
  private let commit = "0123456789abcdef0123456789abcdef01234567"

  private func commit(_ files: [String: String], above directory: String = "work/.build/release") throws
    -> String?
  {
    let temporary = try TemporaryDirectory()
    for (name, text) in files { try temporary.write(name, text) }
    return Environment.Tool.commit(above: directory, SystemFiles(root: temporary.path))
  }

  @Test func theCommitIsThatOfTheBranchThatIsCheckedOut() throws {
    let head = ["work/.git/HEAD": "ref: refs/heads/main\n"]
    #expect(try commit(head.merging(["work/.git/refs/heads/main": commit + "\n"]) { $1 }) == commit)
    let packed =
      "# pack-refs with: peeled\n\(String(repeating: "f", count: 40)) refs/heads/xmain\n\(commit) refs/heads/main\n"
    #expect(try commit(head.merging(["work/.git/packed-refs": packed]) { $1 }) == commit)
    #expect(try commit(head) == nil)
  }

  @Test func aDetachedHeadIsTheCommitItself() throws {
    #expect(try commit(["work/.git/HEAD": commit + "\n"]) == commit)
    #expect(try commit(["work/.git/HEAD": "garbage"]) == nil)
  }

  @Test(arguments: ["/work", "../work"])
  func aLinkedWorkTreeIsFollowed(repository: String) throws {
    let files = [
      "tree/.git": "gitdir: \(repository)/.git/worktrees/tree\n",
      "work/.git/worktrees/tree/HEAD": "ref: refs/heads/x\n",
      "work/.git/worktrees/tree/commondir": "../..\n", "work/.git/refs/heads/x": commit,
    ]
    #expect(try commit(files, above: "tree/.build") == commit)
  }

  @Test func outsideACheckoutThereIsNone() throws {
    #expect(try commit([:]) == nil)
  }
}

@Suite struct RunIDTests {
  private struct Fixed: RandomNumberGenerator {
    mutating func next() -> UInt64 { 0 }
  }

  @Test func anIDIsTheTimeInUTCAndSixDigits() {
    var zero = Fixed()
    let time = Timestamp(secondsSinceEpoch: 1_769_850_300)
    #expect(RunID.make(at: time, using: &zero) == "20260131T090500Z-000000")
    #expect(time.iso8601 == "2026-01-31T09:05:00Z")
    #expect(Timestamp(secondsSinceEpoch: 951_827_696).iso8601 == "2000-02-29T12:34:56Z")
  }

  @Test func idsSortByTimeAndDifferWithinASecond() {
    var generator = SystemRandomNumberGenerator()
    let ids = [0, 59, 86_399, 1_000_000_000, 2_000_000_000].map {
      RunID.make(at: Timestamp(secondsSinceEpoch: $0), using: &generator)
    }
    #expect(ids.sorted() == ids)
    #expect(ids.allSatisfy { $0.count == 23 })
    #expect(Set((0..<50).map { _ in RunID.make() }).count == 50)
  }
}

@Suite struct HashTests {
  /// From the FNV draft's test vectors.
  @Test func theHashIsFNV1a() {
    #expect(FNV1a.hash("".utf8) == 0xcbf2_9ce4_8422_2325)
    #expect(FNV1a.hash("a".utf8) == 0xaf63_dc4c_8601_ec8c)
    #expect(FNV1a.hash("foobar".utf8) == 0x8594_4171_f739_67e8)
    #expect(FNV1a.hex("foobar") == "85944171f73967e8")
  }
}
