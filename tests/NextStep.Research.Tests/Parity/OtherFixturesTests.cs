using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>
/// Parity takes every size, flag and draw from the files: fixtures of the same kinds with other configurations, written by this kit, pass; the same with one number changed fail.
/// </summary>
public sealed class OtherFixturesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_head_of_other_sizes_with_defaults_three_branches_and_a_boolean_mask()
    {
        JsonObject config = new() { ["input_dim"] = 9, ["cond_dim"] = 14, ["dim"] = 22, ["layers"] = 3, ["mlp_ratio"] = 1.5 };
        FlowMatchingHead head = new(new FlowHeadConfig { TokenWidth = 9, ConditionWidth = 14, Width = 22, Layers = 3, MlpRatio = 1.5 });
        TinyModels.Randomize(head, 3);
        Tensor c = N("c", 18, 14), one = N("c1", 5, 14), target = N("target", 5, 9), mask = tensor(new bool[] { true, false, true, true, false });
        Tensor[] six = Draws(4, 3, 9), single = Draws(20, 1, 9), pair = [N("noise", 5, 9), N("u", 5)];
        FixtureWriter sample = new FixtureWriter("fm_head_sample", config).Weights(head)
            .Case("defaults", new JsonObject { ["args"] = new JsonObject() }, [("in.c", one), ("out.x", Sample(head, one, Guidance.Off, new FlowSamplerOptions { Steps = 20, NoiseRepeat = 1 }, single))], single)
            .Case(
                "both_scales",
                new JsonObject { ["args"] = new JsonObject { ["cfg"] = 2, ["cfg2"] = 1.5, ["num_sampling_steps"] = 4, ["timesteps_shift"] = 0.7, ["last_step_size"] = 0.2, ["noise_repeat"] = 3 } },
                [("in.c", c), ("out.x", Sample(head, c, new Guidance(GuidanceBranches.TextAndImage, 2, 1.5), new FlowSamplerOptions { Steps = 4, TimestepShift = 0.7, LastStep = 0.2f, NoiseRepeat = 3 }, six))],
                six);
        Passes(sample.Write(_folder), 2);
        Fails(sample.Change("both_scales/out.x", x => (x * 1.001f) + 1e-3f).Write(_folder), "both_scales");

        using RecordedNoise noise = Replay(pair);
        TokenLoss loss = head.Loss(target, one, noise, mask);
        loss.Mean.backward();
        IEnumerable<(string, Tensor)> gradients = head.named_parameters().Select(p => ("grad." + p.name, p.parameter.grad!));
        FixtureWriter training = new FixtureWriter("fm_head_loss_other", config).Weights(head)
            .Case("mask_bool", [], [("in.target", target), ("in.c", one), ("in.mask", mask), ("out.loss", loss.Mean.detach()), .. gradients], pair);
        Passes(training.Write(_folder), 1 + gradients.Count());
        Fails(training.Change("mask_bool/grad.net.input_proj.bias", x => x * 1.01f).Write(_folder), "mask_bool");
    }

    [Fact]
    public void A_transformer_of_one_layer_with_other_heads_and_pieces()
    {
        JsonObject config = Config(hidden: 36, layers: 1, heads: 3, keyValueHeads: 1, channels: 3, patch: 1);
        (config["head_dim"], config["o_attention_bias"], config["mlp_bias"], config["rope_theta"]) = (10, true, true, 500.0);
        NextStepModel model = Build(config);
        Tensor embeds = N("embeds", 1, 9, 36), ids = tensor(new long[] { 1, 2, 3, 4, 5 }, [1, 5]);
        List<Tensor> states = [];
        using (no_grad())
        {
            Tensor hidden = model.Transformer.Forward(embeds, onLayer: x => states.Add(x.clone().MoveToOtherDisposeScope(_scope)));
            FixtureWriter writer = new FixtureWriter("llama_forward_c", config).Weights(model)
                .Case("whole", [], [("in.embeds", embeds), ("out.hidden", hidden), ("out.hidden_states", stack(states))])
                .Case("incremental_pieces", new JsonObject { ["cuts"] = new JsonArray(0, 2, 8, 9), ["inputs_of"] = "whole" }, [("out.hidden", hidden)])
                .Case("logits", [], [("in.input_ids", ids), ("out.logits", model.Transformer.Logits(model.Transformer.Forward(model.Transformer.Embed(ids)).narrow(1, 4, 1)))]);
            Passes(writer.Write(_folder), 4);
            Fails(writer.Change("incremental_pieces/out.hidden", x => x * 0.999f).Write(_folder), "incremental_pieces");
        }
    }

    [Fact]
    public void A_model_with_patch_1_and_a_dozen_pictures_of_several_sizes()
    {
        JsonObject config = Config(hidden: 24, layers: 2, heads: 4, keyValueHeads: 4, channels: 5, patch: 1);
        config["fm_head_batch_mul"] = 3;
        NextStepModel model = Build(config);
        Tensor[] latents = [.. Enumerable.Range(0, 12).Select(i => N($"latent {i}", 1 + (i % 2), 5, 1 + (i % 3), 2))];
        long tokens = latents.Sum(l => l.size(0) * l.size(2) * l.size(3));
        Tensor ids = cat([tensor(new long[] { 7, 8 }), full(tokens, 30L, ScalarType.Int64), tensor(new long[] { 9, 10 })]).unsqueeze(0);
        Tensor labels = where(ids.eq(30), full_like(ids, -100), ids);
        Tensor[] draws = [N("noise", 3 * tokens, 5), N("u", 3 * tokens)];
        Tensor all = cat([.. latents.Select(l => PatchOrder.Patchify(l, 1).flatten(0, 1))]);
        using RecordedNoise noise = Replay(draws);
        ModelLosses losses = model.Losses(new ModelBatch(ids, labels, all), noise, skipOutProjector: true);
        FixtureWriter writer = new FixtureWriter("nextstep_forward", config).Weights(model)
            .Case(
                "many",
                [],
                [
                    ("in.input_ids", ids), ("in.labels", labels), .. latents.Select((l, i) => ($"in.latents.{i}", l)),
                    ("out.loss", losses.Total.detach()), ("out.lm_loss", losses.Text.detach()), ("out.im_loss", losses.Image.Mean.detach()),
                ],
                draws);
        Passes(writer.Write(_folder), 3);
        Fails(writer.Change("many/out.im_loss", x => x + 1e-3f).Write(_folder), "many");
    }

    [Fact]
    public void Editing_with_two_pictures_a_prompt_weights_by_set_and_an_autoencoder_of_two_levels()
    {
        JsonObject vae = new() { ["ch"] = 32, ["ch_mult"] = new JsonArray(1, 2), ["num_res_blocks"] = 1, ["z_channels"] = 3, ["encoder_norm"] = true, ["psz"] = 2 };
        JsonObject config = new() { ["model"] = Config(hidden: 24, layers: 2, heads: 4, keyValueHeads: 2, channels: 3, patch: 1), ["vae"] = vae };
        NextStepModel model = Build(config["model"]!.AsObject());
        JsonObject flags = new() { ["scaling_factor"] = 0.8, ["shift_factor"] = 0.1, ["deterministic"] = false };
        ImageAutoencoder autoencoder = new(ReleasedConfig.ReadAutoencoder(JsonKeys.Of(new JsonObject([.. vae.Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())), .. flags.Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()))]), "test"), 1));
        TinyModels.Randomize(autoencoder, 5);
        new FixtureWriter("t2i_model_weights", config["model"]!.AsObject()).Weights(model).Write(_folder, "b_weights");
        new FixtureWriter("vae_weights_encoder", vae).Weights(autoencoder, "encoder.").Write(_folder, "b_encoder");
        new FixtureWriter("vae_weights_decoder", vae).Weights(autoencoder, "decoder.").Write(_folder, "b_decoder");
        foreach (string other in (string[])["t2i_model_weights", "vae_weights_encoder", "vae_weights_decoder"])
        {
            File.Copy(Fixtures.File(other + ".safetensors"), _folder.File(other + ".safetensors")); // of the set "public"
        }
        File.WriteAllText(_folder.File("damaged.safetensors"), "nothing to do with it");

        Tensor pixels = N("pixels", 4, 3, 4, 4).clamp(-1, 1), ids = full([3, 12], 7L, ScalarType.Int64), attention = ones(3, 12, dtype: ScalarType.Int64);
        ids.narrow(0, 0, 2).narrow(1, 2, 8).fill_(30);
        attention.narrow(0, 2, 1).narrow(1, 0, 10).fill_(0);
        Tensor[] draws = [N("posterior", 4, 3, 2, 2), .. Draws(6 * 3, 1, 3)];
        using IDisposable guard = no_grad();
        using RecordedNoise noise = Replay(draws);
        Tensor inputs = PatchOrder.Patchify(autoencoder.ToModel(autoencoder.Sample(autoencoder.Encode(pixels), noise)), 1).flatten(0, 1);
        SamplingConfig sampling = new() { Solver = SamplingSolver.Reference, Guidance = 3, ImageGuidance = 1.5, GuidanceSchedule = GuidanceSchedule.LinearDecreasing, Steps = 3, TimestepShift = 2 };
        Tensor tokens = TokenSampler.Draw(model, new PromptRows(ids, attention.to(ScalarType.Bool), inputs, GuidanceBranches.TextAndImage), 6, sampling, TokenNormalization.Apply, noise, 1, cancellation: TestContext.Current.CancellationToken);
        Tensor image = autoencoder.Decode(autoencoder.FromModel(PatchOrder.Unpatchify(tokens, 1, 2, 3)));
        JsonObject arguments = new()
        {
            ["hw"] = new JsonArray(4, 6),
            ["cfg"] = 3.0,
            ["cfg_img"] = 1.5,
            ["cfg_schedule"] = "linear",
            ["num_sampling_steps"] = 3,
            ["timesteps_shift"] = 2,
            ["use_norm"] = true,
        };
        FixtureWriter writer = new FixtureWriter("edit_two", config).Case(
            "edit_two", new JsonObject { ["args"] = arguments, ["vae_flags"] = flags },
            [("in.input_ids", ids), ("in.attention_mask", attention), ("in.pixel_values", pixels), ("out.latents_in", PatchOrder.Unpatchify(inputs.view(4, 4, 3), 1, 2, 2)), ("out.tokens", tokens), ("out.image", image)],
            draws, alone: true);
        Passes(writer.Write(_folder), 3);
        Fails(writer.Change("out.image", x => (x * 1.001f) + 1e-3f).Write(_folder), "edit_two");
    }

    [Fact]
    public void What_cannot_be_run_is_an_error()
    {
        string File(string kind, Action<FixtureWriter> fill)
        {
            FixtureWriter writer = new(kind, new JsonObject { ["input_dim"] = 4, ["cond_dim"] = 4, ["dim"] = 4, ["layers"] = 1 });
            FlowMatchingHead head = new(new FlowHeadConfig { TokenWidth = 4, ConditionWidth = 4, Width = 4, Layers = 1 });
            fill(writer.Weights(head));
            return writer.Write(_folder, "f" + Directory.GetFiles(_folder.Path).Length);
        }
        string[] files =
        [
            File("fm_head_other", w => w.Case("not_known", [], [("in.surprise", ones(1)), ("out.surprise", ones(1))])),
            File("fm_head_other", w => w.Case("nothing_out", [], [("in.x", ones(1, 4))])),
            File("fm_head_other", _ => { }),
            File("other_kind", w => w.Case("main", [], [("out.x", ones(1))])),
        ];
        foreach (string file in files)
        {
            ParityReport report = ParityRunner.Run([file]);
            Assert.False(report.Passed);
            Assert.All(report.Rows, r => Assert.Equal(ParityVerdict.Error, r.Verdict));
            Assert.NotEmpty(report.Rows);
        }
    }

    private static void Passes(string file, int rows)
    {
        ParityReport report = ParityRunner.Run([file]);
        Assert.True(report.Passed, string.Join(Environment.NewLine, report.Rows));
        Assert.Equal(rows, report.Count(ParityVerdict.Pass));
    }

    private static void Fails(string file, string @case)
    {
        ParityReport report = ParityRunner.Run([file]);
        Assert.False(report.Passed);
        Assert.Equal(@case, Assert.Single(report.Rows, r => r.Verdict == ParityVerdict.Fail).Case);
        Assert.Equal(0, report.Count(ParityVerdict.Error));
    }

    private static JsonObject Config(int hidden, int layers, int heads, int keyValueHeads, int channels, int patch) => new()
    {
        ["vocab_size"] = 33,
        ["hidden_size"] = hidden,
        ["intermediate_size"] = 20,
        ["num_hidden_layers"] = layers,
        ["num_attention_heads"] = heads,
        ["num_key_value_heads"] = keyValueHeads,
        ["latent_channels"] = channels,
        ["latent_patch_size"] = patch,
        ["fm_head_dim"] = 16,
        ["fm_head_layers"] = 1,
        ["boi"] = 31,
        ["eoi"] = 32,
        ["image_placeholder_id"] = 30,
    };

    private static NextStepModel Build(JsonObject config)
    {
        NextStepModel model = ParityKind.BuildModel(config, "test");
        TinyModels.Randomize(model, 4);
        return model;
    }

    private static Tensor Sample(FlowMatchingHead head, Tensor conditions, Guidance guidance, FlowSamplerOptions options, Tensor[] draws)
    {
        using RecordedNoise noise = Replay(draws);
        using FlowSampler sampler = new(head.Network, options with { Solver = SamplingSolver.Reference });
        Tensor drawn = sampler.Sample(conditions, guidance, noise);
        Assert.Equal(0, noise.Remaining);
        return drawn;
    }

    private static RecordedNoise Replay(IEnumerable<Tensor> draws) => new(draws.Select(d => d.clone()));

    private static Tensor[] Draws(int count, params long[] shape) => [.. Enumerable.Range(0, count).Select(i => N($"draw {i}", shape))];

    private static Tensor N(string stream, params long[] shape) => TinyModels.Normal(stream, shape);
}
