#!/usr/bin/env bash
# Microsoft.DotNet.Interactive 1.0.0-beta.26120.1: a parameter of a magic command that may occur many times (MaxOccurrences)
# reaches its command's string[] never: given twice it is lost without a word, given once the command is refused.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.DotNet.Interactive.CSharp@1.0.0-beta.26120.1
#:property PublishAot=false
#:property NoWarn=NU1603;NU1608
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Directives;
using Microsoft.DotNet.Interactive.Events;
List<string> seen = []; // a kernel takes what is printed while it works
var kernel = new CompositeKernel { new CSharpKernel() };
kernel.DefaultKernelName = "csharp";
kernel.AddDirective<Say>(
    new KernelActionDirective("#!say") { KernelCommandType = typeof(Say), Parameters = { new KernelDirectiveParameter("--word") { MaxOccurrences = 9 } } },
    (say, context) => { seen.Add($"words: {say.Word.Length}"); return Task.CompletedTask; });
using var failures = kernel.KernelEvents.Subscribe(e => { if (e is CommandFailed failed) { seen.Add("failed: " + failed.Message.Split('.')[0]); } });
foreach (string line in new[] { "#!say --word one --word two", "#!say --word one" })
{
    seen.Add(line);
    await kernel.SendAsync(new SubmitCode(line));
}
Console.WriteLine(string.Join("\n", seen));
public class Say : KernelDirectiveCommand
{
    public string[] Word { get; set; } = [];
}
CS
expect <<'OUT'
#!say --word one --word two
words: 0
#!say --word one
failed: (1,17): error DNI106: Invalid JSON: The JSON value could not be converted to System
OUT
