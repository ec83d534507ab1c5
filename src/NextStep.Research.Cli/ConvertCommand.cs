using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep convert</c>: checkpoints into other formats, dtypes and layouts.</summary>
internal static class ConvertCommand
{
    private static readonly Dictionary<string, ScalarType> Dtypes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["bf16"] = ScalarType.BFloat16, ["bfloat16"] = ScalarType.BFloat16, ["fp16"] = ScalarType.Float16, ["float16"] = ScalarType.Float16, ["fp32"] = ScalarType.Float32, ["float32"] = ScalarType.Float32,
    };

    private static readonly Argument<string> Input = new("in") { Description = "A .safetensors, .pt, .gguf or index file, or a model folder." };
    private static readonly Argument<string> Output = new("out") { Description = "A .safetensors or .pt file, or a folder." };

    private static readonly Option<string?> Dtype = new("--dtype")
    {
        Description = "bf16, fp16 or fp32: cast every floating-point tensor. int8 or int4: quantize the matrices of transformer and head in groups, the rest keeps its dtype.",
        HelpName = "bf16|fp16|fp32|int8|int4",
        CustomParser = result => Dtypes.ContainsKey(result.Tokens[0].Value) || result.Tokens[0].Value.ToUpperInvariant() is "INT8" or "INT4" ? result.Tokens[0].Value
            : Refuse<string?>(result, $"'{result.Tokens[0].Value}' is not a dtype for weights; use bf16, fp16, fp32, int8 or int4."),
    };

    private static readonly Option<int> Group = new("--group")
    {
        Description = "32, 64 or 128: numbers that share a scale in int8 and int4.",
        DefaultValueFactory = _ => 32,
        CustomParser = result => result.Tokens[0].Value is "32" or "64" or "128" ? int.Parse(result.Tokens[0].Value, CultureInfo.InvariantCulture)
            : Refuse<int>(result, $"'{result.Tokens[0].Value}' is not a group; use 32, 64 or 128."),
    };

    private static readonly Option<AutoencoderLayout?> Layout = new("--layout") { Description = "diffusers or flux: how the autoencoder's tensors are named." };

    private static readonly Option<WeightChoice?> Weights = SharedOptions.Weights();

    private static readonly Option<long> Shard = new("--max-shard")
    {
        HelpName = "SIZE",
        Description = "Largest safetensors file of a folder, for instance 5GB or 500MB.",
        DefaultValueFactory = _ => 5_000_000_000,
        CustomParser = ParseSize,
    };

    public static Command Create()
    {
        Command command = new("convert", """
            Converts checkpoints between .pt and safetensors, dtypes, and the FLUX and diffusers names of the autoencoder. A model folder is
            converted whole: shards, config.json, tokenizer files and vae/.

            Examples:
              nextstep convert NextStep-1-Large NextStep-1-Large-bf16 --dtype bf16 --max-shard 5GB
              nextstep convert NextStep-1-Large NextStep-1-Large-int4 --dtype int4 --group 32
              nextstep convert vae/checkpoint.pt vae.safetensors --layout diffusers
            """);
        command.Arguments.Add(Input);
        command.Arguments.Add(Output);
        command.Options.Add(Dtype);
        command.Options.Add(Group);
        command.Options.Add(Layout);
        command.Options.Add(Shard);
        command.Options.Add(Weights);
        command.Validators.Add(r =>
        {
            if (r.GetResult(Group) is { Implicit: false } && (r.GetValue(Dtype) is not { } given || Dtypes.ContainsKey(given)))
            {
                r.AddError("--group belongs to --dtype int8 or int4.");
            }
        });
        command.SetAction(parse =>
        {
            string? name = parse.GetValue(Dtype);
            ScalarType? dtype = name is not null && Dtypes.TryGetValue(name, out var type) ? type : null;
            WeightScheme? scheme = name is not null && dtype is null ? new WeightScheme(name[^1] - '0', parse.GetValue(Group)) : null;
            var options = new ConversionOptions { Dtype = dtype, Scheme = scheme, Layout = parse.GetValue(Layout), MaximumShard = parse.GetValue(Shard), Weights = parse.GetValue(Weights), Say = Console.Error.WriteLine };
            foreach (var file in CheckpointConverter.Convert(parse.GetRequiredValue(Input), parse.GetRequiredValue(Output), options))
            {
                AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"wrote {file} ({new FileInfo(file).Length / 1e6:n1} MB)");
            }
            return 0;
        });
        return command;
    }

    private static long ParseSize(ArgumentResult result)
    {
        var text = result.Tokens[0].Value.ToUpperInvariant();
        var (digits, unit) = text switch
        {
            _ when text.EndsWith("GB", StringComparison.Ordinal) => (text[..^2], 1e9),
            _ when text.EndsWith("MB", StringComparison.Ordinal) => (text[..^2], 1e6),
            _ when text.EndsWith("KB", StringComparison.Ordinal) => (text[..^2], 1e3),
            _ => (text, 1.0),
        };
        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * unit is >= 1 and < 1e18
            ? (long)(number * unit)
            : Refuse<long>(result, $"'{result.Tokens[0].Value}' is not a size; write 5GB, 500MB or a number of bytes.");
    }

    private static T? Refuse<T>(ArgumentResult result, string fault)
    {
        result.AddError(fault);
        return default;
    }
}
