/// A published checkpoint, judged.
package enum CheckpointInspection: Sendable, Equatable {
    /// Commit mark, manifest and files agree.
    case sound(Checkpoint)
    /// They do not.
    case rejected(RejectedCheckpoint)
}

extension CheckpointStore {
    /// Judges every published checkpoint, newest first, and changes nothing.
    ///
    /// Without `hashingContent` the files' lengths are compared and their hashes are not, which is quick.
    package func inspectAll(hashingContent: Bool) throws(CheckpointError) -> [CheckpointInspection] {
        try publishedSteps().map { judge(step: $0, hashingContent: hashingContent) }
    }

    /// Judges the checkpoint of a step that a person names, every hash compared.
    ///
    /// Throws: `unknownStep` if there is none.
    package func judge(namedStep step: Int) throws(CheckpointError) -> CheckpointInspection {
        let present = try publishedSteps()
        guard present.contains(step) else {
            throw .unknownStep(folder: folder, step: step, present: present.reversed())
        }
        return judge(step: step, hashingContent: true)
    }

    /// Judges the checkpoint of one step in the same way; one that is not there is rejected too.
    package func judge(step: Int, hashingContent: Bool) -> CheckpointInspection {
        switch inspect(step: step, hashingContent: hashingContent) {
        case .success(let checkpoint):
            .sound(checkpoint)
        case .failure(let defect):
            .rejected(
                RejectedCheckpoint(
                    step: step, fault: defect.fault, detail: defect.detail, folder: path(Self.stepName(step))))
        }
    }
}
