import ArgumentParser
package import Coordination
import Foundation
import Training

/// Why a command ends early: one line for a person and a documented exit status.
package struct CommandFailure: Error, CustomStringConvertible {
    /// How the program ends.
    package let status: ExitStatus

    /// What failed and what to do, on one line.
    package let description: String

    /// A failure that ends the program with `status`.
    package init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }
}

extension DMD2 {
    /// Ends the program as `error` asks: help on standard output, a failure on standard error with `dmd2:` before each line.
    static func end(with error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure: fail(failure.status, failure.description)
        case let code as ExitCode: Foundation.exit(code.rawValue)
        default:
            if let status = ExitStatus(for: error) { fail(status, "\(error)") }
            end(withParserError: error)
        }
    }

    private static func end(withParserError error: any Error) -> Never {
        switch exitCode(for: error) {
        case .success:
            print(fullMessage(for: error))
            Foundation.exit(ExitStatus.done.rawValue)
        case .validationFailure:
            let message = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
            fail(.usage, "\(message) (see \(helpCommand(for: error)))")
        default:
            fail(.unexpectedFailure, "\(error)")
        }
    }

    /// The help of the subcommand that was typed: the parser's usage ends with its name.
    private static func helpCommand(for error: any Error) -> String {
        let usage = fullMessage(for: error)
        return usage.firstMatch(of: /See '(.+)' for more information/).map { String($0.output.1) } ?? "dmd2 --help"
    }

    private static func fail(_ status: ExitStatus, _ message: String) -> Never {
        for line in message.split(whereSeparator: \.isNewline) { StandardError.write("dmd2: \(line)\n") }
        Foundation.exit(status.rawValue)
    }
}
