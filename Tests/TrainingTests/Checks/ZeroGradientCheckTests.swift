import Diffusion
import Distillation
import Kernels
import Layers
import Tensors
import Testing
import Training

struct ZeroGradientCheckTests {
    /// The check on a network away from its start, whose output is not zero, and a critic that `change` has changed.
    private static func finding(
        _ precision: ElementType = .float32, _ options: (inout RunConfiguration) -> Void = { _ in },
        change: (Tensor) -> Void = { _ in }
    ) -> Finding {
        let run = TinyRun { options(&$0) }
        let teacher = NetworkWeights(run.denoiser.layout, precision: precision, seed: 1)
        teacher.update { values in
            let noise = RandomStream(seed: 1, purpose: .checkNoise)
                .normal(Shape(1, values.count), step: 0, firstSample: 0)
            for index in values.buffer.indices { values.buffer[index] += 0.05 * noise.buffer[index] }
        }
        let settings = run.configuration.distil
        let critic = CriticNetwork(run.denoiser, settings).weights(from: teacher, precision: precision, seed: 1)
        critic.update(change)
        return ZeroGradientCheck.finding(
            run.denoiser, settings, teacher: teacher, critic: critic, classes: 10, seed: 1, whose: "network")
    }

    @Test("A critic that is the teacher moves the student nowhere, with every option and without guidance")
    func equal() {
        let finding = Self.finding()
        #expect(finding.outcome == .ok, "\(finding.measured)")
        #expect(finding.measured == "network: largest entry 0 where the critic is the teacher (bound 0)")
        #expect(
            Self.finding(
                .float32,
                {
                    TinyRun.allOptions(&$0)
                    $0.distil.teacherGuidance = 3
                    $0.distil.studentInput = .noisedData
                    $0.distil.matchingWeight = 0
                }
            ).outcome == .ok)
    }

    @Test("In bfloat16 too", .enabled(if: Processor.hasBFloat16, "needs AVX512-BF16"))
    func bfloat16() { #expect(Self.finding(.bfloat16).outcome == .ok) }

    @Test("A critic that differs in a single weight fails")
    func different() {
        let finding = Self.finding(change: { $0.buffer[0] += 0.01 })
        #expect(finding.outcome == .failed && finding.advice != nil, "\(finding.measured)")
    }

    @Test("Weights that are not numbers fail, though the direction would be 0")
    func notNumbers() {
        let finding = Self.finding(change: { $0.buffer[0] = .nan })
        #expect(finding.outcome == .failed)
        #expect(finding.measured.hasSuffix("denoised images are not finite"), "\(finding.measured)")
    }
}
