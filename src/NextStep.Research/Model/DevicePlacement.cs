using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The devices cannot hold the model; the message says how much is needed and what to do.</summary>
public sealed class DeviceTooSmallException(string message) : Exception(message);

/// <summary>A device and the bytes free on it; null = unknown: nothing can be checked then, which whoever loads is told.</summary>
internal sealed record DeviceRoom(Device Device, long? Free)
{
    /// <summary>As measured now.</summary>
    public static DeviceRoom Of(Device device) => new(device, DeviceMemory.Free(device));
}

/// <summary>
/// Which device holds what. Layers lie in runs, in the order of the devices, as many on each as its free memory bears. The final norm,
/// the projectors, the flow-matching head, which runs many times a token, and the autoencoder lie on the last device, the last GPU where there is one.
/// The vocabulary tables are read once a prompt (the embedding) or never (the language head) while pictures are drawn, so that beside a GPU they stay in host memory.
/// </summary>
/// <param name="Tables">Of <c>embed_tokens</c> and <c>lm_head</c>.</param>
/// <param name="Layers">Of every decoder layer.</param>
/// <param name="Head">Of the rest.</param>
internal sealed record DevicePlacement(Device Tables, IReadOnlyList<Device> Layers, Device Head)
{
    // What a GPU's context and libraries take, and what an allocator loses to fragments.
    private const double Usable = 0.95;

    /// <summary>Device of a tensor by its state-dict name.</summary>
    public Device Of(string name) =>
        WeightNames.IsTable(name) ? Tables
        : name.StartsWith("layers.", StringComparison.Ordinal) ? Layers[int.Parse(name.AsSpan(7, name.IndexOf('.', 7) - 7), System.Globalization.CultureInfo.InvariantCulture)]
        : name.StartsWith("image_in_projector.", StringComparison.Ordinal) ? Layers[0]
        : Head;

    /// <summary>Everything on one device, without a look at its memory.</summary>
    public static DevicePlacement Single(Device device, int layers) => new(device, [.. Enumerable.Repeat(device, layers)], device);

    /// <summary>Spreads a model over devices by their free memory.</summary>
    /// <param name="need">What the model needs.</param>
    /// <param name="rooms">Devices in the order of the layers, at least one.</param>
    /// <param name="host">Where the tables stay unless all devices are the host itself.</param>
    /// <exception cref="DeviceTooSmallException">They do not hold it together.</exception>
    public static DevicePlacement Plan(MemoryEstimate need, IReadOnlyList<DeviceRoom> rooms, DeviceRoom host)
    {
        DeviceRoom[] accelerators = [.. rooms.Where(r => r.Device.type != DeviceType.CPU)];
        DeviceRoom head = accelerators.Length > 0 ? accelerators[^1] : rooms[^1], tables = accelerators.Length > 0 ? host : rooms[0];
        bool hostComputes = accelerators.Length < rooms.Count;
        // Every device computes, so each needs room to work.
        long[] spare = [.. rooms.Select(r => r.Free is not { } free ? long.MaxValue
            : (long)(free * Usable) - need.Work - (r == head ? need.Head + need.Autoencoder : 0) - (r.Device.type == DeviceType.CPU ? need.Tables : 0))];
        long[] fit = [.. spare.Select(s => Math.Clamp(s / (need.Layer + need.LayerCache), 0, need.Layers))];
        if (fit.Sum() < need.Layers || spare[rooms.ToList().IndexOf(head)] < 0 || tables.Free < need.Tables)
        {
            throw new DeviceTooSmallException(TooSmall(need, rooms, hostComputes ? null : host));
        }
        // In proportion to what fits, so that none is filled to the brim while another idles.
        List<Device> layers = [];
        long share = 0;
        for (int i = 0; i < rooms.Count; i++)
        {
            share += fit[i];
            long until = ((2 * need.Layers * share) + fit.Sum()) / (2 * fit.Sum()); // rounded half up, so that no device gets more than fits
            layers.AddRange(Enumerable.Repeat(rooms[i].Device, (int)until - layers.Count));
        }
        return new DevicePlacement(tables.Device, layers, head.Device);
    }

    /// <summary>Which layers lie where, for people.</summary>
    public override string ToString()
    {
        IEnumerable<string> runs = Layers.Select((d, i) => (Device: d.ToString(), Layer: i)).GroupBy(l => l.Device).Select(g => $"layers {g.First().Layer}–{g.Last().Layer} on {g.Key}");
        return $"{string.Join(", ", runs)}; head on {Head}, vocabulary tables on {Tables}";
    }

    private static string TooSmall(MemoryEstimate need, IReadOnlyList<DeviceRoom> rooms, DeviceRoom? host)
    {
        string have = string.Join(", ", rooms.Select(r => $"{r.Device} has {Gigabytes(r)} free"));
        string tables = host is null ? "" : $" The vocabulary tables stay in host memory ({Gigabytes(host)} free).";
        string more = host is null ? "a GPU beside the processor (--device cuda:0,cpu) or a machine with more memory"
            : "more devices (--device cuda:0,cuda:1, or cuda:0,cpu, which runs the rest of the layers on the processor, slowly)";
        return $"Drawing needs {need}; {have}.{tables} What helps: --precision bfloat16 (half the weights of float32), {more}, fewer or smaller pictures at once (--batch, --height, --width), --guidance 1 (one branch instead of two).";
    }

    private static string Gigabytes(DeviceRoom room) => room.Free is { } free ? MemoryEstimate.Gigabytes(free) : "unknown";
}
