import ArgumentParser
import Distillation
import Evaluation
import Foundation
import Kernels
import Training

/// The speed of each kernel beside what the machine can do.
struct KernelsBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Time each kernel at the network's shapes, against the machine's peaks.",
        discussion: """
            A configuration's kernels compute one shard's images, as in its training; the standard case's a batch.
            """)

    @OptionGroup var subject: BenchmarkSubject
    @OptionGroup var format: BenchmarkFormat

    func run() throws {
        let configuration = try subject.configuration()
        let shard = configuration.distil.batch / configuration.distil.shards
        let measured = KernelBenchmark(configuration, batch: subject.config == nil ? nil : shard).run()
        try format.show(measured) { Self.text(measured) }
    }

    private static func text(_ measured: KernelBenchmark.Measurement) -> String {
        let peak = measured.peak
        var facts: [(name: String, value: String)] = [
            ("threads", "\(measured.threads)"), ("batch", "\(measured.batch)"), ("built for", Processor.builtFor),
            ("float32 peak", "\(NumberText.figure(peak.float32_gflops)) GFLOP/s, multiply-adds from registers"),
        ]
        let bfloat16 = peak.bfloat16_gflops.map { "\(NumberText.figure($0)) GFLOP/s, " } ?? "none: "
        facts.append(("bfloat16 peak", bfloat16 + peak.bfloat16_source))
        if let memory = peak.memory_gigabytes_per_second {
            facts.append(("memory peak", "\(NumberText.figure(memory)) GB/s, triad over 768 MiB"))
        }
        let rows = measured.kernels.map { row in
            [
                row.kernel, row.shape, row.precision, NumberText.figure(row.milliseconds),
                NumberText.figure(row.rate), row.unit, String(format: "%.0f%%", 100 * row.share_of_peak),
            ]
        }
        let header = ["kernel", "shape", "precision", "ms", "rate", "", "of peak"]
        return Rows.text(facts) + "\n\n" + Columns.text([header] + rows, leftAligned: 3)
    }
}
