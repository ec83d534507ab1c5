using System.Text;
using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>
/// Every verb that opens a file says which file is wrong, whatever lies in its place: no bare message of libtorch, ONNX Runtime or .NET, which name none.
/// </summary>
[Collection(nameof(CommandLine))]
public sealed class DamagedFilesTests(DamagedFilesTests.Place place) : IClassFixture<DamagedFilesTests.Place>
{
    private static readonly string[] Damages = ["half", "empty", "noise", "text", "pointer", "folder"];

    // What frameworks say where nobody has looked.
    private static readonly string[] Bare =
    [
        "   at ", "Object reference", "Index was out", "Sequence contains", "Specified argument", "given key", "cannot be null", "Exception of type", "Expected all tensors", "c10::",
        "Unable to cast", "Unable to read beyond", "access denied by",
    ];

    [Theory]
    [InlineData("model/model.safetensors", "inspect model", "generate -m model -p x -o out.png", "convert model out.safetensors")]
    [InlineData("model/config.json", "generate -m model -p x -o out.png", "edit -m model -i in.png -p x -o out.png")]
    [InlineData("model/vae/config.json", "generate -m model -p x -o out.png")]
    [InlineData("model/vae/checkpoint.pt", "inspect model/vae", "generate -m model -p x -o out.png")]
    [InlineData("weights.safetensors", "inspect weights.safetensors", "convert weights.safetensors out.pt", "parity weights.safetensors")]
    [InlineData("weights.pt", "inspect weights.pt", "convert weights.pt out.safetensors")]
    [InlineData("noise.safetensors", "generate -m model -p x --noise noise.safetensors -o out.png")]
    public void Weights(string file, params string[] commands) => Check(file, commands);

    [Theory]
    [InlineData("in.png", "inspect in.png", "edit -m model -i in.png -p x -o out.png", "generate -m model --like in.png -o out.png", "artifacts in.png --patch 8", "evaluate --pictures in.png --reference real")]
    [InlineData("real/001.png", "artifacts real --patch 8", "evaluate --pictures in.png --reference real")]
    [InlineData("net.onnx", "evaluate --pictures in.png --reference real --onnx net.onnx --onnx-size 8")]
    public void Pictures(string file, params string[] commands) => Check(file, commands);

    [Theory]
    [InlineData("run/plan.json", "status run", "compare run", "export run -f csv -o out", "report run -o out.html", "note run", "gc run", "replay run KEY", "work run")]
    [InlineData("run/cells/KEY/result.json", "status run", "compare run", "export run -f csv -o out", "export run -f tensorboard -o out")]
    [InlineData("run/cells/KEY/config.yaml", "artifacts run/cells/KEY")]
    [InlineData("run/cells/KEY/metrics.jsonl", "export run -f jsonl -o out", "export run -f tensorboard -o out", "export run -f mlflow -o out")]
    [InlineData("run/cells/KEY/note.json", "status run", "note run", "export run -f csv -o out")]
    public void Runs(string file, params string[] commands) => Check(file.Replace("KEY", place.Key, StringComparison.Ordinal), [.. commands.Select(c => c.Replace("KEY", place.Key, StringComparison.Ordinal))]);

    [Theory]
    [InlineData("experiment.yaml", "plan experiment.yaml", "sweep experiment.yaml --out new")]
    [InlineData("own.cs", "plan grid.yaml --uses own.cs")]
    [InlineData("own.dll", "plan grid.yaml --uses own.dll")]
    public void Sources(string file, params string[] commands) => Check(file, commands);

