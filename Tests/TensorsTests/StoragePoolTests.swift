import Tensors
import Testing

@Suite struct StoragePoolTests {
    @Test("Storage lies on 64-byte boundaries and has the room asked for", arguments: [0, 1, 63, 64, 65, 1000, 4097])
    func alignmentAndRoom(count: Int) {
        let storage = StoragePool.take(count)
        #expect(UInt(bitPattern: storage.pointer).isMultiple(of: 64))
        #expect(storage.capacity >= count && storage.capacity <= max(64, count + count / 8 + 16))
    }

    // The pool belongs to the whole process, so this runs in one of its own.
    @Test("A training step takes no new memory once it has run")
    func steadyState() async {
        await #expect(processExitsWith: .success) {
            let weights = [normal(Shape(8, 4, 3, 3), sample: 1), normal(Shape(8), sample: 2)]
            let packed = PackedWeights()
            func step() {
                let tape = Tape()
                let bound = weights.map { tape.weight($0, gradient: Tensor(repeating: 0, $0.shape)) }
                let h = silu(tape.input(normal(Shape(2, 4, 4, 4), sample: 3)))
                let y = convolution(
                    h,
                    ConvolutionArguments(
                        weight: bound[0], bias: bound[1], stride: 1, padding: 1, packed: packed, version: 0))
                tape.backward([(y, Tensor(repeating: 1, y.shape))])
            }
            step()
            let afterFirst = StoragePool.allocatedByteCount
            for _ in 0..<5 { step() }
            #expect(StoragePool.allocatedByteCount == afterFirst)
        }
    }

    @Test("Borrowed memory is the caller's: tensors write through to it")
    func borrowedMemory() {
        var numbers: [Float] = [1, 2, 3]
        numbers.withUnsafeMutableBufferPointer { numbers in
            guard let base = numbers.baseAddress else { return }
            let tensor = Tensor(Storage(borrowing: base, capacity: 3), offset: 1, shape: Shape(2))
            tensor.buffer[0] = 7
        }
        #expect(numbers == [1, 7, 3])
    }
}
