package import Messaging

/// How `dmd2-coordinator` supervises a run. May differ between two launches of one run.
package struct CoordinatorConfiguration: Sendable, Equatable {
    /// ZeroMQ address to listen at; `*` takes any free port. Other machines can reach it only with `keys`.
    package var endpoint = "tcp://127.0.0.1:*"

    /// Folder of CURVE keys, as `dmd2 keys new` makes it, on every host of the run; empty: none, and on this machine only.
    package var keys = ""

    /// Name or address by which the workers reach this machine, if `endpoint` is not loopback; empty: the host in
    /// `endpoint`, or this machine's name where that stands for every interface.
    package var address = ""

    /// Where `/metrics`, `/status`, `/healthz` and `/readyz` are served over HTTP, an IPv4 address and a port; empty:
    /// nowhere. Other machines can reach it only with `httpToken`.
    package var httpEndpoint = ""

    /// A file, readable by its owner only, with the token that `/metrics` and `/status` ask for; empty: none.
    package var httpToken = ""

    /// Restarts in a row without a new checkpoint after which the run gives up.
    package var maxRestartsWithoutProgress = 3

    /// Steps granted at a time. A change such as `dmd2 set ratio=10` takes effect after the steps already granted.
    package var windowSteps = 32

    /// The folder that `keys` names; nil: there are no keys.
    package var keyFolder: KeyFolder? { keys.isEmpty ? nil : KeyFolder(keys) }

    /// How clients reach a coordinator that listens at `bound`.
    package func reached(bound: Endpoint) -> Endpoint {
        if bound.isLoopback { return bound }
        if !address.isEmpty { return bound.reached(at: address) }
        return bound.isEveryInterface ? bound.reached(at: ThisMachine.name) : bound
    }
}
