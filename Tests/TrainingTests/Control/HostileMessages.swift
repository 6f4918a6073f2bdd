import Coordination
import Foundation
import Messaging
import TestSupport

/// What a hostile or broken peer may send, without end, as a seed has it.
struct HostileMessages {
    /// What is wrong with a message.
    enum Kind: CaseIterable {
        /// Bytes that mean nothing, in any number of frames.
        case random
        /// A real message, damaged in one to four places.
        case mutated
        /// A real message of another launch.
        case stale
        /// A message that the coordinator has handled before.
        case replayed
        /// A real command or worker's message with a key that does not allow it.
        case unauthorised
        /// JSON nested deeper than any parser's stack.
        case nested
        /// As long as a message may be, or longer.
        case oversized
    }

    /// Frames as they arrive, and the key they came with.
    struct Delivery {
        let kind: Kind
        let frames: [[UInt8]]
        let role: KeyRole?
    }

    private static let version = [UInt8]("SWDM/1".utf8)
    private var random: SplitMix
    private let replayed: [[UInt8]]
    private let stale: [[UInt8]]
    private let mutable: [[UInt8]]
    private let commands: [[UInt8]]
    private let current: [[UInt8]]

    /// `history` is what the coordinator's workers have said to it so far, in launch `generation`.
    init(seed: UInt64, history: [WorkerEnvelope], generation: Int) throws {
        random = SplitMix(seed: seed)
        func json(_ message: ClientMessage) throws -> [UInt8] { [UInt8](try WireFormat.encode(message)) }
        func all(_ generation: Int) throws -> [[UInt8]] {
            let others: [WorkerMessage] = [
                .notice(text: "text"), .stageFinished(stage: "distil", step: 3), .finished,
                .failed(exitCode: 65, reason: "cut short"),
            ]
            return try (history.map { ($0.rank, $0.message) } + others.map { (0, $0) }).map {
                try json(.worker(envelope: .init(generation: generation, rank: $0, message: $1)))
            }
        }
        replayed = try history.map { try json(.worker(envelope: $0)) }
        stale = try all(generation - 1) + all(generation + 1)
        // Far from the current number, so that no damage makes it current.
        mutable = try all(5)
        current = try all(generation)
        commands = try [ControlRequest.setRatio(ratio: 9), .checkpointNow, .stop].map {
            try json(.control(request: $0))
        }
    }

    /// The next one. Large ones are rare, so that a million take minutes.
    mutating func next() -> Delivery {
        let draw = Int.random(in: 0..<10_000, using: &random)
        switch draw {
        case 0..<2: return oversized()
        case 2..<10: return message(.nested, nested())
        case 10..<2500: return Delivery(kind: .random, frames: randomFrames(), role: role())
        case 2500..<3500: return message(.stale, pick(stale))
        case 3500..<4500: return message(.replayed, pick(replayed), role: .worker)
        case 4500..<5000: return message(.unauthorised, pick(commands), role: pick([.worker, .status]))
        case 5000..<5500: return message(.unauthorised, pick(current), role: pick([.control, .status]))
        default: return message(.mutated, mutated(pick(mutable)))
        }
    }

    /// A damaged message of the current launch, with the right key: it may mean anything, also to do harm.
    mutating func damaged() -> [[UInt8]] { [Self.version, mutated(pick(current))] }

    private mutating func message(_ kind: Kind, _ body: [UInt8], role: KeyRole? = nil) -> Delivery {
        Delivery(kind: kind, frames: [Self.version, body], role: role ?? self.role())
    }

    /// A holder of the workers' key, or whoever is on this machine where no keys are in use.
    private mutating func role() -> KeyRole? { Bool.random(using: &random) ? .worker : nil }

    private mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int.random(in: list.indices, using: &random)]
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private mutating func randomFrames() -> [[UInt8]] {
        var frames = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            bytes(Int.random(in: 0...60, using: &random))
        }
        // Half of them pass for the right protocol.
        if Bool.random(using: &random), !frames.isEmpty { frames[0] = Self.version }
        return frames
    }

    private mutating func nested() -> [UInt8] {
        let depth = Int.random(in: 100...200_000, using: &random)
        let (open, close) = pick([("[", "]"), (#"{"worker":"#, "}"), (#"{"a":["#, "]}")])
        let text = String(repeating: open, count: depth)
        let ending = Bool.random(using: &random) ? "1" + String(repeating: close, count: depth) : ""
        let inside = Bool.random(using: &random)
        return [UInt8]((inside ? #"{"worker":{"envelope":{"generation":5,"rank":0,"message":"# : "").utf8)
            + [UInt8]((text + ending).utf8)
    }

    private mutating func oversized() -> Delivery {
        let length = WireFormat.maximumBytes - 200 + pick([0, 1, 1000, 100_000])
        let filler = String(repeating: pick(["a", "[", "1,", "\\u0000"]), count: length).prefix(length)
        let text =
            #"{"worker":{"envelope":{"generation":5,"rank":0,"message":{"notice":{"text":""# + filler + #""}}}}}"#
        return message(.oversized, [UInt8](text.utf8))
    }

    private mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        var body = original
        for _ in 0..<Int.random(in: 1...4, using: &random) where !body.isEmpty {
            let place = Int.random(in: body.indices, using: &random)
            let end = min(body.count, place + Int.random(in: 1...20, using: &random))
            switch Int.random(in: 0..<7, using: &random) {
            case 0: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: body[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: body.removeSubrange(place..<end)
            case 3: body.insert(contentsOf: body[place..<end], at: place)
            case 4: body.insert(contentsOf: bytes(end - place), at: place)
            case 5: replaceNumber(in: &body, from: place)
            default: body = Array(body[..<place]) + Array(pick(mutable).suffix(body.count - place))
            }
        }
        return body
    }

    private mutating func replaceNumber(in body: inout [UInt8], from place: Int) {
        guard let first = body[place...].firstIndex(where: { (48...57).contains($0) }) else { return }
        let end = body[first...].firstIndex { !(48...57).contains($0) } ?? body.endIndex
        let number = pick([
            "9223372036854775807", "-9223372036854775808", "18446744073709551616", "-1", "0", "1e309", "1e-309", "-0.0",
            "\"nan\"", "\"inf\"", "null", "true", "1099511627776", "4611686018427387904",
        ])
        body.replaceSubrange(first..<end, with: number.utf8)
    }
}
