#!/usr/bin/env dotnet
#:project ../../src/NextStep.Research.Notebooks/NextStep.Research.Notebooks.csproj

// An ablation without a notebook host: dotnet run -c Release notebooks/apps/ablation.cs [folder]
// Does noise on the latents cost reconstruction, and what does it do to the flow loss? A small grid with two seeds,
// its numbers as a table, and the report, in about eight minutes on two cores. Stop it whenever you like: the same command goes on where it was.
using System.Runtime.CompilerServices;
using Microsoft.Data.Analysis;
using NextStep.Research.Experiments;
using NextStep.Research.Notebooks;
using NextStep.Research.Reports;

string repository = Path.GetFullPath(Path.Combine(Here(), "..", ".."));
string folder = args.Length > 0 ? args[0] : Path.Combine(repository, "runs", "app-ablation");

Experiment experiment = ExperimentFile.Load(Path.Combine(repository, "experiments", "base", "shapes-32.yaml"),
[
    "name=app-ablation",
    "axes.autoencoder.noiseStrength=[0, 0.3, 0.8]",
    "seeds=[0, 1]",
    "data.images=2000",
    "training.autoencoder.images=4000",
    "training.model.images=8000",
    "evaluation.samples=16",
    "evaluation.heldOut=64",
    "measure=[autoencoder.psnr, flow.loss, alignment]",
]);
experiment = experiment with { Claims = [Claim.Parse("noise costs reconstruction", "trend(autoencoder.psnr) < 0"), Claim.Parse("noise raises the flow loss", "trend(flow.loss) > 0")] };

using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
RunFolder run;
try
{
    run = LiveSweep.Run(experiment, folder, stop.Token);
}
catch (OperationCanceledException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

DataFrame results = run.ToDataFrame();
Console.WriteLine(results.AsTable(["arm", "seed", "state", "autoencoder.psnr", "flow.loss", "alignment"]));
foreach (PlannedClaim claim in run.RequirePlan().Claims)
{
    Console.WriteLine($"{claim.Say}: {claim.Verdict} ({claim.Evidence})");
}
HtmlReport.Write(run.Path, Path.Combine(run.Path, "report.html"));
Console.WriteLine($"report: {Path.Combine(run.Path, "report.html")}");
return 0;

static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
