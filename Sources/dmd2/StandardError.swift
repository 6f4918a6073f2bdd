import Foundation
import Training

/// The stream for everything that is not the command's answer: progress and failures.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func write(_ text: String) {
        StandardStream.error.write(text)
    }

    /// Columns of the terminal; 80 where there is none to ask.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
