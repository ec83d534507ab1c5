using Spectre.Console;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Tests that call the program run beside no others: the console is one.</summary>
[CollectionDefinition(nameof(CommandLine), DisableParallelization = true)]
public sealed class CommandLineCollection;

/// <summary>The program in this process, with what it prints.</summary>
internal static class CommandLine
{
    public static (int Code, string Output, string Error) Call(params string[] args)
    {
        (TextWriter output, TextWriter error, IAnsiConsole console) = (Console.Out, Console.Error, AnsiConsole.Console);
        using StringWriter newOutput = new(), newError = new();
        try
        {
            Console.SetOut(newOutput);
            Console.SetError(newError);
            AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(newOutput), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No });
            AnsiConsole.Profile.Width = 500;
            return (Program.Run(args), newOutput.ToString(), newError.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            AnsiConsole.Console = console;
        }
    }
}
