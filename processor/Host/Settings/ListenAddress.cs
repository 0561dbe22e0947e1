using System.Net;

namespace ReadStateStream.Host.Settings;

/// <summary>Where a listener binds.</summary>
/// <param name="Address">An address of this machine; <see cref="IPAddress.Any"/> for all.</param>
/// <param name="Port">0 .. 65535; 0: any free one.</param>
public readonly record struct ListenAddress(IPAddress Address, int Port)
{
    /// <summary>Reads a setting such as <c>http://127.0.0.1:7070</c>; SettingException says what is allowed.</summary>
    public static ListenAddress Parse(string url, string setting)
    {
        // "*" is no host name to Uri, but what people write for all addresses.
        var all = url.StartsWith("http://*:", StringComparison.OrdinalIgnoreCase);
        var text = all ? string.Concat("http://0.0.0.0:", url.AsSpan("http://*:".Length)) : url;
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.PathAndQuery == "/"
            && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0 && AddressOf(uri) is { } address)
            return new ListenAddress(address, uri.Port);
        throw new SettingException(
            $"{setting} must be http://ADDRESS:PORT with an IP address, localhost or * and a port of 0 .. 65535; it is '{url}'");
    }

    private static IPAddress? AddressOf(Uri uri) =>
        uri.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
        : IPAddress.TryParse(uri.DnsSafeHost, out var address) ? address
        : null;
}
