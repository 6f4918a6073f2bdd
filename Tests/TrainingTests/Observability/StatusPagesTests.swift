import Coordination
import Foundation
import Testing
import Training

@Suite struct StatusPagesTests {
    private let pages = StatusPages(token: nil)

    private func observation(state: RunStatus.State = .running, suspected: Bool = false) -> RunObservation {
        var status = RunStatus(
            run: "a \"run\"", state: state, generation: 3, pid: 1,
            restarts: .init(used: 1, budget: 3, lastCause: nil), imagesPerSecond: 12.5, message: "")
        status.stage = "distil"
        status.step = 7
        status.losses = ["loss.denoising": .nan, "loss.gan": -.infinity, "loss.head": 0.25]
        var coordinator = Coordinator(runName: "r", pid: 1, rankCount: 1, restartBudget: 3)
        _ = coordinator.handle(.started, at: 0)
        let hello = WorkerMessage.hello(host: "a", pid: 1, ranks: 1)
        _ = coordinator.handle(.worker(.init(generation: 1, rank: 0, message: hello)), at: 0)
        // Three seconds of silence make a suspect.
        status.ranks = coordinator.status(at: suspected ? 5 : 1).ranks
        var counters = RunCounters()
        counters.note(.unreadable)
        return RunObservation(status: status, counters: counters, journalBytes: 4096, takenAt: 100)
    }

    private func page(_ path: String, _ observation: RunObservation?, at now: Double = 101) -> StatusPages.Page {
        pages.page(path, authorization: nil, observation: observation, at: now)
    }

    @Test("The coordinator is healthy while its loop comes round, whatever the run does")
    func health() {
        #expect(page("/healthz", observation(state: .backingOff)).code == 200)
        #expect(page("/healthz", observation(), at: 111).code == 503)
        #expect(page("/healthz", nil).code == 503)
    }

    @Test("The run is ready while all ranks are there and heard")
    func readiness() {
        #expect(page("/readyz", observation()).code == 200)
        #expect(page("/readyz", observation(state: .launching)).body == "the run is launching\n")
        #expect(page("/readyz", observation(suspected: true)).body == "rank 0 is silent\n")
        #expect(page("/readyz", observation(), at: 111).code == 503)
    }

    @Test("The status is the JSON that dmd2 status --json prints")
    func status() throws {
        let page = page("/status", observation())
        #expect(page.code == 200 && page.contentType == "application/json")
        let object = try JSONSerialization.jsonObject(with: Data(page.body.utf8)) as? [String: Any]
        #expect(object?["generation"] as? Int == 3 && object?["schemaVersion"] as? Int == 1)
    }

    @Test("With a token only its holder sees metrics and status; probes need none")
    func token() {
        let pages = StatusPages(token: "secret")
        func code(_ path: String, _ authorization: String?) -> Int {
            pages.page(path, authorization: authorization, observation: observation(), at: 101).code
        }
        for path in ["/metrics", "/status"] {
            for wrong in [nil, "", "secret", "Bearer secreT", "Bearer secret ", "Bearer "] {
                #expect(code(path, wrong) == 401)
            }
            #expect(code(path, "Bearer secret") == 200)
        }
        #expect(code("/healthz", nil) == 200 && code("/readyz", nil) == 200)
        #expect(page("/other", observation()).code == 404)
    }

    @Test("Metrics are lines of Prometheus' text format: a help, a type, samples; every name once")
    func format() throws {
        let text = page("/metrics", observation()).body
        #expect(text.hasSuffix("\n") && !text.contains("\n\n"))
        var families: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                families.append(String(words[2]))
            } else if line.hasPrefix("# TYPE ") {
                #expect(String(words[2]) == families.last && ["gauge", "counter"].contains(words[3]))
                #expect(words[2].hasSuffix("_total") == (words[3] == "counter"))
            } else {
                let sample = try #require(line.wholeMatch(of: /(dmd2_[a-z_]+)(\{.*\})? (\S+)/))
                #expect(String(sample.output.1) == families.last)
                let value = sample.output.3
                #expect(Double(value) != nil || ["NaN", "+Inf", "-Inf"].contains(value))
            }
        }
        #expect(Set(families).count == families.count)
    }

    @Test("Values and labels are written as the format wants them")
    func samples() {
        let lines = Set(page("/metrics", observation()).body.split(separator: "\n").map(String.init))
        for line in [
            #"dmd2_run_info{run="a \"run\""} 1"#, #"dmd2_state{state="running"} 1"#, #"dmd2_state{state="failed"} 0"#,
            "dmd2_generation 3", "dmd2_world_size 1", #"dmd2_stage_info{stage="distil"} 1"#,
            #"dmd2_metric{name="loss.denoising"} NaN"#, #"dmd2_metric{name="loss.gan"} -Inf"#,
            #"dmd2_metric{name="loss.head"} 0.25"#, "dmd2_images_per_second 12.5", "dmd2_journal_bytes 4096",
            #"dmd2_control_messages_total{arrival="unreadable"} 1"#, #"dmd2_rank_step{rank="0",host="a"} 0"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test(
        "An endpoint is an IPv4 address and a port",
        arguments: [
            ("127.0.0.1:9464", "127.0.0.1", UInt16(9464)), ("localhost:*", "127.0.0.1", 0),
            ("0.0.0.0:80", "0.0.0.0", 80),
        ])
    func endpoint(text: String, host: String, port: UInt16) {
        let endpoint = HTTPEndpoint(text)
        #expect(endpoint?.host == host && endpoint?.port == port)
        #expect(endpoint?.isLoopback == (host == "127.0.0.1"))
    }

    @Test(
        "What is no endpoint is none",
        arguments: ["", "127.0.0.1", ":80", "node1:80", "1.2.3:80", "1.2.3.4:0", "1.2.3.4:99999"])
    func noEndpoint(text: String) {
        #expect(HTTPEndpoint(text) == nil)
    }
}
