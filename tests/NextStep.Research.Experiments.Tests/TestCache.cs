using System.Runtime.CompilerServices;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What tests look at is not kept in the user's cache folder.</summary>
internal static class TestCache
{
    [ModuleInitializer]
    internal static void Use()
    {
        string folder = Directory.CreateTempSubdirectory("nextstep-cache-").FullName;
        Environment.SetEnvironmentVariable("NEXTSTEP_CACHE", folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
    }
}
