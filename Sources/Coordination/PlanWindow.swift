/// What one training step updates.
package enum StepKind: String, Codable, Sendable, CaseIterable {
    /// The stage's only network (teacher, classifier).
    case single
    /// The critic and its head.
    case criticOnly
    /// The student first, then the critic and its head.
    case criticAndStudent
}

/// Consecutive steps of one stage that the workers may run without asking again.
///
/// Every rank must run the same window, so rank 0 receives it and broadcasts its `encoded` bytes.
package struct PlanWindow: Codable, Equatable, Sendable {
    /// Name of the stage the steps belong to.
    package var stage: String
    /// Number of the first step; steps count from 0 in each stage.
    package var firstStep: Int
    /// What each step updates. Empty only if the stage was complete before (`finishesStage`).
    package var kinds: [StepKind]
    /// Counts of completed steps at which state is saved, ascending, each in `firstStep ... endStep`.
    package var checkpointAfter: [Int]
    /// True if the run was asked to stop: after these steps and a save, which `checkpointAfter` lists, the
    /// workers leave. The stage is not finished.
    package var stopsAtEnd: Bool
    /// True if the stage is complete after these steps.
    package var finishesStage: Bool

    /// Creates a window; see the properties for the meaning of each argument.
    package init(
        stage: String, firstStep: Int, kinds: [StepKind], checkpointAfter: [Int] = [], stopsAtEnd: Bool = false,
        finishesStage: Bool = false
    ) {
        self.stage = stage
        self.firstStep = firstStep
        self.kinds = kinds
        self.checkpointAfter = checkpointAfter
        self.stopsAtEnd = stopsAtEnd
        self.finishesStage = finishesStage
    }

    /// The step after the last one of the window.
    package var endStep: Int { firstStep + kinds.count }
}

extension PlanWindow {
    /// The window as bytes, the same on every machine:
    /// format, flags, stage length, stage (UTF-8), firstStep, kind count, kinds, save count, saves.
    /// Counts and steps are eight bytes, least significant first; the rest is one byte each.
    package var encoded: [UInt8] {
        precondition(stage.utf8.count <= 255, "PlanWindow: stage name of \(stage.utf8.count) bytes, at most 255")
        var bytes: [UInt8] = [Self.format, (stopsAtEnd ? 1 : 0) | (finishesStage ? 2 : 0), UInt8(stage.utf8.count)]
        bytes += stage.utf8
        bytes.appendInteger(firstStep)
        bytes.appendInteger(kinds.count)
        bytes += kinds.map(\.code)
        bytes.appendInteger(checkpointAfter.count)
        for step in checkpointAfter { bytes.appendInteger(step) }
        return bytes
    }

    /// Reads what `encoded` wrote. Throws `PlanWindowError` if the bytes are not exactly one window.
    package init(decoding bytes: [UInt8]) throws(PlanWindowError) {
        var reader = ByteReader(bytes: bytes)
        guard try reader.byte() == Self.format else { throw PlanWindowError(byteCount: bytes.count, offset: 0) }
        let flags = try reader.byte()
        stage = String(decoding: try reader.bytes(count: Int(try reader.byte())), as: UTF8.self)
        firstStep = try reader.integer()
        kinds = []
        for code in try reader.bytes(count: try reader.integer()) {
            guard let kind = StepKind(code: code) else { throw reader.damage }
            kinds.append(kind)
        }
        checkpointAfter = []
        let saves = try reader.integer()
        guard saves >= 0, saves <= bytes.count else { throw reader.damage }
        for _ in 0..<saves { checkpointAfter.append(try reader.integer()) }
        stopsAtEnd = flags & 1 != 0
        finishesStage = flags & 2 != 0
        guard flags < 4, reader.isAtEnd else { throw reader.damage }
    }

    private static let format: UInt8 = 1
}

/// Bytes that are not a window: ranks that disagree about the version of the program, or a broken broadcast.
package struct PlanWindowError: Error, Sendable, Equatable, CustomStringConvertible {
    /// How many bytes there were.
    package var byteCount: Int
    /// Where reading stopped.
    package var offset: Int

    /// One line for a person.
    package var description: String {
        "the plan broadcast by rank 0 (\(byteCount) bytes) makes no sense at byte \(offset): "
            + "check that every host runs the same build"
    }
}

extension StepKind {
    fileprivate var code: UInt8 {
        switch self {
        case .single: 0
        case .criticOnly: 1
        case .criticAndStudent: 2
        }
    }

    fileprivate init?(code: UInt8) {
        guard let kind = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = kind
    }
}

extension [UInt8] {
    fileprivate mutating func appendInteger(_ value: Int) {
        for shift in stride(from: 0, to: 64, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}

/// Walks over bytes without ever reading past them.
private struct ByteReader {
    let bytes: [UInt8]
    var offset = 0

    var isAtEnd: Bool { offset == bytes.count }
    var damage: PlanWindowError { PlanWindowError(byteCount: bytes.count, offset: offset) }

    mutating func bytes(count: Int) throws(PlanWindowError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - offset else { throw damage }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    mutating func byte() throws(PlanWindowError) -> UInt8 {
        guard let byte = try bytes(count: 1).first else { throw damage }
        return byte
    }

    mutating func integer() throws(PlanWindowError) -> Int {
        var value: UInt64 = 0
        for byte in try bytes(count: 8).reversed() { value = value << 8 | UInt64(byte) }
        return Int(truncatingIfNeeded: value)
    }
}
