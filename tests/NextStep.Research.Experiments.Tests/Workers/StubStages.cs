using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments.Tests.Workers;

/// <summary>
/// Stages that compute a chain of hashes instead of a model: <c>images</c> steps of <c>batchSize</c> milliseconds, a checkpoint after
/// every one. Each holds a lock of the kernel while it runs, so that two processes in one stage are caught in the act.
/// </summary>
internal static class StubStages
{
    /// <summary>Value of <c>training.model.warmup</c> with which the model stage throws.</summary>
    public const int Throws = 13;

    /// <summary>… with which the process kills itself, every time.</summary>
    public const int Dies = 14;

    /// <summary>Whether a continued stage computes something else than one that was left alone.</summary>
    public static bool Forgets { get; set; }

    /// <summary>Whether no checkpoint is written.</summary>
    public static bool SavesNothing { get; set; }

    public static IReadOnlyList<StageDefinition> All { get; } =
    [
        new("autoencoder", 1, ["autoencoder", "training.autoencoder", "seed"], [], true, c => Run(c, c.Config.Training.Autoencoder, "")),
        new("model", 1, ["model", "training.model", "seed"], ["autoencoder"], true, c => Run(c, c.Config.Training.Model, Input(c, "autoencoder"))),
        new("samples", 1, ["sampling", "seed"], ["model"], false, c => Finish(c, Input(c, "model"))),
    ];

    /// <summary>What the chain of both trainings ends in, computed in one go.</summary>
    public static string Expected(long seed, long first, long second)
    {
        string chain = "";
        foreach (long steps in (long[])[first, second])
        {
            for (long step = 0; step < steps; step++)
            {
                chain = Link(chain, seed, step);
            }
        }
        return chain;
    }

    private static string Link(string chain, long seed, long step) => Hash(string.Create(CultureInfo.InvariantCulture, $"{chain} {seed} {step}"));

    private static string Input(StageContext context, string kind) => File.ReadAllText(Path.Combine(context.Inputs[kind], "chain.txt"));

    private static void Run(StageContext context, TrainerConfig trainer, string start)
    {
        using FileStream alone = Lock(context.Directory);
        File.WriteAllText(Path.Combine(context.Directory, "device.txt"), context.Config.Device);
        string checkpoints = Path.Combine(context.Directory, "checkpoint");
        Directory.CreateDirectory(checkpoints);
        long step = TrainingLoop.ImagesSaved(context.Directory) ?? 0;
        string chain = step == 0 || Forgets ? start : File.ReadAllText(StateFile(checkpoints, step));
        if (step > 0 && !File.ReadAllText(StateFile(checkpoints, step) + ".sha256").StartsWith(Hash(chain), StringComparison.Ordinal) && !Forgets)
        {
            (step, chain) = (0, start); // cut short
        }
        while (step < trainer.Images)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            Act(trainer.Warmup);
            Thread.Sleep(trainer.BatchSize);
            chain = Link(chain, context.Config.Seed, step);
            step++;
            if (!SavesNothing)
            {
                AtomicFile.WriteText(StateFile(checkpoints, step), chain, durable: false);
                AtomicFile.WriteText(StateFile(checkpoints, step) + ".sha256", Hash(chain) + " ", durable: false);
                if (step > 1)
                {
                    File.Delete(StateFile(checkpoints, step - 1) + ".sha256");
                    File.Delete(StateFile(checkpoints, step - 1));
                }
            }
            context.Progress(new StageProgress(step, trainer.Images, "images", new Dictionary<string, double>()));
        }
        Finish(context, chain);
    }

    private static void Act(long warmup)
    {
        if (warmup == Throws)
        {
            throw new ArithmeticException("the stub was told to throw");
        }
        if (warmup == Dies)
        {
            System.Diagnostics.Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }

    private static void Finish(StageContext context, string chain)
    {
        File.WriteAllText(Path.Combine(context.Directory, "chain.txt"), chain);
        string kind = Path.GetFileName(context.Directory).Split('-', '.')[0];
        File.WriteAllText(Path.Combine(context.Directory, "summary.json"), $"{{\"{(kind == "samples" ? "alignment" : kind)}\": {Convert.ToInt32(Hash(chain)[..6], 16)}}}");
    }

    private static string StateFile(string checkpoints, long step) => Path.Combine(checkpoints, string.Create(CultureInfo.InvariantCulture, $"state-{step:D12}.safetensors"));

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static FileStream Lock(string directory)
    {
        try
        {
            return new FileStream(directory + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            File.WriteAllText(directory + ".overlap", "two processes ran this stage at once");
            throw;
        }
    }
}
