import Foundation
import Messaging
import Testing

@Suite struct WireFormatTests {
    private struct Reading: Codable, Equatable {
        var name: String
        var value: Double
    }

    @Test("Frames bring back the value", arguments: [0, -1.5, .infinity, -.infinity])
    func roundTrip(value: Double) throws {
        let reading = Reading(name: "loss", value: value)
        let frames = try WireFormat.frames(of: reading)
        #expect(frames.first == [UInt8]("SWDM/1".utf8))
        #expect(try WireFormat.value(Reading.self, of: frames[...]) == reading)
    }

    @Test("A loss that is not a number arrives as such")
    func notANumber() throws {
        let frames = try WireFormat.frames(of: Reading(name: "loss", value: .nan))
        #expect(try WireFormat.value(Reading.self, of: frames[...]).value.isNaN)
    }

    @Test("Another version, a missing or an extra frame, and broken JSON are refused")
    func hostileFrames() throws {
        let good = try WireFormat.frames(of: Reading(name: "loss", value: 1))
        let bad: [[[UInt8]]] = [
            [], [good[0]], good + [[]], [[UInt8]("SWDM/2".utf8), good[1]], [good[0], []],
            [good[0], good[1].dropLast()],
            [good[0], [0xFF, 0xFE, 0x00]], [good[0], [UInt8]("[1,2]".utf8)],
        ]
        for frames in bad {
            #expect(throws: MessagingError.self) { try WireFormat.value(Reading.self, of: frames[...]) }
        }
    }

    @Test("A message beyond the limit is not sent")
    func tooLarge() {
        let name = String(repeating: "x", count: WireFormat.maximumBytes)
        #expect(throws: MessagingError.self) { try WireFormat.frames(of: Reading(name: name, value: 1)) }
    }

    @Test("Every error is one line")
    func oneLine() {
        let errors: [MessagingError] = [
            .malformedEndpoint("x"), .notLoopback("x"), .portInUse("x"), .tooLarge(bytes: 2),
            .noAnswer(endpoint: "x", timeoutMilliseconds: 1), .unreadable(reason: "x"), .unwritable(reason: "x"),
            .libraryFailure(operation: "x", code: 1, text: "x"),
        ]
        for error in errors { #expect(!error.description.contains("\n")) }
    }
}
