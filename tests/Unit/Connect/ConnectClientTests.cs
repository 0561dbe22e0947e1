using System.Net.Sockets;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Connect;

/// <summary>What the transport throws is a server that was not reached, whatever it throws.</summary>
public sealed class ConnectClientTests
{
    [Fact]
    public async Task A_connection_reset_as_it_is_made_is_unavailable()
    {
        foreach (Exception error in (Exception[])[new SocketException(107), new IOException("reset"), new HttpRequestException("refused")])
        {
            using var http = new HttpMessageInvoker(new ThrowingHandler(error));
            var client = new ConnectClient(http, new Uri("http://processor:1"), TimeProvider.System);
            var thrown = await Assert.ThrowsAsync<ConnectException>(() => client.UnaryAsync(
                ConnectProtocol.WatchOwnership, new WatchOwnershipRequest(), OwnershipClaims.Parser, TimeSpan.FromSeconds(30),
                TestContext.Current.CancellationToken));
            Assert.Equal(ConnectCode.Unavailable, thrown.Code);
        }
    }

    private sealed class ThrowingHandler(Exception error) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(error);
    }
}
