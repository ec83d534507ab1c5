using System.CommandLine;
using NextStep.Research.Cli;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Arguments mean what was typed, or are refused.</summary>
[Collection(nameof(CommandLine))]
public sealed class ArgumentTests
{
    [Theory]
    [InlineData("--guidance", "1,5", "--guidance is '1,5', which is no number; write it with a point")]
    [InlineData("--solver", "99", "--solver is '99'; known are ode, sde, cps, ")]
    [InlineData("--solver", "ode,sde", "--solver is 'ode,sde'; known are ode")]
    [InlineData("--precision", "1", "--precision is '1'; known are")]
    [InlineData("--weights", "0", "--weights is '0'; known are ema, model.")]
    [InlineData("--output", "x.tiff", "--output is 'x.tiff', but pictures are written as .png, .jpg, .jpeg, .webp; call it x.png, or end it in / for a folder.")]
    [InlineData("--animate", "x.mp4", "--animate is 'x.mp4', but animations are written as GIF; call it x.gif.")]
    public void What_the_parser_would_take_for_something_else_is_refused(string option, string value, string fault)
    {
        string[] output = option == "--output" ? [] : ["-o", "x.png"];
        (int code, _, string error) = CommandLine.Call(["generate", "-p", "a red circle", .. output, option, value]);
        Assert.Equal(2, code);
        Assert.Contains(fault, error, StringComparison.Ordinal);
        Assert.Single(error.Split(Environment.NewLine), line => line.StartsWith(option, StringComparison.Ordinal));
    }

    [Fact]
    public void An_empty_value_does_not_swallow_the_next_option_and_an_at_sign_begins_no_file()
    {
        Option<string> prompt = new("--prompt"), negative = new("--negative");
        Option<double> scale = new("--scale");
        RootCommand root = new() { prompt, negative, scale };
        ParseResult parse = Arguments.Parse(root, ["--negative=", "--prompt", "@home", "--scale=1.5"]);
        Assert.Empty(parse.Errors);
        Assert.Empty(Arguments.Faults(parse));
        Assert.Equal(("", "@home", 1.5), (parse.GetValue(negative), parse.GetValue(prompt), parse.GetValue(scale)));
    }

    [Theory]
    [InlineData("runs/a", "nextstep status runs/a")]
    [InlineData("my runs/猫", "nextstep status 'my runs/猫'")]
    [InlineData("it's", "nextstep status 'it'\\''s'")]
    [InlineData("a*b", "nextstep status 'a*b'")]
    [InlineData("", "nextstep status ''")]
    public void A_command_to_type_again_is_quoted_where_a_shell_would_take_it_apart(string folder, string expected) => Assert.Equal(expected, ShellText.Line("nextstep", "status", folder));
}
