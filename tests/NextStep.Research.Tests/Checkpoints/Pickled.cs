using System.IO.Compression;
using System.Text;

namespace NextStep.Research.Tests;

/// <summary>Hand-made pickles (as Latin-1 text) and archives around them.</summary>
internal static class Pickled
{
    public static string Text(string text) => "X" + (char)text.Length + "\0\0\0" + text;

    public static string Dictionary(params (string Key, string Value)[] items) => "}(" + string.Concat(items.Select(item => Text(item.Key) + item.Value)) + "u";

    public static string Tensor(string storage, int count, int offset = 0, int? size = null, int stride = 1) =>
        "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") + "ctorch\nFloatStorage\n" + Text(storage) + Text("cpu") + "K" + (char)count + "tQ"
        + "K" + (char)offset + "K" + (char)(size ?? count) + "\u0085K" + (char)stride + "\u0085\u0089ccollections\nOrderedDict\n)RtR";

    public static void Archive(string path, string pickle, params (string Key, byte[] Bytes)[] storages)
    {
        File.Delete(path);
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        Add(zip, "archive/data.pkl", Encoding.Latin1.GetBytes(pickle.EndsWith('.') || !pickle.EndsWith('u') ? pickle : pickle + "."));
        foreach (var (key, bytes) in storages)
        {
            Add(zip, "archive/data/" + key, bytes);
        }
    }

    private static void Add(ZipArchive zip, string name, byte[] bytes)
    {
        using var stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
    }
}
