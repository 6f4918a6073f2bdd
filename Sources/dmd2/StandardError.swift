import Foundation
import Training

/// The stream for everything that is not the command's answer: progress and failures.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func write(_ text: String) {
        StandardStream.error.write(text)
    }

    /// Draws a line on the terminal for the next one to overwrite: the cursor returns to the first column, so that a line
    /// from elsewhere covers it too.
    static func redraw(_ line: String) {
        write("\u{1B}[K" + line + "\r")
    }

    /// Takes away what `redraw` has drawn.
    static func eraseLine() {
        if isTerminal { write("\r\u{1B}[K") }
    }

    /// Columns of the terminal; 80 where there is none to ask.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
