using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace ReadStateStream.QueryApi;

internal static class Program
{
    /// <summary>Runs until SIGTERM or SIGINT; 1 where the settings or the address refuse to start.</summary>
    private static async Task<int> Main(string[] args)
    {
        WebApplication? app = null;
        try
        {
            app = QueryApiHost.Build(args);
            await app.StartAsync();
        }
        catch (Exception e)
        {
            foreach (var reason in Reasons(e)) await Console.Error.WriteLineAsync($"query-api does not start: {reason}");
            if (app is not null) await app.DisposeAsync();
            return 1;
        }
        await using (app)
        {
            var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
            Console.WriteLine($"query-api ready {addresses.First()}");
            await app.WaitForShutdownAsync();
        }
        return 0;
    }

    private static IEnumerable<string> Reasons(Exception e) => e switch
    {
        AggregateException several => several.Flatten().InnerExceptions.SelectMany(Reasons),
        OptionsValidationException settings => settings.Failures,
        _ => [e.Message],
    };
}
