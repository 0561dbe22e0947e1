using ReadStateStream.Harness;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>What cannot be run here is held against its own checkers, where the shared folder has them.</summary>
public class DeploymentTests
{
    [Fact]
    public Task The_compose_file_is_one() => CheckAsync("docker-compose", "-f", Path.Combine(Checkout.Root, "compose", "compose.yaml"), "config", "-q");

    [Fact]
    public Task The_workflow_is_one() => CheckAsync("actionlint", Path.Combine(Checkout.Root, ".github", "workflows", "ci.yml"));

    private static async Task CheckAsync(string checker, params string[] arguments)
    {
        var (code, output, errors) = await ExternalProgram.TryRunAsync(SharedFolder.File("servers", "tool"), [checker, .. arguments]);
        Assert.True(code == 0, $"{output}\n{errors}");
    }
}
