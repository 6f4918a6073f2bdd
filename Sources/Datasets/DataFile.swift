import Foundation

/// Reading the files that `data` names.
enum DataFile {
    /// The whole file at `path`.
    static func bytes(path: String) throws(DatasetError) -> [UInt8] {
        guard access(path, R_OK) == 0 else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard let file = FileManager.default.contents(atPath: path) else {
            throw .unreadable(path: path, reason: "not a file")
        }
        return [UInt8](file)
    }
}
