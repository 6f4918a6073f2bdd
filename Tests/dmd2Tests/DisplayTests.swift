import Coordination
import Testing
import dmd2

struct DisplayTests {
    @Test(
        "A duration is short and its columns line up",
        arguments: [
            (0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (125, "2m 05s"), (3600, "1h 00m"), (11_520, "3h 12m"),
            (.infinity, "-"), (.nan, "-"), (-1, "0s"),
        ])
    func duration(seconds: Double, text: String) {
        #expect(durationText(seconds: seconds) == text)
    }

    @Test("A log line names stage, step, losses, speed and time left")
    func plainLine() throws {
        #expect(
            ProgressLine.plain(try sampleStatus())
                == "3/4 distil, step 500/2000, critic 0.123, student 1.5, 312 images/s, ETA 2m 10s")
    }

    @Test("A speed that is not known yet is left out")
    func unknownSpeed() throws {
        var status = try sampleStatus()
        (status.imagesPerSecond, status.etaSeconds, status.losses) = (0, nil, [:])
        #expect(ProgressLine.plain(status) == "3/4 distil, step 500/2000")
        #expect(!ProgressLine.bar(status, columns: 120).contains("images/s"))
    }

    @Test("Before the first stage the line is the coordinator's message")
    func noStage() throws {
        var status = try sampleStatus()
        status.stage = nil
        status.message = "waiting for 2 ranks"
        #expect(ProgressLine.plain(status) == "waiting for 2 ranks")
        #expect(ProgressLine.bar(status, columns: 10) == "waiting fo")
    }

    @Test("The bar shows the share that is done and fits the terminal", arguments: [40, 80, 200])
    func bar(columns: Int) throws {
        let line = ProgressLine.bar(try sampleStatus(), columns: columns)
        #expect(line.count <= columns)
        #expect(line.hasPrefix("[3/4] distil █"))
        let filled = line.count { $0 == "█" }
        let empty = line.count { $0 == "░" }
        #expect(filled == (filled + empty) / 4)
    }

    @Test("A finished stage fills the bar, and a stage without steps draws it empty")
    func barEnds() throws {
        var status = try sampleStatus()
        status.step = status.totalSteps
        #expect(!ProgressLine.bar(status, columns: 120).contains("░"))
        status.totalSteps = 0
        #expect(!ProgressLine.bar(status, columns: 120).contains("█"))
    }

    @Test("The status names launch, stage, updates, ratio change, checkpoint, restarts and ranks")
    func statusText() throws {
        #expect(
            StatusText.text(ShownStatus(live: true, folder: "runs/digits", status: try sampleStatus())) == """
                run         digits, running, launch 2, process 42
                folder      runs/digits
                stage       3/4 distil, step 500/2000, critic 0.123, student 1.5, 312 images/s, ETA 2m 10s
                updates     100 student, 500 critic (ratio 5, 10 from step 512)
                checkpoint  distil step 250, 1m 01s ago
                restarts    1 of 3 without progress; last cause: rank 1 died
                rank 0      training, step 500, node process 43, heard 0s ago
                now         training
                """)
    }
}
