#!/usr/bin/env bash
# Microsoft.DotNet.Interactive.Documents 1.0.0-beta.26120.1, reading and writing .ipynb: the attachments of a markdown cell are dropped, a raw cell
# comes back as a code cell, a notebook of nbformat 3 is read as one without cells, and an output of type application/json cannot be written.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.DotNet.Interactive.Documents@1.0.0-beta.26120.1
#:property PublishAot=false
#:property NoWarn=NU1603;NU1608
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Documents.Jupyter;
const string prose = """{"cell_type":"markdown","id":"a","source":"![dot](attachment:dot.png)","metadata":{},"attachments":{"dot.png":{"image/png":"iVBORw0KGgo="}}}""";
const string raw = """{"cell_type":"raw","id":"b","source":"as it is","metadata":{}}""";
const string json = """{"cell_type":"code","id":"c","source":"1","metadata":{},"execution_count":1,"outputs":[{"output_type":"display_data","metadata":{},"data":{"application/json":{"loss":1}}}]}""";
JsonNode cells = JsonNode.Parse(Notebook.Parse(Wrap($"{prose},{raw}")).ToJupyterJson())!["cells"]!;
Console.WriteLine($"attachments of the markdown cell: {cells[0]!["attachments"]?.ToJsonString() ?? "none"}");
Console.WriteLine($"the raw cell is now: {cells[1]!["cell_type"]}");
Console.WriteLine($"cells of a notebook of nbformat 3: {Notebook.Parse("""{"worksheets":[{"cells":[{"cell_type":"code","language":"csharp","input":["1"],"outputs":[]}]}],"metadata":{"name":"old"},"nbformat":3,"nbformat_minor":0}""").Elements.Count}");
try
{
    Notebook.Parse(Wrap(json)).ToJupyterJson();
}
catch (Exception e)
{
    Console.WriteLine($"writing a JSON output: {e.GetType().Name}");
}
static string Wrap(string cells) => $$"""{"cells":[{{cells}}],"metadata":{},"nbformat":4,"nbformat_minor":5}""";
CS
expect <<'OUT'
attachments of the markdown cell: none
the raw cell is now: code
cells of a notebook of nbformat 3: 0
writing a JSON output: ArgumentException
OUT
