import Diffusion
import Distillation
import Foundation
import Testing
import Training

struct ConfigurationTests {
    private static let digitsPath = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "configs/digits.yaml").path

    private func parse(_ yaml: String, _ overrides: [String] = []) throws -> RunConfiguration {
        try RunConfiguration.parse(yaml: "run: {name: test}\n" + yaml, fileName: "x.yaml", overrides: overrides)
    }

    @Test("configs/digits.yaml loads and states the defaults")
    func digits() throws {
        #expect(try RunConfiguration.load(path: Self.digitsPath) == RunConfiguration(name: "digits"))
    }

    @Test("Only the name is needed; the folder follows from it")
    func minimal() throws {
        #expect(try parse("").run.folder == "runs/test")
        #expect(try parse("", ["run.name=other"]).run.folder == "runs/other")
        #expect(try parse("", ["run.folder=/tmp/elsewhere"]).run.folder == "/tmp/elsewhere")
    }

    @Test("An override wins over the file, the last override over an earlier one")
    func overrides() throws {
        let configuration = try parse(
            "distil: {ratio: 4}",
            ["distil.ratio=7", "distil.ratio=10", "network.channelMultipliers=[2, 4]", "teacher.learningRate=2e-3"])
        #expect(configuration.distil.ratio == 10)
        #expect(configuration.network.channelMultipliers == [2, 4])
        #expect(configuration.teacher.learningRate == 0.002)
    }

    @Test("An override replaces a faulty value of the file")
    func overrideCures() throws {
        #expect(try parse("distil: {ratio: zero}", ["distil.ratio=2"]).distil.ratio == 2)
    }

    @Test("A section without keys is like none")
    func emptySection() throws {
        #expect(try parse("launch:\ndistil:") == parse(""))
    }

    @Test("What is written reads back equal, whatever the text holds")
    func roundTrip() throws {
        var configuration = RunConfiguration(name: "round-trip")
        configuration.run.folder = "/a b/\"c\": #d\\\n- e\té"
        configuration.run.seed = .max
        configuration.data.source = .file(path: "null")
        configuration.teacher.learningRate = 0.1 + 0.2
        configuration.distil.ganWeight = 1e-20
        configuration.network.attentionResolutions = []
        #expect(try RunConfiguration.parse(yaml: configuration.yaml, fileName: "run.yaml") == configuration)
    }

    @Test("Launch, coordinator and folder may change on resume, the recipe may not")
    func differences() throws {
        let original = RunConfiguration(name: "digits")
        var moved = original
        moved.launch.ranks = 3
        moved.coordinator.windowSteps = 1
        moved.run.folder = "/elsewhere"
        #expect(moved.differences(from: original).isEmpty)
        #expect(moved.canonicalText == original.canonicalText)

        var changed = original
        changed.distil.ratio = 10
        #expect(changed.differences(from: original).map(\.description) == ["distil.ratio: 10 here, 5 there"])
        #expect(changed.canonicalText != original.canonicalText)
    }
}
