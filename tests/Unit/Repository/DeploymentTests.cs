using System.Diagnostics;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>What cannot be run here is held against its own checkers, where the shared folder has them.</summary>
public class DeploymentTests
{
    [Fact]
    public void The_compose_file_is_one() => Check("docker-compose", "-f", Path.Combine(Root, "compose", "compose.yaml"), "config", "-q");

    [Fact]
    public void The_workflow_is_one() => Check("actionlint", Path.Combine(Root, ".github", "workflows", "ci.yml"));

    private static string Root
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "ReadStateStream.sln")))
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not inside the repository");
            return folder;
        }
    }

    private static void Check(string checker, params string[] arguments)
    {
        var tool = SharedFolder.File("servers", "tool");
        using var process = Process.Start(new ProcessStartInfo(tool, [checker, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()).GetAwaiter().GetResult();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, string.Join('\n', said));
    }
}
