package import Communication

/// How the ranks of a launch are connected.
package struct Interconnect: Sendable, Equatable {
    /// Consecutive ranks that share a machine, and its link.
    package var ranksPerNode: Int
    /// What a machine's link carries, bytes a second, each way.
    package var linkBytesPerSecond: Double
    /// The time before the first byte of a message arrives, seconds.
    package var latencySeconds: Double
    /// What the memory of a machine carries, bytes a second.
    package var memoryBytesPerSecond: Double

    package init(
        ranksPerNode: Int, linkBytesPerSecond: Double, latencySeconds: Double, memoryBytesPerSecond: Double
    ) {
        (self.ranksPerNode, self.linkBytesPerSecond) = (ranksPerNode, linkBytesPerSecond)
        (self.latencySeconds, self.memoryBytesPerSecond) = (latencySeconds, memoryBytesPerSecond)
    }
}

/// The time of one sum of gradients over all ranks, by a latency-bandwidth model.
///
/// A message takes the latency; bytes between machines take the link of the busiest one, and bytes between ranks of one
/// machine cross its memory four times, since they are copied into a shared segment and out of it again. The two add up:
/// an estimate from above, where they overlap.
package struct ReductionForecast: Sendable {
    private let tree: ShardTree
    private let connection: Interconnect
    private let mode: ReductionMode

    /// A sum of `mode` over `ranks` that share `shards`.
    package init(_ mode: ReductionMode, shards: Int, ranks: Int, _ connection: Interconnect) {
        (self.mode, self.connection) = (mode, connection)
        tree = ShardTree(shardCount: shards, rankCount: ranks)
    }

    /// Seconds for a vector of so many floats.
    package func seconds(elementCount: Int) -> Double {
        let ranks = tree.rankCount
        guard ranks > 1 else { return 0 }
        let bytes = Double(4 * elementCount)
        switch mode {
        case .stable: return exchange(bytes) + merging(bytes) + ring(bytes)
        case .fast: return 2 * ring(bytes) + sum(bytes * Double(ranks - 1) / Double(ranks))
        }
    }

    /// Each rank sends to every other one its slice of each partial sum it holds.
    private func exchange(_ bytes: Double) -> Double {
        let ranks = tree.rankCount
        let sums = (0..<ranks).map { tree.subtrees(of: $0).count }
        let slice = bytes / Double(ranks)
        var worst = 0.0
        for node in 0..<nodeCount {
            let members = ranksOfNode(node)
            var (outside, inside, messages) = (0.0, 0.0, 0)
            for rank in members {
                outside += slice * Double(sums[rank] * (ranks - members.count))
                inside += slice * Double(sums[rank] * (members.count - 1))
                messages = max(messages, sums[rank] * (ranks - 1))
            }
            worst = max(
                worst,
                Double(messages) * connection.latencySeconds + outside / connection.linkBytesPerSecond
                    + 4 * inside / connection.memoryBytesPerSecond)
        }
        return worst
    }

    /// Each rank adds its slice of all partial sums.
    private func merging(_ bytes: Double) -> Double {
        sum(bytes / Double(tree.rankCount) * Double(tree.merges.count))
    }

    /// Additions of so many bytes of results by every rank of a machine: two read, one written.
    private func sum(_ bytes: Double) -> Double {
        3 * bytes * Double(ranksOfNode(0).count) / connection.memoryBytesPerSecond
    }

    /// Every rank passes on all slices but one along a ring; a machine's link carries them once.
    private func ring(_ bytes: Double) -> Double {
        let ranks = tree.rankCount
        let passed = bytes * Double(ranks - 1) / Double(ranks)
        let members = ranksOfNode(0).count
        let insideHops = nodeCount > 1 ? members - 1 : members
        return Double(ranks - 1) * connection.latencySeconds
            + (nodeCount > 1 ? passed / connection.linkBytesPerSecond : 0)
            + 4 * passed * Double(insideHops) / connection.memoryBytesPerSecond
    }

    /// The machines.
    package var nodeCount: Int { (tree.rankCount + connection.ranksPerNode - 1) / connection.ranksPerNode }

    private func ranksOfNode(_ node: Int) -> Range<Int> {
        node * connection.ranksPerNode..<min(tree.rankCount, (node + 1) * connection.ranksPerNode)
    }
}
