using System.CommandLine;
using System.CommandLine.Parsing;
using NextStep.Research.Cli;
using NextStep.Research.Experiments;
using Spectre.Console;

HangupWriter.Install();
return ProcessEnd.Hasten(Program.Run(args));

internal static partial class Program
{
    // They read files, or ask for torch themselves once there is something to compute: a login node may not have what the variable names.
    private static readonly string[] NeedNoTorch = ["doctor", "plan", "sweep", "work", "status", "compare", "export", "gc", "note", "reproduce", "speedrun"];

    /// <summary>0: done, 1: failed, 2: wrong use, an invalid experiment file included.</summary>
    public static int Run(string[] args)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 500; // a file or pipe has no edge to wrap at
        }
        try
        {
            ParseResult parse = Arguments.Parse(Root(args), args);
            string[] errors = [.. parse.Errors.Select(e => e.Message), .. Arguments.Faults(parse)];
            if (errors.Length > 0 && parse.Action is not System.CommandLine.Help.HelpAction)
            {
                return Wrong(string.Join(Environment.NewLine, errors) + $"{Environment.NewLine}See: {Usage(parse.CommandResult)} --help");
            }
            if (parse.Action is not System.CommandLine.Help.HelpAction && !NeedNoTorch.Contains(parse.CommandResult.Command.Name))
            {
                NextStep.Research.TorchBackend.EnsureUsable(); // what was asked for by the environment is not silently replaced; doctor explains it
            }
            RunComponents.Trusted = NextStep.Research.MadeWith.AcceptOtherCode = parse.GetValue(Trust);
            foreach (string file in parse.GetValue(Uses) ?? [])
            {
                UsedComponents.Use(file);
            }
            return parse.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("NEXTSTEP_DEBUG") == "1")
        {
            Console.Error.WriteLine(e);
            return 1;
        }
        catch (ConfigException e)
        {
            return Wrong(e.Message);
        }
        catch (PlanChangedException e)
        {
            return Wrong(e.Message);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("stopped");
            return 1;
        }
        catch (Exception e)
        {
            // A type that could not be set up hides the reason inside.
            Exception reason = e is TypeInitializationException { InnerException: { } inner } ? inner : e;
            Console.Error.WriteLine($"error: {reason.Message}");
            return 1;
        }
    }

    private static readonly Option<bool> Trust = new("--trust") { Recursive = true, Description = "Run the components of its own that a run folder or model has beside it." };

    public static readonly Option<string[]> Uses = new("--uses") { Recursive = true, Description = "C# source or an assembly with components of your own; repeatable." };

    private static RootCommand Root(string[] args)
    {
        RootCommand root = new("Research kit for NextStep-1-style autoregressive image generation.") { Trust, Uses };
        foreach (Command command in Commands.For(args))
        {
            root.Add(command);
        }
        return root;
    }

    private static int Wrong(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }

    private static string Usage(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{Usage(parent)} {command.Command.Name}" : "nextstep";
}
