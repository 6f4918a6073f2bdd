import Kernels

extension PrecisionConfiguration {
    /// What a run of one rank here would compute in: float32 where the processor has no bfloat16 instructions.
    var onThisProcessor: PrecisionConfiguration {
        usesBFloat16 && !Processor.hasBFloat16 ? PrecisionConfiguration() : self
    }
}

extension RunConfiguration {
    /// The configuration with the types that it is computed with on this processor.
    var onThisProcessor: RunConfiguration {
        var configuration = self
        configuration.precision = precision.onThisProcessor
        return configuration
    }
}
