namespace NextStep.Research.Experiments.Tests;

/// <summary>Components as a user writes them.</summary>
internal static class Written
{
    /// <summary>Attention and MLP side by side; <c>ATTEND</c> is what attention is given as its mask.</summary>
    public const string Layer = """
        public sealed record NAMELayer : LayerConfig
        {
            public override TransformerLayer Build(LayerContext context) => new Code(context);

            private sealed class Code : TransformerLayer
            {
                private readonly RmsNorm norm;
                private readonly Attention attention;
                private readonly GatedMlp mlp;

                public Code(LayerContext context)
                {
                    norm = new RmsNorm(context.Shape.HiddenSize, context.Shape.RmsNormEpsilon, context.Device, context.Dtype);
                    attention = new Attention(context.Shape, context.Device, context.Dtype);
                    mlp = new GatedMlp(context.Shape, context.Device, context.Dtype);
                    RegisterComponents();
                }

                public override Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, KeyValueCache? cache, int layer)
                {
                    using DisposeScope scope = NewDisposeScope();
                    Tensor h = norm.forward(x);
                    return x.Plus(attention.Forward(h, angles, ATTEND, cache, layer)).Plus(mlp.forward(h)).MoveToOuterDisposeScope();
                }
            }
        }
        """;

    /// <summary>One id a character; <c>IDS</c> is what a piece without structural tokens becomes.</summary>
    public const string Tokenizer = """
        public sealed record NAMETokenizer : TokenizerConfig
        {
            public override TextTokenizer Build(IReadOnlyList<string> captions) => new Code([.. captions.SelectMany(c => c).Distinct().Order()]);

            public override TextTokenizer Load(string folder) => new Code(File.ReadAllText(Path.Combine(folder, "characters.txt")).ToCharArray());

            private sealed class Code(char[] known) : TextTokenizer
            {
                public override int VocabularySize => SpecialTokenText.Written.Count + known.Length + 1;
                public override SpecialTokens Special => SpecialTokenText.Ids;
                public override int[] Encode(string text) => [.. CUT];
                public override string Decode(IEnumerable<int> ids) => string.Concat(ids.Select(i => i < SpecialTokenText.Written.Count ? SpecialTokenText.Written[i] : i < VocabularySize - 1 ? $"{known[i - SpecialTokenText.Written.Count]}" : "?"));
                public override void Save(string folder) => File.WriteAllText(Path.Combine(folder, "characters.txt"), new string(known));
                private int Id(char c) => SpecialTokenText.Written.Count + (Array.IndexOf(known, c) is >= 0 and int at ? at : known.Length);
            }
        }
        """;

    /// <summary>With the structural tokens cut out.</summary>
    public const string Cut = "SpecialTokenText.Split(text).SelectMany(p => p.Id >= 0 ? [p.Id] : p.Text.Select(Id))";

    /// <summary>A head of one product, drawn without noise.</summary>
    public const string Head = """
        public sealed record NAMEHead : TokenHeadConfig { public override TokenHead Build(TokenHeadContext context) => new NAMECode(context); }
        public sealed class NAMECode : TokenHead
        {
            private readonly Linear net;
            public NAMECode(TokenHeadContext context) : base(context)
            {
                net = nn.Linear(context.ConditionWidth, context.TokenWidth, device: context.Device, dtype: context.Dtype);
                RegisterComponents();
            }
            public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null) => TokenLoss.Of(target.sub(net.forward(condition)).Squared().mean([-1]), mask: mask);
            public override TokenHeadSampler Sampler(FlowSamplerOptions options) => new Draws(this);
            private sealed class Draws(NAMECode head) : TokenHeadSampler
            {
                public override int Evaluations => 1;
                public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
                {
                    using var guard = no_grad();
                    using DisposeScope scope = NewDisposeScope();
                    return guidance.Combine(head.net.forward(conditions).to_type(ScalarType.Float32)).MoveToOuterDisposeScope();
                }
            }
        }
        """;
}
