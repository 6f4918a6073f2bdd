import Coordination
import Testing

@Suite struct HostPoolTests {
    private func pool(_ hosts: [(String, Int)], minRanks: Int = 1, maxRanks: Int = 4, grow: Double = 60) -> HostPool {
        HostPool(
            hosts.map { HostSlots(name: $0.0, slots: $0.1) },
            policy: .init(minRanks: minRanks, maxRanks: maxRanks, growAfterSeconds: grow))
    }

    private func slots(_ hosts: [(String, Int)]) -> [HostSlots] { hosts.map { HostSlots(name: $0.0, slots: $0.1) } }

    @Test("Ranks fill the hosts in order, up to the most that are wanted")
    func fills() throws {
        let placement = try #require(pool([("a", 3), ("b", 3)]).placement(at: 0))
        #expect(placement.description == "a:3,b:1")
        #expect((0..<5).map(placement.host(ofRank:)) == ["a", "a", "a", "b", nil])
    }

    @Test("Fewer slots than the least number of ranks are no place to run")
    func tooFew() {
        #expect(pool([("a", 1)], minRanks: 2).placement(at: 0) == nil)
        #expect(pool([]).placement(at: 0) == nil)
    }

    @Test("A change counts when two polls in a row agree on it")
    func debounce() {
        var pool = pool([("a", 2), ("b", 2)])
        pool.found(slots([("a", 2)]))
        #expect(pool.placement(at: 0)?.rankCount == 4, "one poll without b is no news")
        pool.found(slots([("a", 2), ("b", 2)]))
        pool.found(slots([("a", 2)]))
        #expect(pool.placement(at: 0)?.rankCount == 4)
        pool.found(slots([("a", 2)]))
        #expect(pool.placement(at: 0)?.description == "a:2")
    }

    @Test("Hosts that came later come last, also when the list begins with them")
    func order() {
        var pool = pool([("b", 1)])
        for _ in 0..<2 { pool.found(slots([("a", 1), ("b", 1)])) }
        #expect(pool.placement(at: 0)?.description == "b:1,a:1")
    }

    @Test("A run shrinks at once, and grows when more slots have been there for long enough")
    func hysteresis() throws {
        var pool = pool([("a", 2), ("b", 2)], grow: 60)
        let full = try #require(pool.placement(at: 0))
        #expect(pool.change(from: full, at: 0) == nil)
        for _ in 0..<2 { pool.found(slots([("a", 2), ("b", 1)])) }
        #expect(pool.change(from: full, at: 1) == .shrink(to: 3))
        let small = try #require(pool.placement(at: 1))
        for _ in 0..<2 { pool.found(slots([("a", 2), ("b", 2)])) }
        #expect(pool.change(from: small, at: 10) == nil)
        #expect(pool.change(from: small, at: 69) == nil)
        // What goes away in between begins anew.
        for _ in 0..<2 { pool.found(slots([("a", 2), ("b", 1)])) }
        #expect(pool.change(from: small, at: 70) == nil)
        for _ in 0..<2 { pool.found(slots([("a", 2), ("b", 2)])) }
        #expect(pool.change(from: small, at: 80) == nil)
        #expect(pool.change(from: small, at: 140) == .grow(to: 4))
    }

    @Test("A lost host is left out at once, for 30 s, then for 60; success halves that again")
    func quarantine() throws {
        var pool = pool([("a", 2), ("b", 2)])
        pool.blame("b", isLost: true, at: 0)
        #expect(pool.placement(at: 29)?.description == "a:2")
        #expect(pool.placement(at: 30)?.description == "a:2,b:2")
        pool.blame("b", isLost: true, at: 30)
        #expect(pool.quarantineEnd(of: "b", at: 31) == 90)
        pool.succeeded(try #require(pool.placement(at: 90)))
        pool.blame("b", isLost: true, at: 100)
        #expect(pool.quarantineEnd(of: "b", at: 101) == 160)
    }

    @Test("A host is left out after the second failure that began there, unless progress lies between them")
    func strikes() throws {
        var pool = pool([("a", 2), ("b", 2)])
        pool.blame("b", isLost: false, at: 0)
        #expect(pool.placement(at: 0)?.rankCount == 4)
        pool.succeeded(try #require(pool.placement(at: 0)))
        pool.blame("b", isLost: false, at: 1)
        #expect(pool.placement(at: 1)?.rankCount == 4)
        pool.blame("b", isLost: false, at: 2)
        #expect(pool.placement(at: 2)?.description == "a:2")
    }

    @Test("Where too few ranks are left, the host that was lost first comes back after a sixth of its time")
    func lastResort() {
        var pool = pool([("a", 2), ("b", 2)])
        pool.blame("a", isLost: true, at: 0)
        pool.blame("b", isLost: true, at: 2)
        #expect(pool.placement(at: 4.9) == nil)
        #expect(pool.placement(at: 5)?.description == "a:2")
        // Both may come, but one is enough, and the other has its time to serve.
        #expect(pool.placement(at: 8)?.description == "a:2")
        pool.blame("a", isLost: true, at: 8)
        #expect(pool.placement(at: 8)?.description == "b:2")
        #expect(pool.placement(at: 32)?.description == "b:2")
        #expect(pool.placement(at: 68)?.description == "a:2,b:2")
    }

    @Test("One machine without a list always takes its ranks")
    func oneMachine() {
        var pool = HostPool(ranksHere: 3)
        pool.found([])
        pool.blame("here", isLost: true, at: 0)
        #expect(pool.placement(at: 0) == LaunchPlacement(ranksHere: 3))
        #expect(pool.change(from: LaunchPlacement(ranksHere: 3), at: 0) == nil)
    }
}

@Suite struct HostListTextTests {
    @Test("Open MPI's and Horovod's forms are read, comments and empty lines left out")
    func forms() throws {
        let text = "# the cluster\na slots=4 max_slots=8\n\nb:2 # half\nc\n"
        #expect(
            try HostListText.hosts(text) == [
                HostSlots(name: "a", slots: 4), HostSlots(name: "b", slots: 2), HostSlots(name: "c", slots: 1),
            ])
    }

    @Test(
        "A line that is no host is named",
        arguments: ["a:b", "a:1:2", "a slots=x", "-x 3", "a;b", "a:-1"])
    func faults(line: String) {
        #expect(throws: HostListError(line: 2, text: line)) { try HostListText.hosts("ok\n\(line)\n") }
    }

    @Test("Slurm's node list is spelled out, and its tasks per node dealt out")
    func slurm() throws {
        let hosts = try HostListText.slurmHosts(nodeList: "n[01-03,7],gpu5", tasksPerNode: "2(x3),1")
        #expect(hosts.map(\.name) == ["n01", "n02", "n03", "n7", "gpu5"])
        #expect(hosts.map(\.slots) == [2, 2, 2, 1, 1])
    }

    @Test("A node list that makes no sense is refused", arguments: ["n[1-", "n[3-1]", "n[a]", "n[1]x[2]", "-n"])
    func slurmFaults(list: String) {
        #expect(throws: HostListError.self) { try HostListText.slurmHosts(nodeList: list, tasksPerNode: "1") }
    }
}
