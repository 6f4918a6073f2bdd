import Coordination
import Foundation

/// A status in the middle of a distillation, as it travels.
func sampleStatus() throws -> RunStatus {
    let json = """
        {"schemaVersion": 1, "run": "digits", "state": "running", "generation": 2, "pid": 42, "stage": "distil",
         "stageIndex": 2, "stageCount": 4, "step": 500, "totalSteps": 2000, "studentUpdates": 100,
         "criticUpdates": 500, "ratio": 5, "pendingRatio": {"ratio": 10, "step": 512}, "imagesPerSecond": 312.4,
         "etaSeconds": 130, "losses": {"loss.critic": 0.12345, "norm.student": 3, "loss.student": 1.5},
         "ranks": [{"rank": 0, "host": "node", "pid": 43, "step": 500, "phase": "training",
                    "heartbeatAgeSeconds": 0.4, "suspected": false}],
         "checkpoint": {"stage": "distil", "step": 250, "ageSeconds": 61},
         "restarts": {"used": 1, "budget": 3, "lastCause": "rank 1 died"}, "message": "training"}
        """
    return try JSONDecoder().decode(RunStatus.self, from: Data(json.utf8))
}
