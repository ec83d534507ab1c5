// The only file that knows where the built library lies: `dotnet build -c Release` puts it there.
#r "../src/NextStep.Research.Notebooks/bin/Release/net10.0/NextStep.Research.dll"
#r "../src/NextStep.Research.Notebooks/bin/Release/net10.0/NextStep.Research.Experiments.dll"
#r "../src/NextStep.Research.Notebooks/bin/Release/net10.0/NextStep.Research.Reports.dll"
#r "../src/NextStep.Research.Notebooks/bin/Release/net10.0/NextStep.Research.Notebooks.dll"
#r "../src/NextStep.Research.Notebooks/bin/Release/net10.0/Microsoft.Data.Analysis.dll"
#r "../src/NextStep.Research.Notebooks/bin/Release/net10.0/TorchSharp.dll"
using System.IO;
using Microsoft.Data.Analysis;
using NextStep.Research;
using NextStep.Research.Experiments;
using NextStep.Research.Notebooks;
using NextStep.Research.Reports;
using TorchSharp;
using static TorchSharp.torch;
Notebook.Start();
