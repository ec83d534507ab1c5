using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research;

/// <summary>
/// <c>config.json</c> and <c>vae/config.json</c> of the released folders, both generations of key names (spec §2.1, §4.3).
/// What this kit needs beyond them stands under <c>nextstep_research</c>, which other readers ignore.
/// </summary>
internal static class ReleasedConfig
{
    private const string Own = "nextstep_research";

    // No model is larger; a damaged number must not make us build one.
    private const int Widest = 131_072;
    private const int Deepest = 1024;
    private const int MostHeads = 1024;

    /// <summary>The model's <c>config.json</c>.</summary>
    public static string Write(NextStepConfig config, int imageSize, SamplingConfig sampling)
    {
        TransformerConfig t = config.Transformer;
        JsonObject json = new()
        {
            ["model_type"] = config.Steps.Plain ? "nextstep" : "nextstep_steps", // whoever knows only one token a step in raster order shall refuse
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["hidden_act"] = "silu",
            ["vocab_size"] = t.VocabularySize,
            ["hidden_size"] = t.HiddenSize,
            ["intermediate_size"] = t.IntermediateSize,
            ["num_hidden_layers"] = t.Layers,
            ["num_attention_heads"] = t.Heads,
            ["num_key_value_heads"] = t.KeyValueHeads,
            ["head_dim"] = t.HeadDim,
            ["rms_norm_eps"] = t.RmsNormEpsilon,
            ["rope_theta"] = t.RopeTheta,
            ["attention_bias"] = t.AttentionBias,
            ["o_attention_bias"] = t.OutputAttentionBias,
            ["mlp_bias"] = t.MlpBias,
            ["attention_dropout"] = 0.0,
            ["tie_word_embeddings"] = false,
            ["initializer_range"] = 0.02,
            ["max_position_embeddings"] = 131072,
            ["latent_size"] = 64,
            ["latent_patch_size"] = config.LatentPatchSize,
            ["latent_channels"] = config.LatentChannels,
            ["fm_head_dim"] = config.Head.Width,
            ["fm_head_layers"] = config.Head.Layers,
            ["fm_head_mlp_ratio"] = config.Head.MlpRatio,
            ["fm_head_batch_mul"] = config.HeadBatchMultiplier,
            ["lm_loss_weight"] = config.TextLossWeight,
            ["im_loss_weight"] = config.ImageLossWeight,
            ["noise_strength"] = config.InputNoise,
            ["use_gen_pos_embed"] = config.UseGenPosEmbed,
            ["eos_token_id"] = config.Special.EndOfText,
            ["pad_token_id_added"] = config.Special.Pad,
            ["image_area"] = config.Special.ImageArea,
            ["boi"] = config.Special.BeginOfImage,
            ["eoi"] = config.Special.EndOfImage,
            ["image_placeholder_id"] = config.Special.ImagePlaceholder,
            [Own] = new JsonObject
            {
                ["imageSize"] = imageSize,
                ["inputNoiseShape"] = JsonSerializer.SerializeToNode(config.InputNoiseShape, JsonOptions),
                ["editLayout"] = JsonSerializer.SerializeToNode(config.EditLayout, JsonOptions),
                ["head"] = JsonSerializer.SerializeToNode(config.HeadComponent, JsonOptions),
                ["layer"] = JsonSerializer.SerializeToNode(t.Layer, JsonOptions),
                ["tokenizer"] = config.Tokenizer is null ? null : JsonSerializer.SerializeToNode(config.Tokenizer, JsonOptions),
                ["sampling"] = JsonSerializer.SerializeToNode(sampling, JsonOptions),
                [MadeWith.Key] = MadeWith.Of([config.HeadComponent, t.Layer, config.Tokenizer, .. Components(sampling)]),
            },
        };
        if (!config.Steps.Plain)
        {
            json[Own]!["steps"] = JsonSerializer.SerializeToNode(config.Steps, JsonOptions);
        }
        return json.ToJsonString(JsonOptions);
    }

