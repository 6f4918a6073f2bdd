/// Everything that a report shows, as plain values. Empty lists leave their section out.
package struct ReportContents: Sendable {
    /// One stage of the run.
    package struct Stage: Sendable {
        /// Its name, such as `teacher`.
        package var name: String
        /// Wall time in seconds.
        package var wallSeconds: Double

        /// A stage and its wall time in seconds.
        package init(name: String, wallSeconds: Double) {
            self.name = name
            self.wallSeconds = wallSeconds
        }
    }

    /// One plot of training: one or more series over the same horizontal axis.
    package struct Curve: Sendable {
        /// How the vertical axis is spaced.
        package enum Scale: Sendable {
            /// Equal differences are equally long.
            case linear
            /// Equal ratios are equally long; values that are not positive are left out.
            case logarithmic
        }

        /// A named sequence of points, by ascending x. Points that are not finite are left out.
        package struct Series: Sendable {
            /// The name in the legend.
            package var name: String
            /// The points.
            package var points: [(x: Double, y: Double)]

            /// A named sequence of points.
            package init(name: String, points: [(x: Double, y: Double)]) {
                self.name = name
                self.points = points
            }
        }

        /// What the plot shows.
        package var title: String
        /// The horizontal axis's label.
        package var horizontal: String
        /// The vertical axis's spacing.
        package var scale: Scale
        /// The series, told apart by colour: six colours, then they repeat.
        package var series: [Series]

        /// A plot.
        package init(title: String, horizontal: String = "step", scale: Scale = .linear, series: [Series]) {
            self.title = title
            self.horizontal = horizontal
            self.scale = scale
            self.series = series
        }
    }

    /// A picture of samples.
    package struct Grid: Sendable {
        /// What it shows.
        package var caption: String
        /// The bytes of its PNG file.
        package var png: [UInt8]

        /// A picture of samples, as the bytes of a PNG file.
        package init(caption: String, png: [UInt8]) {
            self.caption = caption
            self.png = png
        }
    }

    /// Something worth knowing about the run, such as its code version or number of ranks.
    package struct Fact: Sendable {
        /// What it is.
        package var label: String
        /// Its value.
        package var value: String

        /// A labelled value.
        package init(label: String, value: String) {
            self.label = label
            self.value = value
        }
    }

    /// Something that happened.
    package struct Event: Sendable {
        /// When in UTC, as it is to be printed.
        package var time: String
        /// What.
        package var name: String
        /// Particulars, in the order in which they are to be printed.
        package var details: [Fact]

        /// Something that happened, and when.
        package init(time: String, name: String, details: [Fact]) {
            self.time = time
            self.name = name
            self.details = details
        }
    }

    /// The page's headline.
    package var title: String
    /// The run's name.
    package var runName: String
    /// The evaluation; none before the run has come so far.
    package var result: EvaluationResult?
    /// The stages, in their order.
    package var stages: [Stage]
    /// The plots.
    package var curves: [Curve]
    /// The pictures.
    package var grids: [Grid]
    /// The resolved configuration, as text.
    package var configuration: String
    /// Facts about the run.
    package var facts: [Fact]
    /// What happened, in order of time.
    package var events: [Event]

    /// The contents of a report.
    package init(
        title: String, runName: String, result: EvaluationResult?, stages: [Stage], curves: [Curve], grids: [Grid],
        configuration: String, facts: [Fact], events: [Event]
    ) {
        self.title = title
        self.runName = runName
        self.result = result
        self.stages = stages
        self.curves = curves
        self.grids = grids
        self.configuration = configuration
        self.facts = facts
        self.events = events
    }
}
