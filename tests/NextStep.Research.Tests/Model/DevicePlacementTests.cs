using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Layers over several devices. Devices with memory of their own are simulated by their free bytes, and by the meta device, which is not the processor.</summary>
public sealed class DevicePlacementTests
{
    private static readonly Device First = new(DeviceType.META, 0);
    private static readonly Device Second = new(DeviceType.META, 1);
    private static readonly MemoryEstimate Need = new(Tables: 30, Layer: 9, LayerCache: 1, Layers: 48, Head: 20, Autoencoder: 5, Work: 10);

    [Fact]
    public void Layers_follow_the_free_memory_the_head_lies_last_and_the_tables_stay_in_host_memory()
    {
        DevicePlacement placement = DevicePlacement.Plan(Need, [new(First, 250), new(Second, 500)], new(CPU, 1000));
        Assert.Equal(16, placement.Layers.TakeWhile(d => d.index == 0).Count()); // 22 and 44 would fit: 48 · 22/66
        Assert.Equal(32, placement.Layers.Count(d => d.index == 1));
        Assert.Equal(1, placement.Head.index);
        Assert.Equal(DeviceType.CPU, placement.Of("lm_head.weight").type);
        Assert.Equal(DeviceType.CPU, placement.Of("embed_tokens.weight").type);
        Assert.Equal(0, placement.Of("image_in_projector.bias").index);
        Assert.Equal(0, placement.Of("layers.15.mlp.up_proj.weight").index);
        Assert.Equal(1, placement.Of("layers.16.mlp.up_proj.weight").index);
        Assert.Equal(1, placement.Of("image_head.net.input_proj.weight").index);
        Assert.Contains("layers 0–15 on meta:0, layers 16–47 on meta:1; head on meta:1, vocabulary tables on cpu", placement.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Beside_a_GPU_the_processor_takes_the_rest_of_the_layers_and_the_tables_and_never_the_head()
    {
        foreach (bool last in (bool[])[true, false])
        {
            DeviceRoom gpu = new(First, 150), host = new(CPU, 600);
            DevicePlacement placement = DevicePlacement.Plan(Need, last ? [gpu, host] : [host, gpu], host);
            Assert.Equal(DeviceType.META, placement.Head.type);
            Assert.Equal(DeviceType.CPU, placement.Tables.type);
            Assert.InRange(placement.Layers.Count(d => d.type == DeviceType.META), 1, 10);
        }
        Assert.Throws<DeviceTooSmallException>(() => DevicePlacement.Plan(Need, [new(First, 150), new(CPU, 400)], new(CPU, 400)));
    }

    [Fact]
    public void Every_plan_fits_and_holds_all_layers_in_order_or_says_what_is_needed()
    {
        Random random = new(7);
        int planned = 0, refused = 0;
        for (int round = 0; round < 5000; round++)
        {
            MemoryEstimate need = new(random.Next(200), 1 + random.Next(30), random.Next(10), 1 + random.Next(60), random.Next(100), random.Next(50), random.Next(40));
            DeviceRoom[] rooms = [.. Enumerable.Range(0, 1 + random.Next(4)).Select(i => new DeviceRoom(new Device(DeviceType.META, i), random.Next(10) == 0 ? null : random.Next(1500)))];
            DeviceRoom host = new(CPU, random.Next(1500));
            if (random.Next(3) == 0)
            {
                rooms[random.Next(rooms.Length)] = host;
            }
            try
            {
                DevicePlacement placement = DevicePlacement.Plan(need, rooms, host);
                planned++;
                Assert.Equal(need.Layers, placement.Layers.Count);
                int[] order = [.. placement.Layers.Select(d => Array.FindIndex(rooms, r => Same(r.Device, d)))];
                Assert.Equal(order.Order(), order);
                foreach (DeviceRoom room in rooms)
                {
                    long load = placement.Layers.LongCount(d => Same(d, room.Device)) * (need.Layer + need.LayerCache);
                    load += Same(placement.Head, room.Device) ? need.Head + need.Autoencoder : 0;
                    load += load > 0 ? need.Work : 0;
                    load += Same(placement.Tables, room.Device) ? need.Tables : 0;
                    Assert.True(room.Free is not { } free || load <= free, $"round {round}: {load} on {room} of {placement}");
                }
            }
            catch (DeviceTooSmallException e)
            {
                refused++;
                Assert.Contains(MemoryEstimate.Gigabytes(need.Total), e.Message, StringComparison.Ordinal);
                Assert.All(rooms, r => Assert.Contains($"{r.Device} has", e.Message, StringComparison.Ordinal));
                Assert.Contains("--precision bfloat16", e.Message, StringComparison.Ordinal);
            }
        }
        Assert.True(planned > 500 && refused > 500, $"{planned} planned, {refused} refused");
    }

    [Fact]
    public void Device_names_are_checked()
    {
        Assert.Equal(["cuda:0", "cuda:1", "cpu"], Devices.Names("cuda, cuda:1,cpu"));
        Assert.Contains("'gpu' is not a device", Assert.Throws<ArgumentException>(() => Devices.Names("cpu,gpu")).Message, StringComparison.Ordinal);
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => Devices.Names("cuda,cuda:0")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Devices.Names(""));
        Assert.Throws<ArgumentException>(() => Devices.Names("cuda:-1"));
        Assert.Equal(DeviceType.CPU, Assert.Single(Devices.Parse("cpu")).type);
        Assert.Contains("There is no device cuda:99", Assert.Throws<InvalidOperationException>(() => Devices.Parse("cuda:99")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_released_model_needs_what_its_shapes_say()
    {
        MemoryEstimate need = MemoryEstimate.Released(ScalarType.BFloat16, 512);
        Assert.Equal(14_953_814_080 * 2, need.Weights);
        Assert.Equal(2L * 2 * 778_567_680, need.Tables);
        Assert.Equal(2L * 275_268_608, need.Layer);
        Assert.Equal(2L * 196_608 / 48 * (1024 + MemoryEstimate.PromptAllowance), need.LayerCache); // two branches, spec §2.2
        DevicePlacement two = DevicePlacement.Plan(need, [new(First, 24_000_000_000), new(Second, 24_000_000_000)], new(CPU, 8_000_000_000));
        Assert.InRange(two.Layers.Count(d => d.index == 0), 24, 27); // the second also has the head
        string message = Assert.Throws<DeviceTooSmallException>(() => DevicePlacement.Plan(need, [new(First, 24_000_000_000)], new(CPU, 8_000_000_000))).Message;
        Assert.StartsWith("Drawing needs 32.7 GB (weights 29.9 GB", message, StringComparison.Ordinal);
        Assert.Contains("meta:0 has 24.0 GB free. The vocabulary tables stay in host memory (8.0 GB free)", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_placed_by_plan_on_two_devices_draws_what_it_draws_on_one()
    {
        using TemporaryFolder folder = new();
        GenerationRequest request = Save(folder);
        using LoadedModel one = ReleasedFolder.Load(folder.Path), two = ReleasedFolder.Load(folder.Path, new LoadOptions { Devices = [CPU, CPU] });
        using Tensor expected = one.Generator().Drawn(request), actual = two.Generator().Drawn(request);
        TensorAssert.Same(expected, actual);
    }

    [Fact]
    public void Hidden_states_go_from_device_to_device_where_the_layers_lie()
    {
        using TemporaryFolder folder = new();
        Save(folder);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using LoadedModel loaded = ReleasedFolder.Load(folder.Path, new LoadOptions { Devices = [CPU, META] });
        CausalTransformer transformer = loaded.Model.Transformer;
        Assert.Equal([DeviceType.CPU, DeviceType.CPU, DeviceType.META], transformer.LayerDevices.Select(d => d.type));
        Assert.Equal(DeviceType.META, loaded.Model.Head.Network.parameters().First().device_type);
        using KeyValueCache cache = new(transformer.Config, 2, 6, ScalarType.Float32, transformer.LayerDevices);
        List<DeviceType> seen = [];
        Tensor embedded = transformer.Embed(ones(2, 1, dtype: ScalarType.Int64));
        Assert.Equal(DeviceType.CPU, embedded.device_type);
        // This libtorch has no attention on the meta device, so the third layer is as far as it goes; by then all it needs has been moved.
        string error = Assert.Throws<ExternalException>(() => transformer.Forward(embedded, null, cache, onLayer: x => seen.Add(x.device_type))).Message;
        Assert.Contains("Meta tensors", error, StringComparison.Ordinal);
        Assert.Equal([DeviceType.CPU, DeviceType.CPU, DeviceType.META], seen);
        Assert.Equal([DeviceType.CPU, DeviceType.CPU, DeviceType.META], Enumerable.Range(0, 3).Select(i => cache.Layer(i).Keys.device_type));
        Tensor token = loaded.Model.ProjectOut(ones(2, 24, device: META));
        Assert.Equal(DeviceType.META, token.device_type);
    }

    [Fact]
    public void A_model_that_does_not_fit_is_refused_before_a_tensor_is_read()
    {
        using TemporaryFolder folder = new();
        Save(folder);
        bool read = false;
        LoadOptions options = new() { Devices = [CPU], Pixels = 1L << 34, Sequences = 64, Progress = (_, _) => read = true };
        string message = Assert.Throws<DeviceTooSmallException>(() => ReleasedFolder.Load(folder.Path, options)).Message;
        Assert.Contains("cpu has", message, StringComparison.Ordinal);
        Assert.Contains("fewer or smaller pictures", message, StringComparison.Ordinal);
        Assert.False(read);
    }

    private static GenerationRequest Save(TemporaryFolder folder)
    {
        TextTokenizer tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
        using NextStepModel model = TinyModels.Model(tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ReleasedFolder.Save(folder.Path, model, autoencoder, tokenizer, 8, new SamplingConfig());
        return new GenerationRequest { Prompts = ["a red circle", "red"], Height = 8, Width = 12, Seed = 3, Sampling = new SamplingConfig { Steps = 3 } };
    }

    private static bool Same(Device a, Device b) => a.type == b.type && a.index == b.index;
}