    /// <summary>Reads a model's <c>config.json</c>.</summary>
    /// <param name="file">The file.</param>
    /// <param name="special">From the tokenizer's files; the ids in the file, where given, win.</param>
    /// <exception cref="InvalidDataException">A key is missing or has an impossible value; the message names file and key.</exception>
    public static NextStepConfig Read(string file, SpecialTokens special) => Read(JsonKeys.Open(file), special);

    internal static NextStepConfig Read(JsonKeys keys, SpecialTokens special)
    {
        // Variants that would load and draw nonsense.
        keys.Only("hidden_act", "\"silu\"");
        keys.Only("attention_use_qk_norm", "false");
        keys.Only("use_mlp_before_lm_head", "false");
        keys.Only("use_sliding_window", "false");
        keys.Only("rope_scaling", "null");
        int hidden = keys.Size(Widest, null, "hidden_size"), heads = keys.Size(MostHeads, null, "num_attention_heads");
        bool bias = keys.Bool("attention_bias", true);
        int channels = keys.Size(1024, null, "latent_channels", "num_channels"), patch = keys.Size(64, null, "latent_patch_size", "patch_size");
        TokenSteps steps = ReadChoice(keys, "steps", new TokenSteps(), "choice of the image tokens of a step");
        NextStepConfig config = new()
        {
            Transformer = new TransformerConfig
            {
                VocabularySize = keys.Size(10_000_000, null, "vocab_size"),
                HiddenSize = hidden,
                IntermediateSize = keys.Size(8 * Widest, null, "intermediate_size"),
                Layers = keys.Size(Deepest, null, "num_hidden_layers"),
                Heads = heads,
                KeyValueHeads = keys.Size(MostHeads, heads, "num_key_value_heads"),
                HeadDim = keys.Size(4096, hidden / heads, "head_dim"),
                RmsNormEpsilon = keys.Positive("rms_norm_eps", 1e-5),
                RopeTheta = keys.Positive("rope_theta", 1_000_000),
                AttentionBias = bias,
                OutputAttentionBias = keys.Bool("o_attention_bias", bias), // absent or null follows attention_bias (spec §2.1)
                MlpBias = keys.Bool("mlp_bias", false),
                Layer = ReadComponent<LayerConfig>(keys, "layer") ?? new PaperLayer(),
            },
            Head = new FlowHeadConfig
            {
                TokenWidth = steps.DrawnAsOne * channels * patch * patch,
                ConditionWidth = hidden,
                Width = keys.Size(Widest, null, "fm_head_dim"),
                Layers = keys.Size(Deepest, null, "fm_head_layers"),
                MlpRatio = keys.Positive("fm_head_mlp_ratio", 1),
            },
            LatentChannels = channels,
            LatentPatchSize = patch,
            Special = special with
            {
                BeginOfImage = keys.Int(special.BeginOfImage, "boi"),
                EndOfImage = keys.Int(special.EndOfImage, "eoi"),
                ImagePlaceholder = keys.Int(special.ImagePlaceholder, "image_placeholder_id"),
                Pad = keys.Int(special.Pad, "pad_token_id_added"),
            },
            HeadBatchMultiplier = keys.Size(1024, 4, "fm_head_batch_mul"),
            TextLossWeight = keys.Double("lm_loss_weight", 0.01),
            ImageLossWeight = keys.Double("im_loss_weight", keys.Double("image_loss_weight", 1)),
            InputNoise = keys.Double("noise_strength", 0),
            InputNoiseShape = ReadChoice(keys, "inputNoiseShape", InputNoiseShape.Growing, "spread of input noise"),
            EditLayout = ReadEditLayout(keys),
            Steps = steps,
            UseGenPosEmbed = keys.Bool("use_gen_pos_embed", false),
            HeadComponent = ReadComponent<TokenHeadConfig>(keys, "head") ?? new FlowHead(),
            Tokenizer = ReadComponent<TokenizerConfig>(keys, "tokenizer"),
        };
        try
        {
            config.Transformer.Validate();
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{keys.File}: {e.Message}", e);
        }
        SpecialTokens s = config.Special;
        int highest = ((int[])[s.BeginOfImage, s.EndOfImage, s.ImagePlaceholder, s.Pad, s.ImageArea, s.EndOfText]).Max();
        return highest < config.Transformer.VocabularySize ? config
            : throw new InvalidDataException($"{keys.File}: the structural tokens go up to id {highest}, but vocab_size is {config.Transformer.VocabularySize}.");
    }

