package import ArgumentParser
package import Training

/// `--until`: where a run ends before its last stage.
package struct LastStageOption: ParsableArguments {
    /// The stage after which the run ends; nil: its last.
    @Option(
        help: ArgumentHelp(
            "End the run after this stage; started again without --until it goes on.", valueName: "stage"))
    package var until: StagePlan.Stage?

    /// No option, until a command line is parsed.
    package init() {}
}

extension StagePlan.Stage: ExpressibleByArgument {}
