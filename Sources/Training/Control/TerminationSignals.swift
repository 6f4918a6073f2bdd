import Glibc
import Synchronization

/// Signals that ask a program to stop. They are only counted; whoever runs the program looks at the count.
package enum TerminationSignals {
    private static let received = Atomic<Int>(0)

    /// How many have arrived.
    package static var count: Int { received.load(ordering: .relaxed) }

    /// From now on SIGTERM, SIGINT and SIGUSR1 (which mpirun passes on) are counted instead of ending the program.
    package static func startCounting() {
        for number in [SIGTERM, SIGINT, SIGUSR1] {
            var action = sigaction()
            // An atomic increment is among the few things a signal handler may do.
            action.__sigaction_handler.sa_handler = { _ in
                TerminationSignals.received.add(1, ordering: .relaxed)
            }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }
}
