#!/usr/bin/env dotnet
#:project ../../src/NextStep.Research.Notebooks/NextStep.Research.Notebooks.csproj

// notebooks/01-quickstart without a notebook host:
//   dotnet run -c Release notebooks/apps/quickstart.cs
//   dotnet run -c Release notebooks/apps/quickstart.cs -- "three green hearts" runs/hearts
// Draws with the small model that comes with the library, checks each picture against its prompt, edits one, and leaves PNG files.
using NextStep.Research;
using NextStep.Research.Notebooks;
using TorchSharp;

string prompt = args.Length > 0 ? args[0] : "a blue star above a red square";
string folder = args.Length > 1 ? args[1] : Path.Combine("runs", "app-quickstart");

using LoadedModel model = ShippedModel.Load();
Console.WriteLine(model.Model.Summary());

ImageGenerator generator = model.Generator();
GenerationRequest request = new() { Prompts = [prompt], ImagesPerPrompt = 8, Height = 32, Width = 32, Sampling = model.Sampling, Seed = 42 };
using torch.Tensor pictures = generator.Draw(request, p => Console.Error.Write($"\rtoken {p.Tokens} of {p.Total} "));
Console.Error.WriteLine();

AlignmentReport verdict = Alignment.Measure(pictures, [.. Enumerable.Repeat(prompt, 8)]);
string[] captions = [.. verdict.Results.Select(r => r.Strict ? "right" : $"wrong: {r.Reason}")];
Save("pictures.png", pictures.AsGrid(captions: captions, enlarge: 4));

foreach (double guidance in new[] { 1.0, 2, 4 })
{
    using torch.Tensor guided = generator.Draw(request with { Sampling = model.Sampling with { Guidance = guidance } });
    Save($"guidance-{guidance}.png", guided.AsGrid());
}

using torch.Tensor source = pictures[0];
using torch.Tensor edited = generator.Draw(request with { Prompts = [model.EditPrompt("make the background black")], Images = [source], ImagesPerPrompt = 4 });
using torch.Tensor sheet = torch.cat([source.unsqueeze(0), edited]);
Save("edited.png", sheet.AsGrid(captions: ["source", "1", "2", "3", "4"]));
return 0;

void Save(string name, Picture picture)
{
    string file = Path.Combine(folder, name);
    picture.Save(file);
    Console.WriteLine($"wrote {file}, {picture.Width} by {picture.Height} pixels");
}
