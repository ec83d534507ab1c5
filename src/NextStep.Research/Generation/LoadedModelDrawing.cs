namespace NextStep.Research;

/// <summary>Drawing with a loaded model.</summary>
public static class LoadedModelDrawing
{
    /// <summary>Draws pictures with it.</summary>
    public static ImageGenerator Generator(this LoadedModel loaded) => new(loaded.Model, loaded.Autoencoder, loaded.Tokenizer);
}
