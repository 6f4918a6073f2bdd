import Coordination
import Distillation
import Layers
import Tensors
import Testing
import Training

/// What one shard adds to one update: the gradient, then the metrics.
private func contribution(
    _ stage: some TrainingStage, network: Int = 0, step: Int, _ kind: StepKind, shard: Int
) -> [Float] {
    let gradient = Tensor(repeating: 0, Shape(stage.networks[network].optimizer.weights.layout.elementCount))
    let metrics = Tensor(repeating: 0, Shape(stage.networks[network].metricNames.count))
    stage.accumulate(
        network: network, step: step, kind: kind, shard: shard, gradient: gradient, metrics: metrics.pointer)
    return gradient.elements + metrics.elements
}

struct StageTests {
    @Test("What the teacher's shard contributes depends on step and shard alone")
    func teacher() throws { try expectPureFunction(TinyRun().teacherStage()) }

    @Test("What the classifier's shard contributes depends on step and shard alone")
    func classifier() throws { try expectPureFunction(TinyRun().classifierStage()) }

    @Test("A label that is left out does not reach the teacher's network; the rest of the step stays as it was")
    func labelDropout() throws {
        let stage = try moved(TinyRun { $0.teacher.labelDropout = 0.5 }.teacherStage())
        try expectPureFunction(stage)
        let plain = try moved(TinyRun().teacherStage())
        // One label in two is left out: of the eight of a step at least one.
        #expect(
            (0..<stage.shards).contains {
                contribution(stage, step: 3, .single, shard: $0) != contribution(plain, step: 3, .single, shard: $0)
            })

