import Checkpoints
import Foundation
import Testing
import Training

@Suite struct OwnedRunFolderTests {
    private let run = TemporaryRun()

    @Test("A folder that a live run owns cannot be taken")
    func locked() throws {
        let owner = try run.owned()
        #expect(throws: CheckpointError.self) { try run.owned() }
        withExtendedLifetime(owner) {}
    }

    @Test("The same settings may go on, other ones may not, and how the run is launched may change")
    func settings() throws {
        _ = try run.owned()
        _ = try run.owned()
        var relaunched = run.configuration()
        relaunched.launch.ranks = 1
        _ = try OwnedRunFolder(configuration: relaunched, fresh: false)
        var other = run.configuration()
        other.run.seed = 99
        let error = #expect(throws: RunFolderError.self) { try OwnedRunFolder(configuration: other, fresh: false) }
        #expect(error?.description.contains("run.seed") == true)
    }

    @Test("A fresh start moves what was there aside and takes any settings")
    func fresh() throws {
        let checkpoints = "\(run.folder)/checkpoints"
        _ = try run.owned()
        try FileManager.default.createDirectory(atPath: checkpoints, withIntermediateDirectories: true)
        var other = run.configuration()
        other.run.seed = 99
        _ = try OwnedRunFolder(configuration: other, fresh: true)
        #expect(!FileManager.default.fileExists(atPath: checkpoints))
        #expect(FileManager.default.fileExists(atPath: "\(run.folder)/previous/checkpoints"))
        #expect(try RunConfiguration.load(path: "\(run.folder)/run.yaml").run.seed == 99)
    }
}
