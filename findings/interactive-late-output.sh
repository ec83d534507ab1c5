#!/usr/bin/env bash
# Microsoft.DotNet.Interactive.CSharp 1.0.0-beta.26120.1: what a thread prints after the cell that started it has ended reaches no event,
# not even while a later cell runs and waits for that thread; the same line printed by the later cell does.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.DotNet.Interactive.CSharp@1.0.0-beta.26120.1
#:property PublishAot=false
#:property NoWarn=NU1603;NU1608
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Events;
List<string> seen = []; // a kernel takes what is printed while it works
var kernel = new CompositeKernel { new CSharpKernel() };
kernel.DefaultKernelName = "csharp";
using var printed = kernel.KernelEvents.Subscribe(e =>
{
    if (e is StandardOutputValueProduced or CommandFailed)
    {
        lock (seen)
        {
            seen.Add(e is CommandFailed failed ? failed.Message : "shown: " + ((StandardOutputValueProduced)e).FormattedValues.Single().Value.Trim());
        }
    }
});
await kernel.SendAsync(new SubmitCode("""
    var gate = new System.Threading.ManualResetEventSlim();
    bool ran = false;
    var thread = new System.Threading.Thread(() => { gate.Wait(); Console.WriteLine("from the thread"); ran = true; });
    thread.Start();
    """));
await kernel.SendAsync(new SubmitCode("gate.Set(); thread.Join(); Console.WriteLine($\"from the cell; the thread has printed: {ran}\");"));
Console.WriteLine(string.Join("\n", seen));
CS
expect <<'OUT'
shown: from the cell; the thread has printed: True
OUT
