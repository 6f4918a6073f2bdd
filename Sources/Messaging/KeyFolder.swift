import Glibc

/// Whose key it is, which decides what its holder may do.
package enum KeyRole: String, Sendable, CaseIterable {
    /// Proves to clients that they talk to their coordinator.
    case coordinator
    /// Lets a worker process take part in the run.
    case worker
    /// Lets a command change the run, and ask how it is.
    case control
    /// Lets a command ask how the run is.
    case status
}

/// A folder of CURVE keys: `ROLE.public` and `ROLE.secret` for every role, and `http.token`.
///
/// A client needs only `coordinator.public` and its own role's secret, so what is handed to whom is decided by copying
/// files. The coordinator needs its own secret and the public halves of the others.
package struct KeyFolder: Sendable, Equatable {
    /// The folder.
    package let path: String

    /// A folder that exists or is to be created.
    package init(_ path: String) { self.path = path }

    /// Makes the folder, which must not exist, with new keys for every role: mode 0700, files 0600.
    package func create() throws {
        guard mkdir(path, S_IRWXU) == 0 else {
            throw errno == EEXIST
                ? SecretFileError.exists(path: path) : .notMade(path: path, reason: SecretFile.lastReason)
        }
        for role in KeyRole.allCases {
            let pair = try CurveKey.newPair()
            try SecretFile.create(publicPath(role), containing: pair.publicText)
            try SecretFile.create(secretPath(role), containing: pair.secretText)
        }
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<4).map { _ in String(generator.next() | 1 << 63, radix: 16) }
        try SecretFile.create("\(path)/http.token", containing: digits.joined())
    }

    /// The keys of the bound end.
    package func coordinatorKeys() throws(SecretFileError) -> CoordinatorKeys {
        try SecretFile.checkFolder(path)
        var allowed: [CurveKey: KeyRole] = [:]
        for role in [KeyRole.worker, .control, .status] { allowed[try publicKey(role)] = role }
        return CoordinatorKeys(secret: try secretKey(.coordinator).key, allowed: allowed)
    }

    /// The keys of a client with this role.
    package func clientKeys(_ role: KeyRole) throws -> ClientKeys {
        try SecretFile.checkFolder(path)
        let (secret, text) = try secretKey(role)
        return ClientKeys(
            coordinator: try publicKey(.coordinator), publicHalf: try secret.publicHalf(writtenAs: text),
            secretHalf: secret)
    }

    /// True if this folder lets its reader act in a role.
    package func holdsSecret(of role: KeyRole) -> Bool { access(secretPath(role), F_OK) == 0 }

    private func publicPath(_ role: KeyRole) -> String { "\(path)/\(role.rawValue).public" }
    private func secretPath(_ role: KeyRole) -> String { "\(path)/\(role.rawValue).secret" }

    private func publicKey(_ role: KeyRole) throws(SecretFileError) -> CurveKey {
        try key(SecretFile.readPublic(publicPath(role)), at: publicPath(role))
    }

    private func secretKey(_ role: KeyRole) throws(SecretFileError) -> (key: CurveKey, text: String) {
        let text = try SecretFile.read(secretPath(role))
        return (try key(text, at: secretPath(role)), text)
    }

    private func key(_ text: String, at path: String) throws(SecretFileError) -> CurveKey {
        guard let key = CurveKey(text) else {
            throw .noSecret(path: path, reason: "its first line is not \(CurveKey.characterCount) characters of Z85")
        }
        return key
    }
}

/// What the bound end needs to prove who it is and to know who may speak.
package struct CoordinatorKeys: Sendable {
    let secret: CurveKey
    let allowed: [CurveKey: KeyRole]
}

/// What a connecting end needs to be heard, by its own coordinator and no other.
package struct ClientKeys: Sendable {
    let coordinator: CurveKey
    let publicHalf: CurveKey
    let secretHalf: CurveKey
}
