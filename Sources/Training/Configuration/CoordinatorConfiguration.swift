/// How `dmd2-coordinator` supervises a run. May differ between two launches of one run.
package struct CoordinatorConfiguration: Sendable, Equatable {
    /// ZeroMQ address to listen at; `*` takes any free port.
    package var endpoint = "tcp://127.0.0.1:*"

    /// Restarts in a row without a new checkpoint after which the run gives up.
    package var maxRestartsWithoutProgress = 3

    /// Steps granted at a time. A change such as `dmd2 set ratio=10` takes effect after the steps already granted.
    package var windowSteps = 32
}
