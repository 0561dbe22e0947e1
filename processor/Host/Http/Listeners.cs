using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Host.Settings;

namespace ReadStateStream.Host.Http;

/// <summary>The listeners of the process; an endpoint that names one is served there alone.</summary>
public enum Listener { Ingest, Query }

/// <summary>On a connection: which listener it came by. On an endpoint: which listener serves it.</summary>
public sealed record ListenerMark(Listener Listener);

/// <summary>Two listeners of one server, told apart by a mark on their connections.</summary>
public static class Listeners
{
    /// <summary>Binds both: ingest in HTTP/1.1, the partition query in HTTP/2 without TLS.</summary>
    public static void Listen(KestrelServerOptions server, ListenAddress ingest, ListenAddress query)
    {
        server.AddServerHeader = false;
        Listen(server, ingest, HttpProtocols.Http1, Listener.Ingest);
        Listen(server, query, HttpProtocols.Http2, Listener.Query);
    }

    /// <summary>Endpoints of the other listener are not there.</summary>
    public static Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ListenerMark>() is { } served
            && context.Features.Get<ListenerMark>() is { } came && came != served)
        {
            context.SetEndpoint(null);
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        return next(context);
    }

    private static void Listen(KestrelServerOptions server, ListenAddress address, HttpProtocols protocols, Listener listener) =>
        server.Listen(new IPEndPoint(address.Address, address.Port), listen =>
        {
            listen.Protocols = protocols;
            var mark = new ListenerMark(listener);
            listen.Use(next => connection =>
            {
                connection.Features.Set(mark);
                return next(connection);
            });
        });
}

/// <summary>Where the process really listens; known once the server has started.</summary>
public sealed class ListenerAddresses(IServer server, IngestOptions options)
{
    /// <summary>Base URL of ingest.</summary>
    public string Ingest => Address((int)Listener.Ingest);

    /// <summary>Base URL of the partition query.</summary>
    public string Query => Address((int)Listener.Query);

    /// <summary>Base URL of ingest as others reach it.</summary>
    public string AdvertisedIngest => options.AdvertisedUrl ?? Ingest;

    // The server lists them in the order in which they were bound.
    private string Address(int index) => server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.ElementAt(index);
}
