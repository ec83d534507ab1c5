using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The velocity of few rows on the CPU: one pass over the weights of the head, all threads in step, nothing allocated. Activations
/// are float32 whatever the weights are. The same numbers as <see cref="FlowHeadNetwork.Velocity"/> to rounding.
/// </summary>
internal sealed unsafe class FlowHeadRows
{
    private readonly Block[] _blocks;
    private readonly RowWeight _input;
    private readonly RowWeight _output;
    private readonly CpuTeam _team = CpuTeam.Shared;
    private readonly int _rows;
    private readonly int _width;
    private readonly int _inner;
    private readonly float* _state;
    private readonly float* _hidden;
    private readonly float* _activated;
    private readonly float* _product;
    private readonly float* _velocity;
    private readonly float* _own;
    private readonly float[] _memory;

    private FlowHeadRows(FlowHeadNetwork network, int rows)
    {
        (_rows, _width, _inner) = (rows, network.Config.Width, new RowWeight(network.res_blocks[0].First).Outputs);
        _input = new RowWeight(network.input_proj);
        _output = new RowWeight(network.final_layer.linear);
        _blocks = [.. network.res_blocks.Select(b => new Block(Floats(b.in_ln.weight!), Floats(b.in_ln.bias!), new RowWeight(b.First), new RowWeight(b.Second)))];
        int wide = Math.Max(_width, _inner), token = network.Config.TokenWidth;
        int[] sizes = [rows * token, rows * _width, rows * _inner, rows * wide, rows * token, _team.Count * rows * wide * 2];
        _memory = GC.AllocateArray<float>(sizes.Sum(), pinned: true);
        float* at = (float*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        _state = at;
        _hidden = _state + sizes[0];
        _activated = _hidden + sizes[1];
        _product = _activated + sizes[2];
        _velocity = _product + sizes[3];
        _own = _velocity + sizes[4];
    }

    /// <summary>For that many rows, branches included; null where torch's products are the better choice (<see cref="RowLinear"/>).</summary>
    public static FlowHeadRows? For(FlowHeadNetwork network, long rows)
    {
        IEnumerable<Linear> layers = network.res_blocks.SelectMany(b => new[] { b.First, b.Second }).Append(network.input_proj).Append(network.final_layer.linear);
        return layers.All(l => RowLinear.Suits(l, rows)) ? new FlowHeadRows(network, (int)rows) : null;
    }

    /// <summary>Rows it was made for.</summary>
    public int Rows => _rows;

    /// <summary>Sets the states x, [m, d] float32.</summary>
    public void Load(Tensor x)
    {
        using Tensor dense = x.contiguous();
        new ReadOnlySpan<float>((void*)TensorMemory.Address(dense), (int)dense.numel()).CopyTo(new Span<float>(_state, _rows * _input.Inputs));
    }

    /// <summary>The states, [m, d] float32.</summary>
    public Tensor States(int pictures) => tensor(new ReadOnlySpan<float>(_state, pictures * _input.Inputs).ToArray(), [pictures, _input.Inputs]);

    /// <summary>One solver step of the states with the velocities of the last <see cref="Evaluate"/>, guided; <paramref name="drawn"/>: [m, d] or null.</summary>
    public void Advance(FlowStep step, Guidance guidance, int pictures, Tensor? drawn)
    {
        int count = pictures * _input.Inputs;
        float* v = _velocity, second = v + count, third = second + count, noise = drawn is null ? null : (float*)TensorMemory.Address(drawn);
        (float scale, float imageScale) = ((float)guidance.Scale, (float)guidance.ImageScale);
        for (int i = 0; i < count; i++)
        {
            float guided = guidance.Branches switch
            {
                GuidanceBranches.None => v[i],
                GuidanceBranches.Text => second[i] + ((v[i] - second[i]) * scale),
                _ => third[i] + ((second[i] - third[i]) * imageScale) + ((v[i] - second[i]) * scale),
            };
            _state[i] = (_state[i] * step.State) + (guided * step.Velocity) + (noise == null ? 0 : noise[i] * step.Noise.GetValueOrDefault());
        }
    }

    /// <summary>Evaluates the head at the states of the first <paramref name="pictures"/>, shared by all branches.</summary>
    /// <param name="pictures">m; the rows are branch-major copies.</param>
    /// <param name="step">Which step's modulations.</param>
    /// <param name="blocks">Per block float32 [steps, rows, 3D].</param>
    /// <param name="final">Float32 [steps, rows, 2D].</param>
    public void Evaluate(int pictures, int step, nint[] blocks, nint final) => _team.Run(part =>
    {
        float* own = _own + ((long)part * _rows * Math.Max(_width, _inner) * 2);
        float* packed = own + ((long)_rows * Math.Max(_width, _inner));
        (int from, int to) = _team.Share(part, _width);
        _input.Multiply(Packed(_input, _state, packed, pictures * _input.Inputs), pictures, _hidden, from, to);
        for (int row = pictures; row < _rows; row++)
        {
            new ReadOnlySpan<float>(_hidden + ((row - pictures) * _width) + from, to - from).CopyTo(new Span<float>(_hidden + (row * _width) + from, to - from));
        }
        _team.Meet();
        (int innerFrom, int innerTo) = _team.Share(part, _inner);
        for (int i = 0; i < _blocks.Length; i++)
        {
            float* modulation = (float*)blocks[i] + ((long)step * _rows * 3 * _width);
            Normalize(own, modulation, 3 * _width, _blocks[i].Scale, _blocks[i].Shift);
            _blocks[i].First.Multiply(Packed(_blocks[i].First, own, packed, _rows * _width), _rows, _activated, innerFrom, innerTo);
            Activate(innerFrom, innerTo);
            _team.Meet();
            _blocks[i].Second.Multiply(Packed(_blocks[i].Second, _activated, packed, _rows * _inner), _rows, _product, from, to);
            AddGated(modulation, from, to);
            _team.Meet();
        }
        Normalize(own, (float*)final + ((long)step * _rows * 2 * _width), 2 * _width, null, null);
        (int outFrom, int outTo) = _team.Share(part, _output.Outputs);
        _output.Multiply(Packed(_output, own, packed, _rows * _width), _rows, _velocity, outFrom, outTo);
    });

    private static float[] Floats(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return [.. tensor.detach().to_type(ScalarType.Float32).data<float>()];
    }

    private static float* Packed(RowWeight weight, float* x, float* packed, int count)
    {
        if (!weight.Interleaved)
        {
            return x;
        }
        RowKernels.Interleave(x, packed, count);
        return packed;
    }

    // LN(h)·(1 + scale) + shift of every row; each thread makes its own copy, which is cheaper than another meeting.
    private void Normalize(float* to, float* modulation, int stride, float[]? weight, float[]? bias)
    {
        for (int row = 0; row < _rows; row++)
        {
            float* x = _hidden + (row * _width), y = to + (row * _width), shift = modulation + (row * stride), scale = shift + _width;
            Vector256<float> sum = default, squares = default;
            for (int i = 0; i < _width; i += 8)
            {
                sum += Vector256.Load(x + i);
            }
            Vector256<float> mean = Vector256.Create(Vector256.Sum(sum) / _width);
            for (int i = 0; i < _width; i += 8)
            {
                Vector256<float> d = Vector256.Load(x + i) - mean;
                squares = Vector256.FusedMultiplyAdd(d, d, squares);
            }
            Vector256<float> inverse = Vector256.Create(1 / MathF.Sqrt((Vector256.Sum(squares) / _width) + (float)FlowHeadBlock.Epsilon));
            for (int i = 0; i < _width; i += 8)
            {
                Vector256<float> h = (Vector256.Load(x + i) - mean) * inverse;
                if (weight is not null)
                {
                    h = Vector256.FusedMultiplyAdd(h, Vector256.Create(weight, i), Vector256.Create(bias!, i));
                }
                Vector256.FusedMultiplyAdd(h, Vector256.Load(scale + i) + Vector256<float>.One, Vector256.Load(shift + i)).Store(y + i);
            }
        }
    }

    // Columns come in blocks of four; eight at a time where they fill a vector.
    private void Activate(int from, int to)
    {
        for (int row = 0; row < _rows; row++)
        {
            float* x = _activated + (row * _inner);
            int i = from;
            for (; i + 8 <= to; i += 8)
            {
                Vector256<float> v = Vector256.Load(x + i);
                (v / (Vector256<float>.One + Vector256.Exp(-v))).Store(x + i);
            }
            for (; i < to; i += 4)
            {
                Vector128<float> v = Vector128.Load(x + i);
                (v / (Vector128<float>.One + Vector128.Exp(-v))).Store(x + i);
            }
        }
    }

    private void AddGated(float* modulation, int from, int to)
    {
        for (int row = 0; row < _rows; row++)
        {
            float* x = _hidden + (row * _width), y = _product + (row * _width), gate = modulation + (((row * 3) + 2) * _width);
            for (int i = from; i < to; i += 4)
            {
                Vector128.FusedMultiplyAdd(Vector128.Load(gate + i), Vector128.Load(y + i), Vector128.Load(x + i)).Store(x + i);
            }
        }
    }

    private sealed record Block(float[] Scale, float[] Shift, RowWeight First, RowWeight Second);
}
