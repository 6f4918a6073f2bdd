package import Coordination
import Glibc

/// The machine this process runs on.
package enum ThisMachine {
    /// Its name, as the system knows it without asking the network.
    package static let name: String = {
        var characters = [CChar](repeating: 0, count: 256)
        guard gethostname(&characters, characters.count - 1) == 0 else { return "localhost" }
        return String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    /// What a list of hosts may call it.
    package static let names: Set = [name, "localhost"]
}

extension CoordinatorAddress {
    /// True if its process numbers are this machine's.
    package var isOnThisMachine: Bool { host == nil || host == ThisMachine.name }
}
