import Checkpoints
import Datasets
import Diffusion
import Distillation
import Foundation
import Layers

/// Looks at what a run depends on before it costs hours: folder, launch, data, noise levels, teacher, gradient, memory,
/// disks. Reads only.
///
/// Each check is a function of its own that judges values; here is where the values come from.
package struct Doctor {
    private let configuration: RunConfiguration
    private let denoiser: Denoiser
    private let seed: UInt64

    package init(_ configuration: RunConfiguration) {
        self.configuration = configuration
        denoiser = Denoiser(configuration.network)
        seed = configuration.run.seed
    }

    /// Makes all checks, in the order in which a run would meet what they look at, and reports each at once.
    package func examine(_ report: (Finding) -> Void) {
        for finding in LaunchCheck(configuration).findings { report(finding) }
        let images = examineData(report)
        report(NoiseLevelCheck.finding(denoiser.schedule, configuration.distil))
        let weights = examineTeacher(images, report)
        report(matchingGradient(weights))
        report(memory(dataBytes: 4 * (images?.records.pixels.count ?? 0)))
        report(disk)
        if let nodeDisk { report(nodeDisk) }
    }

    /// The data, if they can be read.
    private func examineData(_ report: (Finding) -> Void) -> TrainingImages? {
        do {
            let records = try configuration.data.load(configuration.network)
            let network = configuration.network
            report(
                DataCheck.labels(records.labels, classes: network.classes, isConditional: network.conditional))
            report(
                DataCheck.pixels(records.pixels, isOfPoints: network.isOfPoints, sigmaData: network.sigmaData))
            return TrainingImages(records, seed: seed)
        } catch {
            // Readers refuse such labels themselves.
            let isOfLabels = if case DatasetError.labelOutOfRange = error { true } else { false }
            report(Finding(.failed, isOfLabels ? "labels" : "data", "\(error)"))
        }
        return nil
    }

    /// The trained weights of the teacher's network, if there are any.
    private func examineTeacher(_ images: TrainingImages?, _ report: (Finding) -> Void) -> StoredTeacher? {
        let name = "teacher"
        var stored: StoredTeacher?
        do {
            stored = try StoredTeacher(configuration, denoiser: denoiser)
        } catch let missing as MissingTeacher {
            // A closed form is there without any training.
            if configuration.distil.teacher == .network {
                report(Finding(.skipped, name, "\(missing)"))
                return nil
            }
        } catch {
            report(Finding(.failed, name, "\(error)"))
            return nil
        }
        guard let images else {
            report(Finding(.skipped, name, "there are no images to try it on"))
            return stored
        }
        let settings = configuration.distil
        let batch = settings.batch / settings.shards
        if settings.teacher == .closedForm {
            let check = ReconstructionCheck(.closedForm(like: denoiser), images, seed: seed, batch: batch)
            report(check.finding(sigmas: triedSigmas, whose: "closed form", isComplete: true))
        } else if let stored {
            let check = ReconstructionCheck(
                Teacher(denoiser: denoiser, weights: stored.weights), images, seed: seed, batch: batch)
            report(check.finding(sigmas: triedSigmas, whose: describe(stored), isComplete: stored.isComplete))
        }
        return stored
    }

    /// Five levels over the range in which teacher and critic are compared, and those from which the student starts.
    private var triedSigmas: [Float] {
        let settings = configuration.distil
        let indices = (0...4).map { settings.minIndex + $0 * (settings.maxIndex - settings.minIndex) / 4 }
        return Set(denoiser.schedule.sigmas(indices) + settings.studentSigmas.map { Float($0) }).sorted()
    }

    private func describe(_ teacher: StoredTeacher) -> String {
        guard let step = teacher.step else { return configuration.teacher.weights }
        return "\(step) updates" + (teacher.isComplete ? "" : ", still in training")
    }

    private func matchingGradient(_ stored: StoredTeacher?) -> Finding {
        let precision = configuration.precision.onThisProcessor.critic
        let teacher =
            stored?.weights.copied(precision: precision)
            ?? NetworkWeights(denoiser.layout, precision: precision, seed: seed)
        let critic = CriticNetwork(denoiser, configuration.distil)
            .weights(from: teacher, precision: precision, seed: seed)
        return ZeroGradientCheck.finding(
            denoiser, configuration.distil, teacher: teacher, critic: critic,
            classes: configuration.network.classes, seed: seed,
            whose: stored.map { "teacher of " + describe($0) } ?? "fresh network")
    }

    private func memory(dataBytes: Int) -> Finding {
        let launch = configuration.launch
        // Where hosts come and go, nothing is known of their memory but that this one takes a rank.
        let hasHosts = !launch.hostFile.isEmpty || !launch.discoveryScript.isEmpty
        let ranks = hasHosts ? 1 : launch.ranks
        let needed =
            ranks * MemoryForecast(configuration.onThisProcessor, ranks: launch.ranks, dataBytes: dataBytes).total
        return MemoryCheck.finding(
            ranks: ranks, needed: needed, total: launch.memoryBytes,
            // Memory that the configuration promises is another machine's, or not yet free.
            available: launch.memoryGiB > 0 ? nil : MachineMemory.availableByteCount)
    }

    private var disk: Finding {
        let folder = RunFolderLayout(configuration.run.folder)
        let path = NearestFolder(to: folder.path).path
        do {
            return DiskCheck.finding(
                CheckpointForecast(configuration), free: try FreeSpace.byteCount(at: path),
                present: byteCount(below: folder.checkpoints), path: path)
        } catch {
            return Finding(.failed, "disk", "\(error)")
        }
    }

    /// The disk for saves in between, as far as this machine can tell; nil if there are none.
    private var nodeDisk: Finding? {
        guard let folder = NodeFolder(configuration.checkpoints, machine: ThisMachine.name) else { return nil }
        do {
            try folder.check()
            let path = NearestFolder(to: folder.path).path
            return DiskCheck.nodeFinding(
                CheckpointForecast(configuration), free: try FreeSpace.byteCount(at: path), path: path)
        } catch {
            return Finding(.failed, DiskCheck.nodeName, "\(error)")
        }
    }

    /// The bytes of all files in a folder and below; 0 if there is none.
    private func byteCount(below path: String) -> Int {
        guard let names = FileManager.default.enumerator(atPath: path) else { return 0 }
        var total = 0
        while names.nextObject() != nil {
            let attributes = names.fileAttributes
            if attributes?[.type] as? FileAttributeType == .typeRegular {
                total += (attributes?[.size] as? NSNumber)?.intValue ?? 0
            }
        }
        return total
    }
}
