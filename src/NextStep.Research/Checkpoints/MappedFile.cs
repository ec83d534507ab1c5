using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A file mapped copy-on-write, from which tensors are made without copying. Every tensor holds a reference to the map:
/// the file stays mapped until this object and the last tensor over it are disposed, in any order.
/// Writes into such a tensor stay private to the process.
/// </summary>
internal sealed unsafe partial class MappedFile : IDisposable
{
    private const int PageOut = 21; // MADV_PAGEOUT, Linux 5.4

    private readonly MemoryMappedViewAccessor? _view; // null for an empty file, which cannot be mapped
    private readonly byte* _start;
    private readonly FileStream? _stream; // the same file, whatever lies under its name by now

    /// <exception cref="FileNotFoundException">No such file.</exception>
    public MappedFile(string path)
    {
        Path = path;
        if (Directory.Exists(path))
        {
            throw new FileNotFoundException($"{path} is a folder, not a file.", path);
        }
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        try
        {
            Length = stream.Length;
            if (Length == 0)
            {
                stream.Dispose();
                return;
            }
            using var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            _view = map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.CopyOnWrite);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
        _stream = stream;
        _start = (byte*)_view.SafeMemoryMappedViewHandle.DangerousGetHandle() + _view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    public bool Disposed { get; private set; }

    /// <summary>Refuses what lies where the file should be: a Git LFS pointer, a server's page.</summary>
    /// <exception cref="InvalidDataException">It is such a placeholder.</exception>
    public void RefusePlaceholder()
    {
        if (PlaceholderFile.Describe(Span(0, (int)Math.Min(PlaceholderFile.Head, Length)), Length) is { } fault)
        {
            throw new InvalidDataException($"{Path} {fault}.");
        }
    }

    /// <summary>The bytes [offset, offset + count).</summary>
    public ReadOnlySpan<byte> Span(long offset, int count)
    {
        Check(offset, count);
        return new ReadOnlySpan<byte>(_start + offset, count);
    }

    /// <summary>The bytes [offset, offset + count) as a stream, good while the file is mapped.</summary>
    public Stream Stream(long offset, long count)
    {
        Check(offset, count);
        return new UnmanagedMemoryStream(_start + offset, count);
    }

    /// <summary>
    /// A tensor of values stored as <paramref name="stored"/> at <paramref name="offset"/>; copied only where the address is not aligned, or torch has no such dtype
    /// and the values are read into another.
    /// </summary>
    /// <exception cref="InvalidDataException">The shape is none that torch can hold, or a value is none that the dtype read into can hold.</exception>
    public Tensor Tensor(long offset, ReadOnlySpan<long> shape, StoredDtype stored)
    {
        var sizes = shape.ToArray();
        if (!TensorDtypes.HasStrides(sizes))
        {
            throw new InvalidDataException($"{Path}: torch holds no tensor of shape [{string.Join(", ", sizes)}]; its sizes multiply to more than 2⁶³.");
        }
        var bytes = (long)((Int128)TensorDtypes.Product(sizes)!.Value * stored.Bits / 8);
        Check(offset, bytes);
        if (bytes == 0)
        {
            return empty(sizes, dtype: stored.Type);
        }
        var address = _start + offset;
        if (!stored.Direct)
        {
            return Converted(address, sizes, stored);
        }
        if ((nint)address % TensorDtypes.Width(stored.Type) != 0)
        {
            var copy = empty(sizes, dtype: stored.Type);
            Buffer.MemoryCopy(address, (void*)TensorMemory.Address(copy), bytes, bytes);
            return copy;
        }
        return TensorMemory.Borrow((nint)address, sizes, stored.Type, _view!.SafeMemoryMappedViewHandle);
    }

    private Tensor Converted(byte* address, long[] sizes, StoredDtype stored)
    {
        var values = empty(sizes, dtype: stored.Type);
        try
        {
            SmallNumbers.Fill(values, stored.Name, stored.Bits, address);
            return values;
        }
        catch (InvalidDataException e)
        {
            values.Dispose();
            throw new InvalidDataException($"{Path}: a tensor of {stored.Name} {e.Message}.", e);
        }
    }

    /// <summary>Reads the bytes from <paramref name="offset"/> on into <paramref name="target"/>, past the map: none of its pages is taken for it.</summary>
    /// <exception cref="InvalidDataException">The file ends before.</exception>
    public void Read(long offset, Span<byte> target)
    {
        Check(offset, target.Length);
        while (target.Length > 0)
        {
            int count = RandomAccess.Read(_stream!.SafeFileHandle, target, offset);
            if (count == 0)
            {
                throw new InvalidDataException($"{Path} was cut to {offset} bytes while it was read.");
            }
            target = target[count..];
            offset += count;
        }
    }

    /// <summary>
    /// Gives the memory of the bytes [offset, offset + count) back, so that reading a large file does not fill it; they are read again when asked for.
    /// Only a hint, Linux alone has it: what was written privately stays.
    /// </summary>
    public void Release(long offset, long count)
    {
        Check(offset, count);
        nint page = Environment.SystemPageSize, first = ((nint)(_start + offset) + page - 1) & -page, end = (nint)(_start + offset + count) & -page;
        if (OperatingSystem.IsLinux() && end > first)
        {
            _ = Advise(first, (nuint)(end - first), PageOut);
        }
    }

    public void Dispose()
    {
        Disposed = true;
        _stream?.Dispose();
        _view?.Dispose(); // the handle counts the tensors that still use it and unmaps after the last
    }

    private void Check(long offset, long count)
    {
        ObjectDisposedException.ThrowIf(Disposed, this);
        if (offset < 0 || count < 0 || offset > Length - count)
        {
            throw new InvalidDataException($"{Path}: bytes {offset} to {offset + count} lie outside the file of {Length} bytes.");
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