    /// <summary>The latent patch alone.</summary>
    internal static int ReadPatch(string file) => JsonKeys.Open(file).Size(64, null, "latent_patch_size", "patch_size");

    /// <summary>How edits were laid out in training; as in the released edit model where the file does not say it.</summary>
    internal static EditLayout ReadEditLayout(JsonKeys keys) => ReadChoice(keys, "editLayout", EditLayout.SourceFirst, "layout of edits");

    private static T ReadChoice<T>(JsonKeys keys, string key, T absent, string what)
        where T : notnull
    {
        try
        {
            return keys.Object(Own)?[key] is { } node ? (T)Checked((object)node.Deserialize<T>(JsonOptions)!) : absent;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ValidationException)
        {
            throw new InvalidDataException($"{keys.File}: {Own}.{key} is no {what}: {e.Message}", e);
        }
    }

    /// <summary>Which component made a part of the model; null where the file does not say it.</summary>
    /// <exception cref="InvalidDataException">There is no such component here, or another of this name.</exception>
    internal static T? ReadComponent<T>(JsonKeys keys, string name)
        where T : ComponentConfig
    {
        JsonObject? own = keys.Object(Own);
        try
        {
            T? component = own?[name] is { } node ? node.Deserialize<T>(JsonOptions) : null;
            MadeWith.Check(keys.File, own, component);
            return component;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            string made = own?[MadeWith.Key] is JsonObject { Count: > 0 } sources ? $", made with {string.Join(", ", sources.Select(p => p.Value))}," : "";
            throw new InvalidDataException($"{keys.File}: its {ComponentNames.OfSeam(typeof(T))}{made} cannot be built: {e.Message}", e);
        }
    }

    private static IEnumerable<ComponentConfig?> Components(SamplingConfig sampling) => [sampling.Solver, sampling.GuidanceSchedule, sampling.StepSchedule];

