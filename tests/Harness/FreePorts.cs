using System.Net;
using System.Net.Sockets;

namespace ReadStateStream.Harness;

/// <summary>Ports of the loopback that nobody listens on, for programs that cannot be asked which one they took.</summary>
public static class FreePorts
{
    /// <summary>One.</summary>
    public static int One() => First([]);

    /// <summary>One of which others, so far above, are free too.</summary>
    public static int First(IReadOnlyList<int> distances)
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            if (distances.All(distance => IsFree(port + distance))) return port;
        }
    }

    private static bool IsFree(int port)
    {
        if (port > IPEndPoint.MaxPort) return false;
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
