using System.Diagnostics;

namespace NextStep.Research.Experiments.Tests.EndToEnd;

/// <summary>The whole pipeline at a size that takes seconds, run as a user runs it: in a process of its own.</summary>
internal static class MicroExperiment
{
    public static string Write(string folder)
    {
        string file = Path.Combine(folder, "micro.yaml");
        File.WriteAllText(file, """
            name: micro
            question: Does it run?
            data: { source: shapes, imageSize: 32, images: 48, skills: [colors] }
            autoencoder: { width: 8, multipliers: [1, 1, 1], latentChannels: 2, noiseStrength: 0.2 }
            model: { size: nano }
            training:
              autoencoder: { images: 96, batchSize: 8, warmup: 16, logEvery: 16, checkpointEvery: 16 }
              model: { images: 240, batchSize: 8, warmup: 16, logEvery: 24, checkpointEvery: 24 }
            sampling: { steps: 2 }
            evaluation: { samples: 4, heldOut: 8, reference: 16, verifierScenes: 1, latentNoise: [0.5], guidanceTrace: [2], guidanceSamples: 2 }
            baseline: { model.head.size: base }
            axes:
              model.head.size: [small, base]
            measure: [flow.loss, alignment]
            claims:
              - say: it runs
                test: flow.loss[base] < flow.loss[small]
            """);
        return file;
    }

    public static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "nextstep.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start)!;
    }

    public static async Task<(int Code, string Output)> Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }
}
