import Glibc
import Kernels
import Testing

/// A call that takes ten microseconds.
private func wait(in kind: OperationProfile.Kind) {
    let timer = OperationProfile.start(kind)
    defer { timer.stop() }
    usleep(10)
}

struct OperationProfileTests {
    @Test("A timed call counts for its kind, and for no other")
    func kinds() {
        let seconds = OperationProfile.record { wait(in: .attention) }
        #expect(seconds.filter { $0.value > 0 }.map(\.key) == [.attention])
        #expect(seconds.count == OperationProfile.Kind.allCases.count)
    }

    @Test("A call inside another belongs to the outer one")
    func nesting() {
        let seconds = OperationProfile.record {
            let outer = OperationProfile.start(.optimizer)
            wait(in: .elementwise)
            outer.stop()
        }
        #expect(seconds.filter { $0.value > 0 }.map(\.key) == [.optimizer])
    }

    @Test("A recording begins at zero, and calls outside of one do not count")
    func outside() {
        wait(in: .packing)
        #expect(OperationProfile.record {}.values.allSatisfy { $0 == 0 })
    }

    @Test("What another thread does is not recorded")
    func otherThread() {
        let seconds = OperationProfile.record {
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { _ in
                    wait(in: .packing)
                    return nil
                }, nil)
            pthread_join(thread, nil)
        }
        #expect(seconds.values.allSatisfy { $0 == 0 })
    }

    @Test("The arithmetic peak is a positive number of operations a second")
    func peak() {
        #expect(ArithmeticPeak.float32(rounds: 1) > 0)
    }
}
