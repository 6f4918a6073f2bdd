/// How to reach a run's coordinator: the content of `coordinator.json` in the run folder.
package struct CoordinatorAddress: Codable, Equatable, Sendable {
    /// ZeroMQ endpoint, such as `tcp://127.0.0.1:40123`.
    package var endpoint: String
    /// The coordinator's process.
    package var pid: Int32
    /// Number of the current launch.
    package var generation: Int
    /// The process group of that launch, which a later coordinator ends if this one died without doing so; 0: none.
    package var processGroup: Int32

    /// Creates an address; see the properties for the meaning of each argument.
    package init(endpoint: String, pid: Int32, generation: Int, processGroup: Int32) {
        self.endpoint = endpoint
        self.pid = pid
        self.generation = generation
        self.processGroup = processGroup
    }
}
