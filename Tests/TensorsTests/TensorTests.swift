import Tensors
import Testing

@Suite struct TensorTests {
    @Test("Elements are in row-major order, and a shape prints as a list")
    func elements() {
        let tensor = Tensor([1, 2, 3, 4, 5, 6], Shape(3, 2))
        #expect(tensor.elements == [1, 2, 3, 4, 5, 6])
        #expect(tensor.shape.description == "[3, 2]" && tensor.shape.countPerSample == 2)
        #expect(Shape().count == 1 && Shape(2, 0).count == 0)
    }

    @Test("Views share the storage; copies do not")
    func views() {
        let tensor = Tensor([1, 2, 3, 4, 5, 6], Shape(3, 2))
        let (view, rows, copy) = (tensor.reshaped(Shape(2, 3)), tensor.samples(1..<3), tensor.copied())
        tensor.buffer[2] = 30
        #expect(view.elements[2] == 30 && copy.elements[2] == 3)
        #expect(rows.elements == [30, 4, 5, 6] && rows.shape == Shape(2, 2))
    }

    @Test("Equal extents of another rank are another shape")
    func rank() {
        #expect(Shape(2, 1) != Shape(2))
    }

    @Test("Five extents, a negative one, and an axis beyond the rank trap")
    func badShapes() async {
        await #expect(processExitsWith: .failure) { _ = Shape(1, 2, 3, 4, 5) }
        await #expect(processExitsWith: .failure) { _ = Shape(2, -1) }
        await #expect(processExitsWith: .failure) { _ = Shape(2, 3)[2] }
    }

    @Test("Elements, reshapes and views of another count trap")
    func misfits() async {
        await #expect(processExitsWith: .failure) { _ = Tensor([1, 2, 3], Shape(2)) }
        await #expect(processExitsWith: .failure) { _ = Tensor(repeating: 0, Shape(4)).reshaped(Shape(3)) }
        await #expect(processExitsWith: .failure) { _ = Tensor(StoragePool.take(64), offset: 60, shape: Shape(5)) }
    }
}
