/// <summary>What drawing and training cost: processor seconds a picture, evaluations of the head a token, processor seconds of the model's training.</summary>
public sealed record CostMetric : Metric
{
    public override MetricResult Measure(MetricContext context)
    {
        SamplingConfig sampling = context.Sampling;
        using TokenHeadSampler sampler = context.Model.Model.Head.Sampler(new FlowSamplerOptions { Solver = sampling.Solver, Steps = sampling.Steps, TimestepShift = sampling.TimestepShift });
        double Seconds(string stage) => context.ProcessorSeconds.TryGetValue(stage, out double seconds) ? seconds : double.NaN;
        return new MetricResult(Seconds("samples") / context.Prompts.Count)
        {
            Details = new Dictionary<string, double> { ["evaluations"] = sampler.Evaluations, ["training"] = Seconds("model") },
        };
    }
}
