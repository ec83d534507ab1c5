using System.Globalization;
using System.Text.RegularExpressions;

namespace NextStep.Research;

/// <summary>The two ways in which the autoencoder's tensors are named.</summary>
internal enum AutoencoderLayout
{
    /// <summary>FLUX and latent-diffusion: <c>encoder.down.0.block.1.norm1</c>; attention by 1×1 convolutions. Ours, and the released <c>checkpoint.pt</c>.</summary>
    Flux,

    /// <summary>diffusers <c>AutoencoderKL</c>: <c>encoder.down_blocks.0.resnets.1.norm1</c>; attention by linear layers.</summary>
    Diffusers,
}

/// <summary>Translates tensor names between the layouts in which weights circulate (spec §2.3, §4.2).</summary>
internal static partial class WeightNames
{
    /// <summary>Removes what wrappers of training put into names: <c>module.</c> (data parallel, averages), <c>_orig_mod.</c> (torch.compile), those of FSDP and of checkpointing.</summary>
    public static string WithoutWrappers(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        name = Wrapper().Replace(name, "");
        while (name.StartsWith("module.", StringComparison.Ordinal))
        {
            name = name["module.".Length..];
        }
        return name;
    }

    /// <summary>Whether a model's tensor is a table of the vocabulary: a row a text token.</summary>
    public static bool IsTable(string name) => name.StartsWith("embed_tokens.", StringComparison.Ordinal) || name.StartsWith("lm_head.", StringComparison.Ordinal);

