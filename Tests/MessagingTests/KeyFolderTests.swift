import Foundation
import Messaging
import Testing

/// A folder of new keys that goes with the test.
final class TemporaryKeys {
    let path = NSTemporaryDirectory() + "dmd2-keys-" + UUID().uuidString
    var folder: KeyFolder { KeyFolder(path) }

    init() throws { try KeyFolder(path).create() }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

@Suite struct KeyFolderTests {
    private let keys: TemporaryKeys

    init() throws { keys = try TemporaryKeys() }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("New keys are in a folder and in files that only their owner can use, whatever the umask")
    func modes() throws {
        #expect(try mode(keys.path) == 0o700)
        let names = try FileManager.default.contentsOfDirectory(atPath: keys.path)
        #expect(
            Set(names) == [
                "coordinator.public", "coordinator.secret", "worker.public", "worker.secret", "control.public",
                "control.secret", "status.public", "status.secret", "http.token",
            ])
        for name in names { #expect(try mode(keys.file(name)) == 0o600) }
    }

    @Test("No two keys are the same")
    func distinct() throws {
        let texts = try FileManager.default.contentsOfDirectory(atPath: keys.path).map {
            try String(contentsOfFile: keys.file($0), encoding: .utf8)
        }
        #expect(Set(texts).count == texts.count)
    }

    @Test("A folder that exists is never overwritten")
    func exists() {
        #expect(throws: SecretFileError.exists(path: keys.path)) { try keys.folder.create() }
    }

    @Test(
        "A secret that others can read is refused, and so is a public key that others can write",
        arguments: [
            ("coordinator.secret", 0o640), ("coordinator.secret", 0o604), ("worker.public", 0o620),
            ("worker.public", 0o602),
        ])
    func exposed(name: String, mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: keys.file(name))
        #expect(throws: SecretFileError.exposed(path: keys.file(name), mode: UInt32(mode))) {
            _ = try keys.folder.coordinatorKeys()
        }
    }

    @Test("A folder where others can replace files is refused, by either end")
    func exposedFolder() throws {
        for mode in [0o777, 0o720] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: keys.path)
            let error = SecretFileError.exposedFolder(path: keys.path, mode: UInt32(mode))
            #expect(throws: error) { _ = try keys.folder.coordinatorKeys() }
            #expect(throws: error) { _ = try keys.folder.clientKeys(.status) }
        }
        // What a sticky folder holds only its owner can replace.
        #expect(chmod(keys.path, 0o1777) == 0)
        _ = try keys.folder.coordinatorKeys()
    }

    @Test("A public key may be read by everybody")
    func publicIsPublic() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keys.file("worker.public"))
        _ = try keys.folder.coordinatorKeys()
    }

    @Test(
        "What is no key is named: empty, too short, other characters, too long, a folder, missing",
        arguments: [
            "", "abc\n", String(repeating: " ", count: 40), String(repeating: "~", count: 40),
            String(repeating: "a", count: 5000),
        ])
    func noKey(text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: keys.file("coordinator.secret")))
        #expect {
            _ = try keys.folder.coordinatorKeys()
        } throws: { error in
            guard case SecretFileError.noSecret(let path, _) = error else { return false }
            return path == keys.file("coordinator.secret") && !"\(error)".contains("\n")
        }
    }

    @Test("A key that is missing, or a folder, is named")
    func missing() throws {
        try FileManager.default.removeItem(atPath: keys.file("worker.public"))
        #expect(throws: SecretFileError.self) { _ = try keys.folder.coordinatorKeys() }
        try FileManager.default.createDirectory(
            atPath: keys.file("worker.public"), withIntermediateDirectories: false)
        #expect(throws: SecretFileError.unreadable(path: keys.file("worker.public"), reason: "not a file")) {
            _ = try keys.folder.coordinatorKeys()
        }
    }

    @Test("A client needs the coordinator's public key and its own secret, nothing else")
    func clientFolder() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: keys.path)
        where name != "coordinator.public" && name != "status.secret" {
            try FileManager.default.removeItem(atPath: keys.file(name))
        }
        _ = try keys.folder.clientKeys(.status)
        #expect(throws: SecretFileError.self) { _ = try keys.folder.clientKeys(.control) }
        #expect(keys.folder.holdsSecret(of: .status) && !keys.folder.holdsSecret(of: .control))
    }
}
