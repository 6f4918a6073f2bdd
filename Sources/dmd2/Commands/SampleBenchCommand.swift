import ArgumentParser
import Evaluation
import Training

/// Images a second of the student and of the teacher.
struct SampleBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Time the student beside the teacher at 35 and at 511 network calls, whole trajectories.")

    @OptionGroup var subject: BenchmarkSubject
    @OptionGroup var format: BenchmarkFormat

    @Option(help: "Images at a time.")
    var batch = 4

    func validate() throws {
        if batch < 1 { throw ValidationError("--batch \(batch) is less than 1") }
    }

    func run() throws {
        let measured = SamplingBenchmark(try subject.configuration(), batch: batch).run()
        try format.show(measured) {
            let rows = measured.samplers.map { row in
                [
                    row.sampler, "\(row.network_calls)", NumberText.figure(row.seconds),
                    NumberText.figure(row.images_per_second), NumberText.figure(row.student_is_times_faster),
                ]
            }
            let header = ["", "network calls", "s a batch of \(batch)", "images/s", "student is times faster"]
            return Columns.text([header] + rows)
        }
    }
}
