using System.Globalization;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>What <c>generate --estimate</c> prints: memory by count, time from the first tokens of the very drawing.</summary>
internal static class GenerateEstimate
{
    // The median of fewer was off by a third at 14 billion weights on a machine that others use.
    private const int FewestTokens = 9, DecodedTokens = 4;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(1);

    /// <summary>Memory, before the weights are read.</summary>
    public static void Print(MemoryEstimate need) =>
        Show("memory", $"{need}{(DeviceRoom.Of(CPU).Free is { } free ? $"; {MemoryEstimate.Gigabytes(free)} of host memory are free" : "")}");

    /// <summary>Time, from tokens that are drawn for it and a corner that is decoded.</summary>
    /// <param name="generator">Of the loaded model.</param>
    /// <param name="request">What would be drawn.</param>
    /// <param name="cancellation">Ends it.</param>
    public static void Print(ImageGenerator generator, GenerationRequest request, CancellationToken cancellation)
    {
        int pictures = request.Prompts.Count * request.ImagesPerPrompt, atOnce = request.Noise is null ? Math.Min(request.BatchSize, pictures) : pictures;
        int parts = (pictures + atOnce - 1) / atOnce;
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        TokenClock clock = new();
        List<Tensor> drawn = [];
        long perPicture = 0;
        try
        {
            generator.DrawTokens(
                request with { OnToken = t => drawn.Add(t.Token.narrow(0, 0, 1).clone().DetachFromDisposeScope()) },
                p =>
                {
                    perPicture = p.Total / pictures;
                    clock.Add(p.Tokens);
                    if (clock.Count >= perPicture || (clock.Count > FewestTokens && clock.Last - clock.First >= Enough))
                    {
                        enough.Cancel();
                    }
                },
                enough.Token).Dispose();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Enough was seen.
        }
        int aStep = Math.Max(1, (int)(clock.Tokens / clock.Count / atOnce)); // tokens that come together
        long steps = perPicture / aStep;
        // The first pass reads what was not read before.
        double[] seen = [.. clock.Milliseconds.Skip(clock.Count > 2 ? 1 : 0).Select(m => m / 1000)];
        double each = seen.Length > 0 ? Timings.Median(seen) : 0;
        double decoder = Decoder(generator, drawn, Math.Min(pictures, ImageGenerator.DecodedAtOnce(request))) * perPicture * pictures;
        drawn.ForEach(t => t.Dispose());
        Show("measured", string.Create(CultureInfo.InvariantCulture, $"{clock.Count * aStep} of {perPicture} tokens of {atOnce} of {pictures} pictures, {ImageGenerator.Branches(request)} guidance, {request.Sampling.Steps} steps, in {clock.Last.TotalSeconds:F1} s"));
        Show("time", string.Create(
            CultureInfo.InvariantCulture,
            $"about {Span(Whole(each))}{(seen.Length > 1 ? $" ({Span(Whole(seen.Min()))} to {Span(Whole(seen.Max()))} if all were like the fastest or slowest of these tokens)" : "")}: {clock.First.TotalSeconds:F2} s for prompt and first token, {each * 1000:F0} ms for each of {steps - 1} more{(parts > 1 ? $", {parts} times" : "")}; {decoder:F1} s for the decoder"));

        double Whole(double token) => ((clock.First.TotalSeconds + (token * (steps - 1))) * parts) + decoder;
    }

    // Seconds a token, from the corners of as many pictures as are decoded together.
    private static double Decoder(ImageGenerator generator, List<Tensor> drawn, int pictures)
    {
        int rows = Math.Min(DecodedTokens, (int)Math.Sqrt(drawn.Count));
        using DisposeScope scope = NewDisposeScope();
        Tensor corner = stack(drawn.Take(rows * rows), 1).expand(pictures, -1, -1);
        generator.Decode(corner, rows, rows);
        double start = Timings.Now;
        generator.Decode(corner, rows, rows);
        return (Timings.Now - start) / 1000 / (rows * rows * pictures);
    }

    private static string Span(double seconds) => seconds < 60 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s") : WorkProgress.Left(seconds);

    private static void Show(string name, string value) => AnsiConsole.WriteLine($"{name,-10} {value}");
}
