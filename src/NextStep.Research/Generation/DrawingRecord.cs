using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research;

/// <summary>An input picture of an edit: where it lay, and the SHA-256 of its bytes in hexadecimal.</summary>
internal sealed record InputPicture(string Path, string Sha256)
{
    /// <summary>Of a file that is there now.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static InputPicture Of(string path) => new(path, Convert.ToHexStringLower(SHA256.HashData(ImageFile.Read(path))));
}

/// <summary>Everything that a drawing was made from, kept as text in each PNG file of it, so that the same command can be given again.</summary>
internal sealed record DrawingRecord
{
    /// <summary>The keyword of the text in a PNG file.</summary>
    public const string Keyword = "nextstep";

    private const int HashedEnds = 1 << 20;

    /// <summary>The model's folder as it was given; null = the small model that comes with the library.</summary>
    public string? Model { get; init; }

    /// <summary><see cref="IdentityOf"/> the folder.</summary>
    public required string ModelIdentity { get; init; }

    /// <summary>Which weights were asked for; null = the running average where there is one.</summary>
    public WeightChoice? Weights { get; init; }

    /// <summary>Whether the distilled form of the model draws, <see cref="LoadOptions.Distilled"/>.</summary>
    public bool Distilled { get; init; }

    /// <summary>As given.</summary>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>Input pictures as given; empty = none.</summary>
    public IReadOnlyList<InputPicture> Images { get; init; } = [];

    /// <summary>Pictures per prompt.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Appended to every prompt.</summary>
    public string Positive { get; init; } = "";

    /// <summary>Text of the unconditional branch.</summary>
    public string Negative { get; init; } = "";

    /// <summary>Solver, guidance, steps.</summary>
    public required SamplingConfig Sampling { get; init; }

    /// <summary>Of the noise.</summary>
    public long Seed { get; init; }

    /// <summary>Pictures drawn at once.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Device or devices.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Number format of the weights; null = the default of the device.</summary>
    public Precision? Precision { get; init; }

    /// <summary>A file of recorded draws in place of the seed's; null = none.</summary>
    public string? Noise { get; init; }

    /// <summary>The folder of the model that proposed tokens; null = none.</summary>
    public string? Draft { get; init; }

    /// <summary>Tokens that it proposed at a time.</summary>
    public int DraftTokens { get; init; } = 4;

    /// <summary>Whether it did so without guidance.</summary>
    public bool DraftUnguided { get; init; }

    /// <summary>Which picture of the drawing the file holds, from 0; null = all of them.</summary>
    public long? Picture { get; init; }

    /// <summary>As it stands in a file.</summary>
    public JsonObject ToJson() => (JsonObject)JsonSerializer.SerializeToNode(this, ReleasedConfig.JsonOptions)!;

    /// <summary>The texts for a PNG file: the prompts as <c>Description</c>, the program as <c>Software</c>, and the record.</summary>
    public IReadOnlyDictionary<string, string> Texts() => new Dictionary<string, string>
    {
        ["Software"] = $"NextStep.Research {typeof(DrawingRecord).Assembly.GetName().Version?.ToString(3)}",
        ["Description"] = string.Join('\n', Prompts),
        [Keyword] = ToJson().ToJsonString(),
    };

    /// <summary>The record in a PNG file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">No PNG file, damaged, without a record, or with one that is not understood.</exception>
    public static DrawingRecord Read(string path)
    {
        if (!PngTexts.Read(path).TryGetValue(Keyword, out string? text))
        {
            throw PictureProblem.Of(path, $"does not say how it was made (a PNG text '{Keyword}'); it was not drawn by nextstep, or was saved by another program");
        }
        try
        {
            return JsonSerializer.Deserialize<DrawingRecord>(text, ReleasedConfig.JsonOptions) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw PictureProblem.Of(path, $"holds a record of its drawing that is not understood: {e.Message}");
        }
    }

    /// <summary>Names, sizes and the first and last megabyte of every file of a model's folder, hashed (SHA-256, 16 hexadecimal digits): quick for 30 GB, and other weights are seen.</summary>
    public static string IdentityOf(string folder)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string root = ReleasedFolder.Resolve(folder);
        byte[] buffer = new byte[HashedEnds];
        foreach (string file in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using FileStream stream = File.OpenRead(file);
            hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetRelativePath(root, file).Replace('\\', '/')}\n{stream.Length}\n"));
            hash.AppendData(buffer, 0, stream.ReadAtLeast(buffer, HashedEnds, throwOnEndOfStream: false));
            stream.Position = Math.Max(stream.Position, stream.Length - HashedEnds);
            hash.AppendData(buffer, 0, stream.ReadAtLeast(buffer, HashedEnds, throwOnEndOfStream: false));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