        // With all labels but one in a million left out, the labels' layer has no gradient.
        let without = try moved(TinyRun { $0.teacher.labelDropout = 0.999_999 }.teacherStage())
        let layout = without.networks[0].optimizer.weights.layout
        let entry = try #require(layout.entries.first { $0.name == "model.map_label.weight" })
        let range = entry.offset..<entry.offset + entry.count
        #expect(contribution(without, step: 3, .single, shard: 1)[range].allSatisfy { $0 == 0 })
        #expect(contribution(plain, step: 3, .single, shard: 1)[range].contains { $0 != 0 })
    }

    /// The stage with weights away from zero, through which labels have an effect.
    private func moved(_ stage: TeacherStage) -> TeacherStage {
        let weights = stage.networks[0].optimizer.weights
        let stream = RandomStream(seed: 1, purpose: .evaluationNoise)
        weights.update { values in
            let noise = stream.normal(Shape(1, values.count), step: 0, firstSample: 0)
            for index in values.buffer.indices { values.buffer[index] += 0.05 * noise.buffer[index] }
        }
        return stage
    }

    private func expectPureFunction(_ stage: some TrainingStage) throws {
        let first = contribution(stage, step: 3, .single, shard: 1)
        let otherShard = contribution(stage, step: 3, .single, shard: 2)
        let otherStep = contribution(stage, step: 4, .single, shard: 1)
        stage.endStep()
        #expect(contribution(stage, step: 3, .single, shard: 1) == first)
        #expect(first != otherShard)
        #expect(first != otherStep)
        #expect(first.allSatisfy(\.isFinite) && first.contains { $0 != 0 })
    }

    @Test("What a distillation's shard contributes depends on step, kind and shard alone")
    func distillation() throws {
        let stage = try TinyRun().distillationStage()
        func turn(step: Int, shard: Int) -> [[Float]] {
            let kind = StepKind.criticAndStudent
            return stage.updates(of: kind).map { contribution(stage, network: $0, step: step, kind, shard: shard) }
        }
        func criticOnly(step: Int, shard: Int) -> [Float] {
            contribution(stage, network: 1, step: step, .criticOnly, shard: shard)
        }

        let both = turn(step: 2, shard: 1)
        _ = turn(step: 2, shard: 3)
        stage.endStep()
        let alone = criticOnly(step: 3, shard: 1)
        stage.endStep()
        _ = criticOnly(step: 5, shard: 0)
        stage.endStep()

        #expect(turn(step: 2, shard: 1) == both)
        stage.endStep()
        #expect(criticOnly(step: 3, shard: 1) == alone)
        #expect(both.count == 2 && both.joined().allSatisfy(\.isFinite))
    }

    @Test("Student and critic come to rest each by its own part of the updates", arguments: [(0.5, 0.0), (0, 0.5)])
    func decay(student: Double, critic: Double) throws {
        let stage = try TinyRun {
            $0.distil.studentUpdates = 8
            ($0.distil.decayFraction, $0.distil.criticDecayFraction) = (student, critic)
        }.distillationStage()
        for (network, decays) in zip(stage.networks, [student > 0, critic > 0]) {
            let schedule = network.learningRate
            #expect((schedule.rate(update: schedule.totalUpdates - 1) < schedule.peak) == decays, "\(network.name)")
        }
    }

    @Test(
        "Accumulating over shards is the large batch: their mean gradient and means are those of one shard",
        arguments: [1, 3])
    func accumulation(calls: Int) throws {
        func stage(shards: Int) throws -> DistillationStage {
            try TinyRun {
                ($0.distil.batch, $0.distil.shards) = (16, shards)
                $0.distil.studentSigmas = Array([2.5, 0.9, 0.3].prefix(calls))
            }.distillationStage()
        }
        let (whole, parts) = (try stage(shards: 1), try stage(shards: 8))
        let kind = StepKind.criticAndStudent
        for network in whole.updates(of: kind) {
            let large = contribution(whole, network: network, step: 2, kind, shard: 0)
            var mean = [Double](repeating: 0, count: large.count)
            for shard in 0..<8 {
                for (index, value) in contribution(parts, network: network, step: 2, kind, shard: shard).enumerated() {
                    mean[index] += Double(value) / 8
                }
            }
            // Sums of the same float32 terms in another order, through networks of a dozen layers.
            let largest = large.reduce(0) { max($0, abs($1)) }
            let worst = zip(large, mean).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
            #expect(worst <= 1e-5 * Double(largest), "network \(network): \(worst) of \(largest)")
        }
    }

    // The pool belongs to the whole process, so this runs in one of its own.
    @Test("After the second step no stage takes new memory")
    func steadyMemory() async {
        await #expect(processExitsWith: .success) {
            try expectSteadyPool(TinyRun().teacherStage(), [.single])
            try expectSteadyPool(TinyRun().distillationStage(), [.criticAndStudent, .criticOnly])
        }
    }
}

/// Computes every shard of some steps, with updates of the weights, and looks at the pool.
private func expectSteadyPool(_ stage: some TrainingStage, _ kinds: [StepKind]) throws {
    let gradients = stage.networks.map {
        Tensor(repeating: 0, Shape($0.optimizer.weights.layout.elementCount + $0.metricNames.count))
    }
    func run(_ step: Int, _ kind: StepKind) {
        for network in stage.updates(of: kind) {
            let gradient = gradients[network]
            let count = stage.networks[network].optimizer.weights.layout.elementCount
            for shard in 0..<stage.shards {
                gradient.buffer.update(repeating: 0)
                stage.accumulate(
                    network: network, step: step, kind: kind, shard: shard,
                    gradient: Tensor(gradient.storage, offset: 0, shape: Shape(count)),
                    metrics: gradient.pointer + count)
            }
            _ = stage.networks[network].optimizer.update(
                gradient: gradient.pointer, scale: 1, learningRate: 1e-4, averageKeep: 0.9)
        }
        stage.endStep()
    }
    for step in 0..<2 { for kind in kinds { run(step, kind) } }
    let settled = StoragePool.allocatedByteCount
    for step in 2..<6 { for kind in kinds { run(step, kind) } }
    #expect(StoragePool.allocatedByteCount == settled)
}
