extension CheckpointStore {
    private static let withdrawalMark = damageMark + "unsound"

    /// Renames the checkpoints with more steps than these to `step-N.bad-unsound` and returns their steps, newest first:
    /// their files are as they were written, but the training that made them had gone wrong.
    ///
    /// One process calls this, the one that publishes.
    package func withdraw(after step: Int) throws(CheckpointError) -> [Int] {
        let withdrawn = try publishedSteps().filter { $0 > step }
        for step in withdrawn {
            let folder = path(Self.stepName(step))
            let aside = folder + Self.withdrawalMark
            try DurableFolder.remove(aside)
            try DurableFolder.rename(folder, to: aside)
        }
        return withdrawn
    }
}
