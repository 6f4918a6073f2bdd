import Checkpoints
import Communication
import Coordination
import Diffusion
import Distillation
import Foundation
import Layers
import Tensors

extension Worker {
    /// The pairs of noise and the teacher's image, made where they are not there yet.
    ///
    /// The files are dealt out over the ranks, and each is made in one batch of fixed size, so its bytes do not depend on
    /// their number. Files that are there and sound are kept; damaged ones are announced and made again.
    ///
    /// Throws: `PairError` on rank 0 if there are pairs of another teacher.
    func preparePairs(_ teacher: Teacher) throws -> TeacherPairs {
        let settings = configuration.distil
        let files = PairFiles(
            folder: folder.pairs,
            identity: PairIdentity(
                teacher: teacher.weights.sha256, sigma: settings.studentSigmas[0],
                heunSteps: configuration.evaluate.teacherHeunSteps, guidance: settings.teacherGuidance,
                seed: configuration.run.seed),
            batch: configuration.evaluate.batch, count: settings.pairs)
        // Rank 0 looks, so that a fault is told once, and tells the others.
        var missing: [Int] = []
        if communicator.rank == 0 { missing = try files.missing { try control.notice("\($0); making it again") } }
        let told = try communicator.broadcast(message: Array(JSONEncoder().encode(missing)), from: 0)
        missing = try JSONDecoder().decode([Int].self, from: Data(told))
        if !missing.isEmpty { try makePairs(missing, files, teacher) }
        let images = try files.readAll(Array(teacher.denoiser.shape(1).list.dropFirst()))
        return TeacherPairs(images: images, classes: configuration.network.classes, seed: configuration.run.seed)
    }

    private func makePairs(
        _ missing: [Int], _ files: PairFiles, _ teacher: Teacher
    ) throws {
        if communicator.rank == 0 {
            try control.beginStage(
                StageDeclaration(
                    name: "pairs", index: index(of: "pairs"), count: stageCount, goal: .tasks(count: missing.count),
                    checkpointInterval: 0, windowSteps: missing.count))
        }
        let (seed, classes) = (configuration.run.seed, configuration.network.classes)
        let sampler = HeunSampler(
            steps: files.identity.heunSteps, guidance: Float(files.identity.guidance),
            startSigma: Float(files.identity.sigma))
        let shape = Array(teacher.denoiser.shape(1).list.dropFirst())
        for (turn, file) in missing.enumerated() {
            let range = files.range(file)
            if turn % communicator.size == communicator.rank {
                let images = sampler.sample(
                    teacher.denoiser, teacher.weights, noise: TeacherPairs.noise(range, shape: shape, seed: seed),
                    labels: range.map { TeacherPairs.label($0, classes: classes) })
                try files.write(file, images)
            }
            control.report(
                ProgressReport(
                    stage: "pairs", step: turn + 1, totalSteps: missing.count, phase: .evaluating, images: range.count))
        }
        try communicator.barrier()
        if communicator.rank == 0 { try control.stageFinished("pairs", step: missing.count) }
    }
}
