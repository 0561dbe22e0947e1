using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace ReadStateStream.QueryApi;

internal static class Program
{
    /// <summary>Runs until SIGTERM or SIGINT; 1 where the settings or the address refuse to start.</summary>
    private static async Task<int> Main(string[] args)
    {
        await using var app = QueryApiHost.Build(args);
        try
        {
            await app.StartAsync();
        }
        catch (Exception e)
        {
            foreach (var one in e is AggregateException all ? all.Flatten().InnerExceptions : (IEnumerable<Exception>)[e])
                await Console.Error.WriteLineAsync($"query-api does not start: {one.Message}");
            return 1;
        }
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Console.WriteLine($"query-api ready {addresses.First()}");
        await app.WaitForShutdownAsync();
        return 0;
    }
}
