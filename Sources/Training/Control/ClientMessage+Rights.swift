package import Coordination
package import Messaging

extension ClientMessage {
    /// True if the holder of such a key may say this. Nil stands for everybody on this machine, where no keys are in use.
    package func isAllowed(to role: KeyRole?) -> Bool {
        switch (role, self) {
        case (nil, _): true
        case (.worker, .worker): true
        case (.control, .control): true
        case (.status, .control(.status)): true
        case (.worker, .control), (.control, .worker), (.status, _), (.coordinator, _): false
        }
    }
}
