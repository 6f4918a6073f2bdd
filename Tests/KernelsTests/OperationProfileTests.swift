import Glibc
import Kernels
import Testing

struct OperationProfileTests {
    @Test("A measured call counts for its kind, and for no other")
    func kinds() {
        let seconds = OperationProfile.record { OperationProfile.measure(.attention) { _ = usleep(10) } }
        #expect(seconds.filter { $0.value > 0 }.map(\.key) == [.attention])
        #expect(seconds.count == OperationProfile.Kind.allCases.count)
    }

    @Test("A call inside another belongs to the outer one")
    func nesting() {
        let seconds = OperationProfile.record {
            OperationProfile.measure(.optimizer) { OperationProfile.measure(.elementwise) { _ = usleep(10) } }
        }
        #expect(seconds.filter { $0.value > 0 }.map(\.key) == [.optimizer])
    }

    @Test("A recording begins at zero, and calls outside of one pass through")
    func outside() {
        #expect(OperationProfile.measure(.packing) { 7 } == 7)
        #expect(OperationProfile.record {}.values.allSatisfy { $0 == 0 })
    }

    @Test("What another thread does is not recorded")
    func otherThread() {
        let seconds = OperationProfile.record {
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { _ in
                    OperationProfile.measure(.packing) { _ = usleep(10) }
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
