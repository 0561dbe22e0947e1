namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Settings of the command line as the configuration reads them.</summary>
internal static class SettingArguments
{
    /// <summary><c>Section__Key=value</c> or <c>Section:Key=value</c> as <c>--Section:Key=value</c>.</summary>
    public static string[] Of(IEnumerable<string> settings) =>
        [.. settings.Select(setting => "--" + setting.Replace("__", ":", StringComparison.Ordinal))];
}
