namespace NextStep.Research.Experiments;

/// <summary>Which code computes here: a hash over the assemblies whose code decides about results, this one and the model library. Equal sources give equal assemblies.</summary>
internal static class CodeIdentity
{
    /// <summary>Of this process, 12 hexadecimal digits.</summary>
    public static string Current { get; } = StageKey.Hash(string.Join('\n', new[] { typeof(ResearchConfig), typeof(CodeIdentity) }.Select(t => $"{t.Assembly.GetName().Name} {t.Module.ModuleVersionId}")))[..12];
}
