namespace ReadStateStream.Schemas.Connect;

/// <summary>
/// The parts of the Connect protocol (https://connectrpc.com/docs/protocol) that the partition query
/// speaks: unary calls and server streams, protobuf codec, identity encoding. Both sides use these names.
/// </summary>
public static class ConnectProtocol
{
    /// <summary>Path of the service: a method is called with POST at this path + "/" + its name.</summary>
    public const string ServicePath = "/readstate.v1.PartitionQuery";

    /// <summary>Names of the methods, as in the service's definition.</summary>
    public const string GetStates = "GetStates", GetUser = "GetUser", GetBlockedUsers = "GetBlockedUsers",
        WatchOwnership = "WatchOwnership";

    /// <summary>Content type of a unary request and of its successful answer.</summary>
    public const string UnaryContentType = "application/proto";

    /// <summary>Content type of a streaming request and of its answer, whatever its outcome.</summary>
    public const string StreamContentType = "application/connect+proto";

    /// <summary>Content type of a unary answer that is an error.</summary>
    public const string ErrorContentType = "application/json";

    /// <summary>Header that names the protocol's version; absent is the same as <see cref="Version"/>.</summary>
    public const string VersionHeader = "Connect-Protocol-Version";

    /// <summary>The one version there is.</summary>
    public const string Version = "1";

    /// <summary>Header with the caller's deadline: milliseconds, at most ten digits; absent: none.</summary>
    public const string TimeoutHeader = "Connect-Timeout-Ms";

    /// <summary>Headers that name a compression; only "identity" is spoken.</summary>
    public const string StreamEncodingHeader = "Connect-Content-Encoding", UnaryEncodingHeader = "Content-Encoding";

    /// <summary>
    /// Greatest message either side accepts, bytes: 1,000 states with threads fit many times over.
    /// A larger one is <see cref="ConnectCode.ResourceExhausted"/>.
    /// </summary>
    public const int MaxMessageBytes = 16 * 1024 * 1024;

    /// <summary>Reads a <see cref="TimeoutHeader"/>; false where it breaks the protocol.</summary>
    public static bool TryParseTimeout(string value, out TimeSpan timeout)
    {
        timeout = default;
        if (value.Length is 0 or > 10 || value.AsSpan().ContainsAnyExceptInRange('0', '9')) return false;
        timeout = TimeSpan.FromMilliseconds(long.Parse(value, System.Globalization.CultureInfo.InvariantCulture));
        return true;
    }
}
