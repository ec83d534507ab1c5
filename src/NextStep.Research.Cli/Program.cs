using TorchSharp;
Console.WriteLine(NextStep.Research.TorchBackend.Origin);
Console.WriteLine(torch.ones(2).sum().item<float>());
Console.WriteLine(NextStep.Research.TorchBackend.Relaxation);
