using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The devices cannot hold the model; the message says how much is needed and what to do.</summary>
public sealed class DeviceTooSmallException(string message) : Exception(message);

/// <summary>A device and the bytes free on it; null = unknown, taken as enough.</summary>
public sealed record DeviceRoom(Device Device, long? Free)
{
    /// <summary>As measured now.</summary>
    public static DeviceRoom Of(Device device) => new(device, DeviceMemory.Free(device));
}

/// <summary>
/// Which device holds what. Layers lie in runs, in the order of the devices, as many on each as its free memory bears; the final norm,
/// the projectors and the flow-matching head, which run many times a token, and the autoencoder lie with the last layers. The vocabulary tables are
/// read once a prompt (the embedding) or never (the language head) while pictures are drawn, so that beside a GPU they stay in host memory.
/// </summary>
/// <param name="Tables">Of <c>embed_tokens</c> and <c>lm_head</c>.</param>
/// <param name="Layers">Of every decoder layer.</param>
/// <param name="Head">Of the rest.</param>
public sealed record DevicePlacement(Device Tables, IReadOnlyList<Device> Layers, Device Head)
{
    // What a GPU's context and libraries take, and what an allocator loses to fragments.
    private const double Usable = 0.95;

    /// <summary>Device of a tensor by its state-dict name.</summary>
    public Device Of(string name) =>
        name.StartsWith("embed_tokens.", StringComparison.Ordinal) || name.StartsWith("lm_head.", StringComparison.Ordinal) ? Tables
        : name.StartsWith("layers.", StringComparison.Ordinal) ? Layers[int.Parse(name.AsSpan(7, name.IndexOf('.', 7) - 7), System.Globalization.CultureInfo.InvariantCulture)]
        : name.StartsWith("image_in_projector.", StringComparison.Ordinal) ? Layers[0]
        : Head;

    /// <summary>Devices by name: <c>cpu</c>, <c>cuda:0</c>, or several joined by commas.</summary>
    /// <exception cref="ArgumentException">A name is not a device, or the device is not there.</exception>
    public static IReadOnlyList<Device> Parse(string names)
    {
        List<Device> devices = [];
        foreach (string name in names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            bool known = name == "cpu" || name == "cuda" || (name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out int i) && i >= 0);
            if (!known)
            {
                throw new ArgumentException($"'{name}' is not a device; give cpu, cuda:0, or several joined by commas (cuda:0,cuda:1).");
            }
            Device device = new(name == "cuda" ? "cuda:0" : name);
            int there = device.type == DeviceType.CUDA && cuda.is_available() ? cuda.device_count() : 0;
            if (device.type == DeviceType.CUDA && device.index >= there)
            {
                throw new ArgumentException($"There is no device {name}: this process sees {there} CUDA devices. See: nextstep doctor --device {name}");
            }
            devices.Add(device);
        }
        return devices.Count > 0 ? devices : throw new ArgumentException($"'{names}' names no device; give cpu or cuda:0.");
    }

    /// <summary>Everything on one device, without a look at its memory.</summary>
    public static DevicePlacement Single(Device device, int layers) => new(device, [.. Enumerable.Repeat(device, layers)], device);

    /// <summary>Spreads a model over devices by their free memory.</summary>
    /// <param name="need">What the model needs.</param>
    /// <param name="rooms">Devices in the order of the layers, at least one.</param>
    /// <param name="host">Where the tables stay unless all devices are the host itself.</param>
    /// <exception cref="DeviceTooSmallException">They do not hold it together.</exception>
    public static DevicePlacement Plan(MemoryEstimate need, IReadOnlyList<DeviceRoom> rooms, DeviceRoom host)
    {
        bool beside = rooms.Any(r => r.Device.type != DeviceType.CPU);
        long perLayer = need.Layer + need.LayerCache;
        // Every device computes, so each needs room to work; the last also holds head and autoencoder.
        long[] capacity = [.. rooms.Select((r, i) => r.Free is not { } free ? long.MaxValue
            : Math.Max(0, (long)(free * Usable) - need.Work - (i == rooms.Count - 1 ? need.Head + need.Autoencoder : 0) - (!beside && i == 0 ? need.Tables : 0)))];
        long[] fit = [.. capacity.Select(c => c / perLayer)];
        if (fit.Sum(f => Math.Min(f, need.Layers)) < need.Layers || (beside && host.Free is { } room && room < need.Tables))
        {
            throw new DeviceTooSmallException(TooSmall(need, rooms, beside, host));
        }
        // In proportion to what fits, so that none is filled to the brim while another idles.
        double total = fit.Sum(f => (double)Math.Min(f, need.Layers));
        List<Device> layers = [];
        double share = 0;
        for (int i = 0; i < rooms.Count; i++)
        {
            share += Math.Min(fit[i], need.Layers);
            int until = i == rooms.Count - 1 ? need.Layers : (int)Math.Round(need.Layers * share / total);
            while (layers.Count < until)
            {
                layers.Add(rooms[i].Device);
            }
        }
        return new DevicePlacement(beside ? host.Device : rooms[0].Device, layers, rooms[^1].Device);
    }

    /// <summary>Which layers lie where, for people.</summary>
    public override string ToString()
    {
        IEnumerable<string> runs = Layers.Select((d, i) => (Device: d.ToString(), Layer: i)).GroupBy(l => l.Device).Select(g => $"layers {g.First().Layer}–{g.Last().Layer} on {g.Key}");
        return $"{string.Join(", ", runs)}; head on {Head}, vocabulary tables on {Tables}";
    }

    private static string TooSmall(MemoryEstimate need, IReadOnlyList<DeviceRoom> rooms, bool beside, DeviceRoom host)
    {
        string have = string.Join(", ", rooms.Select(r => $"{r.Device} has {(r.Free is { } f ? MemoryEstimate.Gigabytes(f) : "unknown")} free"));
        string tables = beside ? $" The vocabulary tables stay in host memory ({(host.Free is { } f ? MemoryEstimate.Gigabytes(f) : "unknown")} free)." : "";
        return $"Drawing needs {need}; {have}.{tables} What helps: --precision bfloat16 (half the weights of float32), several devices (--device cuda:0,cuda:1, or cuda:0,cpu to run the rest of the layers on the processor, slowly), fewer or smaller pictures at once (--batch, --height, --width), --guidance 1 (one branch instead of two), or --device cpu.";
    }
}
