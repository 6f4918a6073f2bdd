import Testing
import Training

/// The faults found in `yaml` (below a valid `run` section) with `overrides`.
private func faults(_ yaml: String, overrides: [String] = []) -> [String] {
    do {
        _ = try RunConfiguration.parse(yaml: "run: {name: test}\n" + yaml, fileName: "x.yaml", overrides: overrides)
        return []
    } catch .faulty(let faults) {
        return faults.map(\.description)
    } catch {
        return ["\(error)"]
    }
}

private let mlp = "network: {type: mlp, channels: 64, channelMultipliers: [1], attentionResolutions: []}"

struct ConfigurationFaultTests {
    @Test("A fault names file, line, key, cause and cure")
    func format() {
        #expect(
            faults("distil:\n  ratio: 0") == [
                "x.yaml:3: distil.ratio: 0 is less than 1; use 5 (critic updates per student update; auto: found while training)"
            ])
    }

    @Test(
        "A bad value is named",
        arguments: [
            ("launch: {ranks: 0}", "launch.ranks: 0 is less than 1"),
            ("launch: {mpirun: ''}", "launch.mpirun: the text is empty"),
            ("launch: {minRanks: 0}", "launch.minRanks: 0 is less than 1"),
            ("launch: {minRanks: 3}", "launch.minRanks: 3 is greater than launch.ranks (2); lower it"),
            ("launch: {growAfterSeconds: -1}", "launch.growAfterSeconds: -1.0 is negative"),
            ("coordinator: {endpoint: here}", "coordinator.endpoint: endpoint 'here' is not of the form tcp://"),
            ("coordinator: {address: a b}", "coordinator.address: \"a b\" is no name or IPv4 address"),
            ("coordinator: {httpEndpoint: here}", "coordinator.httpEndpoint: here is not of the form 127.0.0.1:PORT"),
            ("coordinator: {httpEndpoint: '1.2.3.4:0'}", "coordinator.httpEndpoint: \"1.2.3.4:0\" is not of the form"),
            ("teacher: {shards: 3, batch: 63}", "teacher.shards: 3 is not a power of two"),
            ("teacher: {learningRate: 0}", "teacher.learningRate: 0.0 is not greater than 0"),
            ("teacher: {decayFraction: 1.5}", "teacher.decayFraction: 1.5 is outside 0.0 to 1.0"),
            ("checkpoints: {keepLast: 1}", "checkpoints.keepLast: 1 is less than 2"),
            ("checkpoints: {keepEvery: -1}", "checkpoints.keepEvery: -1 is less than 0"),
            ("teacher: {weights: a.safetensors, weightsSHA256: '12'}", "12 is not a SHA-256 of 64"),
            ("distil: {ganWeight: -0.1}", "distil.ganWeight: -0.1 is negative"),
            ("distil: {criticGanWeight: -1}", "distil.criticGanWeight: -1.0 is negative"),
            ("distil: {matchingWeight: -1}", "distil.matchingWeight: -1.0 is negative"),
            ("distil: {regressionWeight: -0.5}", "distil.regressionWeight: -0.5 is negative"),
            ("distil: {pairs: -1}", "distil.pairs: -1 is less than 0"),
            ("distil: {ganMaxIndex: 0}", "distil.ganMaxIndex: 0 is outside 1 to 1000"),
            ("distil: {headResolutions: [0]}", "distil.headResolutions: 0 is less than 1"),
            ("distil: {emaDecay: 1}", "distil.emaDecay: 1.0 is outside 0 up to but not including 1"),
            ("distil: {teacherGuidance: -1}", "distil.teacherGuidance: -1.0 is negative"),
            ("evaluate: {teacherGuidance: -1}", "evaluate.teacherGuidance: -1.0 is negative"),
            ("teacher: {labelDropout: 1}", "teacher.labelDropout: 1.0 is outside 0 up to but not including 1"),
            (
                "distil: {emaFurtherDecays: [0.9, 1]}",
                "distil.emaFurtherDecays: 1.0 is outside 0 up to but not including 1"
            ),
            ("distil: {emaFurtherDecays: [0.9, 0.9]}", "distil.emaFurtherDecays: 0.9 is given twice"),
            ("distil: {ratio: -1}", "distil.ratio: -1 is less than 1"),
            ("distil: {criticWarmupUpdates: -1}", "distil.criticWarmupUpdates: -1 is less than 0"),
            ("distil: {maxIndex: 1000}", "distil.maxIndex: 1000 is outside 0 to 999"),
            ("distil: {studentSigmas: []}", "distil.studentSigmas: the list is empty; use [2.5]"),
            ("distil: {studentSigmas: [2.5, 0]}", "distil.studentSigmas: 0.0 is not greater than 0"),
            ("distil: {studentSigmas: [2.5, 0.5, 0.5]}", "distil.studentSigmas: 0.5 after 0.5 does not descend"),
            ("distil: {studentSigmas: [2.5, 2.49999999]}", "2.49999999 after 2.5 does not descend"),
            ("distil: {studentSigmas: [1.0e-50]}", "distil.studentSigmas: 1e-50 is 0 in float32"),
            ("launch: {memoryGiB: 1.0e+10}", "launch.memoryGiB: 10000000000.0 is outside 0.0 to 1000000.0"),
            ("distil: {studentSigmas: [0.5, 2.5]}", "distil.studentSigmas: 2.5 after 0.5 does not descend"),
            ("evaluate: {images: 64}", "evaluate.images: 64 is less than 65"),
            ("evaluate: {inLoopImages: 64}", "evaluate.inLoopImages: 64 is less than 65"),
            ("evaluate: {everyStudentUpdates: -1}", "evaluate.everyStudentUpdates: -1 is less than 0"),
            ("network: {channels: 12}", "network.channels: 12 is not a multiple of 8"),
            ("network: {channelMultipliers: []}", "network.channelMultipliers: the list is empty"),
            ("network: {channelMultipliers: [1, 0]}", "network.channelMultipliers: 0 is less than 1"),
        ])
    func badValue(yaml: String, fault: String) {
        let found = faults(yaml)
        #expect(found.count == 1)
        #expect(found.first?.contains(fault) == true, "\(found)")
    }

    @Test(
        "A wrong type is named with what was expected",
        arguments: [
            ("distil: {ratio: five}", "\"five\" is not a whole number or auto; use 5 (critic updates"),
            ("distil: {ratio: automatic}", "\"automatic\" is not a whole number or auto"),
            ("distil: {ratio: 2.5}", "\"2.5\" is not a whole number"),
            ("distil: {ratio: '5'}", "\"5\" is not a whole number"),
            ("distil: {ratio: }", "nothing is not a whole number"),
            ("run2: 1", "run2: is a section"),
            ("distil: 5", "distil: is a section; put its keys below it"),
            ("teacher: {learningRate: .inf}", "\".inf\" is not a number"),
            ("teacher: {learningRate: nan}", "\"nan\" is not a number"),
            ("distil: {studentSigmas: 2.5}", "\"2.5\" is not a list of numbers; use [2.5]"),
            ("distil: {regressionDistance: lpips}", "\"lpips\" is not mse or features"),
            ("evaluate: {student: best}", "\"best\" is not average, raw or a decay; use average"),
            ("distil: {studentInput: real}", "\"real\" is not backwardSimulation or noisedData"),
            ("network: {channelMultipliers: 4}", "\"4\" is not a list of whole numbers; use [1, 4]"),
            ("network: {channelMultipliers: [1, x]}", "[\"1\", \"x\"] is not a list of whole numbers"),
            ("network: {prediction: noise}", "\"noise\" is not a prediction (edm, epsilon, v, flow); use edm"),
            ("network: {noiseSchedule: cosine}", "\"cosine\" is not a noise schedule (karras, stableDiffusion, flow)"),
            ("network: {conditional: 1}", "\"1\" is not true or false; use true"),
            ("network: {type: unet}", "\"unet\" is not a known network (adm, ddpmpp, ncsnpp, mlp"),
        ])
    func wrongType(yaml: String, fault: String) {
        let found = faults(yaml)
        #expect(found.count == 1)
        #expect(found.first?.contains(fault) == true, "\(found)")
    }

    @Test(
        "An unknown key is named with the nearest known one",
        arguments: [
            ("distil: {ration: 5}", "distil.ration: unknown key; did you mean distil.ratio?"),
            ("distill: {ratio: 5}", "distill.ratio: unknown key; did you mean distil.ratio?"),
            ("distil: {criticlearningRate: 1}", "unknown key; did you mean distil.criticLearningRate?"),
            ("distil: {momentum: 5}", "distil.momentum: unknown key; distil has teacher, studentUpdates"),
            ("optimiser: {name: sgd}", "optimiser.name: unknown section; there are run, launch, coordinator, "),
        ])
    func unknownKey(yaml: String, fault: String) {
        let found = faults(yaml)
        #expect(found.count == 1)
        #expect(found.first?.contains(fault) == true, "\(found)")
    }

    @Test(
        "Values that do not fit together are named",
        arguments: [
            (
                "launch: {ranks: 8}\nteacher: {shards: 8}\nclassifier: {shards: 8}",
                "8 ranks are more than distil.shards (4)"
            ),
            (
                "coordinator: {endpoint: 'tcp://0.0.0.0:*'}",
                "coordinator.endpoint: endpoint 'tcp://0.0.0.0:*' is reachable"
            ),
            (
                "coordinator: {address: node1}",
                "coordinator.address: coordinator.endpoint (tcp://127.0.0.1:*) is reached"
            ),
            ("coordinator: {httpEndpoint: '0.0.0.0:9464'}", "coordinator.httpEndpoint: 0.0.0.0:9464 is reachable from"),
            ("coordinator: {httpToken: a}", "coordinator.httpToken: no page asks for it"),
            ("teacher: {batch: 63}", "teacher.batch: 63 is not divisible by teacher.shards (4); use a multiple of 4"),
            (
                "teacher: {weightsSHA256: \(String(repeating: "0a", count: 32))}",
                "teacher.weightsSHA256: is a hash without a file"
            ),
            ("distil: {batch: 2}", "distil.batch: 2 is not divisible by distil.shards (4)"),
            (
                "distil: {ratio: auto, matchingWeight: 0}",
                "distil.ratio: auto goes by how well the critic denoises, and distil.matchingWeight is 0; use a number"
            ),
            ("distil: {minIndex: 900}", "distil.minIndex: 900 is greater than distil.maxIndex (800)"),
            (
                "distil: {studentInput: noisedData}",
                "distil.studentInput: noisedData concerns calls after the first, and distil.studentSigmas has one"
            ),
            (
                "distil: {matchingWeight: 0, ganWeight: 0}",
                "distil.matchingWeight: 0 beside distil.ganWeight 0 leaves the critic nothing to do"
            ),
            ("distil: {criticGanWeight: 0}", "distil.criticGanWeight: 0 would leave the head untrained"),
            (
                "distil: {regressionWeight: 0.25, pairs: 0}",
                "distil.pairs: 0, and distil.regressionWeight is 0.25: regression needs pairs"
            ),
            (
                "distil: {regressionWeight: 1, studentSigmas: [0.001]}",
                "distil.studentSigmas: the teacher cannot sample from 0.001"
            ),
            (
                "distil: {emaFurtherDecays: [0.9]}\nevaluate: {student: 0.95}",
                "evaluate.student: 0.95 is none of distil.emaFurtherDecays ([0.9]); add it there"
            ),
            ("distil: {headResolutions: [8, 16]}", "distil.headResolutions: 16 does not occur; the network has [8, 4]"),
            ("distil: {headResolutions: [4, 4]}", "distil.headResolutions: 4 is given twice"),
            (
                "distil: {headResolutions: [8, 4], headGroups: 32}",
                "distil.headResolutions: the level of 8 has 16 channels, which a head cannot split"
            ),
            ("network: {attentionResolutions: [16]}", "16 does not occur; the network has [8, 4]"),
            (
                "network: {channels: 48}",
                "network.channels: makes a layer of 240 channels, which group norm cannot split"
            ),
            ("distil: {headGroups: 24}", "the coarsest level has 64 channels"),
            ("network: {channels: 8}", "32 channels at resolution 4 are not whole attention heads"),
            (
                "network: {conditional: false}\ndistil: {teacherGuidance: 2}",
                "distil.teacherGuidance: 2.0 would guide an unconditional teacher; use 1, or network.conditional true"
            ),
            (
                "evaluate: {teacherGuidance: 1.5}",
                "evaluate.teacherGuidance: 1.5 would guide a teacher that never denoised without a label; use 1, or "
                    + "teacher.labelDropout 0.1"
            ),
            (
                "network: {conditional: false}\nteacher: {labelDropout: 0.1}",
                "teacher.labelDropout: 0.1 of the labels cannot be left out of a network without labels"
            ),
            (
                "network: {type: ncsnpp, prediction: v}",
                "network.prediction: v tells the network times up to 1000, of which the embedding of ncsnpp makes noise"
            ),
            (
                "data: {source: mixture2d, resolution: 1, imageChannels: 2, classes: 1}\n"
                    + mlp.replacing("type: mlp", with: "type: mlp, prediction: flow"),
                "of which the embedding of mlp makes noise"
            ),
            (
                "data: {source: images.idx, labels: labels.idx, imageChannels: 4}",
                "data.imageChannels: 4 channels make no picture; use 1 (grey) or 3 (colour)"
            ),
            ("network: {channelMultipliers: [1, 4, 4]}", "the coarsest resolution is 2"),
            (
                "data: {source: a.csv, resolution: 28}\nnetwork: {channelMultipliers: [1, 4, 4, 4], attentionResolutions: []}",
                "data.resolution: 28 cannot be halved 3 times"
            ),
            (
                "data: {source: a.csv, resolution: 24}\nnetwork: {attentionResolutions: []}",
                "the coarsest resolution is 12, which the discriminator head cannot halve"
            ),
            ("data: {resolution: 16}\nnetwork: {attentionResolutions: [8]}", "digits are 8x8, 1 channel, 10 classes"),
            (
                "data: {source: a.csv, resolution: 2}\n\(mlp)", "data.resolution: 2 is less than 4, the smallest image"
            ),
            ("data: {source: mixture2d}", "points of mixture2d are 1x1, 2 channels, 1 class, not 8x8, 1, 10"),
            ("network: {type: mlp, attentionResolutions: []}", "network.channelMultipliers: an mlp has no levels"),
            ("network: {type: mlp, channelMultipliers: [1]}", "network.attentionResolutions: an mlp has no attention"),
            (
                "data: {source: mixture2d, resolution: 1, imageChannels: 2, classes: 1}\n\(mlp)\n"
                    + "evaluate: {everyStudentUpdates: 10}", "evaluate.everyStudentUpdates: is for images"
            ),
            ("distil: {teacher: closedForm}", "distil.teacher: only mixture2d has a density in closed form"),
            (
                "data: {labels: a-labels.gz}",
                "data.labels: goes with an IDX file in data.source, not with built-in data"
            ),
        ])
    func relations(yaml: String, fault: String) {
        let found = faults(yaml)
        #expect(found.count == 1)
        #expect(found.first?.contains(fault) == true, "\(found)")
    }

    @Test("All faults of file and overrides are reported together, in the order they were given")
    func allTogether() {
        let found = faults(
            "distil:\n  ration: 5\n  batch: many\n  minIndex: 900\nteacher:\n  batch: 63\nlaunch: 3",
            overrides: ["distil.ganWeight=-1", "nonsense"])
        #expect(
            found.map { $0.prefix { $0 != ";" } } == [
                "x.yaml:8: launch: is a section",
                "--set nonsense: is not section.key=value",
                "x.yaml:3: distil.ration: unknown key",
                "x.yaml:4: distil.batch: \"many\" is not a whole number",
                "--set: distil.ganWeight: -1.0 is negative",
                "x.yaml:7: teacher.batch: 63 is not divisible by teacher.shards (4)",
                "x.yaml:5: distil.minIndex: 900 is greater than distil.maxIndex (800)",
            ])
    }

    @Test("A faulty value causes no second fault elsewhere")
    func noCascade() {
        #expect(faults("distil: {shards: 3}").count == 1)
    }

    @Test("Text that is not YAML is one fault with its line")
    func notYAML() {
        let found = faults("distil:\n  ratio: [1, 2\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("x.yaml:") == true)
        #expect(found.first?.contains("\n") == false)
    }

    @Test("A key given twice is a fault")
    func duplicateKey() {
        #expect(faults("distil:\n  ratio: 5\n  ratio: 6").first?.contains("given twice: ratio") == true)
    }

    @Test("A run without a name is a fault; so is a name that cannot be a folder's")
    func runName() {
        #expect(throws: ConfigurationError.self) { try RunConfiguration.parse(yaml: "", fileName: "x.yaml") }
        #expect(
            faults("", overrides: ["checkpoints.nodeEverySteps=1", "checkpoints.nodeFolder=/scratch/{hst}"]).first?
                .contains("has braces around something else than host") == true)
        #expect(faults("", overrides: ["run.name="]).first?.contains("is not a name of letters") == true)
        #expect(faults("", overrides: ["run.name=a/b"]).first?.contains("is not a name of letters") == true)
    }

    @Test("A missing file and a folder are unreadable, not faulty")
    func unreadable() {
        #expect(throws: ConfigurationError.unreadable(path: "/no/such.yaml", reason: "no such file")) {
            try RunConfiguration.load(path: "/no/such.yaml")
        }
        #expect(throws: ConfigurationError.unreadable(path: "/", reason: "is a folder")) {
            try RunConfiguration.load(path: "/")
        }
    }
}
