import Coordination
import Foundation
import Journal
import Testing

/// A folder and a configuration of one test's own. When it goes, so do the folder and whatever still runs in it.
final class Sandbox: Sendable {
    let folder: String
    let configuration: String
    let runFolder: String
    private let mark: String

    /// A run small enough for seconds: a tiny batch, frequent checkpoints, short windows.
    private static let settings = """
        teacher: {steps: 40, batch: 16, warmupSteps: 2, checkpointEverySteps: 5}
        classifier: {steps: 5, batch: 16}
        distil: {studentUpdates: 10, ratio: 3, batch: 16, warmupUpdates: 2, checkpointEverySteps: 5}
        evaluate: {images: 100, teacherHeunSteps: 2, batch: 50}
        coordinator: {windowSteps: 4}

        """

    init() throws {
        let identifier = UUID().uuidString
        mark = "DMD2_SANDBOX=\(identifier)"
        folder = NSTemporaryDirectory() + "dmd2-integration-" + identifier
        configuration = folder + "/tiny.yaml"
        runFolder = folder + "/run"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write("run: {name: tiny, folder: \(runFolder)}\n" + Self.settings, to: "tiny.yaml")
    }

    deinit {
        killAll()
        _ = try? FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
    }

    /// Starts a program in the folder. Everything it starts in turn inherits the mark.
    func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> StartedProgram {
        try StartedProgram(
            path: Programs.path(program), arguments: arguments, folder: folder, mark: mark, environment: environment)
    }

    /// Runs a program to its end; after the time given, all of the test's processes are killed and the test fails.
    func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], seconds: Double = 90
    ) async throws -> Outcome {
        try await finish(start(program, arguments, environment: environment), seconds: seconds)
    }

    /// Waits for a program's end as `run` does.
    func finish(_ program: StartedProgram, seconds: Double = 90) async throws -> Outcome {
        do {
            return try await eventually("the end of \(program.name)", seconds: seconds) { program.outcome }
        } catch {
            killAll()
            throw error
        }
    }

    /// Runs the workers under mpirun, without a coordinator.
    func runWorkers(ranks: Int, _ arguments: [String]) async throws -> Outcome {
        var launch = ["-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"]
        // Waiting ranks give way to computing ones; reading another process's memory is forbidden in containers.
        launch += ["--mca", "mpi_yield_when_idle", "1", "--mca", "btl_vader_single_copy_mechanism", "none"]
        if geteuid() == 0 { launch.append("--allow-run-as-root") }
        return try await run("mpirun", launch + [Programs.path("dmd2-worker"), "--config", configuration] + arguments)
    }

    /// The processes of this test that are alive, known by the mark in their environment.
    var liveProcesses: [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { process in
            let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ") ?? Data()
            return environment.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
        }
    }

    /// Every file of the run folder with its bytes, but for those that SQLite keeps beside a database in use.
    func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: runFolder) where !name.contains("sqlite-") {
            contents[name] = FileManager.default.contents(atPath: "\(runFolder)/\(name)")
        }
        return contents
    }

    private func killAll() {
        for process in liveProcesses { kill(process, SIGKILL) }
    }
}

/// Something that should have happened by now.
struct Overdue: Error, CustomStringConvertible {
    let description: String
}

/// Asks every 20 milliseconds until there is an answer. Throws `Overdue` after the time given.
func eventually<Answer>(
    _ what: String, seconds: Double = 60, _ question: () throws -> Answer?
) async throws -> Answer {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if let answer = try question() { return answer }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw Overdue(description: "\(what) has not come within \(seconds) s")
}
