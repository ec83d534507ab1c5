using System.ComponentModel.DataAnnotations;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The one reader of device names: <c>cpu</c>, <c>cuda:0</c>, or several joined by commas. TorchSharp's own takes <c>cuda:0,cuda:1</c> for the CPU.
/// </summary>
public static class Devices
{
    /// <summary>A single name as it is used, <c>cuda</c> written out as <c>cuda:0</c>; whether the device is there is not asked.</summary>
    /// <exception cref="ArgumentException">It is not a device; the message says what was probably meant.</exception>
    public static string Name(string name)
    {
        string given = name.Trim(), full = given == "cuda" ? "cuda:0" : given;
        return full == "cpu" || (full.StartsWith("cuda:", StringComparison.Ordinal) && byte.TryParse(full.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? full
            : throw new ArgumentException($"'{given}' is not a device; did you mean '{Nearest(given)}'? Devices are cpu, cuda:0, or, to draw with, several joined by commas (cuda:0,cuda:1).");
    }

    /// <summary>The single names in a list of devices.</summary>
    /// <exception cref="ArgumentException">A name is not a device, or stands there twice.</exception>
    public static IReadOnlyList<string> Names(string list)
    {
        string[] names = [.. list.Split(',').Select(Name)];
        return names.Distinct().Count() == names.Length ? names : throw new ArgumentException($"'{list}' names a device twice.");
    }

    /// <summary>Devices by name.</summary>
    /// <exception cref="ArgumentException">A name is not a device, or stands there twice.</exception>
    /// <exception cref="InvalidOperationException">This process does not see the device.</exception>
    public static IReadOnlyList<Device> Parse(string list) => [.. Names(list).Select(Open)];

    /// <summary>The one device that training and measuring run on.</summary>
    /// <exception cref="ArgumentException">The name is not a device, or there are several.</exception>
    /// <exception cref="InvalidOperationException">This process does not see the device.</exception>
    public static Device One(string name) => Problem(name) is { } problem ? throw new ArgumentException(problem) : Open(Name(name));

    /// <summary>Why a name is not one device to train on; null when it is.</summary>
    public static string? Problem(string name)
    {
        try
        {
            return Names(name).Count == 1 ? null : $"'{name}' names several devices; training runs on one. Cells can be dealt out over several with --devices, and generate spreads a model over them.";
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    /// <summary>Brings a tensor of the host to a device; to a GPU from pinned memory, without waiting for it.</summary>
    internal static Tensor Send(Tensor host, Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            return host.to(device);
        }
        using Tensor pinned = host.pin_memory();
        return pinned.to(device, non_blocking: true);
    }

    private static Device Open(string name)
    {
        if (name == "cpu")
        {
            return CPU;
        }
        int index = int.Parse(name.AsSpan(5), CultureInfo.InvariantCulture), there = cuda.is_available() ? cuda.device_count() : 0;
        return index < there ? new Device(DeviceType.CUDA, index) : throw new InvalidOperationException(
            $"There is no device {name}: this process sees {there} CUDA devices. What a GPU needs is said by: nextstep doctor --device {name}");
    }

    private static string Nearest(string name)
    {
        string digits = string.Concat(name.Where(char.IsAsciiDigit));
        return name.Contains("cp", StringComparison.OrdinalIgnoreCase) || name == "host" ? "cpu" : $"cuda:{(byte.TryParse(digits, out byte index) ? index : 0)}";
    }
}

/// <summary>Marks a setting that holds the name of one device.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneDeviceAttribute : ValidationAttribute
{
    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is string name && Devices.Problem(name) is null;

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) => Devices.Problem(name) ?? "";
}
