import Checkpoints
import Coordination
import Datasets
import Evaluation
import Messaging
import Testing
import Training

struct ExitStatusTests {
    @Test("Every error that a person can cause has its documented exit status")
    func statuses() {
        let expected: [(any Error, Coordination.ExitStatus)] = [
            (ConfigurationError.unreadable(path: "a", reason: "b"), .inputMissing),
            (ConfigurationError.faulty([]), .badConfiguration),
            (DatasetError.unreadable(path: "a", reason: "b"), .inputMissing),
            (DatasetError.truncated(source: "a", completeRows: 1), .badData),
            (DatasetError.labelsNotNamed(source: "a"), .badConfiguration),
            (DatasetError.countsDiffer(images: "a", imageCount: 1, labels: "b", labelCount: 2), .badData),
            (EvaluationError.tooFewSamples(count: 1, needed: 2, features: 1), .badConfiguration),
            (EvaluationError.featuresNotFinite, .unexpectedFailure),
            (CheckpointError.locked(path: "a", owner: "b"), .runFolderUnusable),
            (CheckpointError.damaged(path: "a", reason: "b"), .badData),
            (MessagingError.portInUse("a"), .unavailable),
            (RunFolderError.otherSettings(folder: "a", differences: []), .runFolderUnusable),
            (ControlError.coordinatorLost(endpoint: "a", seconds: 60), .stoppedResumable),
        ]
        for (error, status) in expected { #expect(Coordination.ExitStatus(for: error) == status, "\(error)") }
    }

    @Test("An error of nobody's has no status")
    func unknown() {
        struct Surprise: Error {}
        #expect(Coordination.ExitStatus(for: Surprise()) == nil)
    }
}