    private void Check(string file, string[] commands)
    {
        string path = place.Folder.File(file), name = Path.GetFileName(file);
        byte[] whole = File.ReadAllBytes(path);
        List<string> wrong = [];
        try
        {
            foreach (string damage in Damages)
            {
                Damage(path, whole, damage);
                foreach (string command in commands)
                {
                    (int code, string output, string error) = place.Call(command);
                    string said = output + error;
                    bool named = said.Contains(name, StringComparison.Ordinal);
                    bool harmless = Harmless(damage, name) && (code == 0 || said.Contains("drew values that are no numbers", StringComparison.Ordinal) || said.Contains(Path.GetDirectoryName(path)!, StringComparison.Ordinal));
                    if ((!named && !harmless) || Bare.Any(b => said.Contains(b, StringComparison.Ordinal)) || code > 2 || error.Contains(" --help", StringComparison.Ordinal))
                    {
                        wrong.Add($"{damage} {file}: {command}: {code} {said.Trim()}");
                    }
                }
            }
        }
        finally
        {
            Damage(path, whole, "none");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    // Other numbers are weights too, nothing is no line of a log, half a YAML file is one, and a folder is passed over.
    private static bool Harmless(string damage, string name) => damage switch
    {
        "noise" => name.EndsWith(".safetensors", StringComparison.Ordinal),
        "empty" => name == "metrics.jsonl",
        "half" => name == "config.yaml",
        "folder" => true,
        _ => false,
    };

    private static void Damage(string path, byte[] whole, string damage)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path);
        }
        File.Delete(path);
        if (damage == "folder")
        {
            Directory.CreateDirectory(path);
            return;
        }
        byte[] noise = [.. whole];
        for (int i = noise.Length / 3; i < noise.Length; i += 7)
        {
            noise[i] ^= 0x5a;
        }
        File.WriteAllBytes(path, damage switch
        {
            "half" => whole[..(whole.Length / 2)],
            "empty" => [],
            "noise" => noise,
            "text" => "no such file\n"u8.ToArray(),
            "pointer" => Encoding.ASCII.GetBytes($"version https://git-lfs.github.com/spec/v1\noid sha256:{new string('c', 64)}\nsize 123456\n"),
            _ => whole,
        });
    }

    /// <summary>A folder with one good file of every kind.</summary>
    public sealed class Place : IDisposable
    {
        public Place()
        {
            SmallModel.In(Folder);
            Directory.CreateDirectory(Folder.File("real"));
            using (torch.Tensor pictures = DeadLeaves.Draw(3, 16, 1))
            {
                for (int i = 0; i < 3; i++)
                {
                    using torch.Tensor one = pictures[i];
                    ImageFile.Save(Folder.File($"real/{i:D3}.png"), one);
                }
                SafetensorsFile.Write(Folder.File("weights.safetensors"), new Dictionary<string, torch.Tensor> { ["a"] = pictures });
            }
            Folder.Write("net.onnx", "\u0008\u0007");
            Folder.Write("own.dll", "MZ");
            Folder.Write("own.cs", "public sealed class Nothing;");
            Folder.Write("experiment.yaml", File.ReadAllText(Folder.Write("grid.yaml", GeneratedRun.Grid)));
            Key = GeneratedRun.Write(new RunFolder(Folder.File("run")), ExperimentFile.Load(Folder.File("grid.yaml"))).Cells[5].Key;
            Folder.Write($"run/cells/{Key}/note.json", """{ "text": "looked at", "tags": [] }""");
            foreach (string command in (string[])["convert weights.safetensors weights.pt", "generate -m model -p x --save-noise noise.safetensors -o in.png", $"note run {Key} seen"])
            {
                (int code, _, string error) = Call(command);
                Assert.True(code == 0, error);
            }
        }

        internal TemporaryFolder Folder { get; } = new();

        internal string Key { get; }

        public void Dispose() => Folder.Dispose();

        // Words of a command; those that are files or folders lie here.
        internal (int Code, string Output, string Error) Call(string command)
        {
            string[] words = command.Split(' ');
            return CommandLine.Call([.. words.Select((word, i) => i > 0 && (word.Contains('.', StringComparison.Ordinal) || word.Contains('/', StringComparison.Ordinal) || word is "model" or "run" or "real" or "out" or "new") ? Folder.File(word) : word)]);
        }
    }
}