    /// <summary>What this kit saved beside the released keys: the training picture's side and the sampling settings; null and defaults for other folders.</summary>
    public static (int? ImageSize, SamplingConfig Sampling) ReadOwn(string file)
    {
        if (JsonKeys.Open(file).Object(Own) is not { } own)
        {
            return (null, new SamplingConfig());
        }
        try
        {
            int? side = own["imageSize"]?.GetValue<int>();
            SamplingConfig sampling = Checked(own["sampling"].Deserialize<SamplingConfig>(JsonOptions) ?? new SamplingConfig());
            MadeWith.Check(file, own, Components(sampling));
            return side is null or (> 0 and <= 65536) ? (side, sampling) : throw new FormatException($"imageSize is {side}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ValidationException)
        {
            throw new InvalidDataException($"{file}: {Own} is damaged: {e.Message}", e);
        }
    }

    /// <summary>The text of a <c>config.json</c> with other sampling settings in place of its own.</summary>
    /// <exception cref="InvalidDataException">The file is no JSON object.</exception>
    public static string WithSampling(string file, SamplingConfig sampling)
    {
        JsonKeys keys = JsonKeys.Open(file);
        JsonObject own = keys.Object(Own) ?? [];
        own["sampling"] = JsonSerializer.SerializeToNode(sampling, JsonOptions);
        JsonObject sources = own[MadeWith.Key] as JsonObject ?? [];
        foreach ((string name, JsonNode? source) in MadeWith.Of(Components(sampling)))
        {
            sources[name] = source?.DeepClone();
        }
        own[MadeWith.Key] = sources;
        keys.Root[Own] = own;
        return keys.Root.ToJsonString(JsonOptions);
    }

    /// <summary>The autoencoder's <c>vae/config.json</c>.</summary>
    public static string Write(AutoencoderConfig config)
    {
        JsonObject json = new()
        {
            ["in_channels"] = config.PictureChannels,
            ["out_ch"] = config.PictureChannels,
            ["ch"] = config.Width,
            ["ch_mult"] = new JsonArray([.. config.Multipliers.Select(m => (JsonNode)m)]),
            ["num_res_blocks"] = config.BlocksPerLevel,
            ["z_channels"] = config.LatentChannels,
            ["scaling_factor"] = config.Scale,
            ["shift_factor"] = config.Shift,
            ["deterministic"] = config.Deterministic ?? config.KlWeight == 0,
            ["encoder_norm"] = config.Normalization == LatentNormalization.Token,
            ["psz"] = config.NormalizationPatch ?? config.PatchSize,
            [Own] = JsonSerializer.SerializeToNode(config, JsonOptions),
        };
        json[Own]![MadeWith.Key] = MadeWith.Of(config.Normalization);
        return json.ToJsonString(JsonOptions);
    }

    /// <summary>Reads a <c>vae/config.json</c>, of diffusers' <c>AutoencoderKL</c> too. Absent keys take FLUX's values, which are the first release's defaults (spec §4.3).</summary>
    /// <param name="file">The file.</param>
    /// <param name="patchSize">The model's latent patch.</param>
    public static AutoencoderConfig ReadAutoencoder(string file, int patchSize)
    {
        JsonKeys keys = JsonKeys.Open(file);
        if (keys.Object(Own) is { } own)
        {
            try
            {
                AutoencoderConfig config = Checked(own.Deserialize<AutoencoderConfig>(JsonOptions) ?? throw new JsonException("it is empty"));
                MadeWith.Check(file, own, config.Normalization);
                return config.Multipliers is { Count: > 0 and <= 16 } && config.Multipliers.All(m => m is >= 1 and <= 64)
                    ? config : throw new JsonException("its multipliers are no short list of numbers within 1 to 64");
            }
            catch (Exception e) when (e is JsonException or ValidationException)
            {
                throw new InvalidDataException($"{file}: {Own} is damaged: {e.Message}", e);
            }
        }
        return DiffusersConfig.Is(keys) ? DiffusersConfig.Read(keys, patchSize) : ReadAutoencoder(keys, patchSize);
    }

    internal static AutoencoderConfig ReadAutoencoder(JsonKeys keys, int patchSize)
    {
        keys.Only("in_channels", "3");
        keys.Only("out_ch", "3");
        return new AutoencoderConfig
        {
            Width = keys.Size(4096, 128, "ch"),
            Multipliers = keys.Ints("ch_mult", [1, 2, 4, 4]),
            BlocksPerLevel = keys.Size(64, 2, "num_res_blocks"),
            LatentChannels = keys.Size(1024, 16, "z_channels"),
            NormGroups = 32,
            Normalization = keys.Bool("encoder_norm", false) ? LatentNormalization.Token : LatentNormalization.None,
            NormalizationPatch = keys.Size(64, 1, "psz"),
            PatchSize = patchSize,
            Scale = keys.Double("scaling_factor", 0.3611),
            Shift = keys.Double("shift_factor", 0.1159),
            Deterministic = keys.Bool("deterministic", false),
        };
    }

    private static T Checked<T>(T value)
        where T : class
    {
        Validator.ValidateObject(value, new ValidationContext(value), true);
        return value;
    }

    internal static JsonSerializerOptions JsonOptions { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        IgnoreReadOnlyProperties = true,
        Converters = { new ComponentJson(), new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };
}
