import Foundation
import Glibc

/// Where a path is made that is not there yet: itself, or the nearest one above it that exists.
package struct NearestFolder: Sendable {
    /// Its path.
    package let path: String

    /// Looks for it.
    package init(to path: String) {
        var url = URL(fileURLWithPath: path)
        while !FileManager.default.fileExists(atPath: url.path), url.path != "/" { url.deleteLastPathComponent() }
        self.path = url.path
    }

    /// Why nothing can be made in it, in the system's words; nil if this user may.
    package var problem: String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            return "\(path) is not a folder"
        }
        return access(path, W_OK | X_OK) == 0 ? nil : "\(path): \(systemErrorText())"
    }
}
