import Foundation
import Glibc

/// Standard output and standard error of a program that has to outlive whoever reads them: a pipe may be closed (`| head`),
/// a terminal may go away. What cannot be written any more is dropped.
package enum StandardStream {
    case output, error

    /// From here on a write to a pipe that nobody reads fails, instead of ending the program.
    package static func outliveReaders() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes all of `text`, or as much as somebody takes.
    package func write(_ text: String) {
        let handle =
            switch self {
            case .output: FileHandle.standardOutput
            case .error: FileHandle.standardError
            }
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
