import Diffusion
import Distillation
import Kernels
import Layers
import Tensors

/// Times whole trajectories of samplers: the student beside the teacher at two numbers of network calls.
package struct SamplingBenchmark {
    /// One sampler.
    package struct Row: Encodable, Sendable {
        package let sampler: String
        package let network_calls: Int
        /// Seconds of a batch, from noise to images; the median where there were several.
        package let seconds: Double
        package let batches: Int
        package let images_per_second: Double
        /// The student's images a second, by this sampler's.
        package let student_is_times_faster: Double
    }

    /// What was measured.
    package struct Measurement: Encodable, Sendable {
        package let threads: Int
        package let batch: Int
        package let samplers: [Row]
    }

    private let configuration: RunConfiguration
    private let batch: Int
    private let teacherSteps: [Int]

    /// Samples `batch` images at a time; the weights are random, on which the time does not depend. Heun steps of the
    /// teacher are 2n - 1 calls each: 35, as EDM for CIFAR-10, and 511, as for ImageNet at 64x64.
    package init(_ configuration: RunConfiguration, batch: Int, teacherSteps: [Int] = [18, 256]) {
        (self.configuration, self.batch, self.teacherSteps) = (configuration, batch, teacherSteps)
    }

    /// Runs each sampler: batches of the student for half a second, one batch of the teacher at each number of steps.
    package func run() -> Measurement {
        ThreadPool.configure(threadCount: configuration.launch.threadsPerRank)
        let denoiser = Denoiser(configuration.network)
        let precision = configuration.precision.onThisProcessor
        let teacherWeights = NetworkWeights(
            denoiser.layout, precision: precision.teacher, seed: configuration.run.seed)
        let studentWeights = teacherWeights.copied(precision: precision.student)
        let noises = configuration.distil.studentSigmas.indices.map { number in
            RandomStream(seed: configuration.run.seed, purpose: .evaluationNoise, draw: number)
                .normal(denoiser.shape(batch), step: 0, firstSample: 0)
        }
        let labels = (0..<batch).map { $0 % configuration.network.classes }
        let student = StudentSampler(
            denoiser: denoiser, sigmas: configuration.distil.studentSigmas.map { Float($0) })
        let studentSeconds = Self.seconds(atLeast: 0.5) {
            _ = student.sample(studentWeights, labels: labels) { noises[$0] }
        }
        let fastest = median(studentSeconds)
        var rows = [row("student", calls: student.networkCalls, studentSeconds, student: fastest)]
        for steps in teacherSteps {
            let teacher = HeunSampler(steps: steps)
            let seconds = Self.seconds(atLeast: 0) {
                _ = teacher.sample(denoiser, teacherWeights, noise: noises[0], labels: labels)
            }
            rows.append(row("teacher", calls: teacher.networkCalls, seconds, student: fastest))
        }
        return Measurement(threads: ThreadPool.threadCount, batch: batch, samplers: rows)
    }

    private func row(_ sampler: String, calls: Int, _ seconds: [Double], student: Double) -> Row {
        Row(
            sampler: sampler, network_calls: calls, seconds: median(seconds), batches: seconds.count,
            images_per_second: Double(batch) / median(seconds), student_is_times_faster: median(seconds) / student)
    }

    /// Times `body` until so much time has passed, once at least; a call of a network is made before, untimed, by the
    /// student, which comes first.
    private static func seconds(atLeast duration: Double, _ body: () -> Void) -> [Double] {
        if duration > 0 { body() }
        var seconds: [Double] = []
        repeat {
            let start = monotonicSeconds()
            body()
            seconds.append(monotonicSeconds() - start)
        } while seconds.reduce(0, +) < duration
        return seconds
    }
}
