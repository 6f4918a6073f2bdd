import Evaluation
import Testing

/// A page with every section, all of whose texts are `text`.
private func page(_ text: String = "plain", curves: [ReportContents.Curve] = []) -> String {
    let generator = EvaluationResult.Generator(networkCalls: 35, frechetDistance: 4, classAgreement: 0.5, images: 5000)
    let result = EvaluationResult(
        teacher: generator, student: generator, classifier: .init(heldOutAccuracy: 0.75), features: text, seed: 7)
    return Report.html(
        ReportContents(
            title: text, runName: text, result: result, stages: [.init(name: text, wallSeconds: 187)], curves: curves,
            grids: [.init(caption: text, png: [1, 2, 3])], configuration: text,
            facts: [.init(label: text, value: text)],
            events: [.init(time: text, name: text, details: [.init(label: text, value: text)])]))
}

private func line(_ count: Int, scale: ReportContents.Curve.Scale = .linear) -> ReportContents.Curve {
    let points = (0..<count).map { (x: Double($0), y: Double($0 + 1)) }
    return .init(title: "loss", scale: scale, series: [.init(name: "critic", points: points)])
}

@Test("No text can become markup")
func escapedTexts() {
    let hostile = "</pre><script>alert(\"1\" & '2')</script>"
    let text = page(
        hostile,
        curves: [
            .init(
                title: hostile, horizontal: hostile,
                series: [
                    .init(name: hostile, points: [(0, 1), (1, 2)])
                ])
        ])
    #expect(!text.contains("<script"))
    #expect(!text.contains("alert(\""))
    let escaped = "&lt;/pre&gt;&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"
    // Title twice, run name twice, features, caption twice, stage, configuration, fact twice, event four times; and of
    // the curve the title twice, the axis and the series.
    #expect(text.ranges(of: escaped).count == 15 + 4)
}

@Test("The page refers to nothing outside itself")
func selfContained() {
    let text = page(curves: [line(10)])
    #expect(text.contains("src=\"data:image/png;base64,AQID\""))
    for reference in ["http:", "https:", "<link", "<script", "url(", "@import"] { #expect(!text.contains(reference)) }
}

@Test("Empty lists leave their section out")
func emptyReport() {
    let text = Report.html(
        ReportContents(
            title: "Run", runName: "digits", result: nil, stages: [], curves: [], grids: [], configuration: "",
            facts: [], events: []))
    #expect(!text.contains("<h2>") && !text.contains("Optional"))
}

@Test("Every tag that is opened is closed")
func balancedTags() {
    let text = page(curves: [line(1), line(10), line(2000, scale: .logarithmic)])
    for tag in [
        "main", "header", "section", "div", "table", "tr", "td", "th", "span", "figure", "svg", "g", "ul", "dl", "pre",
    ] {
        let opened = text.ranges(of: "<\(tag)>").count + text.ranges(of: "<\(tag) ").count
        #expect(opened == text.ranges(of: "</\(tag)>").count, "\(tag)")
    }
}

@Test("Few points are drawn one by one, many as means within a band of their extremes")
func summarisedCurves() {
    #expect(!page(curves: [line(160)]).contains("<polygon"))
    #expect(page(curves: [line(160)]).contains("points=\"0.0,"))
    let many = page(curves: [line(10_000)])
    #expect(many.contains("<polygon"))
    #expect(many.utf8.count < page().utf8.count + 20_000)
}

@Test("Points that cannot be drawn are left out, down to a curve without any")
func undrawablePoints() {
    let points = [(x: 0.0, y: Double.nan), (x: 1, y: -1), (x: 2, y: .infinity), (x: 3, y: 0)]
    let curve = ReportContents.Curve(title: "loss", scale: .logarithmic, series: [.init(name: "a", points: points)])
    let text = page(curves: [curve])
    #expect(text.contains("no points yet"))
    #expect(!page(curves: [curve, line(20)]).contains("nan"))
}

@Test(
    "Axes are marked at round values",
    arguments: [
        (1.0, 20.0, ReportContents.Curve.Scale.linear, ["0", "5", "10", "15", "20"]),
        (0.13, 0.46, .linear, ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        (0.3, 40, .logarithmic, ["0.2", "0.5", "1", "2", "5", "10", "20", "50"]),
        (1e-6, 1, .logarithmic, ["1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]),
        (7, 7, .linear, ["2", "4", "6", "8", "10", "12"]),
    ])
func roundTicks(low: Double, high: Double, scale: ReportContents.Curve.Scale, expected: [String]) {
    let series = ReportContents.Curve.Series(name: "a", points: [(0, low), (1, high)])
    let text = page(curves: [.init(title: "loss", scale: scale, series: [series])])
    let marked = text.matches(of: /text-anchor="end">([^<]+)</).map { String($0.1) }
    #expect(marked == expected)
}
