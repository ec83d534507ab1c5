/// <summary>
/// One diagonal Gaussian a token, fitted by its likelihood: the mixture of GIVT with a single component, and no solver at all. Guidance moves the
/// mean. What it cannot say is "either this or that".
/// </summary>
public sealed record GaussianHead : TokenHeadConfig
{
    /// <summary>Scale of the deviation that is drawn with; 0 = always the mean.</summary>
    [Range(0.0, 2.0)]
    public double Temperature { get; init; } = 1;

    public override TokenHead Build(TokenHeadContext context) => new GaussianTokenHead(this, context);
}

public sealed class GaussianTokenHead : TokenHead
{
    private readonly GaussianHead _config;
    private readonly Sequential net;

    public GaussianTokenHead(GaussianHead config, TokenHeadContext context)
        : base(context)
    {
        _config = config;
        net = nn.Sequential(
            nn.Linear(context.ConditionWidth, context.Width, device: context.Device, dtype: context.Dtype), nn.SiLU(),
            nn.Linear(context.Width, 2L * context.TokenWidth, device: context.Device, dtype: context.Dtype));
        RegisterComponents();
    }

    // −log N(x; μ, σ²) a feature, up to a constant.
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        Tensor[] parts = net.forward(condition).chunk(2, -1);
        Tensor log = parts[1].clamp(Scalars.Of(-5), Scalars.Of(5));
        return TokenLoss.Of(target.sub(parts[0]).div(log.exp()).Squared().Times(0.5).Plus(log).mean([-1]), mask: mask);
    }

    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => new OneDraw(this);

    private sealed class OneDraw(GaussianTokenHead head) : TokenHeadSampler
    {
        public override int Evaluations => 1;

        public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
        {
            using var guard = no_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor[] parts = head.net.forward(conditions).to_type(ScalarType.Float32).chunk(2, -1);
            Tensor mean = guidance.Combine(parts[0]);
            Tensor deviation = parts[1].narrow(0, 0, mean.size(0)).clamp(Scalars.Of(-5), Scalars.Of(5)).exp().Times(head._config.Temperature);
            return mean.Plus(deviation.mul(noise.Normal(mean.shape).to(mean.device))).MoveToOuterDisposeScope();
        }
    }
}
