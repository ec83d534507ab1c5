namespace NextStep.Research;

/// <summary>The <c>config.json</c> of diffusers' <c>AutoencoderKL</c>; absent keys have its defaults.</summary>
internal static class DiffusersConfig
{
    private const int Widest = 65_536;

    /// <summary>Whether these are its keys.</summary>
    public static bool Is(JsonKeys keys) => keys.Has("block_out_channels") || (keys.Has("_class_name") && !keys.Has("ch_mult"));

    /// <exception cref="InvalidDataException">An autoencoder of another kind; the message names file and key.</exception>
    public static AutoencoderConfig Read(JsonKeys keys, int patchSize)
    {
        // Variants that would load and draw nonsense.
        keys.Only("_class_name", "\"AutoencoderKL\"");
        keys.Only("in_channels", "3");
        keys.Only("out_channels", "3");
        keys.Only("act_fn", "\"silu\"");
        keys.Only("mid_block_add_attention", "true");
        keys.Only("latents_mean", "null");
        keys.Only("latents_std", "null");
        IReadOnlyList<int> widths = keys.Ints("block_out_channels", [64], Widest);
        OnlyBlocks(keys, "down_block_types", "DownEncoderBlock2D", widths.Count);
        OnlyBlocks(keys, "up_block_types", "UpDecoderBlock2D", widths.Count);
        return new AutoencoderConfig
        {
            Width = widths[0],
            Multipliers = widths.All(w => w % widths[0] == 0) ? [.. widths.Select(w => w / widths[0])]
                : throw new InvalidDataException($"{keys.File}: block_out_channels are {string.Join(", ", widths)}; supported are multiples of the first."),
            BlocksPerLevel = keys.Size(64, 1, "layers_per_block"),
            LatentChannels = keys.Size(1024, 4, "latent_channels"),
            NormGroups = keys.Size(64, 32, "norm_num_groups"),
            Normalization = LatentNormalization.None,
            PatchSize = patchSize,
            Scale = keys.Positive("scaling_factor", 0.18215),
            Shift = keys.Double("shift_factor", 0),
            Deterministic = false,
        };
    }

    private static void OnlyBlocks(JsonKeys keys, string name, string kind, int levels) =>
        keys.Only(name, "[" + string.Join(',', Enumerable.Repeat($"\"{kind}\"", levels)) + "]");
}
