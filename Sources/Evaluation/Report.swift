import Foundation

/// The page about a run: one HTML file that needs nothing else, neither network nor scripts.
package enum Report {
    /// The page.
    package static func html(_ contents: ReportContents) -> String {
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(contents.title) · \(contents.runName)</title>
            <style>
            \(reportStyle)
            </style>
            </head>
            <body>
            <main>
            \(header(contents))
            \(contents.result.map(results))
            \(section("Samples", contents.grids, list: "grids", grid))
            \(section("Training", contents.curves, list: "curves") { CurvePlot($0).markup })
            \(contents.stages.isEmpty ? nil : time(contents.stages))
            \(contents.facts.isEmpty ? nil : facts(contents.facts))
            \(contents.events.isEmpty ? nil : events(contents.events))
            \(contents.configuration.isEmpty ? nil : configuration(contents.configuration))
            </main>
            </body>
            </html>

            """
        return page.text
    }

    private static func section<Item>(
        _ title: String, _ items: [Item], list: String, _ content: (Item) -> Markup
    ) -> Markup? {
        guard !items.isEmpty else { return nil }
        return "<h2>\(title)</h2>\n<div class=\"\(list)\">\n\(items.map(content))\n</div>"
    }

    private static func header(_ contents: ReportContents) -> Markup {
        let lede: Markup? = contents.result.map { result in
            let calls = (student: result.student.networkCalls, teacher: result.teacher.networkCalls)
            return """
                <p class="lede">The student draws an image in \(calls.student) network \
                \(calls.student == 1 ? "call" : "calls"); its teacher takes \(calls.teacher).</p>
                """
        }
        return """
            <header>
            <p class="eyebrow">\(contents.runName)</p>
            <h1>\(contents.title)</h1>
            \(lede)
            </header>
            """
    }

    private static func results(_ result: EvaluationResult) -> Markup {
        let distance = result.studentToTeacher.frechetDistance.map(NumberText.figure)
        let agreement = result.studentToTeacher.classAgreement.map(NumberText.share)
        let calls = Double(result.teacher.networkCalls) / Double(max(1, result.student.networkCalls))
        return """
            <div class="tiles">
            \(tile(NumberText.round(calls), "fewer network calls per image"))
            \(tile(distance, "the teacher's Fréchet distance (1 is as good, lower is better)"))
            \(tile(agreement, "the teacher's class agreement (1 is as good, higher is better)"))
            </div>
            <h2>Evaluation</h2>
            <div class="card"><table>
            <thead><tr><th></th><th>network calls</th><th>Fréchet distance</th><th>class agreement</th><th>images</th>\
            </tr></thead>
            <tbody>
            \(generatorRow("teacher", result.teacher))
            \(generatorRow("student", result.student))
            </tbody></table></div>
            <p class="note">Features: \(result.features). Classifier right on \
            \(NumberText.share(result.classifier.heldOutAccuracy)) of held-out images. Seed \(String(result.seed)).</p>
            """
    }

    private static func tile(_ ratio: String?, _ meaning: String) -> Markup {
        "<div class=\"tile\"><b>\(ratio ?? "–")×</b><span>\(meaning)</span></div>"
    }

    private static func generatorRow(_ name: String, _ generator: EvaluationResult.Generator) -> Markup {
        """
        <tr><th>\(name)</th><td>\(NumberText.count(generator.networkCalls))</td>\
        <td>\(NumberText.figure(generator.frechetDistance))</td><td>\(NumberText.share(generator.classAgreement))</td>\
        <td>\(NumberText.count(generator.images))</td></tr>
        """
    }

    private static func grid(_ grid: ReportContents.Grid) -> Markup {
        """
        <figure class="grid"><figcaption>\(grid.caption)</figcaption>\
        <img alt="\(grid.caption)" src="data:image/png;base64,\(Data(grid.png).base64EncodedString())"></figure>
        """
    }

    private static func time(_ stages: [ReportContents.Stage]) -> Markup {
        let total = stages.reduce(0) { $0 + $1.wallSeconds }
        func percent(_ stage: ReportContents.Stage) -> String {
            String(format: "%.1f", total > 0 ? 100 * stage.wallSeconds / total : 0)
        }
        let parts: [Markup] = stages.enumerated().map { index, stage in
            "<i class=\"c\(index % 6)\" style=\"width: \(percent(stage))%\"></i>"
        }
        let rows: [Markup] = stages.enumerated().map { index, stage in
            """
            <tr><th><i class="key c\(index % 6)"></i>\(stage.name)</th>\
            <td>\(NumberText.duration(seconds: stage.wallSeconds))</td><td>\(percent(stage)) %</td></tr>
            """
        }
        return """
            <h2>Wall time</h2>
            <div class="card">
            <div class="bar">\(parts)</div>
            <table><tbody>
            \(rows)
            <tr><th>all stages</th><td>\(NumberText.duration(seconds: total))</td><td></td></tr>
            </tbody></table></div>
            """
    }

    private static func facts(_ facts: [ReportContents.Fact]) -> Markup {
        let entries: [Markup] = facts.map { "<dt>\($0.label)</dt><dd>\($0.value)</dd>" }
        return "<h2>Run</h2>\n<div class=\"card\"><dl>\n\(entries)\n</dl></div>"
    }

    private static func events(_ events: [ReportContents.Event]) -> Markup {
        let rows: [Markup] = events.map { event in
            let details: [Markup] = event.details.map { "<span><i>\($0.label)</i> \($0.value)</span>" }
            return "<tr><td>\(event.time)</td><td>\(event.name)</td><td>\(details)</td></tr>"
        }
        return """
            <h2>Events</h2>
            <div class="card events"><table>
            <thead><tr><th>time (UTC)</th><th>event</th><th>details</th></tr></thead>
            <tbody>
            \(rows)
            </tbody></table></div>
            """
    }

    private static func configuration(_ text: String) -> Markup {
        """
        <h2>Configuration</h2>
        <details><summary>The resolved configuration</summary>
        <pre>\(text)</pre></details>
        """
    }
}
