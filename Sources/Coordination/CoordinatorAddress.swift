/// How to reach a run's coordinator: the content of `coordinator.json` in the run folder.
package struct CoordinatorAddress: Codable, Equatable, Sendable {
    /// ZeroMQ endpoint, such as `tcp://127.0.0.1:40123`.
    package var endpoint: String
    /// The coordinator's process.
    package var pid: Int32
    /// Number of the current launch.
    package var generation: Int
    /// The process group of that launch's mpirun, for whoever wants it ended at once; 0: none.
    package var processGroup: Int32
    /// Name of the coordinator's machine, where its process has that number; nil: this one.
    package var host: String?
    /// Folder of the keys that the endpoint asks for; nil: it asks for none.
    package var keys: String?
    /// Where its HTTP pages are, such as `http://127.0.0.1:9464`; nil: it has none.
    package var http: String?

    /// Creates an address; see the properties for the meaning of each argument.
    package init(
        endpoint: String, pid: Int32, generation: Int, processGroup: Int32, host: String? = nil, keys: String? = nil,
        http: String? = nil
    ) {
        self.endpoint = endpoint
        self.pid = pid
        self.generation = generation
        self.processGroup = processGroup
        self.host = host
        self.keys = keys
        self.http = http
    }
}
