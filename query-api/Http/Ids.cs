using System.Globalization;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Ids in text: decimal digits, 1 .. 2^63-1.</summary>
internal static class Ids
{
    public const ulong Max = long.MaxValue;

    /// <summary>The id, or a 400 that names the parameter.</summary>
    public static ulong Parse(string? text, string parameter) =>
        TryParse(text, out var id) && id > 0 ? id
            : throw Problems.InvalidParameter(parameter, $"{parameter} must be an id, 1 .. {Max} in decimal digits (it is '{Shorten(text)}')");

    /// <summary>The id or 0, or a 400 that names the parameter.</summary>
    public static ulong ParseOrZero(string? text, string parameter) =>
        TryParse(text, out var id) ? id
            : throw Problems.InvalidParameter(parameter, $"{parameter} must be 0 .. {Max} in decimal digits (it is '{Shorten(text)}')");

    public static string Text(ulong id) => id.ToString(CultureInfo.InvariantCulture);

    /// <summary>Null where the contract says 0 for none.</summary>
    public static string? TextOrNull(ulong id) => id == 0 ? null : Text(id);

    private static bool TryParse(string? text, out ulong id) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id) && id <= Max;

    private static string? Shorten(string? text) => text is { Length: > 40 } ? string.Concat(text.AsSpan(0, 40), "…") : text;
}
