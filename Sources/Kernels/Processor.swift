import COpenMP

/// What the build needs of the processor, and what the processor offers.
package enum Processor {
    /// The names of the instruction sets that this build uses and this machine lacks; empty where all is well.
    ///
    /// Every program asks before it does anything else: without the check the first vector loop would die of SIGILL.
    package static var missingInstructionSets: [String] {
        var missing: [String] = []
        if shim_built_for_avx2() != 0 && shim_cpu_has_avx2() == 0 { missing.append("AVX2") }
        if shim_built_for_fma() != 0 && shim_cpu_has_fma() == 0 { missing.append("FMA") }
        if shim_built_for_avx512() != 0 && shim_cpu_has_avx512() == 0 { missing.append("AVX-512") }
        return missing
    }

    /// True where products of bfloat16 have instructions of their own (AVX512-BF16). Elsewhere they would be slower
    /// than float32's.
    package static var hasBFloat16: Bool { shim_cpu_has_avx512() != 0 && shim_cpu_has_avx512_bf16() != 0 }

    /// One line for a person whose processor lacks something.
    package static var missingInstructionsMessage: String {
        "this processor lacks \(missingInstructionSets.joined(separator: ", ")), which this build uses: "
            + "build again on this machine, or with DMD2_MARCH set to what it has (x86-64-v3: AVX2)"
    }

    /// The widest vector instruction set that this build uses.
    package static var builtFor: String {
        if shim_built_for_avx512() != 0 { return "AVX-512" }
        return shim_built_for_avx2() != 0 ? "AVX2" : "baseline"
    }
}