    /// <summary>
    /// The name of a model's tensor here: without wrappers, and without the <c>model.</c> that Qwen puts before the backbone's names and NextStep flattens away.
    /// Null for what old files store and is computed here: the rotary embedding's frequencies.
    /// </summary>
    public static string? OfModel(string name)
    {
        name = WithoutWrappers(name);
        name = WithoutWrappers(name.StartsWith("model.", StringComparison.Ordinal) ? name["model.".Length..] : name);
        return name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) ? null : name;
    }

    /// <summary>
    /// The layout that these names are in, or null when they do not look like an autoencoder's.
    /// Names that both layouts share (<c>encoder.conv_in.weight</c>) decide nothing.
    /// </summary>
    public static AutoencoderLayout? DetectAutoencoder(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            if (FluxOnly().IsMatch(name))
            {
                return AutoencoderLayout.Flux;
            }
            if (DiffusersOnly().IsMatch(name))
            {
                return AutoencoderLayout.Diffusers;
            }
        }
        return null;
    }

    /// <summary>A FLUX name in the diffusers layout; names without a counterpart stay.</summary>
    /// <param name="name">For instance <c>decoder.up.3.block.0.nin_shortcut.weight</c>.</param>
    /// <param name="levels">Resolution levels of the decoder, which the two layouts count from opposite ends (released: 4).</param>
    public static string ToDiffusers(string name, int levels)
    {
        var match = FluxName().Match(name);
        if (!match.Success)
        {
            return name;
        }
        var (side, rest) = (match.Groups["side"].Value, match.Groups["rest"].Value);
        rest = FluxLevel().Replace(rest, level =>
        {
            var index = int.Parse(level.Groups["i"].Value, CultureInfo.InvariantCulture);
            var up = level.Groups["way"].Value == "up";
            return FormattableString.Invariant($"{(up ? "up" : "down")}_blocks.{(up ? levels - 1 - index : index)}.");
        });
        rest = FluxBlock().Replace(rest, "resnets.$1.");
        rest = Regex.Replace(rest, @"(?<=_blocks\.\d+\.)(down|up)sample\.", "$1samplers.0.");
        rest = Regex.Replace(rest, @"^mid\.block_(1|2)\.", block => block.Groups[1].Value == "1" ? "mid_block.resnets.0." : "mid_block.resnets.1.");
        rest = Regex.Replace(rest, @"^mid\.attn_1\.(norm|q|k|v|proj_out)\.", part => "mid_block.attentions.0." + AttentionToDiffusers(part.Groups[1].Value) + ".");
        rest = rest.Replace("nin_shortcut.", "conv_shortcut.", StringComparison.Ordinal);
        rest = Regex.Replace(rest, @"^norm_out\.", "conv_norm_out.");
        return $"{side}.{rest}";
    }

    /// <summary>The inverse of <see cref="ToDiffusers"/>; the attention names of old diffusers files (<c>query</c>, <c>proj_attn</c>) are understood too.</summary>
    public static string ToFlux(string name, int levels)
    {
        var match = FluxName().Match(name);
        if (!match.Success)
        {
            return name;
        }
        var (side, rest) = (match.Groups["side"].Value, match.Groups["rest"].Value);
        rest = Regex.Replace(rest, @"^mid_block\.resnets\.(0|1)\.", block => block.Groups[1].Value == "0" ? "mid.block_1." : "mid.block_2.");
        rest = Regex.Replace(rest, @"^mid_block\.attentions\.0\.(group_norm|to_q|to_k|to_v|to_out\.0|query|key|value|proj_attn)\.", part => "mid.attn_1." + AttentionToFlux(part.Groups[1].Value) + ".");
        rest = Regex.Replace(rest, @"(?<=_blocks\.\d+\.)resnets\.(\d+)\.", "block.$1.");
        rest = Regex.Replace(rest, @"(?<=_blocks\.\d+\.)(down|up)samplers\.0\.", "$1sample.");
        rest = DiffusersLevel().Replace(rest, level =>
        {
            var index = int.Parse(level.Groups["i"].Value, CultureInfo.InvariantCulture);
            return level.Groups["way"].Value == "up" ? FormattableString.Invariant($"up.{levels - 1 - index}.") : FormattableString.Invariant($"down.{index}.");
        });
        rest = rest.Replace("conv_shortcut.", "nin_shortcut.", StringComparison.Ordinal);
        rest = Regex.Replace(rest, @"^conv_norm_out\.", "norm_out.");
        return $"{side}.{rest}";
    }

    /// <summary>
    /// The autoencoder in <paramref name="source"/>, whichever layout it is in, in <paramref name="layout"/>: names translated, and the attention
    /// weights [c, c, 1, 1] ↔ [c, c]. Disposing the result disposes <paramref name="source"/>; where nothing has to change it is <paramref name="source"/> itself.
    /// </summary>
    /// <exception cref="InvalidDataException">The names are not an autoencoder's.</exception>
    public static TensorSource InLayout(TensorSource source, AutoencoderLayout layout)
    {
        ArgumentNullException.ThrowIfNull(source);
        var present = DetectAutoencoder(source.Entries.Keys)
            ?? throw new InvalidDataException($"{source.Path}: these are not the names of an autoencoder in the FLUX or the diffusers layout.");
        if (present == layout)
        {
            return source;
        }
        var levels = Levels(source.Entries.Keys);
        return layout == AutoencoderLayout.Diffusers
            ? new RenamedSource(source, entry => (ToDiffusers(entry.Name, levels), entry.Shape is [_, _, 1, 1] && FluxAttention().IsMatch(entry.Name) ? [entry.Shape[0], entry.Shape[1]] : entry.Shape))
            : new RenamedSource(source, entry => Flux(entry, levels));
    }

    /// <summary>Resolution levels that the names speak of; at least 1.</summary>
    public static int Levels(IEnumerable<string> names) =>
        1 + names.Select(name => AnyLevel().Match(name)).Where(match => match.Success)
            .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();

    private static (string Name, IReadOnlyList<long> Shape) Flux(TensorEntry entry, int levels)
    {
        var name = ToFlux(entry.Name, levels);
        return (name, entry.Shape.Count == 2 && FluxAttention().IsMatch(name) ? [entry.Shape[0], entry.Shape[1], 1, 1] : entry.Shape);
    }

    private static string AttentionToDiffusers(string part) => part switch
    {
        "norm" => "group_norm",
        "proj_out" => "to_out.0",
        _ => "to_" + part,
    };

    private static string AttentionToFlux(string part) => part switch
    {
        "group_norm" => "norm",
        "to_q" or "query" => "q",
        "to_k" or "key" => "k",
        "to_v" or "value" => "v",
        _ => "proj_out",
    };

    [GeneratedRegex(@"(?<=^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")]
    private static partial Regex Wrapper();

    [GeneratedRegex(@"^(?<side>encoder|decoder)\.(?<rest>.+)$")]
    private static partial Regex FluxName();

    [GeneratedRegex(@"^(?<way>down|up)\.(?<i>\d{1,3})\.")]
    private static partial Regex FluxLevel();

    [GeneratedRegex(@"^(?<way>down|up)_blocks\.(?<i>\d{1,3})\.")]
    private static partial Regex DiffusersLevel();

    [GeneratedRegex(@"(?<=_blocks\.\d+\.)block\.(\d+)\.")]
    private static partial Regex FluxBlock();

    [GeneratedRegex(@"^(encoder|decoder)\.mid\.attn_1\.(q|k|v|proj_out)\.weight$")]
    private static partial Regex FluxAttention();

    [GeneratedRegex(@"^(encoder\.down|decoder\.up|(encoder|decoder)\.mid)\.")]
    private static partial Regex FluxOnly();

    [GeneratedRegex(@"^(encoder\.down_blocks|decoder\.up_blocks|(encoder|decoder)\.mid_block)\.")]
    private static partial Regex DiffusersOnly();

    [GeneratedRegex(@"^(?:encoder\.down|decoder\.up)(?:_blocks)?\.(\d{1,3})\.")]
    private static partial Regex AnyLevel();
}
