namespace ReadStateStream.QueryApi.Settings;

/// <summary>Section <c>Listen</c>: where the API listens.</summary>
internal sealed class ListenOptions
{
    public const string Section = "Listen";

    /// <summary>Absolute http URL; port 0 takes any free port. Loopback by default: whoever opens it puts an authenticating proxy before it.</summary>
    public string Url { get; set; } = "http://127.0.0.1:7072";

    /// <summary>Settings out of range, each with its name and range.</summary>
    public IEnumerable<string> Errors()
    {
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/")
            yield return $"Listen__Url must be an http URL of a host and a port, such as http://127.0.0.1:7072 (it is '{Url}')";
        else if (url.Port == 0 && url.HostNameType == UriHostNameType.Dns)
            yield return $"Listen__Url can take port 0 only with an IP address, such as http://127.0.0.1:0 (it is '{Url}')";
    }
}
