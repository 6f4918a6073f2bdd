import Coordination
import Testing

@Suite struct TimeLedgerTests {
    /// Launched at 0, all there at 2, first step at 3, a rank silent from 10 on and given up at 20, gone at 21, launched
    /// again at 22, there at 24, first step at 25, caught up at 28.
    private var ledger: TimeLedger {
        var ledger = TimeLedger()
        ledger.note(.launched, at: 0)
        ledger.note(.ranksComplete, at: 2)
        ledger.note(.worked(isRedone: false), at: 3)
        ledger.note(.troubleKnown(silentSeconds: 10), at: 20)
        ledger.note(.launchEnded(silentSeconds: 11), at: 21)
        ledger.note(.launched, at: 22)
        ledger.note(.ranksComplete, at: 24)
        ledger.note(.worked(isRedone: true), at: 25)
        ledger.note(.caughtUp, at: 28)
        return ledger
    }

    @Test("Every second of a failure is in one place, and the silent ones are taken from what was kept")
    func split() {
        let seconds = ledger.seconds(at: 38)
        #expect(
            seconds == [.launch: 4, .load: 2, .kept: 7 + 10, .detect: 10, .stop: 1, .wait: 1, .redo: 3])
        #expect(seconds.values.reduce(0, +) == 38)
        #expect(abs(Goodput(ledger, at: 38).ratio - 17.0 / 38) < 1e-12)
    }

    @Test("An end that nobody saw coming is found out at once, from the last progress on")
    func suddenEnd() {
        var ledger = TimeLedger()
        ledger.note(.launched, at: 0)
        ledger.note(.worked(isRedone: false), at: 1)
        ledger.note(.launchEnded(silentSeconds: 0.5), at: 5)
        #expect(ledger.seconds == [.launch: 1, .kept: 3.5, .detect: 0.5])
        #expect(ledger.activity == .wait)
    }

    @Test("When all work is done the processes have only to end, and nobody had to find anything out")
    func finished() {
        var ledger = TimeLedger()
        ledger.note(.launched, at: 0)
        ledger.note(.worked(isRedone: false), at: 1)
        ledger.note(.finished, at: 5)
        ledger.note(.finished, at: 5.5)
        ledger.note(.launchEnded(silentSeconds: 3), at: 6)
        ledger.note(.runEnded, at: 6)
        #expect(ledger.seconds.filter { $0.value > 0 } == [.launch: 1, .kept: 4, .stop: 1])
    }

    @Test("The time between the end of a run and its next start is nobody's")
    func pause() {
        var ledger = ledger
        ledger.note(.runEnded, at: 38)
        ledger.note(.launched, at: 1000)
        #expect(ledger.seconds(at: 1001).values.reduce(0, +) == 39)
    }

    @Test("A launch whose coordinator died was unsupervised from its last sign of life on")
    func unsupervised() {
        var ledger = TimeLedger()
        ledger.note(.launched, at: 0)
        ledger.note(.worked(isRedone: false), at: 1)
        ledger.note(.other, at: 5)
        ledger.note(.launched, at: 100)
        #expect(ledger.seconds == [.launch: 1, .kept: 4, .wait: 95])
    }

    @Test("On another clock the same seconds have passed")
    func otherClock() {
        #expect(ledger.shifted(by: -1000).seconds(at: 38 - 1000) == ledger.seconds(at: 38))
    }
}
